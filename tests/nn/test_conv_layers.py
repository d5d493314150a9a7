from __future__ import annotations

import math

import numpy as np
import pytest

import autograd
import nn
from autograd import draw

RNG = np.random.default_rng(0)
X = {rank: RNG.normal(size=(2, 4, 6, 5, 7)[: rank + 2]).astype(np.float32) for rank in (1, 2, 3)}
CONVS = [nn.Conv1d, nn.Conv2d, nn.Conv3d]
TRANSPOSED = [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d]
CASES = [
    (cls, {"stride": 2, "padding": 1, **more})
    for cls in (*CONVS, *TRANSPOSED)
    for more in ({}, {"groups": 2, "bias": False}, {"dilation": 2})
]
CASES += [
    (cls, {"padding_mode": mode, "padding": padding})
    for cls in CONVS
    for mode in ("reflect", "replicate", "circular")
    for padding in (2, "same")
]
CASES += [(nn.ConvTranspose2d, {"stride": (3, 2), "output_padding": (2, 1)})]
CASES += [(nn.Conv2d, {"padding": "same", "dilation": (1, 2)})]


def rank_of(cls):
    return int(cls.__name__[-2])


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, rng=0),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5, rng=1),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120, rng=2),
        nn.Tanh(),
        nn.Linear(120, 84, rng=3),
        nn.Tanh(),
        nn.Linear(84, 10, rng=4),
    )


@pytest.mark.trains
def test_lenet_lowers_its_loss():
    net, targets = lenet(), np.arange(8)
    images = np.random.default_rng(1).normal(size=(8, 1, 28, 28)).astype(np.float32)
    optimizer, losses = nn.optim.SGD(net.parameters(), lr=0.2), []
    for _ in range(10):
        loss = nn.functional.cross_entropy(net(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert losses[-1] < 0.9 * losses[0]


def test_a_drawing_has_a_cluster_for_each_layer():
    dot = draw(lenet()(np.zeros((1, 1, 28, 28), np.float32))).dot
    assert dot.count("subgraph cluster") >= 5


def test_state_dict_keys_are_pytorchs():
    state = nn.Conv2d(4, 6, (3, 2), groups=2).state_dict()
    assert {k: v.shape for k, v in state.items()} == {"weight": (6, 2, 3, 2), "bias": (6,)}
    state = nn.ConvTranspose1d(4, 6, 3, groups=2, bias=False).state_dict()
    assert {k: v.shape for k, v in state.items()} == {"weight": (4, 3, 3)}


@pytest.mark.parametrize("cls", [nn.Conv2d, nn.ConvTranspose2d])
def test_starts_uniform_within_one_over_the_root_of_fan_in(cls):
    layer = cls(20, 20, 5, rng=0)
    bound = 1 / math.sqrt(20 * 25)
    for p in layer.parameters():
        assert p.dtype == np.float32
        assert abs(p.data).max() <= bound
    np.testing.assert_allclose(layer.weight.data.std(), bound / math.sqrt(3), rtol=0.05)


@pytest.mark.parametrize("cls", [*CONVS, *TRANSPOSED])
def test_one_image_needs_no_batch(cls):
    rank = rank_of(cls)
    layer = cls(4, 2, 3)
    np.testing.assert_allclose(layer(X[rank][0]).data, layer(X[rank]).data[0], atol=1e-5)


@pytest.mark.parametrize(("mode", "numpys"), [("reflect", "reflect"), ("circular", "wrap")])
def test_a_padding_mode_pads_as_numpy_does(mode, numpys):
    layer = nn.Conv1d(4, 2, 3, padding=2, padding_mode=mode)
    by_hand = np.pad(X[1], ((0, 0), (0, 0), (2, 2)), mode=numpys)
    y = nn.functional.conv1d(by_hand, layer.weight, layer.bias)
    np.testing.assert_allclose(layer(X[1]).data, y.data, rtol=1e-6)


def test_padding_modes_are_differentiated():
    layer = nn.Conv1d(2, 2, 3, padding=2, padding_mode="reflect").double()
    assert autograd.gradcheck(layer, RNG.normal(size=(1, 2, 4)))


def test_output_size_chooses_the_output_padding():
    layer = nn.ConvTranspose2d(4, 1, 3, stride=2)
    assert layer(X[2], output_size=(14, 11)).shape == (2, 1, 14, 11)
    with pytest.raises(ValueError, match=r"ConvTranspose2d: output_size=\(15, 11\).*\(14, 12\)"):
        layer(X[2], output_size=(15, 11))


def test_repr_is_pytorchs():
    assert repr(nn.Conv2d(2, 4, 3, 2, 1, groups=2, bias=False, padding_mode="circular")) == (
        "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2, bias=False, "
        "padding_mode=circular)"
    )
    assert repr(nn.ConvTranspose1d(2, 4, 3, 2, output_padding=1)) == (
        "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(2,), output_padding=(1,))"
    )


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "Conv2d: in_channels", lambda: nn.Conv2d(0, 1, 3)),
        (ValueError, "Conv2d: out_channels=3 .* groups=2", lambda: nn.Conv2d(2, 3, 3, groups=2)),
        (ValueError, "Conv1d: stride", lambda: nn.Conv1d(1, 1, 3, stride=0)),
        (TypeError, "Conv1d: kernel_size", lambda: nn.Conv1d(1, 1, 3.0)),
        (ValueError, "Conv2d: padding_mode .*zeros", lambda: nn.Conv2d(1, 1, 3, padding_mode="x")),
        (ValueError, "'same' needs stride=1", lambda: nn.Conv2d(1, 1, 3, 2, "same")),
        (ValueError, "Conv2d: padding must be 'same'", lambda: nn.Conv2d(1, 1, 3, padding="full")),
        (ValueError, r"\(2, 4, 6\).*\(N, C, D, H, W\)", lambda: nn.Conv3d(4, 1, 3)(X[1])),
        (
            ValueError,
            r"\(2, 4, 6, 5\).*4 channels.*goes with 3.*moveaxis",
            lambda: nn.Conv2d(3, 1, 3)(X[2]),
        ),
        (TypeError, "float64.*astype", lambda: nn.Conv1d(4, 1, 3)(X[1].astype(float))),
        (
            ValueError,
            r"pad: with mode='reflect'.*at most 5 .*\(2, 4, 6\).*replicate",
            lambda: nn.Conv1d(4, 1, 3, padding=6, padding_mode="reflect")(X[1]),
        ),
        (
            ValueError,
            "ConvTranspose1d: padding_mode",
            lambda: nn.ConvTranspose1d(1, 1, 1, padding_mode="reflect"),
        ),
    ],
)
def test_errors_name_the_layer_and_the_argument(error, text, make):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize("cls", [*CONVS, *TRANSPOSED])
def test_channels_are_taken_from_the_first_input(cls):
    x = X[rank_of(cls)]
    late, early = cls(None, 6, 3, groups=2, rng=0), cls(4, 6, 3, groups=2, rng=0)
    assert repr(late).startswith(f"{cls.__name__}(in_channels=None, 6, kernel_size=(3,")
    np.testing.assert_array_equal(late(x).data, early(x).data)
    assert repr(late) == repr(early)
    odd = cls(None, 6, 3, groups=3)
    with pytest.raises(ValueError, match="in_channels=4 must be a multiple of groups=3"):
        odd(x)
    assert "in_channels=None" in repr(odd)


@pytest.mark.torch
@pytest.mark.parametrize(("cls", "settings"), CASES)
def test_is_what_torch_computes(cls, settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs = getattr(torch.nn, cls.__name__)(4, 6, 3, **settings)
    ours = cls(4, 6, 3, **settings)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = X[rank_of(cls)]
    v, t = autograd.Value(x), torch.tensor(x, requires_grad=True)
    y, z = ours(v), theirs(t)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=2e-5)
    np.sum(y * y).backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), atol=2e-4)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, name).grad, p.grad.numpy(), rtol=1e-4, atol=1e-3)
    assert repr(ours) == repr(theirs)
