"""Arguments that are True or False take nothing else."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import nn
from autograd.op import Op
from nn import functional as F  # noqa: N812 - PyTorch users' name

X = np.ones((2, 4, 4), np.float32)
W = np.ones((4, 4), np.float32)
IMAGE = np.ones((1, 4, 4, 4), np.float32)
LOG_P = np.log(np.full((3, 2), 0.5))

MAKE = {  # the arguments that a constructor or a function needs besides
    "BatchNorm1d": (4,), "BatchNorm2d": (4,), "BatchNorm3d": (4,), "InstanceNorm1d": (4,),
    "InstanceNorm2d": (4,), "InstanceNorm3d": (4,), "LayerNorm": (4,), "RMSNorm": (4,),
    "GroupNorm": (2, 4), "Linear": (3, 2), "Bilinear": (3, 4, 2), "RNN": (3, 2), "LSTM": (3, 2),
    "GRU": (3, 2), "RNNCell": (3, 2), "LSTMCell": (3, 2), "GRUCell": (3, 2),
    "MultiheadAttention": (4, 2), "Embedding": (4, 2), "EmbeddingBag": (4, 2),
    "TransformerEncoderLayer": (4, 2, 4), "TransformerDecoderLayer": (4, 2, 4),
    "TransformerEncoder": (nn.TransformerEncoderLayer(4, 2, 4), 1), "Transformer": (4, 2, 1, 1, 4),
    "PositionalEncoding": (4,), "PositionalEmbedding": (4,), "Threshold": (1.0, 0.0),
    "LPPool1d": (2, 2), "LPPool2d": (2, 2), "LPPool3d": (2, 2), "GPT": (4, 8), "RBM": (4, 2),
    "AdaptiveLogSoftmaxWithLoss": (4, 9, [3]),
    "threshold": (X, 0.0, 1.0), "lp_pool1d": (X, 2, 2), "lp_pool2d": (IMAGE, 2, 2),
    "lp_pool3d": (IMAGE, 2, 2), "kl_div": (X, X), "poisson_nll_loss": (X, X),
    "gaussian_nll_loss": (X, X, X), "pairwise_distance": (X, X), "embedding": ([0], W),
    "ctc_loss": (LOG_P, [1], 3, 1), "triplet_margin_loss": (X, X, X),
    "triplet_margin_with_distance_loss": (X, X, X), "batch_norm": (X, None, None),
    "embedding_bag": ([[0]], W), "grid_sample": (IMAGE, np.zeros((1, 2, 2, 2), np.float32)),
    "affine_grid": (np.zeros((1, 2, 3)), (1, 1, 2, 2)), "interpolate": (IMAGE, 2),
    "scaled_dot_product_attention": (X, X, X),
    "pack_padded_sequence": (X, [2]),
    "pad_packed_sequence": (nn.utils.rnn.pack_sequence([X]),), "pad_sequence": ([X],),
    "unpad_sequence": (X, [2]), "pack_sequence": ([X],),
}  # fmt: skip
SIZED = "Conv", "MaxPool", "AvgPool"


def needed(name):
    if name in MAKE:
        return MAKE[name]
    if name.startswith(("Conv",)):
        return (4, 4, 1)
    if name.startswith("Adaptive") or name.startswith(SIZED):
        return (2,)
    if name.startswith(("max_pool", "avg_pool", "adaptive")):
        return ({"1": X, "2": IMAGE, "3": IMAGE}[name[-2]], 1)
    return (X,) if name.islower() else ()


def places():
    """Every class and function with arguments that are True or False, and their names."""
    owners = [*vars(nn).items(), *vars(F).items(), *vars(nn.utils.rnn).items()]
    for name, owner in owners:
        if name.startswith("_") or not (isinstance(owner, (type, Op)) or inspect.isfunction(owner)):
            continue
        if isinstance(owner, type) and not issubclass(owner, nn.Module):
            continue
        if name == "multi_head_attention_forward" or owner.__module__.startswith("nn.look"):
            continue
        for argument in inspect.signature(owner).parameters.values():
            if isinstance(argument.default, bool) or argument.name == "align_corners":
                yield pytest.param(owner, needed(name), argument.name, id=f"{name}-{argument.name}")


@pytest.mark.parametrize(("owner", "given", "argument"), list(places()))
@pytest.mark.parametrize("wrong", ["False", 0, 1])
def test_anything_but_true_and_false_is_refused_by_name(owner, given, argument, wrong):
    with pytest.raises(TypeError, match=f"{argument} must be True or False, got {wrong!r}"):
        owner(*given, **{argument: wrong})


def test_numpys_booleans_are_booleans():
    assert nn.Linear(2, 2, bias=np.bool_(False)).bias is None


@pytest.mark.parametrize("wrong", ["False", 0, None])
def test_a_call_refuses_them_too(wrong):
    attention = nn.MultiheadAttention(4, 2)
    for name in ("need_weights", "average_attn_weights", "is_causal"):
        with pytest.raises(TypeError, match=f"{name} must be True or False"):
            attention(X, X, X, **{name: wrong})


@pytest.mark.parametrize("wrong", ["False", 0, None])
def test_a_mode_that_is_assigned_is_true_or_false(wrong):
    layer = nn.Dropout()
    with pytest.raises(TypeError, match="training must be True or False"):
        layer.training = wrong
    with pytest.raises(TypeError, match="mode must be True or False"):
        layer.train(wrong)


@pytest.mark.parametrize("wrong", ["False", 0, 1])
def test_an_optimizer_does_not_maximize_by_mistake(wrong):
    for name, setting in (
        ("SGD", "nesterov"), ("SGD", "maximize"), ("Adam", "amsgrad"), ("AdamW", "maximize"),
        ("RMSprop", "centered"), ("NAdam", "decoupled_weight_decay"), ("Lion", "maximize"),
    ):  # fmt: skip
        make, p = getattr(nn.optim, name), nn.Parameter([1.0])
        with pytest.raises(TypeError, match=f"{name}: {setting} must be True or False"):
            make([p], lr=0.1, **{setting: wrong})
        with pytest.raises(TypeError, match=f"{name}: {setting} must be True or False"):
            make([{"params": [p], setting: wrong}], lr=0.1)


@pytest.mark.parametrize("wrong", ["False", 0, 1])
def test_loaders_and_loops_take_no_text_for_a_boolean(wrong):
    net, data = nn.Sequential(nn.Linear(2, 2)), (np.ones((4, 2), np.float32), np.zeros(4, int))
    sgd = nn.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for name, call in {
        "shuffle": lambda: nn.data.DataLoader(data, 2, shuffle=wrong),
        "drop_last": lambda: nn.data.DataLoader(data, 2, drop_last=wrong),
        "replacement": lambda: nn.data.RandomSampler(data[0], replacement=wrong),
        "header": lambda: nn.data.load_csv("none.csv", "y", header=wrong),
        "restore_best_weights": lambda: nn.train.EarlyStopping(restore_best_weights=wrong),
        "save_best_only": lambda: nn.train.ModelCheckpoint("x", save_best_only=wrong),
        "cycle_momentum": lambda: nn.optim.lr_scheduler.OneCycleLR(
            sgd, 0.1, total_steps=9, cycle_momentum=wrong
        ),
    }.items():
        with pytest.raises(TypeError, match=f"{name} must be True or False"):
            call()
    with pytest.raises(TypeError, match="shuffle must be True or False"):
        nn.train.fit(net, data, "cross_entropy", shuffle=wrong)


HALVES = np.full((2, 4, 6, 6), 0.5, np.float32)
NUMBERS = {  # what takes a number under the name
    "negative_slope": F.leaky_relu,
    "alpha": F.elu,
    "lambd": F.softshrink,
    "min_val": F.hardtanh,
    "beta": F.softplus,
    "lower": F.rrelu,
    "tau": F.gumbel_softmax,
    "p": F.normalize,
    "eps": lambda x, eps: F.pairwise_distance(x, x, eps=eps),
    "k": lambda x, k: F.local_response_norm(x, 2, k=k),
    "momentum": lambda x, momentum: F.instance_norm(x, momentum=momentum),
    "scale_factor": lambda x, scale_factor: F.interpolate(x, scale_factor=scale_factor),
    "scale": lambda x, scale: F.scaled_dot_product_attention(x, x, x, scale=scale),
    "value": lambda x, value: F.pad(x, (1, 1), value=value),
    "threshold": lambda x, threshold: F.threshold(x, threshold, 0.0),
    "divisor_override": lambda x, divisor_override: F.avg_pool2d(
        x, 2, divisor_override=divisor_override
    ),
}


@pytest.mark.parametrize("given", [True, "2"])
@pytest.mark.parametrize("name", NUMBERS)
def test_neither_a_flag_nor_a_text_is_taken_for_a_number(name, given):
    with pytest.raises(TypeError, match=rf"{name} must be an? (number|integer), got {given!r}"):
        NUMBERS[name](HALVES, **{name: given})


@pytest.mark.parametrize("eps", [True, np.inf])
def test_the_epsilon_of_a_norm_is_a_number(eps):
    with pytest.raises(ValueError, match="eps"):
        F.layer_norm(HALVES, (6,), eps=eps)


def test_a_focal_loss_refuses_an_alpha_that_is_nan():
    with pytest.raises(ValueError, match="alpha"):
        F.sigmoid_focal_loss(HALVES, HALVES, alpha=np.nan)
