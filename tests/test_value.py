"""Value: what may go in, how it behaves as a number and an array, what it refuses."""

from __future__ import annotations

import ast
import copy
import inspect
import math
import operator
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autograd
from autograd import Value, grad
from autograd import value as value_module


@pytest.mark.parametrize(
    ("data", "dtype", "tracked"),
    [
        (3, np.float64, True),
        (3.0, np.float64, True),
        ([1.0, 2.0], np.float64, True),
        (np.float32(3), np.float32, True),
        (np.ones(2, np.float16), np.float16, True),
        (np.int64(3), np.int64, False),
        (np.array([1, 2]), np.int64, False),
        (np.arange(3, dtype=np.uint8), np.uint8, False),
        (True, np.bool_, False),
        (np.array([True, False]), np.bool_, False),
    ],
    ids=repr,
)
def test_float_data_is_tracked_and_integer_data_is_not(data, dtype, tracked):
    v = Value(data)
    assert v.dtype == dtype
    assert v.requires_grad is tracked


def test_a_python_int_is_not_truncated():
    x = Value(3)
    (x / 2).backward()
    assert x.grad == 0.5


def test_tracking_can_be_declined():
    assert not Value(2.0, requires_grad=False).requires_grad


@pytest.mark.parametrize("data", [np.array([1, 2]), True, np.int32(4)])
def test_integers_asked_to_require_a_gradient_raise(data):
    with pytest.raises(TypeError, match=r"int|bool"):
        Value(data, requires_grad=True)


@pytest.mark.parametrize(
    "data",
    [1j, "text", None, np.array(["a"]), [object()], np.datetime64("2020-01-01"), {"a": 1}],
)
def test_data_that_is_not_real_numbers_raises(data):
    with pytest.raises(TypeError, match="real numbers"):
        Value(data)


def test_ragged_data_raises():
    with pytest.raises(ValueError, match="inhomogeneous"):
        Value([[1.0], [1.0, 2.0]])


def test_a_value_in_a_value_is_refused():
    with pytest.raises(TypeError, match="detach"):
        Value(Value(1.0))


def test_values_in_a_list_are_refused():
    with pytest.raises(TypeError, match=r"gradient"):
        Value([Value(1.0), Value(2.0)])


def test_foreign_byte_order_becomes_native():
    v = Value(np.array([1.0, 2.0], ">f8"))
    assert v.dtype.isnative
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_data_is_copied():
    a = np.ones(2)
    v = Value(a)
    a[0] = 5
    np.testing.assert_array_equal(v.data, [1, 1])


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [(1.0, 1j, "complex"), (np.int64(1), 1.5, "float64"), (True, 2, "int64"), (1.0, None, "None")],
)
def test_assigned_data_that_would_be_cut_is_refused(old, new, what):
    v = Value(old)
    with pytest.raises(TypeError, match=rf"\.data.*{what}"):
        v.data = new
    assert v.data == old


def test_read_only_data_becomes_writable():
    a = np.ones(2)
    a.flags.writeable = False
    v = Value(a)
    v.data -= 1
    np.testing.assert_array_equal(v.data, [0, 0])


BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "%": operator.mod,
    "//": operator.floordiv,
}
OTHERS = {
    "ndarray": np.array([2.0, 3.0]),
    "float32": np.float32(2),
    "float64": np.float64(2),
    "0-d": np.array(2.0),
    "float": 2.0,
    "int": 2,
    "bool": True,
    "list": [2.0, 3.0],
    "ints": np.array([2, 3]),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("op", BINARY.values(), ids=BINARY)
def test_operators_take_numbers_and_arrays_on_either_side(op, other):
    data = np.array([1.5, 2.5])
    v = Value(data)
    plain = np.asarray(other) if isinstance(other, list) else other
    for result, expected in (
        (op(v, other), op(data, plain)),
        (op(other, v), op(plain, data)),
    ):
        assert isinstance(result, Value)
        assert result.requires_grad
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.data, expected)


def test_divmod_is_the_quotient_and_the_remainder():
    data = np.array([1.5, -2.5])
    v = Value(data)
    for other in (2.0, np.array([2.0, 3.0])):
        for found, want in (
            (divmod(v, other), np.divmod(data, other)),
            (divmod(other, v), np.divmod(other, data)),
            (np.divmod(v, other), np.divmod(data, other)),
            (np.divmod(other, v), np.divmod(other, data)),
        ):
            for part, same in zip(found, want, strict=True):
                np.testing.assert_array_equal(part.data, same)
    quotient, remainder = divmod(v, 2.0)
    np.testing.assert_array_equal(grad(np.sum(quotient + remainder * data), v), data)


@pytest.mark.parametrize("op", [operator.xor, operator.lshift, operator.rshift])
def test_bit_operations_of_integers_give_plain_arrays(op):
    data = np.array([1, 6])
    for found, want in ((op(Value(data), 2), op(data, 2)), (op(2, Value(data)), op(2, data))):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, want)
    with pytest.raises(TypeError, match="not supported"):
        op(Value(1.0), 2)


@pytest.mark.parametrize("left", [True, False])
def test_matmul_takes_arrays_and_lists_on_either_side(left, rng):
    a, b = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    for other in (a, a.tolist()):
        result = other @ Value(b) if left else Value(b) @ other
        assert isinstance(result, Value)
        np.testing.assert_allclose(result.data, a @ b if left else b @ a)


@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs], ids=["-", "+", "abs"])
def test_unary_operators(op):
    np.testing.assert_array_equal(op(Value([-1.0, 2.0])).data, op(np.array([-1.0, 2.0])))


COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_give_plain_arrays(op):
    data = np.array([1.0, 2.0, 3.0])
    v = Value(data)
    for other in (2.0, np.full(3, 2.0), Value(np.full(3, 2.0)), [1, 2, 4]):
        plain = other.data if isinstance(other, Value) else np.asarray(other)
        for result, expected in ((op(v, other), op(data, plain)), (op(other, v), op(plain, data))):
            assert type(result) is np.ndarray
            assert result.dtype == bool
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("op", ["__eq__", "__ne__"])
def test_equality_with_what_is_no_number_follows_numpy(op):
    answer = op == "__ne__"
    for other in (None, "text"):
        assert bool(getattr(operator, op)(Value(2.0), other)) is answer


def test_values_hash_by_identity():
    a, b = Value(2.0), Value(2.0)
    assert len({a, b, a}) == 2
    table = {a: "a", b: "b"}
    assert table[a] == "a"
    assert table[b] == "b"


def test_iteration_gives_rows_that_are_tracked():
    v = Value([[1.0, 2.0], [3.0, 4.0]])
    first, second = v
    np.sum(first * second * second).backward()
    np.testing.assert_array_equal(v.grad, [[9, 16], [6, 16]])


def test_a_scalar_is_not_iterable():
    with pytest.raises(TypeError, match="iterate"):
        iter(Value(2.0))


def test_a_value_has_a_length_and_a_truth_like_its_array():
    assert len(Value([1.0, 2.0, 3.0])) == 3
    assert bool(Value(1.0)) is True
    assert bool(Value(0.0)) is False
    with pytest.raises(TypeError):
        len(Value(1.0))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Value([1.0, 2.0]))


def test_a_scalar_converts_to_python_numbers():
    v = Value(2.75)
    assert v.item() == 2.75
    assert round(v) == 3
    assert type(v.item()) is float
    with autograd.no_grad():
        assert float(v) == 2.75
        assert int(v) == 2
        assert type(float(v)) is float


@pytest.mark.parametrize(
    "leak",
    [
        float,
        int,
        math.sin,
        np.float64,
        lambda v: np.zeros(3).__setitem__(0, v),
        lambda v: np.zeros(3).__iadd__(np.fromiter([v], float)),
    ],
)
def test_a_tracked_number_that_leaves_the_graph_is_told_of(leak):
    with pytest.warns(UserWarning, match=r"becomes a Python (float|int), which has no gradient"):
        leak(Value(2.75))
    leak(Value(2.75, requires_grad=False))


@pytest.mark.parametrize("wrong", ["False", 0, 1, [True]])
def test_flags_are_true_or_false(wrong):
    v = Value([1.0, 2.0])
    for call in (
        lambda: Value(1.0, wrong),
        lambda: v.requires_grad_(wrong),
        lambda: np.sum(v * v).backward(retain_graph=wrong),
        lambda: autograd.grad(np.sum(v * v), v, create_graph=wrong),
        lambda: autograd.grad(np.sum(v * v), v, allow_unused=wrong),
    ):
        with pytest.raises(TypeError, match="must be True or False"):
            call()
    assert v.grad is None


def test_an_integer_value_is_an_index():
    assert [10, 20, 30][Value(np.int64(1))] == 20
    with pytest.raises(TypeError):
        [10, 20, 30][Value(1.0)]


def test_a_scalar_formats_like_its_number():
    v = Value(2.34567)
    assert f"{v:.3f}" == "2.346"
    assert f"{v:>8.2f}" == "    2.35"
    assert f"{v}" == str(v)


def test_repr_shows_data_dtype_name_and_op():
    assert repr(Value(2.0)) == "Value(2.)"
    assert repr(Value([1.0, 2.0], name="w")) == "Value([1., 2.], name='w')"
    assert repr(Value(np.float32(2))) == "Value(2., dtype=float32)"
    assert repr(Value(2.0) * 3) == "Value(6., op='multiply')"


def test_repr_of_a_large_value_is_short():
    assert len(repr(Value(np.zeros((1000, 1000))))) < 300


def test_shape_attributes_are_those_of_the_array():
    v = Value(np.zeros((2, 3), np.float32))
    assert (v.shape, v.ndim, v.size, v.dtype) == ((2, 3), 2, 6, np.float32)


def test_item_of_several_elements_raises():
    with pytest.raises(ValueError, match="size 1"):
        Value([1.0, 2.0]).item()


def test_detach_gives_an_untracked_copy():
    v = Value([1.0, 2.0], name="w")
    d = (v * 2).detach()
    assert not d.requires_grad
    assert d.inputs == ()
    np.testing.assert_array_equal(d.data, [2.0, 4.0])
    assert not np.shares_memory(v.detach().data, v.data)


def test_astype_converts_and_is_differentiable():
    v = Value([1.0, 2.0])
    w = v.astype(np.float32)
    assert w.dtype == np.float32
    np.sum(w * w).backward()
    assert v.grad.dtype == np.float64
    np.testing.assert_array_equal(v.grad, [2.0, 4.0])


def test_astype_to_integers_is_no_longer_tracked():
    assert not Value([1.5]).astype(int).requires_grad


def test_the_transpose_is_differentiable():
    v = Value(np.arange(6.0).reshape(2, 3))
    weights = np.arange(6.0).reshape(3, 2)
    np.sum(v.T * weights).backward()
    np.testing.assert_array_equal(v.grad, weights.T)


def test_the_data_of_a_result_is_read_only():
    y = Value([1.0, 2.0]) * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5
    with pytest.raises(TypeError, match="multiply"):
        y.data = np.zeros(2)


def test_assigning_data_keeps_dtype_and_copies():
    v, new = Value(np.zeros(2, np.float32)), np.array([1.0, 2.0])
    v.data = new
    new[0] = 9
    assert v.dtype == np.float32
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_assigning_data_of_another_shape_raises_and_changes_nothing():
    v = Value([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        v.data = np.zeros(3)
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_assigning_a_value_to_data_raises():
    with pytest.raises(TypeError, match=r"\.data"):
        Value(1.0).data = Value(2.0)


def test_items_are_not_assignable_and_the_error_names_the_alternative():
    v = Value([1.0, 2.0])
    with pytest.raises(TypeError, match="index_update"):
        v[0] = 5.0
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_augmented_assignment_rebinds():
    v = w = Value([1.0, 2.0])
    w += 1
    assert w is not v
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_an_array_does_not_swallow_a_tracked_value():
    with pytest.raises(TypeError, match=r"\.data"):
        np.asarray(Value([1.0, 2.0]))


def test_an_untracked_value_becomes_an_array():
    v = Value(np.array([1, 2]))
    np.testing.assert_array_equal(np.asarray(v), [1, 2])
    assert np.asarray(v, dtype=float).dtype == float


@pytest.mark.parametrize("write", [operator.iadd, operator.imul], ids=["+=", "*="])
def test_writing_a_value_into_an_array_raises_and_changes_nothing(write):
    a = np.ones(2)
    with pytest.raises(TypeError):
        write(a, Value([1.0, 2.0]))
    np.testing.assert_array_equal(a, [1, 1])


def test_an_out_argument_is_refused():
    a = np.ones(2)
    with pytest.raises(TypeError, match="out"):
        np.exp(Value([1.0, 2.0]), out=a)
    np.testing.assert_array_equal(a, [1, 1])


def test_storing_a_tracked_value_in_an_array_raises():
    a = np.ones(2)
    with pytest.raises(TypeError, match=r"\.data"):
        a[:] = Value([2.0, 3.0])
    np.testing.assert_array_equal(a, [1, 1])


UNSUPPORTED = {
    "numpy.fft.fft": lambda v: np.fft.fft(v),
    "numpy.interp": lambda v: np.interp(v, [0, 1], [0, 1]),
    "numpy.convolve": lambda v: np.convolve(v, v),
    "numpy.frexp": lambda v: np.frexp(v),
    "numpy.i0": lambda v: np.i0(v),
    "numpy.linalg.eig": lambda v: np.linalg.eig(v),
}


@pytest.mark.parametrize(("name", "call"), UNSUPPORTED.items(), ids=UNSUPPORTED)
def test_a_numpy_function_without_a_row_raises_and_is_named(name, call):
    with pytest.raises(TypeError, match=rf"{name}\b"):
        call(Value([1.0, 2.0]))


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer", "reduceat", "at"])
def test_ufunc_methods_raise_and_name_themselves(method):
    args = {"outer": ([1.0],), "reduceat": ([0],), "at": ([0], 1.0)}.get(method, ())
    with pytest.raises(TypeError, match=rf"numpy\.add\.{method}"):
        getattr(np.add, method)(Value([1.0, 2.0]), *args)


def test_a_deep_copy_is_a_leaf_of_its_own():
    v = Value([1.0, 2.0], name="w")
    np.sum(v * v).backward()
    w = copy.deepcopy(v)
    w.data += 1
    w.grad += 1
    assert w.name == "w"
    np.testing.assert_array_equal(v.data, [1.0, 2.0])
    np.testing.assert_array_equal(v.grad, [2.0, 4.0])


def test_a_deep_copy_of_a_result_raises():
    with pytest.raises(RuntimeError, match="detach"):
        copy.deepcopy(Value(1.0) * 2)


def test_a_shallow_copy_is_not_half_a_graph():
    v = Value([1.0, 2.0])
    w = copy.copy(v)
    w.data = [5.0, 6.0]
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {n}": lambda x, n=n: pickle.loads(pickle.dumps(x, n))
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "buffers": lambda x: pickle.loads(
        pickle.dumps(x, 5, buffer_callback=(kept := []).append), buffers=[bytes(b) for b in kept]
    ),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_shares_no_memory_and_is_no_older_than_its_graph(copied):
    v = Value([1.0, 2.0], name="w")
    v.data = v.data * 3
    np.sum(v * v).backward()
    w = copied(v)
    assert (w.name, w.op, w.requires_grad, type(w)) == ("w", None, True, Value)
    np.testing.assert_array_equal(w.data, [3.0, 6.0])
    np.testing.assert_array_equal(w.grad, [6.0, 12.0])
    y = np.sum(v * v)
    w.data -= 1  # is no write to v
    w.grad += 1
    y.backward()
    np.testing.assert_array_equal(v.grad, [12.0, 24.0])
    np.testing.assert_array_equal(grad(np.sum(w * w), w), [4.0, 10.0])


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_keeps_what_a_subclass_adds(copied):
    v = Marked([1.0], requires_grad=False)
    v.mark = "x"
    w = copied(v)
    assert (type(w), w.mark, w.requires_grad) == (Marked, "x", False)


class Marked(Value):
    pass


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_result_is_refused(copied):
    v = Value([1.0, 2.0])
    for result in (v * 2, np.linalg.qr(np.outer(v, v)).Q):
        with pytest.raises(RuntimeError, match=r"detach"):
            copied(result)
    assert copied((v * 2).detach()).op is None
    assert copied(Value(np.arange(2)) * 2).op is None  # integers have no graph


def test_a_leaf_that_was_written_to_is_differentiable_in_another_process(tmp_path):
    v = Value([1.0, 2.0])
    for _ in range(5):
        v.data = v.data + 1
    file = tmp_path / "value.pickle"
    file.write_bytes(pickle.dumps(v))
    code = (
        "import pickle, sys, numpy as np; v = pickle.load(open(sys.argv[1], 'rb'))\n"
        "y = np.sum(v * v); y.backward(retain_graph=True); print(v.grad)\n"
        "v.data = v.data * 1\n"
        "y.backward()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False
    )
    assert run.stdout == "[12. 14.]\n"
    assert "was written to" in run.stderr


F32, F64 = np.ones(2, np.float32), np.ones(2)


@pytest.mark.parametrize(
    ("f", "dtype"),
    [
        (lambda v: v * 2.0, np.float32),
        (lambda v: 2 / v, np.float32),
        (lambda v: v**2, np.float32),
        (lambda v: 2**v, np.float32),
        (lambda v: v + True, np.float32),
        (lambda v: v * np.float32(2), np.float32),
        (lambda v: v * np.float16(2), np.float32),
        (lambda v: v * np.float64(2), np.float64),
        (lambda v: np.float64(2) * v, np.float64),
        (lambda v: v * F64, np.float64),
        (lambda v: F64 * v, np.float64),
        (lambda v: v * np.array(2.0), np.float64),
        (lambda v: v * np.arange(2, dtype=np.int16), np.float32),
        (lambda v: v * Value(2.0), np.float64),
        (lambda v: np.maximum(v, 0), np.float32),
        (lambda v: np.where(v > 0, v, 0.0), np.float32),
        (lambda v: np.clip(v, -1.0, 1.0), np.float32),
        (lambda v: np.exp(v), np.float32),
        (lambda v: np.sum(v), np.float32),
        (lambda v: v @ F32, np.float32),
        (lambda v: v[0] * 3.0, np.float32),
    ],
)
def test_results_have_the_dtype_that_numpy_gives(f, dtype):
    v = Value(F32)
    y = f(v)
    assert y.dtype == dtype
    np.sum(y).backward()
    assert v.grad.dtype == np.float32


def test_an_array_of_numpys_takes_a_value_on_its_right():
    v = Value([1.0, 2.0])
    y = np.array([[3.0], [4.0]]) * v
    assert isinstance(y, Value)
    assert y.shape == (2, 2)
    np.sum(y).backward()
    np.testing.assert_array_equal(v.grad, [7.0, 7.0])


def test_a_numpy_scalar_takes_a_value_on_its_right():
    v = Value(3.0)
    y = np.float64(2) * v
    assert isinstance(y, Value)
    assert grad(y, v) == 2.0


def test_an_operator_with_a_stranger_raises_and_names_the_op():
    with pytest.raises(TypeError, match="add"):
        Value(1.0) + "text"
    with pytest.raises(TypeError, match="multiply"):
        Value(1.0) * None


def test_shapes_that_do_not_broadcast_raise_with_both():
    with pytest.raises(ValueError, match=r"add.*\(2,\).*\(3,\)"):
        Value([1.0, 2.0]) + np.ones(3)


def test_strangers_may_answer_for_themselves():
    class Loud:
        def __radd__(self, other):
            return "answered"

        __array_ufunc__ = None

    assert Value(1.0) + Loud() == "answered"


def test_array_methods_are_those_of_numpy():
    v = Value(np.arange(6.0).reshape(2, 3))
    assert v.reshape(3, 2).shape == v.reshape((3, 2)).shape == (3, 2)
    assert v.transpose().shape == v.transpose(1, 0).shape == (3, 2)
    assert v.sum(axis=1, keepdims=True).shape == (2, 1)
    assert v.argmax() == 5


def declared():
    """The names that value.py declares for type checkers only."""
    tree = ast.parse(inspect.getsource(value_module))
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Value")
    blocks = [
        n
        for n in cls.body
        if isinstance(n, ast.If) and isinstance(n.test, ast.Name) and n.test.id == "TYPE_CHECKING"
    ]
    names = set()
    for node in (n for block in blocks for n in block.body):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.update(t.id for t in node.targets)
    return names


def written():
    """The names that the class body of Value, or Python, defines."""
    tree = ast.parse(inspect.getsource(value_module))
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Value")
    names = {"__module__", "__doc__", "__slots__", "__slotnames__"}
    for node in cls.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(t.id for t in node.targets)
    return names


def test_the_names_declared_for_type_checkers_are_those_that_ops_bind():
    bound = (
        set(vars(Value))
        - written()
        - {"__annotations__", "__firstlineno__", "__static_attributes__"}
    )
    assert sorted(declared()) == sorted(bound)


def test_every_public_name_of_value_is_documented():
    undocumented = [
        name
        for name, member in vars(Value).items()
        if not name.startswith("_") and not inspect.getdoc(member)
    ]
    assert undocumented == []


def test_autograd_and_its_value_are_one():
    assert autograd.Value is Value


def test_a_complex_gradient_is_refused():
    y = Value([1.0, 2.0]) * 2
    with pytest.raises(TypeError, match="must be real numbers"):
        y.backward(np.array([1j, 2]))


@pytest.mark.parametrize("data", [2, [2, 3], [[1, 2], [3, 4]], (1, 2), [(1,), (2,)]])
def test_python_ints_become_floats_and_are_tracked(data):
    v = Value(data)
    assert v.dtype == np.float64
    assert v.requires_grad
    np.testing.assert_array_equal(v.data, data)


@pytest.mark.parametrize("data", [np.array([2, 3]), [np.int64(2), np.int64(3)], [True, False], []])
def test_numpys_integers_and_bools_stay_and_are_not_tracked(data):
    v = Value(data)
    assert v.dtype == np.asarray(data).dtype
    assert v.requires_grad == (v.dtype.kind == "f")


def test_backward_names_integers_among_what_is_not_tracked():
    with pytest.raises(RuntimeError, match="Values of integers"):
        (Value(np.array([2, 3])) * Value(np.array([1, 2]))).sum().backward()
