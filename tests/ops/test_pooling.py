"""Pooling against loops over its definition, at the edges, and against PyTorch."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, grad, ops
from autograd.machine import pool
from autograd.ops.pooling.avg_pool import avg_pool, avg_pool_grad
from autograd.ops.pooling.max_pool import max_pool
from autograd.ops.pooling.windows import adaptive, sliding

MAX = {r: getattr(autograd.ops, f"max_pool{r}d") for r in (1, 2, 3)}
AVG = {r: getattr(autograd.ops, f"avg_pool{r}d") for r in (1, 2, 3)}
UNPOOL = {r: getattr(autograd.ops, f"max_unpool{r}d") for r in (1, 2, 3)}


def definition(x, windows, reduce):
    """The pooling window by window; reduce takes the window's pixels and the scales' product."""
    y = np.empty((*x.shape[:2], *windows.out))
    for o in itertools.product(*map(range, windows.out)):
        part = [
            slice(*map(int, r[i]), s)
            for r, i, s in zip(windows.ranges, o, windows.steps, strict=True)
        ]
        scale = np.prod([s[i] for s, i in zip(windows.scales, o, strict=True)])
        seen = x[(..., *part)].reshape(*x.shape[:2], -1)
        y[(..., *o)] = reduce(seen, scale)
    return y


@st.composite
def calls(draw):
    rank = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, stride = each(1, 4), each(1, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = each(1, 2)
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 6))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, 3, *size)).astype(dtype)
    return x, kernel, stride, padding, dilation, draw(st.booleans())


@settings(max_examples=100, deadline=None, derandomize=True)
@given(calls())
def test_the_maximum_is_that_of_the_window(call):
    x, *how = call
    windows = sliding(x.shape[2:], *how)
    expected = definition(x, windows, lambda seen, _: seen.max(axis=-1, initial=-np.inf))
    np.testing.assert_array_equal(MAX[x.ndim - 2](x, *how), expected)


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (2, 2)])
@pytest.mark.parametrize("divisor", [None, 3])
def test_two_by_two_pixels_side_by_side(size, divisor):
    v = Value(np.random.default_rng(0).normal(size=(2, 3, *size)))
    y = ops.avg_pool2d(v, 2, divisor_override=divisor)
    part = v.data[..., : size[0] // 2 * 2, : size[1] // 2 * 2]
    blocks = part.reshape(2, 3, size[0] // 2, 2, size[1] // 2, 2)
    np.testing.assert_allclose(y.data, blocks.sum((3, 5)) / (divisor or 4), rtol=1e-12)
    np.testing.assert_array_equal(ops.max_pool2d(v, 2).data, blocks.max((3, 5)))
    g = grad(np.sum(y), v)
    assert g.sum() == pytest.approx(part.size / (divisor or 4))
    assert not g[..., part.shape[2] :, :].any()
    assert not g[..., part.shape[3] :].any()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(calls(), st.booleans())
def test_the_mean_is_that_of_the_window(call, count_include_pad):
    x, kernel, stride, padding, _, ceil_mode = call
    if any(k > n + 2 * p for k, n, p in zip(kernel, x.shape[2:], padding, strict=True)):
        return
    windows = sliding(x.shape[2:], kernel, stride, padding, 1, ceil_mode, count_include_pad)
    expected = definition(x, windows, lambda seen, scale: seen.sum(axis=-1) * scale)
    y = AVG[x.ndim - 2](x, kernel, stride, padding, ceil_mode, count_include_pad)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 9])
def test_adaptive_windows_cover_the_axis_and_are_even(parts):
    ((*ranges,),) = adaptive((7,), parts).ranges
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 7
    assert {b - a for a, b in ranges} <= {7 // parts, 7 // parts + 1, 7 // parts + 2}
    assert all(b >= c for (_, b), (c, _) in itertools.pairwise(ranges))


def test_an_adaptive_size_of_none_keeps_the_axis():
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 6))
    assert ops.adaptive_avg_pool2d(x, (None, 2)).shape == (1, 2, 4, 2)
    assert ops.adaptive_max_pool2d(x, (3, None)).shape == (1, 2, 3, 6)


@pytest.mark.parametrize("size", [2, 3])
def test_of_equals_the_first_gets_the_gradient(size):
    v = Value(np.zeros((1, 1, size, size)))
    g = grad(np.sum(ops.max_pool2d(v, size)), v)
    assert g[0, 0, 0, 0] == g.sum() == 1


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("k", range(4))
def test_nan_counts_as_the_largest_and_gets_the_gradient(size, k):
    x = np.arange(size * size, dtype=float).reshape(1, 1, size, size)
    x[0, 0, k // 2, k % 2] = np.nan
    v = Value(x)
    y = ops.max_pool2d(v, size)
    assert np.isnan(y.data).all()
    assert np.argmax(grad(np.sum(y), v)) == np.argmax(np.isnan(x))


@pytest.mark.parametrize("size", [2, 3])
def test_all_minus_infinity_still_has_a_place(size):
    y, indices = ops.max_pool2d(np.full((1, 1, size, size), -np.inf), size, return_indices=True)
    assert y.item() == -np.inf
    assert indices.item() == 0


@pytest.mark.parametrize("rank", MAX)
def test_the_indices_find_the_largest_and_unpooling_puts_them_back(rank):
    x = np.random.default_rng(0).normal(size=(2, 3, *(6, 4, 8)[:rank]))
    v = Value(x)
    y, indices = MAX[rank](v, 2, return_indices=True)
    assert indices.dtype == np.int64
    found = np.take_along_axis(x.reshape(2, 3, -1), indices.reshape(2, 3, -1), -1)
    np.testing.assert_array_equal(found, y.data.reshape(2, 3, -1))
    back = UNPOOL[rank](y, indices, 2)
    np.testing.assert_array_equal(back.data, np.where(back.data == x, x, 0))
    assert np.count_nonzero(back.data) == y.size
    np.testing.assert_array_equal(grad(np.sum(back * 2), y), np.full(y.shape, 2.0))
    plain, same = MAX[rank](x, 2, return_indices=True)
    np.testing.assert_array_equal(plain, y.data)
    np.testing.assert_array_equal(same, indices)


def test_an_output_size_chooses_among_the_inputs_of_a_pooling():
    x = np.random.default_rng(0).normal(size=(1, 1, 5, 5))
    y, indices = ops.max_pool2d(x, 2, return_indices=True)
    assert ops.max_unpool2d(y, indices, 2, output_size=(5, 5)).shape == (1, 1, 5, 5)


@pytest.mark.parametrize("rank", MAX)
def test_an_image_alone_gives_what_it_gives_in_a_batch(rank):
    x = np.random.default_rng(0).normal(size=(3, *(6, 4, 8)[:rank]))
    for f in (MAX[rank], AVG[rank]):
        np.testing.assert_array_equal(f(x, 2), f(x[None], 2)[0])


def test_float32_and_no_images():
    x = np.zeros((0, 3, 4, 4), np.float32)
    for f in (ops.max_pool2d, ops.avg_pool2d):
        v = Value(x)
        y = f(v, 2)
        assert y.shape == (0, 3, 2, 2)
        assert y.dtype == np.float32
        assert grad(np.sum(y), v).shape == x.shape


def test_with_ceil_mode_a_window_may_be_larger_than_the_input():
    x = np.array([[[1.0, 4.0], [3.0, 2.0]]])
    assert ops.max_pool2d(x, 3, 2, ceil_mode=True).tolist() == [[[4]]]
    assert ops.avg_pool2d(x, 3, 2, ceil_mode=True).tolist() == [[[2.5]]]
    with pytest.raises(ValueError, match="reaches over 5 pixels"):
        ops.max_pool2d(x, 5, 2, ceil_mode=True)


def test_a_window_of_padding_only_is_the_maximum_of_nothing_at_every_order():
    v = Value([[[1.0]]])
    y = ops.max_pool1d(v, 2, 1, 1, 2)  # its pixels lie at -1 and 1
    assert y.data.tolist() == [[[-np.inf]]]
    for recorded in (False, True):
        assert grad(np.sum(y), v, create_graph=recorded).item() == 0


@pytest.mark.parametrize("kernel", [(600, 500), (600, 3), (2, 500)])
def test_means_of_many_pixels_lose_no_digits(kernel):
    v = Value(np.full((1, 1, 1200, 1000), 0.1, np.float32))
    y = ops.avg_pool2d(v, kernel)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, np.float32(0.1), rtol=1e-6)
    dense = Value(np.ones((1, 1, 1200, 3), np.float32))
    y = ops.avg_pool2d(dense, (600, 1), 1)  # 600 windows lie over the middle
    g = grad(y, dense, np.full(y.shape, 0.1, np.float32))
    np.testing.assert_allclose(g[0, 0, 600], np.float32(0.1), rtol=1e-6)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_bits_are_the_same_at_any_number_of_threads(threads):
    x = np.random.default_rng(0).normal(size=(16, 8, 40, 40)).astype(np.float32)
    windows = sliding((40, 40), 3, 2, 1)

    def products():
        y = max_pool.forward(x, windows)[0]
        gx = max_pool.joint(y, (True,), y, max_pool.forward(x, windows)[1], x, windows)[0]
        return y, gx, avg_pool(x, windows), avg_pool_grad(y, windows)

    before = pool.get_num_threads()
    try:
        pool.set_num_threads(1)
        alone = products()
        pool.set_num_threads(threads)
        for a, b in zip(alone, products(), strict=True):
            np.testing.assert_array_equal(a, b)
    finally:
        pool.set_num_threads(before)


X = np.zeros((1, 2, 5, 5))
REFUSED = {
    "rank": (lambda: ops.max_pool2d(X[0, 0], 2), ValueError, "must have 4 axes"),
    "kernel 0": (
        lambda: ops.max_pool2d(X, 0),
        ValueError,
        "kernel_size must be at least 1",
    ),
    "kernel 1.5": (
        lambda: ops.max_pool2d(X, 1.5),
        TypeError,
        "kernel_size must be made of",
    ),
    "kernel 6": (lambda: ops.max_pool2d(X, 6), ValueError, r"reaches over 6 pixels"),
    "dilation": (
        lambda: ops.max_pool2d(X, 3, 1, 0, 3),
        ValueError,
        "reaches over 7 pixels",
    ),
    "padding": (lambda: ops.avg_pool2d(X, 2, 1, 2), ValueError, "at most half"),
    "stride": (lambda: ops.avg_pool2d(X, 2, 0), ValueError, "stride must be at least 1"),
    "divisor": (
        lambda: ops.avg_pool2d(X, 2, divisor_override=0),
        ValueError,
        "divisor_override must not be 0",
    ),
    "parts": (lambda: ops.adaptive_avg_pool2d(X, 0), ValueError, "at least 1"),
    "three parts": (
        lambda: ops.adaptive_avg_pool2d(X, (1, 1, 1)),
        ValueError,
        "3 entries",
    ),
    "integers": (
        lambda: ops.max_pool2d(X.astype(int), 2),
        TypeError,
        "float32 or float64",
    ),
    "indices beyond": (
        lambda: ops.max_unpool2d(X, np.full(X.shape, 100), 2),
        ValueError,
        "indices must lie in",
    ),
    "float indices": (lambda: ops.max_unpool2d(X, X, 2), TypeError, "must be integers"),
    "other indices": (
        lambda: ops.max_unpool2d(X, X[:, :1].astype(int), 2),
        ValueError,
        "indices .* the same",
    ),
    "unpooled by 0": (
        lambda: ops.max_unpool2d(X, X.astype(int), 0),
        ValueError,
        "max_unpool2d: kernel_size must be at least 1",
    ),
    "unpooled away": (
        lambda: ops.max_unpool2d(X[..., :1, :1], X[..., :1, :1].astype(int), 2, 1, 2),
        ValueError,
        "leaves an output",
    ),
    "too many parts": (
        lambda: ops.adaptive_avg_pool2d(X, 2**40),
        ValueError,
        "adaptive_avg_pool2d: output_size=.* at most",
    ),
    "output size": (
        lambda: ops.max_unpool2d(X, X.astype(int), 2, output_size=(20, 20)),
        ValueError,
        "within a stride",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


def test_plain_python_computes_the_same():
    code = (
        "import numpy as np, autograd\n"
        "x = autograd.Value(np.arange(50.0).reshape(1, 2, 5, 5))\n"
        "y = autograd.ops.max_pool2d(x, 2) + autograd.ops.max_pool2d(x, 3, 2, 1)[..., :2, :2]\n"
        "z = np.sum(y) + np.sum(autograd.ops.avg_pool2d(x, 2))\n"
        "print(float(z.data), float(autograd.grad(z, x).sum()))"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    x = Value(np.arange(50.0).reshape(1, 2, 5, 5))
    y = autograd.ops.max_pool2d(x, 2) + autograd.ops.max_pool2d(x, 3, 2, 1)[..., :2, :2]
    z = np.sum(y) + np.sum(autograd.ops.avg_pool2d(x, 2))
    assert done.stdout.split() == [str(float(z.data)), str(float(grad(z, x).sum()))]


CALLS = [  # name, shape of x, arguments
    ("max_pool1d", (2, 3, 11), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("max_pool2d", (2, 3, 8, 8), {"kernel_size": 2}),
    ("max_pool2d", (2, 3, 9, 7), {"kernel_size": (3, 2), "stride": 2, "padding": 1, "dilation": 2}),
    ("max_pool3d", (1, 2, 5, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("avg_pool1d", (2, 3, 11), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
    ("avg_pool2d", (2, 3, 9, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("avg_pool2d", (2, 3, 2, 3), {"kernel_size": 5, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("max_pool2d", (2, 3, 2, 3), {"kernel_size": 4, "stride": 3, "padding": 1, "ceil_mode": True}),
    ("avg_pool2d", (2, 3, 9, 8), {"kernel_size": 3, "padding": 1, "count_include_pad": False}),
    ("avg_pool2d", (2, 3, 9, 8), {"kernel_size": 2, "divisor_override": 3}),
    ("avg_pool3d", (1, 2, 5, 6, 7), {"kernel_size": 2, "stride": 2, "padding": 1}),
    ("adaptive_avg_pool2d", (2, 3, 9, 8), {"output_size": [4, 3]}),
    ("adaptive_max_pool3d", (1, 2, 5, 6, 7), {"output_size": [2, 4, 3]}),
]

PEER = """
import json, sys
import numpy as np, torch
answers = []
for name, shape, how in json.loads(sys.argv[1]):
    x = torch.tensor(np.random.default_rng(3).normal(size=shape), requires_grad=True)
    y = getattr(torch.nn.functional, name)(x, **how)
    (y * y * y).sum().backward()
    answers.append([y.tolist(), x.grad.tolist()])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def theirs():
    """What torch answers, from a process of its own: its threads and ours do not mix."""
    for python in (os.environ.get("GLASSGRAD_TORCH_PYTHON"), sys.executable):
        command = [python, "-c", "import torch"]
        if python and not subprocess.run(command, capture_output=True, check=False).returncode:
            command = [python, "-c", PEER, json.dumps(CALLS)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)
    pytest.skip("torch is not installed; GLASSGRAD_TORCH_PYTHON may name a Python that has it")


@pytest.mark.torch
@pytest.mark.parametrize("i", range(len(CALLS)), ids=[f"{c[0]}-{c[2]}" for c in CALLS])
def test_values_and_gradients_are_torchs(theirs, i):
    name, shape, how = CALLS[i]
    x = Value(np.random.default_rng(3).normal(size=shape))
    y = getattr(autograd.ops, name)(x, **how)
    np.sum(y * y * y).backward()
    np.testing.assert_allclose(y.data, theirs[i][0], rtol=1e-12)
    np.testing.assert_allclose(x.grad, theirs[i][1], rtol=1e-12)
