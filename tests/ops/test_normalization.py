"""Normalization: kernels and NumPy against the references, torch, and PyTorch's conventions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, ops
from autograd.machine import pool
from autograd.ops.normalization import normalization
from autograd.ops.normalization.batch_norm import batch_norm_op
from autograd.ops.normalization.group_norm import group_norm_op
from autograd.ops.normalization.layer_norm import layer_norm_op, rms_norm_op


@pytest.fixture(params=["kernel", "numpy"])
def path(request, monkeypatch):
    monkeypatch.setattr(normalization, "KERNEL", 0 if request.param == "kernel" else 10**9)
    return request.param


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(normalization, "KERNEL", 0)


def drawn(shape, affine, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x, w, b = (rng.normal(size=s).astype(dtype) for s in (shape, affine, affine))
    return x + dtype(1), w, b


CALLS = {  # name -> (op, shape of x, shape of weight and bias, other arguments)
    "layer": (layer_norm_op, (5, 7), (7,), ((7,),)),
    "layer, 2 axes": (layer_norm_op, (2, 3, 4, 5), (4, 5), ((4, 5),)),
    "rms": (rms_norm_op, (5, 7), (7,), (7,)),
    "group": (group_norm_op, (3, 4, 5), (4,), (2,)),
    "group of columns": (group_norm_op, (3, 6), (6,), (2,)),
    "instance": (group_norm_op, (2, 3, 2, 5), (3,), (3,)),
    "batch": (batch_norm_op, (3, 4, 5), (4,), ()),
    "batch of columns": (batch_norm_op, (6, 3), (3,), ()),
    "batch, fixed": (batch_norm_op, (2, 3, 4), (3,), (np.ones(3), np.full(3, 2.0), False)),
    "columns, fixed": (batch_norm_op, (6, 3), (3,), (np.ones(3), np.full(3, 2.0), False)),
    "more columns": (batch_norm_op, (3, 131), (131,), ()),
}


def to_order_two(function, arrays):
    """Value, gradients, and gradients of a function of the gradients."""
    leaves = [Value(a) for a in arrays]
    y = function(*leaves)
    total = np.sum(np.sin(y))
    first = autograd.grad(total, leaves)
    again = autograd.grad(np.sum(np.sin(function(*leaves))), leaves, create_graph=True)
    second = autograd.grad(sum(np.sum(np.square(g)) for g in again), leaves, allow_unused=True)
    return [y.data, *first, *[g for g in second if g is not None]]


def same_as_reference(op, arrays, static):
    arrays = arrays[: op.arity]
    found = to_order_two(lambda *xs: op(*xs, *static), arrays)
    full = op.bound((*arrays, *static), {})[op.arity :]
    expected = to_order_two(lambda *xs: op.reference(*xs, *full), arrays)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", CALLS)
def test_equals_its_reference_to_order_two(name, path):
    op, shape, affine, static = CALLS[name]
    same_as_reference(op, drawn(shape, affine), static)


@given(
    st.sampled_from([(layer_norm_op, 1), (rms_norm_op, 1), (group_norm_op, 2), (batch_norm_op, 3)]),
    st.integers(2, 5),
    st.integers(1, 3),
    st.lists(st.integers(1, 9), min_size=0, max_size=2),
    st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_kernels_equal_references_at_any_shape(kind, rows, half, pixels, seed):
    op, _ = kind
    before, normalization.KERNEL = normalization.KERNEL, 0
    try:
        shape = (rows, 2 * half, *pixels)
        last = op in (layer_norm_op, rms_norm_op)
        affine = shape[-1:] if last else (2 * half,)
        static = (affine, 1e-2) if last else (half, 1e-2) if op is group_norm_op else ()
        same_as_reference(op, drawn(shape, affine, seed), static)
    finally:
        normalization.KERNEL = before


@pytest.mark.parametrize("name", CALLS)
def test_float32_is_close_to_float64(name, path):
    op, shape, affine, static = CALLS[name]
    arrays = drawn(shape, affine)[: op.arity]
    y = op(*[a.astype(np.float32) for a in arrays], *static)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, op(*arrays, *static), atol=2e-5)


@pytest.mark.parametrize("name", CALLS)
def test_the_bits_do_not_depend_on_threads(name, kernel, threads, monkeypatch):
    op, shape, affine, static = CALLS[name]
    monkeypatch.setattr(pool, "PIECE", 1.0)
    x, w, b = drawn((40, *shape[1:]), affine)
    bits = set()
    for n in (1, 2, 3):
        threads(n)
        arrays = (x, w, b)[: op.arity]
        y, saved = op.forward(*arrays, *static)
        full = op.bound((*arrays, *static), {})[op.arity :]
        grads = op.joint(np.cos(x), (True,) * op.arity, y, saved, *arrays, *full)
        bits.add(b"".join(a.tobytes() for a in (y, *grads)))
    assert len(bits) == 1


def test_a_large_mean_costs_no_digits(path):
    x = np.random.default_rng(0).normal(size=(4, 50)) + 1e8
    y = ops.layer_norm(x, 50)
    np.testing.assert_allclose(y.std(axis=1), 1, rtol=1e-4)
    z = ops.batch_norm(x.T.reshape(1, 50, 4) * np.ones((3, 1, 1)), training=True)
    np.testing.assert_allclose(z.std(axis=(0, 2)), 1, rtol=1e-3)


OF_ROWS = {  # each normalizes the rows of x (2, n) by themselves
    "layer": lambda x, *w: ops.layer_norm(x, x.shape[-1:]),
    "group": lambda x: ops.group_norm(x.reshape((2, 1, -1)), 1),
    "instance": lambda x: ops.instance_norm(x.reshape((2, 1, -1))),
    "batch": lambda x: ops.batch_norm(x.reshape((1, 2, -1)), training=True),
    "batch of columns": lambda x: ops.batch_norm(x.T, training=True).T,
    "layer, composed": lambda x: layer_norm_op.reference(x, None, None, x.shape[-1:], 1e-5),
    "group, composed": lambda x: group_norm_op.reference(
        x.reshape((2, 1, -1)), None, None, 1, 1e-5
    ),
}


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("n", [5, 100, 4096])
@pytest.mark.parametrize("c", [3.3, 100.3, 10000.1, 1e20, -1e-20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_numbers_become_0(name, n, c, dtype):
    y = OF_ROWS[name](np.full((2, n), c, dtype))
    np.testing.assert_allclose(y, 0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in OF_ROWS if "composed" not in name])
@pytest.mark.parametrize("n", [5, 100, 4096])
@pytest.mark.parametrize(("c", "deviation"), [(100.3, 1e-3), (10000.1, 0.1), (0, 1e20)])
def test_nearly_equal_numbers_keep_their_digits(name, n, c, deviation, rng):
    x = (c + deviation * rng.normal(size=(2, n))).astype(np.float32)
    wide = x.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    expected = wide / np.sqrt(np.square(wide).mean(axis=1, keepdims=True) + 1e-5)
    y = np.reshape(OF_ROWS[name](x), (2, n))
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize(("c", "deviation"), [(100.3, 0), (100.3, 0.01), (0, 1)])
def test_float32_gradients_are_those_of_float64(name, c, deviation, rng):
    x = (c + deviation * rng.normal(size=(2, 3000))).astype(np.float32)
    found, expected = (
        autograd.grad(np.sum(OF_ROWS[name](v) * weights.reshape(OF_ROWS[name](v).shape)), v)
        for v, weights in ((Value(x), x), (Value(x.astype(float)), x.astype(float)))
        for weights in [np.cos(np.arange(6000.0)).astype(v.dtype)]
    )
    np.testing.assert_allclose(found, expected, atol=2e-6 * abs(expected).max())


@pytest.mark.parametrize(
    "call",
    [
        lambda x, w, b: ops.layer_norm(x, 2, w, b),
        lambda x, w, b: ops.group_norm(x, 1, w, b),
        lambda x, w, b: ops.group_norm(x.reshape((-1, 2, 4)), 2, w, b),
        lambda x, w, b: ops.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: ops.batch_norm(x.reshape((4, 2, -1)), None, None, w, b, training=True),
    ],
)
def test_gradients_of_weight_and_bias_add_up_over_many_rows(call, rng):
    x = rng.normal(size=(400_000, 2))
    sums = []
    for dtype in (np.float32, np.float64):
        w, b = Value(np.ones(2, dtype)), Value(np.zeros(2, dtype))
        y = call(x.astype(dtype), w, b)
        g = np.full(y.shape, 0.1, dtype) * (1 + (np.asarray(y.data) > 0))
        sums.append(autograd.grad(y, [w, b], g))
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_spoil_their_own_group_only(bad, path):
    x = np.random.default_rng(0).normal(size=(3, 4, 6))
    x[1, 2, 3] = bad
    for group, call in (
        (np.s_[1, 2], lambda: ops.layer_norm(x, 6)),
        (np.s_[1, 2:], lambda: ops.group_norm(x, 2)),
        (np.s_[:, 2], lambda: ops.batch_norm(x, training=True)),
    ):
        with np.errstate(invalid="ignore"):  # inf - inf, where NumPy computes
            y = call()
        spoilt = np.zeros(x.shape, bool)
        spoilt[group] = True
        assert np.isnan(y[spoilt]).any()
        assert np.isfinite(y[~spoilt]).all()


def test_instance_norm_is_group_norm_of_single_channels(path):
    x, w, b = drawn((2, 3, 5), (3,))
    np.testing.assert_array_equal(ops.instance_norm(x, w, b), ops.group_norm(x, 3, w, b))


def test_running_statistics_follow_the_batch_in_place(path):
    x = np.random.default_rng(0).normal(2, 3, (8, 2, 5)).astype(np.float32)
    mean, var = np.zeros(2, np.float32), np.ones(2, np.float32)
    ops.batch_norm(x, mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean, 0.25 * x.mean((0, 2)), rtol=1e-5)
    np.testing.assert_allclose(var, 0.75 + 0.25 * x.var((0, 2), ddof=1), rtol=1e-5)


def test_inference_uses_and_keeps_the_running_statistics(path):
    x = np.random.default_rng(0).normal(size=(1, 2, 3))
    mean, var = np.array([1.0, 2.0]), np.array([4.0, 0.25])
    y = ops.batch_norm(x, mean, var, eps=0.0)
    np.testing.assert_allclose(y, (x - mean[:, None]) / [[2.0], [0.5]])
    assert mean.tolist() == [1.0, 2.0]


def test_inference_gradients_do_not_see_later_running_statistics():
    x, mean, var = Value(np.ones((2, 2, 3))), np.zeros(2), np.ones(2)
    y = ops.batch_norm(x, mean, var, eps=0.0)
    var *= 100
    g = autograd.grad(np.sum(y), x, create_graph=True)
    np.testing.assert_allclose(g if isinstance(g, np.ndarray) else g.data, 1)


def test_a_refused_call_leaves_the_running_statistics():
    mean, var = np.zeros(3), np.ones(3)
    with pytest.raises(ValueError, match="weight"):
        ops.batch_norm(np.ones((2, 3)), mean, var, np.ones(4), training=True)
    assert not mean.any()


def test_empty_batches_pass(path):
    assert ops.layer_norm(np.ones((0, 4)), 4).shape == (0, 4)
    assert ops.group_norm(np.ones((0, 4, 3)), 2).shape == (0, 4, 3)
    x = Value(np.ones((0, 4)))
    assert autograd.grad(np.sum(ops.layer_norm(x, 4)), x).shape == (0, 4)


@pytest.mark.parametrize("order", [1, 2])
def test_the_weight_of_no_numbers_has_gradient_0(order, path):
    for op, shape, static in (
        (layer_norm_op, (0, 4), (4,)),
        (group_norm_op, (2, 4, 0), (2,)),
        (batch_norm_op, (0, 4, 3), ()),
    ):
        x, w, b = Value(np.ones(shape)), Value(np.ones(4)), Value(np.ones(4))
        found = autograd.grad(np.sum(op(x, w, b, *static)), [w, b], create_graph=order == 2)
        for g in found:
            np.testing.assert_array_equal(np.asarray(g.data), np.zeros(4))


def test_a_mean_and_a_variance_of_another_dtype_are_written_to(path):
    mean, var = np.empty(3), np.empty((3, 2))[:, 0]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    batch_norm_op(x, None, None, mean, var)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(var, x.var(axis=0), rtol=1e-5)


ONES = np.ones((2, 4, 3))
REFUSALS = [
    (lambda: ops.layer_norm(ONES, 4), ValueError, r"normalized_shape \(4,\).*\(2, 4, 3\)"),
    (lambda: ops.layer_norm(ONES, ()), ValueError, "normalized_shape"),
    (
        lambda: ops.layer_norm(ONES, 3, np.ones(4)),
        ValueError,
        r"weight must .*\(3,\).*\(4,\)",
    ),
    (lambda: ops.layer_norm(np.ones((2, 3), int), 3), TypeError, "float32 or float64"),
    (
        lambda: ops.layer_norm(ONES, 3, np.ones(3, np.float32)),
        TypeError,
        "weight has dtype",
    ),
    (lambda: ops.layer_norm(ONES, 3, eps=-1), ValueError, "eps"),
    (lambda: ops.rms_norm(ONES, 3, np.ones(2)), ValueError, "weight"),
    (lambda: ops.rms_norm(None, 3), TypeError, "x must be an array"),
    (lambda: ops.layer_norm(None, 3), TypeError, "x must be an array"),
    (lambda: ops.group_norm(ONES, 3), ValueError, "num_groups=3 must divide the 4"),
    (lambda: ops.group_norm(ONES, 0), ValueError, "num_groups=0"),
    (lambda: ops.group_norm(ONES, 2.0), TypeError, "num_groups must be an integer"),
    (lambda: ops.group_norm(np.ones(3), 1), ValueError, r"\(N, C, ...\)"),
    (lambda: ops.instance_norm(np.ones((2, 3))), ValueError, "instance_norm"),
    (lambda: ops.batch_norm(ONES), ValueError, "running_mean and running_var are needed"),
    (lambda: ops.batch_norm(ONES, np.ones(4)), ValueError, "together"),
    (
        lambda: ops.batch_norm(ONES, [0.0] * 4, [1.0] * 4),
        TypeError,
        "running_mean is written",
    ),
    (lambda: ops.batch_norm(ONES, *np.ones((2, 3))), ValueError, r"running_mean .*\(4,\)"),
    (lambda: batch_norm_op(ONES, None, None, np.ones(4), np.ones(3)), ValueError, "var must have"),
    (lambda: batch_norm_op(ONES, training=False), ValueError, "a mean and a variance"),
    (lambda: ops.batch_norm(ONES[:1, :, 0], training=True), ValueError, "more than one"),
    (lambda: ops.batch_norm(ONES, training=True, momentum=2), ValueError, "momentum"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSALS)
def test_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.torch
@pytest.mark.parametrize("name", ["layer", "rms", "group", "instance", "batch", "batch of columns"])
def test_is_what_torch_computes(name, path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    F = torch.nn.functional
    op, shape, affine, static = CALLS[name]
    arrays = drawn(shape, affine)[: op.arity]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = {
        "layer": lambda x, w, b: F.layer_norm(x, (7,), w, b),
        "rms": lambda x, w: F.rms_norm(x, (7,), w),
        "group": lambda x, w, b: F.group_norm(x, 2, w, b),
        "instance": lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
        "batch": lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        "batch of columns": lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    }[name](*theirs)
    torch.sin(y).sum().backward()
    found = to_order_two(lambda *xs: op(*xs, *static), arrays)
    np.testing.assert_allclose(found[0], y.detach().numpy(), rtol=1e-9, atol=1e-9)
    for g, t in zip(found[1:], theirs, strict=False):
        np.testing.assert_allclose(g, t.grad.numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.torch
def test_running_statistics_are_torchs(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = np.random.default_rng(0).normal(size=(5, 3, 4))
    mean, var = np.zeros(3), np.ones(3)
    ops.batch_norm(x, mean, var, training=True)
    other = torch.zeros(3).double(), torch.ones(3).double()
    torch.nn.functional.batch_norm(torch.tensor(x), *other, training=True)
    np.testing.assert_allclose(mean, other[0].numpy())
    np.testing.assert_allclose(var, other[1].numpy())


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("scale", [1e20, 1e30])
@pytest.mark.parametrize("name", [name for name in CALLS if "fixed" not in name])
def test_rows_whose_squares_leave_the_range_have_their_slopes(name, scale, create_graph, path):
    op, shape, affine, others = CALLS[name]
    x, w, b = drawn(shape, affine, dtype=np.float32)
    x = x * np.float32(scale)
    arrays = (x, w) if op is rms_norm_op else (x, w, b)
    g = np.random.default_rng(1).normal(size=shape)
    found, exact = (
        autograd.grad(
            op(v := Value(x.astype(dtype)), *(a.astype(dtype) for a in arrays[1:]), *others),
            v, g.astype(dtype), create_graph=create_graph,
        )
        for dtype in (np.float32, np.float64)
    )  # fmt: skip
    found, exact = (np.asarray(getattr(v, "data", v)) for v in (found, exact))
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())


@pytest.mark.parametrize("name", ["running_mean", "running_var"])
def test_tracked_running_statistics_are_refused_where_the_result_depends_on_them(name):
    x, both = np.ones((2, 3, 2)), {"running_mean": np.zeros(3), "running_var": np.ones(3)}
    tracked = both | {name: Value(np.ones(3))}
    with pytest.raises(TypeError, match=f"batch_norm: no gradient is defined for {name}; pass"):
        nn.functional.batch_norm(x, **tracked)
    with pytest.raises(TypeError, match=f"batch_norm: no gradient is defined for {name}; pass"):
        nn.functional.instance_norm(x, **tracked, use_input_stats=False)
    assert nn.functional.batch_norm(x, **tracked, training=True).shape == (2, 3, 2)
    untracked = {key: Value(s, requires_grad=False) for key, s in both.items()}
    assert nn.functional.batch_norm(x, **untracked).shape == (2, 3, 2)
