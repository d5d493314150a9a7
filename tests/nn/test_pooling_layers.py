from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn

RNG = np.random.default_rng(0)
X = {rank: RNG.normal(size=(2, 3, 7, 6, 5)[: rank + 2]) for rank in (1, 2, 3)}
SETTINGS = {
    "MaxPool": [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}],
    "AvgPool": [
        {"kernel_size": 2, "ceil_mode": True},
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    ],
    "AdaptiveAvgPool": [{"output_size": 1}, {"output_size": 4}],
    "AdaptiveMaxPool": [{"output_size": 1}, {"output_size": 4}],
}
CASES = [
    (f"{kind}{rank}d", rank, settings)
    for kind, several in SETTINGS.items()
    for settings in several
    for rank in (1, 2, 3)
]


@pytest.mark.parametrize(("name", "rank", "settings"), CASES)
def test_one_image_needs_no_batch(name, rank, settings):
    if name == "MaxPool3d" and "dilation" in settings:
        settings = {"kernel_size": 2}
    layer = getattr(nn, name)(**settings)
    np.testing.assert_allclose(layer(X[rank][0]), layer(X[rank])[0])


@pytest.mark.parametrize("kind", SETTINGS)
def test_pooling_is_differentiated(kind):
    layer = getattr(nn, f"{kind}2d")(**SETTINGS[kind][0])
    assert autograd.gradcheck(layer, X[2])


def test_the_stride_is_the_kernel_unless_given():
    assert nn.MaxPool2d((3, 2)).stride == (3, 2)
    assert nn.AvgPool1d(3, 1)(X[1]).shape == (2, 3, 5)


def test_indices_are_returned_with_the_largest():
    y, indices = nn.MaxPool1d(7, return_indices=True)(X[1])
    np.testing.assert_array_equal(indices[..., 0], X[1].argmax(-1))
    np.testing.assert_array_equal(y[..., 0], X[1].max(-1))


def test_a_divisor_replaces_the_number_of_pixels():
    y = nn.AvgPool2d(2, divisor_override=1)(np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(y, [[[[4.0]]]])


def test_none_keeps_an_axis():
    assert nn.AdaptiveAvgPool2d((None, 1))(X[2]).shape == (2, 3, 7, 1)


def test_there_is_nothing_to_save():
    assert nn.MaxPool2d(2).state_dict() == {}


def test_errors_name_the_shape():
    with pytest.raises(ValueError, match=r"max_pool2d: input \(7,\).*\(N, C"):
        nn.MaxPool2d(2)(np.ones(7))


@pytest.mark.torch
@pytest.mark.parametrize(("name", "rank", "settings"), CASES)
def test_is_what_torch_computes(name, rank, settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    ours, theirs = getattr(nn, name)(**settings), getattr(torch.nn, name)(**settings)
    v, t = autograd.Value(X[rank]), torch.tensor(X[rank], requires_grad=True)
    y, z = ours(v), theirs(t)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=1e-12)
    np.sum(y**3).backward()
    (z**3).sum().backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("p", [2, 2.5, 3])
def test_power_average_pooling_of_nothing_is_flat_and_its_square_of_no_known_curvature(p):
    x = autograd.Value(np.zeros((1, 1, 2, 4), np.float32))
    x.data = np.concatenate([x.data[..., :2], np.ones((1, 1, 2, 2), np.float32)], -1)
    y = nn.functional.lp_pool2d(x, p, 2)
    slopes = autograd.grad(np.sum(y**2), x, create_graph=True)
    np.testing.assert_array_equal(slopes.data[..., :2], 0)
    assert (slopes.data[..., 2:] > 0).all()
    curves = autograd.grad(np.sum(slopes), x)
    assert np.isnan(curves[..., :2]).all()
    assert np.isfinite(curves[..., 2:]).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e15, 1e30])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: nn.functional.lp_pool2d(x, 2, 2),
        lambda x: nn.functional.lp_pool2d(x, 3, 2),
        lambda x: nn.functional.local_response_norm(x, 2),
    ],
)
def test_float32_powers_may_leave_the_range_on_their_way(function, scale):
    a = (np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4, 4)) * scale).astype(np.float32)
    x, exact = autograd.Value(a), autograd.Value(a.astype(np.float64))
    y, z = function(x), function(exact)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, z.data, rtol=1e-5)
    slopes = autograd.grad(np.sum(y), x), autograd.grad(np.sum(z), exact)
    tiny = np.finfo(np.float32).tiny
    np.testing.assert_allclose(*slopes, rtol=1e-5, atol=1e-5 * np.abs(slopes[1]).max() + tiny)
