from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np
import pytest

import autograd
import nn

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)


def test_linear_is_x_w_transposed_plus_b():
    layer = nn.Linear(4, 2)
    np.testing.assert_allclose(layer(X).data, X @ layer.weight.data.T + layer.bias.data, rtol=1e-6)
    assert layer(X[0]).shape == (2,)
    assert layer(X.reshape(1, 3, 4)).shape == (1, 3, 2)


def test_linear_starts_uniform_within_one_over_the_root_of_its_inputs():
    layer = nn.Linear(100, 200, rng=0)
    for p in layer.parameters():
        assert p.dtype == np.float32
        assert abs(p.data).max() <= 0.1
        np.testing.assert_allclose(p.data.std(), 0.1 / math.sqrt(3), rtol=0.1)


def test_linear_differentiates_to_order_two():
    layer = nn.Linear(4, 2).double()
    x = X.astype(float)
    assert autograd.gradcheck(layer, x)
    assert autograd.gradgradcheck(lambda v: np.tanh(layer(v)), x)


@pytest.mark.parametrize("sizes", [(-1, 2), (2.0, 2)])
def test_linear_refuses_bad_sizes(sizes):
    with pytest.raises(ValueError, match="in_features"):
        nn.Linear(*sizes)


def test_linear_names_shapes_and_the_fix():
    with pytest.raises(ValueError, match=r"\(2, 1, 4\).*must be 3.*Flatten"):
        nn.Linear(3, 1)(np.ones((2, 1, 4)))


def test_the_same_seed_gives_the_same_weights():
    autograd.seed(3)
    a = nn.Linear(3, 3)
    autograd.seed(3)
    b = nn.Linear(3, 3)
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    assert not np.array_equal(a.weight.data, nn.Linear(3, 3).weight.data)


def test_sequential_takes_names():
    net = nn.Sequential(OrderedDict(first=nn.Linear(4, 2), act=nn.Tanh()))
    assert list(net.state_dict()) == ["first.weight", "first.bias"]
    assert net(X).shape == (3, 2)


def test_sequential_slices_share_modules_and_keep_names():
    net = nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    tail = net[1:]
    assert tail[-1] is net[2]
    assert list(tail.state_dict()) == ["2.weight", "2.bias"]


def test_sequential_appends_inserts_deletes():
    net = nn.Sequential(nn.Tanh()).append(nn.ReLU()).insert(0, nn.Sigmoid())
    del net[1]
    assert [type(m).__name__ for m in net] == ["Sigmoid", "ReLU"]
    assert [name for name, _ in net.named_children()] == ["0", "1"]


def test_sequential_replaces_in_place():
    net = nn.Sequential(nn.Tanh(), nn.ReLU())
    net[-2] = nn.Sigmoid()
    assert [type(m).__name__ for m in net] == ["Sigmoid", "ReLU"]


def test_containers_refuse_functions_and_bad_indices():
    with pytest.raises(TypeError, match="entry 1 must be a Module, not tanh"):
        nn.Sequential(nn.ReLU(), np.tanh)
    with pytest.raises(IndexError, match="index 1, but it has 1"):
        nn.Sequential(nn.ReLU())[1]


def test_module_list_registers_its_modules():
    blocks = nn.ModuleList([nn.Linear(1, 1)])
    blocks.extend([nn.Linear(1, 1)])
    assert list(blocks.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), np.maximum(X, 0)),
        (nn.ReLU6(), np.clip(X, 0, 6)),
        (nn.LeakyReLU(0.2), np.where(X > 0, X, 0.2 * X)),
        (nn.ELU(), np.where(X > 0, X, np.expm1(X))),
        (nn.CELU(2.0), np.where(X > 0, X, 2 * np.expm1(X / 2))),
        (nn.SELU(), 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X))),
        (nn.GELU(), np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)(X)),
        (nn.SiLU(), X / (1 + np.exp(-X))),
        (nn.Mish(), X * np.tanh(np.log1p(np.exp(X)))),
        (nn.Sigmoid(), 1 / (1 + np.exp(-X))),
        (nn.LogSigmoid(), -np.log1p(np.exp(-X))),
        (nn.Tanh(), np.tanh(X)),
        (nn.Softplus(2.0), np.log1p(np.exp(2 * X)) / 2),
        (nn.Softsign(), X / (1 + abs(X))),
        (nn.Tanhshrink(), X - np.tanh(X)),
        (nn.Softshrink(), np.sign(X) * np.maximum(abs(X) - 0.5, 0)),
        (nn.Hardshrink(), np.where(abs(X) > 0.5, X, 0)),
        (nn.Hardtanh(), np.clip(X, -1, 1)),
        (nn.Hardsigmoid(), np.clip(X / 6 + 0.5, 0, 1)),
        (nn.Hardswish(), X * np.clip(X / 6 + 0.5, 0, 1)),
        (nn.PReLU(), np.where(X > 0, X, 0.25 * X)),
        (nn.Softmax(dim=1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
        (nn.LogSoftmax(dim=0), X - np.log(np.exp(X).sum(0))),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else "",
)
def test_activation(module, expected):
    y = module(autograd.Value(X))
    np.testing.assert_allclose(y.data, expected, rtol=2e-5, atol=1e-6)
    assert y.dtype == np.float32


def test_prelu_has_one_weight_a_channel():
    layer = nn.PReLU(4, init=0.5)
    y = layer(-np.ones((2, 4, 3), np.float32))
    np.testing.assert_array_equal(y.data, -0.5)
    np.sum(y).backward()
    np.testing.assert_array_equal(layer.weight.grad, [-6] * 4)


def test_dropout_keeps_the_mean_and_drops_the_share():
    y = nn.Dropout(0.25, rng=0)(np.ones(100_000, np.float32))
    assert y.dtype == np.float32
    np.testing.assert_allclose((y == 0).mean(), 0.25, atol=0.01)
    np.testing.assert_allclose(y.mean(), 1, atol=0.01)


def test_dropout_uses_one_mask_in_both_directions():
    x = autograd.Value(np.ones(50))
    y = nn.Dropout(0.5, rng=0)(x)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, y.data)


def test_dropout_hands_through_in_eval_and_drops_all_at_one():
    assert nn.Dropout().eval()(X) is X
    assert not nn.Dropout(1.0)(X).any()


def test_dropout_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(1.5)


def test_flatten_keeps_the_batch():
    assert nn.Flatten()(autograd.Value(np.ones((2, 3, 4)))).shape == (2, 12)
    assert nn.Flatten(0, 1)(np.ones((2, 3, 4))).shape == (6, 4)
    with pytest.raises(ValueError, match="start_dim=2 comes after"):
        nn.Flatten(2, 1)(np.ones((2, 3, 4)))


def test_softplus_is_linear_above_its_threshold_as_pytorch_has_it():
    x = autograd.Value([-1.0, 0.2, 0.4, 0.41, 1.0, np.inf, np.nan])
    y = nn.functional.softplus(x, beta=5, threshold=2)
    soft = np.log1p(np.exp(5 * x.data[:3])) / 5
    np.testing.assert_allclose(y.data, [*soft, 0.41, 1.0, np.inf, np.nan])
    slopes = 1 / (1 + np.exp(-5 * x.data[:3]))
    np.testing.assert_allclose(autograd.grad(np.sum(y[:6]), x)[:6], [*slopes, 1, 1, 1])
    assert nn.Softplus(5, 2)(x.data[4:5]) == 1
    assert nn.functional.softplus(np.array([-4.0]), -1.0, 3.0) == -4


@pytest.mark.parametrize(("shape", "axis"), [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_without_an_axis_takes_pytorchs_and_warns(name, shape, axis):
    x = np.random.default_rng(0).normal(size=shape or (1,)).reshape(shape)
    call = getattr(nn.functional, name)
    module = {"softmax": nn.Softmax, "log_softmax": nn.LogSoftmax, "softmin": nn.Softmin}[name]()
    for f in (call, module):
        with pytest.warns(UserWarning, match=f"no dim is given, so the axis is {axis}"):
            y = f(x)
        if shape:
            np.testing.assert_array_equal(y, call(x, axis))


def test_softmax_converts_its_input_first():
    x = autograd.Value(X)
    for f in (nn.functional.softmax, nn.functional.log_softmax, nn.functional.softmin):
        y = f(x, -1, dtype=np.float64)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y.data, f(X.astype(np.float64), -1))
        assert autograd.grad(np.sum(y * y), x).dtype == np.float32


def test_hardtanh_takes_its_older_names():
    np.testing.assert_array_equal(nn.Hardtanh(min_value=0.0, max_value=6.0)(X), np.clip(X, 0, 6))


def test_interpolate_has_its_older_names():
    F, x = nn.functional, X.reshape(1, 1, 3, 4)
    np.testing.assert_array_equal(F.upsample_nearest(x, scale_factor=2), F.interpolate(x, None, 2))
    corners = F.interpolate(x, (6, 8), mode="bilinear", align_corners=True)
    np.testing.assert_array_equal(F.upsample_bilinear(x, (6, 8)), corners)
    np.testing.assert_array_equal(F.upsample(x, (6, 8), None, "bilinear", True), corners)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf])
def test_pdist_is_the_distance_of_every_pair(p):
    x = np.random.default_rng(0).normal(size=(4, 3))
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    right = [np.linalg.norm(x[i] - x[j], p) for i, j in pairs]
    np.testing.assert_allclose(nn.functional.pdist(x, p), right)
    assert autograd.gradcheck(lambda v: nn.functional.pdist(v, p), x)
    assert nn.functional.pdist(x[:1], p).shape == (0,)
    with pytest.raises(ValueError, match=r"pdist: input must be \(N, D\), got \(3,\)"):
        nn.functional.pdist(x[0])


RESET = [
    nn.Linear(4, 3), nn.Bilinear(4, 5, 3), nn.Conv2d(4, 6, 3, groups=2),
    nn.ConvTranspose1d(4, 6, 3), nn.LSTM(4, 3, 2, bidirectional=True, proj_size=2), nn.GRU(4, 3),
    nn.RNNCell(4, 3), nn.GRUCell(4, 3), nn.Embedding(5, 3, padding_idx=1), nn.EmbeddingBag(5, 3),
    nn.BatchNorm2d(4), nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
    nn.LayerNorm(4), nn.RMSNorm(4), nn.GroupNorm(2, 4),
]  # fmt: skip


@pytest.mark.parametrize("layer", RESET, ids=lambda layer: type(layer).__name__)
def test_parameters_are_drawn_anew_as_the_constructor_draws_them(layer):
    first = layer.state_dict()
    for p in layer.parameters():
        p.data = p.data + 9
    for name, b in layer.named_buffers():
        setattr(layer, name, b + 7)
    layer.reset_parameters()
    for key, array in layer.state_dict().items():
        assert array.dtype == first[key].dtype
        if "Norm" in type(layer).__name__:
            np.testing.assert_array_equal(array, first[key])
        else:
            assert np.abs(array).max() < 5
            assert not np.array_equal(array, first[key])
    if isinstance(layer, nn.Embedding):
        assert not layer.weight.data[1].any()


def test_a_seed_resets_to_the_weights_that_it_makes():
    layer = nn.Linear(4, 3)
    layer.reset_parameters(rng=7)
    np.testing.assert_array_equal(layer.weight.data, nn.Linear(4, 3, rng=7).weight.data)
    with pytest.raises(RuntimeError, match="no parameters yet"):
        nn.Linear(None, 3).reset_parameters()


@pytest.mark.parametrize("p", ["0.5", None, True])
def test_a_probability_is_a_number(p):
    with pytest.raises(TypeError, match=f"p must be a number, got {p!r}"):
        nn.Dropout(p)
    with pytest.raises(TypeError, match=f"p must be a number, got {p!r}"):
        nn.functional.dropout(X, p)
