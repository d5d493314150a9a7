"""Values beside arrays of NumPy, pandas and SciPy: the right numbers, or refused by name."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, grad
from autograd.dispatch import _SPECIAL, array_of
from autograd.op import ROWS

W = Value([1.0, 2.0])
MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
MATRIX = np.eye(2).view(np.matrix)
OPERATORS = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
    *(operator.floordiv, operator.mod, operator.matmul),
]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_refuse_a_masked_array_on_either_side(op):
    for call in (lambda: op(W, MASKED), lambda: op(MASKED, W)):
        with pytest.raises(TypeError, match=r"mask.*filled"):
            call()


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_refuse_a_matrix_on_either_side(op):
    for call in (lambda: op(W, MATRIX), lambda: op(MATRIX, W)):
        with pytest.raises(TypeError, match=r"np\.matrix.*np\.asarray|exponent must be an integer"):
            call()


def test_comparisons_with_a_masked_array_are_masked_or_refused():
    assert (W < MASKED).mask.tolist() == [False, True]
    with pytest.raises(TypeError, match=r"numpy\.ma"):
        MASKED < W  # noqa: B015 - it raises


MIXED = {
    "Value": lambda x: Value(x),
    "Value of a list": lambda x: Value([x, x]),
    "Parameter": lambda x: nn.Parameter(x),
    "Buffer": lambda x: nn.Buffer(x),
    "np.multiply": lambda x: np.multiply(x, W),
    "np.maximum": lambda x: np.maximum(W, x),
    "np.dot": lambda x: np.dot(W, x),
    "np.einsum": lambda x: np.einsum("i,...i->", W, x),
    "np.concatenate": lambda x: np.concatenate([x.ravel(), W]),
    "np.stack": lambda x: np.stack([W, x]),
    "np.clip": lambda x: np.clip(W, x, 3.0),
    "a list": lambda x: W * [x, x],
    "backward": lambda x: (W * 1.0).backward(x),
    "grad": lambda x: grad(W * 1.0, W, x),
    ".data": lambda x: setattr(Value(np.ones(x.shape)), "data", x),
    "load_state_dict": lambda x: nn.PReLU(2).load_state_dict({"weight": x}),
    "a buffer": lambda x: setattr(nn.BatchNorm1d(2), "running_mean", x),
    "a metric": lambda x: nn.metrics.accuracy(np.eye(2), x),
    "mse_loss": lambda x: nn.functional.mse_loss(W, x),
    "linear": lambda x: nn.functional.linear(x, Value(np.eye(2))),
}


@pytest.mark.parametrize("call", MIXED.values(), ids=MIXED)
@pytest.mark.parametrize(
    ("x", "what"), [(MASKED, "mask"), (MATRIX, "matrix")], ids=["ma", "matrix"]
)
def test_functions_refuse_masked_arrays_and_matrices(call, x, what):
    with pytest.raises(TypeError, match=what):
        call(x)


MASK = np.ma.array([True, True], mask=[False, True])
MASKS = {
    "index": lambda: W[MASK],
    "index in a tuple": lambda: W[(MASK,)],
    "where": lambda: np.where(MASK, W, 0.0),
    "take": lambda: np.take(W, np.ma.array([0, 1], mask=[False, True])),
    "cross_entropy": lambda: nn.functional.cross_entropy(
        Value(np.eye(2)), np.ma.array([0, 1], mask=[False, True])
    ),
    "embedding": lambda: nn.functional.embedding(
        np.ma.array([0, 1], mask=[False, True]), Value(np.eye(2))
    ),
}


@pytest.mark.parametrize("call", MASKS.values(), ids=MASKS)
def test_masked_indices_and_masks_are_refused(call):
    with pytest.raises(TypeError, match="mask of a masked array"):
        call()


class Meters(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented


def test_an_array_with_a_unit_is_refused_and_a_mapped_file_is_not(tmp_path):
    lengths = np.ones(2).view(Meters)
    for call in (lambda: W * lengths, lambda: lengths * W, lambda: Value(lengths)):
        with pytest.raises(TypeError, match=r"Meters.*np\.asarray"):
            call()
    mapped = np.memmap(tmp_path / "x", float, "w+", shape=2)
    mapped[:] = 3.0
    np.testing.assert_array_equal((W * mapped).data, 3 * W.data)


def test_numpy_ma_does_not_take_the_numbers_out_of_a_value():
    for call in (
        lambda: np.ma.multiply(MASKED, W),
        lambda: np.ma.exp(W),
        lambda: np.ma.sum(W),
        lambda: operator.iadd(MASKED.copy(), W),
        lambda: operator.setitem(MASKED.copy(), 0, W[0]),
    ):
        with pytest.raises(TypeError):
            call()


def maskable(x):
    return isinstance(x, np.ndarray) and x.size > 0


def masked(x):
    mask = np.zeros(x.shape, bool)
    mask.flat[0] = True
    return np.ma.array(x, mask=mask)


def calls_with_a_mask(op):
    """Sample calls of an op with one argument masked and another one tracked."""
    for args, kwargs in op.samples(np.random.default_rng(0)):
        for i, x in enumerate(args):
            if not maskable(x):
                continue
            others = [j for j, y in enumerate(args) if j != i and maskable(y) and y.dtype == float]
            for j in others[:1]:
                mixed = list(args)
                mixed[i], mixed[j] = masked(x), Value(args[j])
                yield mixed, kwargs


@pytest.mark.parametrize(
    "op", [op for op in ROWS if any(calls_with_a_mask(op))], ids=lambda op: op.name
)
def test_every_op_refuses_a_masked_argument(op):
    for args, kwargs in calls_with_a_mask(op):
        with pytest.raises(TypeError, match=r"mask of a masked array|no gradient is defined"):
            op(*args, **kwargs)


STRANGE = {
    "text": "abc",
    "texts": ["a", "b"],
    "dict": {},
    "set": {1.0},
    "generator": (i for i in ()),
    "timedelta": np.timedelta64(1, "s"),
}


@pytest.mark.parametrize("x", STRANGE.values(), ids=STRANGE)
def test_what_is_no_array_of_numbers_is_named(x):
    with pytest.raises(TypeError, match=rf"add: a {type(x).__name__}\b.*not an array of numbers"):
        W + x


@pytest.fixture
def sparse():
    return pytest.importorskip("scipy.sparse", reason="the matrices are SciPy's")


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array", "coo_array"])
def test_sparse_matrices_are_refused_with_the_cure(sparse, kind):
    s, v = getattr(sparse, kind)(np.eye(2)), Value(np.ones((2, 2)))
    for call in (
        lambda: v @ s,
        lambda: s @ v,
        lambda: v * s,
        lambda: s * v,
        lambda: v + s,
        lambda: s + v,
        lambda: np.dot(v, s),
    ):
        with pytest.raises(TypeError, match="toarray"):
            call()
    np.testing.assert_array_equal(grad(np.sum(v @ s.toarray()), v), np.ones((2, 2)))


@pytest.mark.parametrize("name", _SPECIAL)
def test_a_ufunc_of_scipy_is_named_with_what_takes_values(name):
    special = pytest.importorskip("scipy.special", reason="the functions are SciPy's")
    function, v, w = getattr(special, name), Value([0.3, 0.7]), Value([0.5, 1.5])
    given = [v, w][: function.nin]
    write = _SPECIAL[name]
    with pytest.raises(TypeError, match=rf"scipy\.special\.{name} ") as error:
        function(*given)
    assert f"Write {write}." in str(error.value)
    names = {"np": np, "autograd": autograd, "nn": nn, "v": v, "w": w}
    found = eval(write.partition(" where")[0], names)
    np.testing.assert_allclose(found.data, function(*[x.data for x in given]), rtol=1e-12)


def test_a_ufunc_of_scipy_without_a_row_is_scipys():
    special = pytest.importorskip("scipy.special", reason="the functions are SciPy's")
    with pytest.raises(TypeError, match=r"scipy\.special\.jv has no row"):
        special.jv(1, W)


def test_a_list_of_values_is_to_be_stacked():
    for call in (lambda: np.array([W, W]), lambda: np.sum([W, W]), lambda: np.r_[W, W]):
        with pytest.raises(TypeError, match=r"np\.stack\(\[v, w\]\) or np\.concatenate"):
            call()


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="the tables are pandas'")


@pytest.mark.parametrize("op", OPERATORS[:-1], ids=lambda op: op.__name__)
def test_a_series_is_an_array_on_either_side(pandas, op):
    s, x = pandas.Series([3.0, 5.0]), np.array([3.0, 5.0])
    for found, want in ((op(s, W), op(x, W)), (op(W, s), op(W, x))):
        np.testing.assert_array_equal(found.data, want.data)
        np.testing.assert_array_equal(grad(np.sum(found), W), grad(np.sum(want), W))


def test_a_data_frame_is_an_array_on_either_side(pandas):
    x = np.arange(4.0).reshape(2, 2)
    table = pandas.DataFrame(x)
    for found, want in (
        (table * Value(2.0), x * 2),
        (Value(2.0) * table, x * 2),
        (table - W, x - W.data),
        (W @ table, W.data @ x),
        (np.multiply(table, W), x * W.data),
    ):
        assert found.requires_grad
        np.testing.assert_array_equal(found.data, want)


def test_plain_arrays_pass_as_they_are():
    x = np.arange(3.0)
    assert array_of(x, "x") is x
    assert array_of([1, 2], "x").dtype == np.int64


def test_a_value_without_gradient_is_handed_out_and_not_copied():
    v = Value([1.0, 2.0], requires_grad=False)
    for x in (v, Value(np.arange(3)), Value(3.0, requires_grad=False), Value([True, False])):
        found = np.from_dlpack(x)
        np.testing.assert_array_equal(found, x.data)
        assert found.dtype == x.dtype
    assert np.shares_memory(np.from_dlpack(v), v.data)
    assert v.__dlpack_device__() == v.data.__dlpack_device__() == W.__dlpack_device__()


@pytest.mark.parametrize("v", [W, W * 2, Value(1.0)])
def test_a_gradient_does_not_get_lost_in_another_library(v):
    with pytest.raises(BufferError, match=r"its gradient would be lost. Pass v\.data"):
        np.from_dlpack(v)
    np.testing.assert_array_equal(np.from_dlpack(v.detach()), v.data)


def test_what_another_library_writes_into_a_value_is_noticed():
    v = Value([1.0, 2.0], requires_grad=False)
    view = np.from_dlpack(v.data)
    loss = np.sum(v * W)
    view[:] = 0
    with pytest.raises(RuntimeError, match="written to"):
        loss.backward()


@pytest.mark.torch
def test_torch_is_given_the_array_of_a_value():
    import torch

    for v in (Value(1.0), Value([1.0, 2.0])):
        for take in (torch.tensor, torch.as_tensor, torch.from_dlpack):
            with pytest.raises(BufferError, match=r"torch\.tensor.*v\.data"):
                take(v)
            torch.testing.assert_close(take(v.detach()), torch.from_numpy(v.data))
    shared = torch.as_tensor(v := Value([1.0, 2.0], requires_grad=False))
    shared[0] = 5
    assert v.data.tolist() == [5, 2]
    found = torch.ones(2, dtype=torch.float64) * W
    np.testing.assert_array_equal(grad(np.sum(found * W), W), 2 * W.data)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, objects: x * objects,
        lambda x, objects: objects * x,
        lambda x, objects: np.maximum(x, objects),
        lambda x, objects: np.where([True, False], x, objects),
        lambda x, objects: np.stack([x, objects]),
        lambda x, objects: x @ objects,
    ],
)
@pytest.mark.parametrize("numbers", [[1.0, 2.0], None])
def test_an_array_of_objects_does_not_take_a_gradient_away(f, numbers):
    x, objects = Value([1.0, 2.0]), np.empty(2, object)
    objects[0], objects[1] = numbers or Value([3.0, 4.0])
    with pytest.raises(TypeError, match=r"of objects make numbers, \.astype\(float\), or one"):
        f(x, objects)


def test_none_does_not_become_an_element_of_a_value():
    with pytest.raises(TypeError, match="where: the result is object"):
        np.where([True, False], Value([1.0, 2.0]), None)


@pytest.mark.parametrize(
    ("f", "cure"),
    [
        (lambda v: np.bincount([0, 1, 1], weights=v), "index_add"),
        (lambda v: np.bincount([0, 1, 1], v), "index_add"),
        (lambda v: np.histogram([0.0, 1.0, 2.0], weights=v), "index_add"),
        (lambda v: np.heaviside([0.0, 1.0, 0.0], v), "np.where"),
        (lambda v: np.full_like(v, v[0]), "np.broadcast_to"),
    ],
)
def test_weights_of_a_function_of_steps_keep_their_gradient_or_are_refused(f, cure):
    with pytest.raises(TypeError, match=f"is a Value, whose gradient would be lost.*{cure}"):
        f(Value([1.0, 2.0, 3.0]))


def test_weights_without_a_gradient_are_counted():
    v = Value([1.0, 2.0, 3.0], requires_grad=False)
    np.testing.assert_array_equal(np.bincount([0, 1, 1], v), [1.0, 5.0])
    np.testing.assert_array_equal(np.heaviside([0.0, 1.0, -1.0], v), [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(np.histogram([0.0, 1.0, 1.0], 2, weights=v)[0], [1.0, 5.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda v, m: np.average(v, weights=m),
        lambda v, m: np.compress(m > 1, v),
        lambda v, m: np.extract(m > 1, v),
        lambda v, m: np.delete(v, m.astype(int) - 1),
    ],
)
def test_the_mask_of_weights_conditions_and_positions_is_not_lost(f):
    with pytest.raises(TypeError, match="the mask of a masked array would be lost"):
        f(Value([1.0, 2.0, 3.0]), np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]))
