"""Convolutions as ops: names, arguments, refusals, derivatives of every order, PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from autograd import Value, grad, gradcheck, ops
from autograd.ops.conv.conv import conv_bias, conv_input_grad, conv_weight_grad

CONVS = {1: ops.conv1d, 2: ops.conv2d, 3: ops.conv3d}
TRANSPOSED = {
    1: ops.conv_transpose1d,
    2: ops.conv_transpose2d,
    3: ops.conv_transpose3d,
}


def drawn(*shapes, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("rank", CONVS)
def test_an_image_alone_gives_what_it_gives_in_a_batch(rank):
    x, w = drawn((2, 5, 6, 7)[: rank + 1], (3, 2, 2, 2, 2)[: rank + 2])
    for convolve, weight in ((CONVS[rank], w), (TRANSPOSED[rank], w.swapaxes(0, 1))):
        np.testing.assert_array_equal(convolve(x, weight), convolve(x[None], weight)[0])


def test_same_padding_keeps_the_size_and_puts_the_odd_zero_behind():
    x, w = drawn((1, 1, 5), (1, 1, 4))
    y = ops.conv1d(x, w, padding="same")
    np.testing.assert_allclose(y, ops.conv1d(np.pad(x, ((0, 0), (0, 0), (1, 2))), w))


def test_valid_padding_is_none():
    x, w = drawn((1, 1, 5, 5), (1, 1, 2, 2))
    assert ops.conv2d(x, w, padding="valid").shape == (1, 1, 4, 4)


def test_padding_may_be_uneven():
    x, w = drawn((1, 2, 5, 5), (3, 2, 2, 2))
    uneven = ops.conv2d(x, w, padding=((2, 0), (0, 1)))
    padded = np.pad(x, ((0, 0), (0, 0), (2, 0), (0, 1)))
    np.testing.assert_allclose(uneven, ops.conv2d(padded, w), rtol=1e-12)


@pytest.mark.parametrize("spell", [list, tuple, np.array])
def test_one_entry_for_each_axis_in_any_sequence(spell):
    x, w = drawn((1, 2, 9, 9), (3, 2, 2, 3))
    y = ops.conv2d(x, w, None, spell([2, 1]), spell([1, 0]), spell([1, 2]))
    assert y.shape == (1, 3, 5, 5)


def test_the_bias_is_added_to_its_channel():
    x, w, b = drawn((2, 2, 5, 5), (3, 2, 2, 2), (3,))
    y = ops.conv2d(x, w) + b[:, None, None]
    np.testing.assert_allclose(ops.conv2d(x, w, b), y, rtol=1e-12)


@pytest.mark.parametrize("rank", CONVS)
def test_a_transposed_convolution_is_the_gradient_of_a_convolution(rank):
    x, w = drawn((2, 4, 7, 6, 5)[: rank + 2], (6, 2, 3, 2, 1)[: rank + 2])
    v = Value(x)
    how = {"stride": 2, "padding": 1, "groups": 2} if rank < 3 else {"groups": 2}
    y = CONVS[rank](v, w, **how)
    (g,) = drawn(y.shape)
    expected = grad(y, v, g)
    more = tuple(
        n - ((o - 1) * how.get("stride", 1) - 2 * how.get("padding", 0) + k)
        for n, o, k in zip(x.shape[2:], y.shape[2:], w.shape[2:], strict=True)
    )
    np.testing.assert_allclose(
        TRANSPOSED[rank](g, w, **how, output_padding=more), expected, rtol=1e-12
    )


@pytest.mark.parametrize("rank", CONVS)
def test_output_padding_may_reach_the_dilation(rank):
    # the zeros come behind what a convolution with the turned kernel gives
    x, w = drawn((1, 2, 6, 4, 3)[: rank + 2], (2, 3, 3, 2, 2)[: rank + 2])
    how = {"dilation": 3, "padding": 1}
    v, u = Value(x), Value(w)
    y = TRANSPOSED[rank](v, u, output_padding=2, **how)
    wide = TRANSPOSED[rank](x, w, dilation=3)  # of (n - 1) + 3 (k - 1) + 1
    inner = np.pad(wide, ((0, 0), (0, 0), *[(0, 2)] * rank))
    expected = inner[(..., *[slice(1, -1)] * rank)]
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-12)
    assert gradcheck(lambda a, b: TRANSPOSED[rank](a, b, output_padding=2, **how), x, w)


@pytest.mark.parametrize("rank", CONVS)
@pytest.mark.parametrize("kinds", [CONVS, TRANSPOSED])
def test_an_empty_batch_has_zero_gradients(rank, kinds):
    shapes = (0, 2, 5, 5, 5)[: rank + 2], (2, 2, 3, 2, 1)[: rank + 2], (2,)
    leaves = [Value(a) for a in drawn(*shapes, dtype=np.float32)]
    np.sum(kinds[rank](*leaves)).backward()
    for v, shape in zip(leaves, shapes, strict=True):
        np.testing.assert_array_equal(v.grad, np.zeros(shape))


@pytest.mark.parametrize("shape", [(500_000, 2, 1), (2, 2, 1000, 300), (40, 2, 31, 30)])
def test_the_bias_gradient_of_many_pixels_loses_no_digits(shape):
    bias = Value(np.zeros(2, np.float32))
    y = conv_bias(
        np.ones((*shape[:1], 1, *shape[2:]), "f"),
        np.ones((2, 1, *[1] * (len(shape) - 2)), "f"),
        bias,
    )
    g = grad(y, bias, np.full(y.shape, 0.1, "f"))
    np.testing.assert_allclose(g, np.float32(0.1) * (y.size / 2), rtol=1e-6)


def test_the_third_derivative_of_a_convolution_squared():
    x, w, b = drawn((1, 2, 4, 4), (2, 2, 2, 2), (2,))
    v = Value(w)

    def chained(v):
        y = ops.conv2d(x, v, b, padding=1)
        total = np.sum(y * y * y)
        first = grad(total, v, create_graph=True)
        second = grad(np.sum(first * first), v, create_graph=True)
        return np.sum(second * w)

    third = grad(chained(v), v)
    eps = 1e-5
    step = np.zeros_like(w)
    step[1, 0, 1, 0] = eps
    ends = [float(chained(Value(w + s)).data) for s in (step, -step)]
    np.testing.assert_allclose(third[1, 0, 1, 0], (ends[0] - ends[1]) / (2 * eps), rtol=1e-6)


def test_only_the_gradients_asked_for_are_computed(monkeypatch):
    from autograd.ops.conv import kernel_products as conv_products

    x, w = drawn((1, 2, 5, 5), (3, 2, 2, 2))
    monkeypatch.setattr(conv_products, "input_grad", None)
    v = Value(w)
    assert grad(np.sum(ops.conv2d(x, v)), v).shape == w.shape


X, W = (2, 4, 5, 5), (6, 4, 3, 3)
REFUSED = {
    "rank": ((2, 4, 5), W, {}, ValueError, "conv2d: input .* must have 4 axes"),
    "weight": (X, (6, 4, 3), {}, ValueError, "weight .* must have 4 axes"),
    "channels": (X, (6, 3, 3, 3), {}, ValueError, "has 4 channels, .* goes with 3"),
    "groups": (X, (6, 2, 3, 3), {"groups": 4}, ValueError, "multiple of groups=4"),
    "no groups": (X, W, {"groups": 0}, ValueError, "groups must be at least 1"),
    "half a group": (X, W, {"groups": 1.5}, TypeError, "groups must be an integer"),
    "stride 0": (X, W, {"stride": 0}, ValueError, "stride must be at least 1"),
    "stride 1.5": (X, W, {"stride": 1.5}, TypeError, "stride must be made of integers"),
    "stride of three": (X, W, {"stride": (1, 1, 1)}, ValueError, "3 entries for 2 axes"),
    "dilation 0": (X, W, {"dilation": (1, 0)}, ValueError, "dilation must be at least 1"),
    "padding -1": (X, W, {"padding": -1}, ValueError, "padding must be at least 0"),
    "padding full": (X, W, {"padding": "full"}, ValueError, "'same', 'valid' or integers"),
    "same": (X, W, {"padding": "same", "stride": 2}, ValueError, "needs stride 1"),
    "a kernel too large": (X, (6, 4, 6, 6), {}, ValueError, r"\(6, 6\) pixels, more than"),
    "dilated too far": (X, W, {"dilation": 3}, ValueError, r"\(7, 7\) pixels, more than"),
    "an empty kernel": (X, (6, 4, 0, 3), {}, ValueError, "at least 1"),
    "bias": (X, W, {"bias": np.zeros(5)}, ValueError, "one number per output channel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    x, w, how, error, text = REFUSED[name]
    if name == "rank":
        x = (2, 4)
    with pytest.raises(error, match=text) as caught:
        ops.conv2d(np.zeros(x), Value(np.zeros(w)), **how)
    assert str(x) in str(caught.value) or "weight" in str(caught.value)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.complex128, bool])
def test_other_types_than_floats_of_32_or_64_bits_are_refused(dtype):
    with pytest.raises(TypeError, match="all float32 or all float64"):
        ops.conv2d(np.zeros(X, dtype), np.zeros(W, dtype))


def test_mixed_types_are_refused():
    with pytest.raises(TypeError, match="x float32, w float64"):
        ops.conv2d(np.zeros(X, np.float32), np.zeros(W))


def test_a_transposed_convolution_refuses_too_much_output_padding():
    with pytest.raises(ValueError, match=r"conv_transpose2d: output_padding=2 .* Inputs: input"):
        ops.conv_transpose2d(np.zeros(X), np.zeros((4, 6, 3, 3)), stride=2, output_padding=2)


def test_a_transposed_convolution_refuses_other_channels_by_its_own_name():
    with pytest.raises(ValueError, match=r"conv_transpose2d: input \(2, 4, 5, 5\) has 4 channels"):
        ops.conv_transpose2d(np.zeros(X), np.zeros((3, 6, 3, 3)))


def test_what_is_too_large_is_refused_at_once():
    with pytest.raises(ValueError, match="array is too big"):
        ops.conv_transpose2d(np.zeros(X), np.zeros((4, 6, 3, 3)), stride=2**40)
    with pytest.raises(ValueError, match=r"dilation must be at most 2\*\*48"):
        ops.conv2d(np.zeros(X), np.zeros(W), dilation=2**62, padding=2**40)


def test_a_transposed_convolution_refuses_to_pad_all_away():
    with pytest.raises(ValueError, match="leaves an output"):
        ops.conv_transpose2d(np.zeros((1, 4, 1, 1)), np.zeros((4, 6, 3, 3)), padding=2)


def test_a_transposed_convolution_refuses_a_bias_of_another_size():
    with pytest.raises(ValueError, match=r"bias .* one number per output channel"):
        ops.conv_transpose2d(np.zeros(X), np.zeros((4, 6, 3, 3)), np.zeros(4))


def test_the_parts_refuse_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match="the axes of g"):
        conv_input_grad(np.zeros((2, 6, 4, 4)), np.zeros(W), (5, 5))
    with pytest.raises(ValueError, match="the axes of g"):
        conv_weight_grad(np.zeros(X), np.zeros((2, 6, 4, 4)), (3, 3))
    with pytest.raises(ValueError, match="same number of samples"):
        conv_weight_grad(np.zeros(X), np.zeros((1, 6, 3, 3)), (3, 3))


def test_importing_autograd_does_not_import_numba():
    code = "import sys, autograd; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


GEOMETRIES = [  # rank, x, w, arguments
    (1, (3, 4, 20), (6, 2, 5), {"stride": 2, "padding": 3, "dilation": 2, "groups": 2}),
    (2, (3, 4, 9, 11), (6, 4, 3, 3), {"padding": 1}),
    (2, (2, 4, 9, 11), (8, 1, 3, 2), {"stride": (2, 3), "padding": (1, 2), "groups": 4}),
    (2, (2, 3, 12, 12), (5, 3, 4, 4), {"padding": "same", "dilation": 2}),
    (3, (2, 2, 6, 7, 5), (3, 2, 2, 3, 2), {"stride": 2, "padding": 1}),
]
TURNED = [
    (1, (3, 4, 9), (4, 3, 5), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}),
    (2, (2, 4, 5, 6), (4, 3, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    (2, (2, 4, 5, 6), (4, 3, 3, 2), {"dilation": 2, "stride": 3}),
    (3, (1, 2, 3, 4, 2), (2, 3, 2, 2, 2), {"stride": 2}),
    (1, (1, 2, 6), (2, 3, 3), {"dilation": 2, "output_padding": 1}),
    (
        2,
        (1, 2, 4, 5),
        (2, 3, 3, 3),
        {"dilation": (5, 2), "stride": 2, "padding": 3, "output_padding": (4, 1)},
    ),
    (
        3,
        (2, 2, 3, 3, 2),
        (2, 3, 2, 1, 2),
        {"dilation": 3, "padding": 1, "output_padding": (2, 1, 0)},
    ),
]

CALLS = [("conv", *c) for c in GEOMETRIES] + [("conv_transpose", *c) for c in TURNED]

PEER = """
import json, sys
import numpy as np, torch
answers = []
for kind, rank, x, w, channels, how in json.loads(sys.argv[1]):
    rng = np.random.default_rng(3)
    leaves = [torch.tensor(rng.normal(size=s), requires_grad=True) for s in (x, w, channels)]
    y = getattr(torch.nn.functional, f"{kind}{rank}d")(*leaves, **how)
    (y * y * y).sum().backward()
    answers.append([a.tolist() for a in (y, *(v.grad for v in leaves))])
print(json.dumps(answers))
"""


def channels(call):
    """Output channels."""
    kind, _, _, w, how = call
    return w[0] if kind == "conv" else w[1] * how.get("groups", 1)


@pytest.fixture(scope="module")
def theirs():
    """What torch answers, from a process of its own: its threads and ours do not mix."""
    requests = json.dumps([[*call[:4], channels(call), call[4]] for call in CALLS])
    for python in (os.environ.get("GLASSGRAD_TORCH_PYTHON"), sys.executable):
        command = [python, "-c", "import torch"]
        if python and not subprocess.run(command, capture_output=True, check=False).returncode:
            command = [python, "-c", PEER, requests]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)
    pytest.skip("torch is not installed; GLASSGRAD_TORCH_PYTHON may name a Python that has it")


@pytest.mark.torch
@pytest.mark.parametrize("i", range(len(CALLS)), ids=[f"{c[0]}{c[1]}d-{c[4]}" for c in CALLS])
def test_values_and_gradients_are_torchs(theirs, i):
    kind, rank, x, w, how = CALLS[i]
    rng = np.random.default_rng(3)
    leaves = [Value(rng.normal(size=s)) for s in (x, w, channels(CALLS[i]))]
    y = (CONVS if kind == "conv" else TRANSPOSED)[rank](*leaves, **how)
    np.sum(y * y * y).backward()
    for ours, torchs in zip((y.data, *(v.grad for v in leaves)), theirs[i], strict=True):
        np.testing.assert_allclose(ours, torchs, rtol=1e-9, atol=1e-9)
