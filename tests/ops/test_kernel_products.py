"""The three products of a convolution against einsum over shifted images, in float64."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd.machine import pool
from autograd.ops.conv import kernel_products
from autograd.ops.conv.kernel_layout import plan, plans
from autograd.ops.conv.kernel_plan import strips
from autograd.ops.conv.kernel_products import convolve, input_grad, out_shape, weight_grad

ONE = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)  # stride, padding, dilation, groups of a 3 × 3


def windows(x, kernel, stride, padding, dilation):
    """For each tap, the part of the padded image that it meets: (N, C, *out) of float64."""
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *padding])
    out = out_shape(x.shape[2:], kernel, stride, ((0, 0),) * len(kernel), dilation)
    for tap in itertools.product(*map(range, kernel)):
        places = [
            slice(j * d, j * d + (o - 1) * s + 1, s)
            for j, d, o, s in zip(tap, dilation, out, stride, strict=True)
        ]
        yield tap, (slice(None), slice(None), *places), x


def parted(a, axis, groups):
    """The array with an axis cut into groups."""
    return a.reshape(*a.shape[:axis], groups, -1, *a.shape[axis + 1 :])


def naive(x, w, g, stride, padding, dilation, groups):
    """Output, input gradient and weight gradient, in float64."""
    wg = parted(w.astype(np.float64), 0, groups)
    gg = parted(g.astype(np.float64), 1, groups)
    y, gw, gx = 0.0, np.zeros(wg.shape), None
    for tap, part, padded in windows(x, w.shape[2:], stride, padding, dilation):
        gx = np.zeros(padded.shape) if gx is None else gx
        seen = parted(padded[part], 1, groups)
        tapped = wg[(..., *tap)]
        y = y + np.einsum("ngc...,gmc->ngm...", seen, tapped)
        gw[(..., *tap)] = np.einsum(
            "ngcq,ngmq->gmc", seen.reshape(*seen.shape[:3], -1), gg.reshape(*gg.shape[:3], -1)
        )
        gx[part] += np.einsum("ngm...,gmc->ngc...", gg, tapped).reshape(padded[part].shape)
    inside = [slice(low, low + n) for (low, _), n in zip(padding, x.shape[2:], strict=True)]
    return y.reshape(g.shape), gx[(..., *inside)], gw.reshape(w.shape)


def drawn(seed, x_shape, w_shape, stride, padding, dilation, groups, dtype):
    """Random input, weight, bias, output gradient."""
    rng = np.random.default_rng(seed)
    out = out_shape(x_shape[2:], w_shape[2:], stride, padding, dilation)
    shapes = x_shape, w_shape, w_shape[:1], (x_shape[0], w_shape[0], *out)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def check(x_shape, w_shape, stride, padding, dilation, groups, dtype, seed=0):
    geometry = stride, padding, dilation, groups
    x, w, b, g = drawn(seed, x_shape, w_shape, *geometry, dtype)
    y, gx, gw = naive(x, w, g, *geometry)
    single = dtype == np.float32
    close = {"rtol": 1e-4 if single else 1e-11, "atol": 2e-4 if single else 1e-11}
    np.testing.assert_allclose(convolve(x, w, None, *geometry), y, **close)
    biased = y + b.reshape(-1, *[1] * (y.ndim - 2))
    np.testing.assert_allclose(convolve(x, w, b, *geometry), biased, **close)
    np.testing.assert_allclose(input_grad(g, w, x_shape[2:], *geometry), gx, **close)
    np.testing.assert_allclose(weight_grad(x, g, w_shape[2:], *geometry), gw, **close)


@st.composite
def calls(draw, largest):
    """Shapes and geometry of a convolution with one to three axes."""
    rank = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, stride, dilation = each(1, 4), each(1, 3), each(1, 3)
    padding = tuple(zip(each(0, 4), each(0, 4), strict=True))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    spare = each(0, largest[rank - 1])
    size = tuple(
        max(1, d * (k - 1) + 1 - low - high) + more
        for d, k, (low, high), more in zip(dilation, kernel, padding, spare, strict=True)
    )
    images, channels, out = (draw(st.integers(1, n)) for n in (5, 4, 12))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shapes = (images, channels * groups, *size), (out * groups, channels, *kernel)
    return *shapes, stride, padding, dilation, groups, dtype


@settings(max_examples=150, deadline=None, derandomize=True)
@given(calls((60, 16, 6)))
def test_all_products_are_those_of_einsum(call):
    check(*call)


LAYERS = [  # x, w, stride, padding
    ((3, 16, 32, 32), (16, 16, 3, 3), 1, 1),
    ((3, 1, 28, 28), (6, 1, 5, 5), 1, 0),
    ((20, 6, 14, 14), (16, 6, 5, 5), 1, 0),
    ((9, 40, 7, 7), (33, 40, 3, 3), 1, 1),
    ((33, 24, 2, 2), (20, 24, 3, 3), 2, 1),
    ((2, 3, 40, 40), (10, 3, 7, 7), 2, 3),
    ((50, 31, 1, 1), (17, 31, 1, 1), 1, 0),
    ((1, 8, 70, 9), (5, 8, 4, 4), 4, 0),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_layers_of_real_networks(layer):
    x, w, s, p = layer
    check(x, w, (s, s), ((p, p), (p, p)), (1, 1), 1, np.float32)


PLANS = [  # x, w, stride, padding
    ((5, 6, 7, 7), (36, 6, 3, 3), (1, 1), ((1, 1), (1, 1))),
    ((3, 20, 4, 4), (17, 20, 3, 3), (1, 1), ((1, 1), (1, 1))),
    ((2, 3, 10, 9), (16, 3, 5, 5), (1, 1), ((0, 0), (0, 0))),
    ((3, 2, 40), (33, 2, 5), (3,), ((1, 2),)),
    ((2, 2, 5, 4, 6), (3, 2, 3, 2, 3), (1, 1, 1), ((1, 1), (0, 1), (1, 1))),
]


@pytest.fixture
def planning(monkeypatch):
    """Put a function in the place of `plan`, without plans of before and after."""

    def forget():
        kernel_products._forward_plan.cache_clear()
        kernel_products._input_plan.cache_clear()

    def replace(planned):
        forget()
        monkeypatch.setattr(kernel_products, "plan", planned)

    yield replace
    forget()


@pytest.mark.parametrize(("x", "w", "stride", "padding"), PLANS)
@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_way_to_lay_out_a_convolution_gives_the_same(
    x, w, stride, padding, way, dtype, planning
):
    def planned(*given):
        ways = list(plans(*given, *[False] * (12 - len(given))))
        return ways[way % len(ways)]

    planning(planned)
    check(x, w, stride, padding, (1,) * len(stride), 1, dtype)


@pytest.mark.parametrize("stride", list(itertools.product((1, 2, 3), repeat=2)))
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 2), (5, 1), (1, 5), (9, 2), (2, 9)])
def test_maps_of_few_pixels_with_strides(size, stride):
    check((2, 3, *size), (4, 3, 3, 3), stride, ((1, 1), (1, 1)), (1, 1), 1, np.float32)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (10, 5), (40, 16)])
def test_all_phases_of_a_strided_input_gradient_share_one_plan(kernel, stride, planning):
    made = []

    def planned(*given):
        made.append(plan(*given))
        return made[-1]

    planning(planned)
    check((2, 3, 97), (4, 3, kernel), (stride,), ((1, 0),), (1,), 1, np.float32)
    strided = [p for p in made if len(p.rows) == 3 * stride]
    assert len(strided) == 1


DEPTHWISE = [  # x, taps, padding, dilation; two output channels for each of the input
    ((2, 18, 9, 9), (3, 3), ((1, 1), (1, 1)), (1, 1)),
    ((3, 2, 7, 5), (4, 2), ((0, 3), (2, 0)), (1, 3)),
    ((2, 3, 300), (5,), ((1, 2),), (4,)),
    ((2, 2, 4, 5, 3), (2, 3, 1), ((1, 0), (1, 1), (0, 1)), (2, 1, 1)),
    ((1, 2, 1, 70), (1, 1), ((0, 0), (0, 0)), (1, 1)),
]


@pytest.mark.parametrize(("x", "taps", "padding", "dilation"), DEPTHWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_depthwise(x, taps, padding, dilation, dtype):
    check(x, (2 * x[1], 1, *taps), (1,) * len(taps), padding, dilation, x[1], dtype)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pixel_that_is_not_finite_spoils_only_the_depthwise_taps_that_meet_it(bad):
    how = (1, 1), ((1, 1), (1, 1)), (1, 1), 2
    x, _, _, g = drawn(0, (1, 2, 5, 5), (2, 1, 3, 3), *how, np.float32)
    x[0, 0, 2, 0] = bad  # the first of its row: no window has it at the right
    gw = weight_grad(x, g, (3, 3), *how)
    np.testing.assert_array_equal(
        np.isfinite(gw[:, 0]), [[[False, False, True]] * 3, [[True] * 3] * 3]
    )


def test_a_long_signal_is_cut_into_blocks():
    check((1, 4, 40_000), (3, 4, 9), (1,), ((4, 4),), (1,), 1, np.float32)


@pytest.mark.parametrize("stride", [7, 1000, 2**40])
def test_a_stride_beyond_the_kernel_and_the_image(stride):
    check((2, 3, 6, 8), (4, 3, 2, 2), (1, stride), ((0, 0), (1, 0)), (1, 1), 1, np.float64)
    check((2, 3, 9), (4, 3, 2), (stride,), ((1, 2),), (1,), 1, np.float64)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_bits_are_the_same_at_any_number_of_threads(threads):
    x, w, b, g = drawn(0, (13, 8, 30, 30), (12, 8, 3, 3), *ONE, np.float32)

    def products():
        return (
            convolve(x, w, b, *ONE),
            input_grad(g, w, (30, 30), *ONE),
            weight_grad(x, g, (3, 3), *ONE),
            weight_grad(x, g[:, :8], (3, 3), *ONE[:3], 8),
        )

    before = pool.get_num_threads()
    try:
        pool.set_num_threads(1)
        alone = products()
        pool.set_num_threads(threads)
        for a, b_ in zip(alone, products(), strict=True):
            np.testing.assert_array_equal(a, b_)
    finally:
        pool.set_num_threads(before)


def test_python_threads_at_once_get_the_bits_of_one():
    calls = [drawn(i, (4, 3 + i, 20, 20), (5, 3 + i, 3, 3), *ONE, np.float32) for i in range(4)]

    def products(i):
        x, w, b, g = calls[i % 4]
        found = convolve(x, w, b, *ONE), input_grad(g, w, (20, 20), *ONE)
        return *found, weight_grad(x, g, (3, 3), *ONE)

    alone = [products(i) for i in range(4)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(products, range(100)))
    for i, found in enumerate(together):
        for a, b in zip(found, alone[i % 4], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_its_own_windows_only(bad):
    x, w, _, _ = drawn(0, (2, 3, 9, 9), (4, 3, 3, 3), *ONE, np.float32)
    clean = convolve(x, w, None, *ONE)
    x[1, 2, 4, 4] = bad
    y = convolve(x, w, None, *ONE)
    reached = np.zeros(y.shape, bool)
    reached[1, :, 3:6, 3:6] = True
    assert not np.isfinite(y[reached]).any()
    np.testing.assert_array_equal(y[~reached], clean[~reached])


def test_the_remains_of_an_earlier_call_in_the_workspace_change_nothing():
    x, w, b, g = drawn(0, (2, 3, 9, 9), (4, 3, 3, 3), *ONE, np.float32)
    first = convolve(x, w, b, *ONE), input_grad(g, w, (9, 9), *ONE), weight_grad(x, g, (3, 3), *ONE)
    dirt = np.full((6, 9, 20, 20), np.nan, np.float32)
    convolve(dirt, np.full((9, 9, 3, 3), np.nan, np.float32), None, *ONE)
    weight_grad(dirt, dirt, (3, 3), *ONE)
    again = convolve(x, w, b, *ONE), input_grad(g, w, (9, 9), *ONE), weight_grad(x, g, (3, 3), *ONE)
    for a, b_ in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b_)


def test_no_images_give_no_output_and_zero_gradients():
    x, w = np.zeros((0, 3, 9, 9), np.float32), np.ones((4, 3, 3, 3), np.float32)
    g = np.zeros((0, 4, 9, 9), np.float32)
    assert convolve(x, w, None, *ONE).shape == g.shape
    assert input_grad(g, w, (9, 9), *ONE).shape == x.shape
    assert not weight_grad(x, g, (3, 3), *ONE).any()


@pytest.mark.parametrize("channels", range(1, 80))
def test_strips_cover_the_channels_once(channels):
    assert sum(strips(channels)) == channels


def test_plain_python_computes_the_same():
    code = "from tests.ops.test_kernel_products import plain_calls; plain_calls()"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def plain_calls():
    for dtype in (np.float32, np.float64):
        check((2, 4, 5, 4), (6, 2, 3, 2), (1, 2), ((1, 0), (1, 2)), (1, 1), 2, dtype)
        check((1, 2, 9), (3, 2, 2), (3,), ((0, 0),), (2,), 1, dtype)
