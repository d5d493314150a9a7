import numpy as np
import pytest

from autograd import Value, grad, gradcheck, gradgradcheck
from autograd.ops.algebra.einsum import einsum_row, explicit

rng = np.random.default_rng(0)


def samples(shapes):
    return [np.asarray(rng.normal(size=s)) for s in shapes]


SUBSCRIPTS = [
    ("ij,jk", [(2, 3), (3, 2)]),
    (" i j , j -> i ", [(2, 3), (3,)]),
    ("ba", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("ijj->i", [(2, 3, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->", [(0, 3)]),
    ("ij,jk->ik", [(2, 0), (0, 3)]),
    ("ij,ij->ij", [(1, 3), (2, 1)]),
    ("i,i", [(1,), (3,)]),
    ("ii,i->", [(3, 3), (1,)]),
    ("i,j,k->kji", [(2,), (3,), (2,)]),
    ("...,...->", [(), ()]),
    ("...", [(2,)]),
    ("i...->...", [(2, 3)]),
    ("i...,i...", [(2, 3), (2,)]),
    ("...i,...->...", [(2, 3), (2,)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]),
    ("...i,...i->i...", [(3,), (2, 3)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), SUBSCRIPTS)
def test_einsum_equals_numpys_and_is_differentiable_twice(subscripts, shapes):
    xs = samples(shapes)
    y = np.einsum(subscripts, *map(Value, xs))
    np.testing.assert_allclose(y.data, np.einsum(subscripts, *xs))
    assert gradcheck(lambda *vs: np.einsum(subscripts, *vs), *xs)
    assert gradgradcheck(lambda *vs: np.einsum(subscripts, *vs), *xs)


@pytest.mark.parametrize("optimize", [False, True, "greedy", ["einsum_path", (0, 1), (0, 1)]])
def test_the_order_of_contraction_does_not_change_the_gradient(optimize):
    xs = samples([(2, 3), (3, 2), (2, 3)])
    assert gradcheck(lambda *vs: np.einsum("ij,jk,kl->il", *vs, optimize=optimize), *xs)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("...i->i", [(2, 3)]),
        ("ij->iij", [(2, 3)]),
        ("ij->iz", [(2, 3)]),
        ("ij", [(2, 3), (2, 3)]),
        ("i->i", [(2, 3)]),
        ("ij,jk", [(2, 3), (2, 3)]),
    ],
)
def test_subscripts_that_numpy_refuses_are_refused(subscripts, shapes):
    xs = samples(shapes)
    with pytest.raises(ValueError, match=r"ein|broadcast"):
        np.einsum(subscripts, *xs)
    with pytest.raises(ValueError, match="einsum"):
        np.einsum(subscripts, *map(Value, xs))


def test_lists_of_axis_numbers_are_refused():
    with pytest.raises(TypeError, match="subscripts as a string"):
        np.einsum(Value(np.eye(2)), [0, 1])


def test_an_ellipsis_becomes_letters():
    assert explicit("...ij,jk", [4, 2]) == "abij,jk->abik"


def test_the_gradient_of_einsum_is_written_in_index_notation():
    assert einsum_row.formula(0) == r"\sum_{k} {\bar y}_{ik} \, {x_1}_{jk}"


@pytest.mark.parametrize(("dtype", "n", "step"), [("e", 5000, 1.0), ("f", 1_000_000, 0.1)])
@pytest.mark.parametrize("optimize", [False, True])
def test_long_sums_lose_no_digit_either_way(dtype, n, step, optimize):
    a, v = np.full((n, 2), step, dtype), Value(np.ones(2, dtype))
    y = np.einsum("ij->j", Value(a), optimize=optimize)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, [n * step] * 2, rtol=1e-6)
    y = np.einsum("ij,j->i", a, v, optimize=optimize)
    np.testing.assert_allclose(grad(np.sum(y), v), [n * step] * 2, rtol=1e-6)
