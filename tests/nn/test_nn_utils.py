"""Fusion, functional_call, skip_init."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn.utils.stateless import functional_call

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_start():
    """Layers start alike, and so do the samples, whichever tests run."""
    global RNG
    RNG = np.random.default_rng(0)
    autograd.seed(0)


def real(*shape):
    return RNG.normal(size=shape).astype(np.float32)


# Fusion

CONVS = [
    ("Conv1d", (4, 6, 3), {"groups": 2}, (2, 4, 7)),
    ("Conv2d", (4, 6, (3, 1)), {"bias": False}, (2, 4, 5, 5)),
    ("Conv3d", (4, 6, 2), {}, (2, 4, 3, 4, 3)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2}, (2, 4, 7)),
    ("ConvTranspose2d", (4, 6, 3), {"groups": 2}, (2, 4, 5, 5)),
    ("ConvTranspose3d", (4, 6, 2), {"bias": False}, (2, 4, 3, 4, 3)),
]


def trained(norm):
    norm.running_mean = RNG.normal(size=norm.num_features).astype(np.float32)
    norm.running_var = RNG.uniform(0.5, 2, norm.num_features).astype(np.float32)
    for p in norm.parameters():
        p.data = RNG.normal(size=p.shape)
    return norm.eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("kind", "args", "how", "shape"), CONVS)
def test_a_fused_convolution_computes_both(kind, args, how, shape, affine):
    conv = getattr(nn, kind)(*args, **how).eval()
    bn = trained(getattr(nn, f"BatchNorm{kind[-2:]}")(6, affine=affine))
    x = real(*shape)
    fused = nn.utils.fuse_conv_bn_eval(conv, bn, transpose=kind.startswith("ConvT"))
    np.testing.assert_allclose(fused(x).data, bn(conv(x)).data, rtol=1e-4, atol=1e-5)
    assert fused is not conv
    assert fused.weight.requires_grad
    assert fused.weight.dtype == np.float32


def test_a_fused_linear_layer_computes_both():
    linear, bn, x = nn.Linear(3, 4).eval(), trained(nn.BatchNorm1d(4)), real(5, 3)
    fused = nn.utils.fuse_linear_bn_eval(linear, bn)
    np.testing.assert_allclose(fused(x).data, bn(linear(x)).data, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("conv", "bn", "kind", "text"),
    [
        (nn.Conv1d(2, 3, 1), nn.BatchNorm1d(3).eval(), RuntimeError, "Conv1d is in training mode"),
        (nn.Conv1d(2, 3, 1).eval(), nn.BatchNorm1d(3), RuntimeError, "call eval"),
        (nn.Conv1d(2, 3, 1).eval(), nn.BatchNorm1d(4).eval(), ValueError, "3 outputs, but .* 4"),
        (nn.ConvTranspose1d(3, 3, 1).eval(), nn.BatchNorm1d(3).eval(), ValueError, "transpose="),
        (nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval(), TypeError, "Linear is none of Conv1d"),
        (
            nn.Conv1d(2, 3, 1).eval(),
            nn.BatchNorm1d(3, track_running_stats=False).eval(),
            ValueError,
            "no running statistics",
        ),
        (
            nn.utils.weight_norm(nn.Conv1d(2, 3, 1)).eval(),
            nn.BatchNorm1d(3).eval(),
            ValueError,
            "are computed",
        ),
    ],
)
def test_what_can_not_be_fused_is_refused(conv, bn, kind, text):
    with pytest.raises(kind, match=text):
        nn.utils.fuse_conv_bn_eval(conv, bn)


@pytest.mark.torch
@pytest.mark.parametrize("transpose", [False, True])
def test_fused_weights_are_pytorchs(transpose):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    w = real(5, 5, 3)
    rows = [real(5), real(5), np.abs(real(5)) + 0.1, 1e-3, real(5), real(5)]
    mine = nn.utils.fuse_conv_bn_weights(w, *rows, transpose)
    other = torch.nn.utils.fuse_conv_bn_weights(
        torch.from_numpy(w),
        *[torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in rows],
        transpose,
    )
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-5, atol=1e-6)


# functional_call


class Net(nn.Module):
    def __init__(self):
        self.first, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
        self.tied = nn.Linear(2, 3)
        self.tied.weight = self.first.weight

    def forward(self, x, *, times=1):
        return times * self.norm(self.first(x)) + self.tied(x)


def test_functional_call_uses_what_is_given_and_forgets_it():
    layer, x = nn.Linear(2, 1), real(4, 2)
    weight, new = layer.weight, Value(real(1, 2))
    y = functional_call(layer, {"weight": new}, x)
    np.testing.assert_allclose(y.data, x @ new.data.T + layer.bias.data, rtol=1e-5)
    assert layer.weight is weight
    np.sum(y).backward()
    np.testing.assert_allclose(new.grad, x.sum(axis=0, keepdims=True), rtol=1e-5)
    assert weight.grad is None
    assert layer.bias.grad is not None


def test_functional_call_forgets_after_an_error_too():
    layer = nn.Linear(2, 1)
    weight = layer.weight
    with pytest.raises(ValueError, match="last axis"):
        functional_call(layer, {"weight": np.ones((1, 2), np.float32)}, real(4, 3))
    assert layer.weight is weight


def test_functional_call_returns_changed_buffers_in_the_mapping():
    net, x = Net(), real(6, 2)
    buffers = {key: b.copy() for key, b in net.named_buffers()}
    before = net.norm.running_mean.copy()
    functional_call(net, [dict(net.named_parameters()), buffers], (x,), {"times": 2})
    np.testing.assert_array_equal(net.norm.running_mean, before)
    assert not np.array_equal(buffers["norm.running_mean"], before)
    assert buffers["norm.num_batches_tracked"] == 1


def test_functional_call_ties_what_the_module_ties():
    net, x, w = Net().eval(), real(3, 2), real(3, 2)
    both = functional_call(net, {"first.weight": w}, x)
    same = functional_call(net, {"first.weight": w, "tied.weight": w}, x)
    np.testing.assert_array_equal(both.data, same.data)
    own = functional_call(net, {"first.weight": w}, x, tie_weights=False)
    assert not np.array_equal(own.data, both.data)
    with pytest.raises(ValueError, match=r"first.weight, tied.weight are one parameter"):
        functional_call(net, {"first.weight": w, "tied.weight": w.copy()}, x)


def test_functional_call_refuses_unknown_paths_and_if_strict_missing_ones():
    with pytest.raises(ValueError, match="unknown: wieght"):
        functional_call(nn.Linear(2, 1), {"wieght": np.ones((1, 2))}, real(1, 2))
    with pytest.raises(ValueError, match="missing: bias"):
        functional_call(nn.Linear(2, 1), {"weight": real(1, 2)}, real(1, 2), strict=True)


def test_functional_call_bypasses_or_feeds_a_parametrization():
    layer, x, w = nn.utils.weight_norm(nn.Linear(2, 1, bias=False)), real(3, 2), real(1, 2)
    np.testing.assert_allclose(functional_call(layer, {"weight": w}, x).data, x @ w.T, rtol=1e-5)
    g = np.full((1, 1), 2, np.float32)
    y = functional_call(layer, {"weight_g": g, "weight_v": w}, x)
    np.testing.assert_allclose(y.data, x @ (2 * w / np.linalg.norm(w)).T, rtol=1e-5)


def test_functional_call_gives_derivatives_of_a_whole_model():
    net, x = (
        nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double(),
        RNG.normal(size=(4, 2)),
    )
    point = {key: p.data for key, p in net.named_parameters()}

    def loss(parameters):
        return np.sum(np.square(functional_call(net, parameters, x)))

    _, slopes = autograd.value_and_grad(loss)(point)
    loss(dict(net.named_parameters())).backward()
    for key, p in net.named_parameters():
        np.testing.assert_allclose(slopes[key], p.grad, rtol=1e-12)


# skip_init


def test_skip_init_leaves_the_default_generator_where_it_is():
    autograd.seed(3)
    expected = nn.Linear(2, 2).weight.data
    autograd.seed(3)
    assert nn.utils.skip_init(nn.Linear, 4, out_features=5).weight.shape == (5, 4)
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.data, expected)
    with pytest.raises(TypeError, match="class of modules"):
        nn.utils.skip_init(nn.Linear(1, 1))


def test_gradients_are_clipped_by_a_norm_that_is_known():
    p, q = nn.Parameter([3.0]), nn.Parameter([4.0])
    for x in (p, q):
        np.sum(x * x).backward()
    total = nn.utils.get_total_norm([p.grad, q.grad])
    nn.utils.clip_grads_with_norm_([p], 1.0, total)
    np.testing.assert_allclose(p.grad, [0.6], rtol=1e-6)
    np.testing.assert_allclose(q.grad, [8])
