"""The matrix product against NumPy's."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from autograd.machine import choice
from autograd.machine.matmul import DEPTH, matmul, product

EDGES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 40)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def whole(rng, *shape):
    """Small integers: every product of them is exact, in any order."""
    return rng.integers(-4, 5, shape)


@DTYPES
@pytest.mark.parametrize("layout", ["NN", "NT", "TN", "TT"])
def test_every_edge_is_exact(rng, dtype, layout):
    for m, n, k in itertools.product(EDGES, EDGES, (1, 5, 16, DEPTH + 1)):
        a, b = whole(rng, m, k).astype(dtype), whole(rng, k, n).astype(dtype)
        a = np.asfortranarray(a) if layout[0] == "T" else a
        b = np.asfortranarray(b) if layout[1] == "T" else b
        assert np.array_equal(matmul(a, b), a @ b), (m, n, k)


@DTYPES
@pytest.mark.parametrize("shape", [(600, 500, 40), (40, 900, 600), (1, 700, 3000), (3000, 400, 1)])
def test_large_products_are_exact_at_any_number_of_threads(rng, threads, dtype, shape):
    m, k, n = shape
    a, b = whole(rng, m, k).astype(dtype), whole(rng, n, k).astype(dtype).T
    for count in (1, 2, 3, 4):
        threads(count)
        assert np.array_equal(matmul(a, b), a @ b)


@DTYPES
def test_a_large_transposed_factor_is_packed_exactly(rng, threads, dtype):
    a, b = whole(rng, 400, 1100).astype(dtype).T, whole(rng, 400, 900).astype(dtype)
    for count in (1, 2):
        threads(count)
        assert np.array_equal(matmul(a, b), a @ b)


@DTYPES
def test_the_bits_do_not_depend_on_the_number_of_threads(rng, threads, dtype):
    for m, k, n in ((300, 500, 400), (2000, 300, 20)):
        a = rng.standard_normal((m, k)).astype(dtype)
        b = rng.standard_normal((k, n)).astype(dtype)
        results = []
        for count in (1, 2, 3, 4):
            threads(count)
            results.append(matmul(a, b).tobytes())
        assert len(set(results)) == 1


def test_the_error_is_that_of_a_sum_in_order(rng):
    a, b = rng.standard_normal((64, 2000)), rng.standard_normal((2000, 64))
    single = matmul(a.astype(np.float32), b.astype(np.float32))
    bound = np.abs(a) @ np.abs(b) * 2e-6
    assert (np.abs(single - a @ b) < bound).all()


@DTYPES
def test_strides_of_any_kind(rng, dtype):
    a, b = whole(rng, 40, 60).astype(dtype), whole(rng, 60, 50).astype(dtype)
    views = (
        (a[::2, ::3], b[::3, ::2]), (a[::-1], b[:, ::-1]), (a[:, 10:20], b[30:40, 5:]),
        (a.T[20:40], b.T[:40].T[:40]), (np.broadcast_to(a[:1], (9, 60)), b),
    )  # fmt: skip
    for x, y in views:
        assert np.array_equal(matmul(x, y), x @ y)


def test_a_read_only_factor_needs_no_kernel_of_its_own():
    a = np.ones((9, 9))
    matmul(a, a)
    before = len(product.signatures)
    assert (matmul(np.broadcast_to(1.0, (9, 9)), np.broadcast_to(a[0], (9, 9))) == 9).all()
    assert len(product.signatures) == before


def test_stacks_broadcast_and_transpose(rng):
    a, b = whole(rng, 2, 3, 5, 6).astype(np.float32), whole(rng, 4, 6, 3, 7).astype(np.float32)
    heads = b.transpose(0, 2, 1, 3)  # as in attention: (4, 3, 6, 7), not contiguous
    for x, y in (
        (a[0], heads), (a[:, :1], heads[0]), (a[0, 0], heads), (a, heads[0, 0]), (a[:1, :1], heads),
        (heads[..., :5].swapaxes(-1, -2), heads), (a[0, :1], heads[0, :1]),
    ):  # fmt: skip
        assert np.array_equal(matmul(x, y), x @ y)


@pytest.mark.parametrize("shapes", [((0, 3), (3, 4)), ((2, 0), (0, 4)), ((2, 3), (3, 0)),
                                    ((0, 2, 3), (3, 4)), ((0, 2, 0), (0, 0, 4))])  # fmt: skip
def test_sizes_of_zero(shapes):
    a, b = (np.ones(shape) for shape in shapes)
    result = matmul(a, b)
    assert result.shape == (a @ b).shape
    assert not result.any()


def test_out_alpha_and_add(rng):
    a, b, c = (whole(rng, 20, 20).astype(np.float64) for _ in range(3))
    out = c.copy()
    assert matmul(a, b, out, alpha=0.5, add=True) is out
    assert np.array_equal(out, c + 0.5 * (a @ b))
    assert np.array_equal(matmul(a, b.T, out, alpha=-2), -2 * (a @ b.T))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_stay_in_their_rows(bad):
    a = np.ones((20, 9), np.float32)
    a[3, 4] = bad
    result = matmul(a, np.ones((9, 33), np.float32))
    assert np.array_equal(result[3], np.full(33, bad, np.float32), equal_nan=True)
    assert (np.delete(result, 3, 0) == 9).all()


def test_four_threads_get_the_bits_of_one(rng, threads):
    threads(3)
    cases = []
    for _ in range(50):
        m, k, n = rng.integers(1, 200, 3)
        cases.append((rng.standard_normal((m, k)), rng.standard_normal((k, n))))
    want = [matmul(a, b) for a, b in cases]
    wrong = []

    def work():
        wrong.extend(
            i for i, (a, b) in enumerate(cases) if matmul(a, b).tobytes() != want[i].tobytes()
        )

    users = [threading.Thread(target=work) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert not wrong


@pytest.mark.parametrize(
    ("a", "b", "error", "says"),
    [
        (np.ones((2, 3)), np.ones((4, 2)), ValueError, r"share K, got \(2, 3\) and \(4, 2\)"),
        (np.ones(3), np.ones((3, 2)), ValueError, "share K"),
        (np.ones((2, 3)), np.ones((3, 2), np.float32), TypeError, "float64, float32"),
        (np.ones((2, 3), int), np.ones((3, 2), int), TypeError, "int64"),
        (np.ones((2, 2, 3)), np.ones((3, 3, 2)), ValueError, "broadcast"),
    ],
)
def test_what_does_not_go_together_is_refused(a, b, error, says):
    with pytest.raises(error, match=says):
        matmul(a, b)


@pytest.mark.parametrize(
    "out", [np.ones((2, 3)), np.ones((2, 2), np.float32), np.ones((4, 2))[::2]]
)
def test_an_out_that_does_not_fit_is_refused(out):
    with pytest.raises(ValueError, match="out must be C-contiguous"):
        matmul(np.ones((2, 3)), np.ones((3, 2)), out)


def test_the_choice_gives_the_product_whoever_computes_it(rng):
    for shapes in (
        ((3, 4), (4, 5)),
        ((90, 90), (90, 90)),
        ((90,), (90, 90)),
        ((1, 200), (200, 99)),
    ):
        a, b = (whole(rng, *shape).astype(np.float32) for shape in shapes)
        assert np.array_equal(choice.matmul(a, b), a @ b)
        assert np.array_equal(choice.matmul(a.astype(int), b), a.astype(int) @ b)


def test_plain_loops_compute_the_same():
    script = """
import numpy as np
from autograd.machine.jit import PLAIN
from autograd.machine.matmul import matmul
assert PLAIN
rng = np.random.default_rng(0)
for m, k, n in ((1, 1, 1), (9, 20, 40), (30, 400, 33), (17, 5, 16)):
    a, b = (rng.integers(-4, 5, shape).astype(np.float32) for shape in ((m, k), (n, k)))
    assert np.array_equal(matmul(a, b.T), a @ b.T)
    assert np.array_equal(matmul(a, b.T.copy(), alpha=2), 2 * (a @ b.T))
"""
    environment = {**os.environ, "GLASSGRAD_TILE": "plain"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


@pytest.mark.parametrize("shape", [(2, 1_000_000, 2), (1, 300_000, 3), (64, 65_536, 64)])
def test_long_float32_products_lose_no_digit(shape):
    m, k, n = shape
    a, b = np.full((k, m), 0.1, np.float32).T, np.full((k, n), 0.1, np.float32)
    y = choice.matmul(a, b)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, k * float(a[0, 0]) ** 2, rtol=2e-6)
