"""The Vision Transformer."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name
from nn.models import ViT


def small(**changes):
    sizes = {
        "image_size": 8, "patch_size": 4, "num_layers": 2, "num_heads": 2, "hidden_dim": 12,
        "mlp_dim": 20, "num_classes": 3, "in_channels": 1, "rng": 0,
    }  # fmt: skip
    return ViT(**(sizes | changes))


def waken(net):
    """Weights as after training: no head of zeros."""
    rng = np.random.default_rng(1)
    for p in net.parameters():
        p.data += rng.normal(0, 0.2, p.shape).astype(p.dtype)
    return net.eval()


def images(n=5, C=1, size=8):
    return np.random.default_rng(0).normal(size=(n, C, size, size)).astype(np.float32)


def test_names_and_shapes_are_torchvisions():
    block = "encoder.layers.encoder_layer_0."
    assert {name: p.shape for name, p in small(num_layers=1).state_dict().items()} == {
        "class_token": (1, 1, 12),
        "conv_proj.weight": (12, 1, 4, 4),
        "conv_proj.bias": (12,),
        "encoder.pos_embedding": (1, 5, 12),
        block + "ln_1.weight": (12,),
        block + "ln_1.bias": (12,),
        block + "self_attention.in_proj_weight": (36, 12),
        block + "self_attention.in_proj_bias": (36,),
        block + "self_attention.out_proj.weight": (12, 12),
        block + "self_attention.out_proj.bias": (12,),
        block + "ln_2.weight": (12,),
        block + "ln_2.bias": (12,),
        block + "mlp.0.weight": (20, 12),
        block + "mlp.0.bias": (20,),
        block + "mlp.3.weight": (12, 20),
        block + "mlp.3.bias": (12,),
        "encoder.ln.weight": (12,),
        "encoder.ln.bias": (12,),
        "heads.head.weight": (3, 12),
        "heads.head.bias": (3,),
    }


def test_at_first_all_classes_are_alike_and_patches_keep_their_size():
    net = ViT(32, 8, 1, 4, 256, 64, rng=0).eval()
    assert (net(images(2, 3, 32)).data == 0).all()
    patches = net.conv_proj(images(8, 3, 32)).data
    assert patches.std() == pytest.approx(1, rel=0.05)
    assert net.encoder.pos_embedding.data.std() == pytest.approx(0.02, rel=0.1)
    inner = net.encoder.layers[0].mlp[0]
    assert np.abs(inner.weight.data).max() == pytest.approx(np.sqrt(6 / (256 + 64)), rel=0.01)
    assert np.abs(inner.bias.data).max() < 1e-5


def test_without_positions_the_order_of_patches_means_nothing():
    net, x = waken(small()), images()
    halves = np.concatenate([x[:, :, 4:], x[:, :, :4]], axis=2)  # upper and lower patches swapped
    assert np.abs(net(halves).data - net(x).data).max() > 1e-2
    net.encoder.pos_embedding.data[:] = 0
    np.testing.assert_allclose(net(halves).data, net(x).data, atol=1e-5)


def test_a_state_dict_goes_round():
    one, other = waken(small()), small(rng=5).eval()
    assert np.abs(one(images()).data - other(images()).data).max() > 1e-2
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one(images()).data, other(images()).data)


def test_a_seed_settles_the_weights_and_the_dropout():
    def outputs(rng):
        net = small(dropout=0.3, attention_dropout=0.2, rng=rng)
        net.heads.head.weight.data[:] = 1
        return net(images()).data

    np.testing.assert_array_equal(outputs(7), outputs(7))
    assert (outputs(7) != outputs(8)).any()


@pytest.mark.trains
def test_it_learns_in_which_quarter_a_spot_is():
    rng = np.random.default_rng(0)
    X, y = rng.normal(0, 0.3, (64, 1, 8, 8)).astype(np.float32), rng.integers(4, size=64)
    for image, quarter in zip(X[:, 0], y, strict=True):
        top, left = 4 * (quarter // 2) + rng.integers(3), 4 * (quarter % 2) + rng.integers(3)
        image[top : top + 2, left : left + 2] += 2
    net = small(num_classes=4, hidden_dim=24)
    optimizer = nn.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(40):
        loss = F.cross_entropy(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    assert all(p.grad is not None for p in net.parameters())


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="image_size=8 must be a multiple of patch_size=3"):
        small(patch_size=3)
    with pytest.raises(ValueError, match="hidden_dim=12 must be a multiple of num_heads=5"):
        small(num_heads=5)
    with pytest.raises(ValueError, match="num_layers must be an integer >= 1, got 0"):
        small(num_layers=0)
    with pytest.raises(ValueError, match=r"\(C, H, W\) = \(1, 8, 8\), got \(5, 1, 8, 6\)"):
        small()(images()[..., :6])
    with pytest.raises(ValueError, match=r"got \(1, 8, 8\)"):
        small()(images()[0])


@pytest.mark.torch
def test_it_computes_what_pytorchs_encoder_does():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    net, x = waken(small(in_channels=2)), images(C=2)
    state = {name: torch.from_numpy(p.copy()) for name, p in net.state_dict().items()}
    names = {
        "self_attn": "self_attention", "norm1": "ln_1", "norm2": "ln_2", "linear1": "mlp.0",
        "linear2": "mlp.3",
    }  # fmt: skip
    conv = torch.nn.functional.conv2d
    y = conv(torch.from_numpy(x), state["conv_proj.weight"], state["conv_proj.bias"], stride=4)
    y = torch.cat([state["class_token"].expand(5, 1, 12), y.flatten(2).transpose(1, 2)], 1)
    y = y + state["encoder.pos_embedding"]
    for i in range(2):
        layer = torch.nn.TransformerEncoderLayer(
            12, 2, 20, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        )
        own = {}
        for name in layer.state_dict():
            first, rest = name.split(".", 1)
            own[name] = state[f"encoder.layers.encoder_layer_{i}.{names[first]}.{rest}"]
        layer.load_state_dict(own)
        y = layer(y)
    norm = torch.nn.functional.layer_norm
    y = norm(y[:, 0], (12,), state["encoder.ln.weight"], state["encoder.ln.bias"], 1e-6)
    y = y @ state["heads.head.weight"].T + state["heads.head.bias"]
    np.testing.assert_allclose(net(x).data, y.detach().numpy(), atol=1e-5)
