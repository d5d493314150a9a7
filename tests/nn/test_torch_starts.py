"""Initial values beside PyTorch's, by their distributions."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import nn

torch = pytest.importorskip("torch", reason="the comparison needs torch")
pytestmark = pytest.mark.torch


STARTS = [
    ("Linear", {"in_features": 40, "out_features": 300}),
    ("Bilinear", {"in1_features": 20, "in2_features": 30, "out_features": 40}),
    ("Embedding", {"num_embeddings": 200, "embedding_dim": 60, "padding_idx": 3}),
    ("EmbeddingBag", {"num_embeddings": 200, "embedding_dim": 60}),
    ("Conv2d", {"in_channels": 8, "out_channels": 100, "kernel_size": 3}),
    ("ConvTranspose2d", {"in_channels": 8, "out_channels": 100, "kernel_size": 3}),
    ("Conv1d", {"in_channels": 8, "out_channels": 200, "kernel_size": 5, "groups": 2}),
    ("LSTM", {"input_size": 20, "hidden_size": 40}),
    ("GRU", {"input_size": 20, "hidden_size": 40}),
    ("RNN", {"input_size": 20, "hidden_size": 80}),
    ("LSTMCell", {"input_size": 20, "hidden_size": 40}),
    ("MultiheadAttention", {"embed_dim": 60, "num_heads": 4}),
    ("BatchNorm2d", {"num_features": 5}),
    ("LayerNorm", {"normalized_shape": 5}),
    ("PReLU", {"num_parameters": 5}),
]


@pytest.mark.parametrize(("name", "settings"), STARTS, ids=str)
def test_parameters_start_in_pytorchs_distribution(name, settings):
    if not hasattr(nn, name):
        pytest.skip(f"nn.{name} is not there")
    more = {"rng": 0} if "rng" in inspect.signature(getattr(nn, name)).parameters else {}
    ours = getattr(nn, name)(**settings, **more).state_dict()
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(**settings).state_dict()
    assert list(ours) == list(theirs)
    for key, t in theirs.items():
        same_distribution(ours[key], t.numpy(), f"{name}.{key}")


def same_distribution(a, b, what):
    assert a.shape == b.shape, what
    a, b = np.sort(a.ravel()), np.sort(b.ravel())
    if b.size and b[0] == b[-1]:
        np.testing.assert_array_equal(a, b, err_msg=what)
        return
    # Kolmogorov and Smirnov's distance; 1.95 is passed once in 1,000 draws, and seeds are fixed
    points = np.concatenate([a, b])
    gap = np.searchsorted(a, points, "right") - np.searchsorted(b, points, "right")
    assert abs(gap).max() / a.size < 1.95 * math.sqrt(2 / a.size), what


INITS = [
    ("uniform_", (-1.0, 2.0)),
    ("normal_", (1.0, 2.0)),
    ("trunc_normal_", (0.5, 2.0, -1.0, 1.5)),
    ("trunc_normal_", (0.0, 1.0, 1.5, 4.0)),
    ("constant_", (3.0,)),
    ("ones_", ()),
    ("zeros_", ()),
    ("eye_", ()),
    ("xavier_uniform_", (2.0,)),
    ("xavier_normal_", ()),
    ("kaiming_uniform_", (0.1, "fan_out")),
    ("kaiming_normal_", (0.0, "fan_in", "relu")),
    ("orthogonal_", (2.0,)),
    ("sparse_", (0.2, 3.0)),
    ("dirac_", (2,)),
]


@pytest.mark.parametrize(("name", "args"), INITS, ids=str)
def test_init_draws_from_pytorchs_distribution(name, args):
    shape = (6, 3, 3) if name == "dirac_" else (120, 80)
    torch.manual_seed(1)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), *args).numpy()
    more = (
        {"generator": 1}
        if "generator" in inspect.signature(getattr(nn.init, name)).parameters
        else {}
    )
    ours = getattr(nn.init, name)(nn.Parameter(np.ones(shape)), *args, **more).data
    if not more:
        np.testing.assert_array_equal(ours, theirs)
    same_distribution(ours, theirs, name)


@pytest.mark.parametrize("name", ["linear", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu"])
def test_gains_are_pytorchs(name):
    assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert nn.init.calculate_gain("leaky_relu", 0.3) == pytest.approx(
        torch.nn.init.calculate_gain("leaky_relu", 0.3)
    )
