"""Layers, losses and functions beside PyTorch's, from tables."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import autograd
import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name

torch = pytest.importorskip("torch", reason="the comparison needs torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.normal(0, 1.5, shape).astype(np.float32)


def share(*shape):
    return RNG.uniform(0.05, 0.95, shape).astype(np.float32)


def signs(*shape):
    return RNG.choice([-1.0, 1.0], shape).astype(np.float32)


def classes(n, *shape):
    return RNG.integers(0, n, shape)


def log_p(*shape, dim=1):
    x = real(*shape)
    return x - np.log(np.exp(x).sum(dim, keepdims=True))


X, IMAGE = real(4, 6), real(2, 4, 5, 3)
EDGES = np.float32([[-7, -6, -3, -1, -0.5, 0, 0.5, 1, 3, 6, 7, 40, -40]])

ACTIVATIONS = [
    ("CELU", {"alpha": 0.7}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.5}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("GLU", {"dim": 0}),
    ("Hardshrink", {"lambd": 0.3}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("Hardtanh", {"min_val": -0.4, "max_val": 1.2}),
    ("LeakyReLU", {"negative_slope": 0.2}),
    ("LogSigmoid", {}),
    ("LogSoftmax", {"dim": 0}),
    ("Mish", {}),
    ("PReLU", {}),
    ("PReLU", {"num_parameters": 6, "init": 0.1}),
    ("ReLU", {"inplace": False}),
    ("ReLU6", {}),
    ("SELU", {}),
    ("SiLU", {}),
    ("Sigmoid", {}),
    ("Softmax", {"dim": -1}),
    ("Softmin", {"dim": 1}),
    ("Softplus", {}),
    ("Softplus", {"beta": 2.0, "threshold": 5.0}),
    ("Softshrink", {"lambd": 0.3}),
    ("Softsign", {}),
    ("Tanh", {}),
    ("Tanhshrink", {}),
    ("Threshold", {"threshold": 0.1, "value": 20.0}),
]
LAYERS = [(name, settings, (X,), False) for name, settings in ACTIVATIONS]
LAYERS += [
    (
        name,
        settings,
        (EDGES.repeat(6, 0).T if "num_parameters" in settings else EDGES.T + 0.01,),
        False,
    )
    for name, settings in ACTIVATIONS
    if name not in ("GLU", "Softplus", "Softmax", "Softmin", "LogSoftmax")
]
LAYERS += [
    ("RReLU", {}, (X,), False),
    ("Softmax2d", {}, (IMAGE,), False),
    ("PReLU", {"num_parameters": 4}, (IMAGE,), False),
    *[
        (name, {"p": 0.4}, (IMAGE,), False)
        for name in ("Dropout", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout")
    ],
    ("Dropout1d", {}, (IMAGE[0],), False),
    ("Dropout3d", {}, (IMAGE,), False),
    ("Linear", {"in_features": 6, "out_features": 3}, (X,), True),
    ("Linear", {"in_features": 3, "out_features": 2, "bias": False}, (IMAGE,), True),
    ("Identity", {}, (X,), True),
    ("Flatten", {"start_dim": 2}, (IMAGE,), True),
    ("Bilinear", {"in1_features": 6, "in2_features": 3, "out_features": 2}, (X, real(4, 3)), True),
    (
        "Bilinear",
        {"in1_features": 5, "in2_features": 3, "out_features": 2, "bias": False},
        (real(2, 4, 5), real(2, 4, 3)),
        True,
    ),
    ("CosineSimilarity", {"dim": 2, "eps": 1e-6}, (IMAGE, real(2, 4, 5, 3)), True),
    ("CosineSimilarity", {}, (X, real(1, 6)), True),
    ("PairwiseDistance", {"p": 3.0, "keepdim": True}, (X, real(4, 6)), True),
    ("PairwiseDistance", {"p": 1.0}, (X, real(4, 6)), True),
    ("PairwiseDistance", {"p": math.inf}, (X, real(4, 6)), True),
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 3}, (classes(9, 4, 5),), True),
    (
        "Embedding",
        {"num_embeddings": 9, "embedding_dim": 3, "padding_idx": -2},
        (classes(9, 30),),
        True,
    ),
    (
        "Embedding",
        {"num_embeddings": 9, "embedding_dim": 3, "scale_grad_by_freq": True},
        (classes(9, 4, 5),),
        True,
    ),
    (
        "Embedding",
        {"num_embeddings": 9, "embedding_dim": 3, "max_norm": 0.8, "norm_type": 1.0},
        (classes(9, 4, 5),),
        True,
    ),
    *[
        (
            "EmbeddingBag",
            {"num_embeddings": 9, "embedding_dim": 3, "mode": mode, **more},
            args,
            True,
        )
        for mode in ("sum", "mean", "max")
        for more, args in (
            ({}, (classes(9, 4, 5),)),
            ({"padding_idx": 3}, (np.array([3, 1, 2, 2, 3, 0, 8]), np.array([0, 3, 3, 6]))),
            ({"include_last_offset": True}, (classes(9, 7), np.array([0, 2, 3, 7]))),
        )
    ],
    (
        "EmbeddingBag",
        {"num_embeddings": 9, "embedding_dim": 3, "mode": "sum"},
        (classes(9, 4, 5), None, real(4, 5)),
        True,
    ),
    (
        "EmbeddingBag",
        {"num_embeddings": 9, "embedding_dim": 3, "max_norm": 0.7},
        (classes(9, 4, 5),),
        True,
    ),
    *[
        (
            f"BatchNorm{rank}d",
            {"num_features": 4, **more},
            (real(3, 4, 5, 2, 3)[(...,) + (0,) * (3 - rank)],),
            mode,
        )
        for rank in (1, 2, 3)
        for more in (
            {},
            {"momentum": None, "eps": 1e-2},
            {"affine": False},
            {"track_running_stats": False},
        )
        for mode in (True, False)
    ],
    *[
        (
            f"InstanceNorm{rank}d",
            {"num_features": 4, **more},
            (real(3, 4, 5, 2, 3)[(...,) + (0,) * (3 - rank)],),
            mode,
        )
        for rank in (1, 2, 3)
        for more in (
            {},
            {"affine": True, "eps": 1e-2},
            {"track_running_stats": True, "momentum": 0.3},
        )
        for mode in (True, False)
    ],
    ("InstanceNorm2d", {"num_features": 4, "affine": True}, (IMAGE[0],), True),
    ("LayerNorm", {"normalized_shape": (5, 3)}, (IMAGE,), True),
    ("LayerNorm", {"normalized_shape": 3, "bias": False, "eps": 1e-3}, (IMAGE,), True),
    ("RMSNorm", {"normalized_shape": (5, 3)}, (IMAGE,), True),
    ("RMSNorm", {"normalized_shape": 3, "eps": 1e-3, "elementwise_affine": False}, (IMAGE,), True),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4}, (IMAGE,), True),
    ("GroupNorm", {"num_groups": 4, "num_channels": 4, "affine": False}, (IMAGE,), True),
    ("LocalResponseNorm", {"size": 3, "alpha": 0.3}, (IMAGE,), True),
    ("LocalResponseNorm", {"size": 4, "alpha": 0.3, "beta": 0.5, "k": 2.0}, (IMAGE,), True),
]


def as_tensor(x):
    if not isinstance(x, np.ndarray):
        return x
    return torch.tensor(x, requires_grad=x.dtype.kind == "f")


def as_value(x):
    return autograd.Value(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def plain(x):
    if isinstance(x, torch.Tensor):
        return x.detach()
    return torch.tensor(np.array(x.data if isinstance(x, autograd.Value) else x))


def close(ours, theirs, what):
    torch.testing.assert_close(
        plain(ours), plain(theirs), equal_nan=True, msg=lambda text: f"{what}: {text}"
    )


def compare(ours, theirs, args):
    """Outputs and gradients of two callables."""
    values, tensors = [as_value(x) for x in args], [as_tensor(x) for x in args]
    y, z = ours(*values), theirs(*tensors)
    close(y, z, "output")
    if not z.requires_grad:
        return
    g = RNG.normal(size=z.shape).astype(np.float32)
    y.backward(g)
    z.backward(torch.tensor(g))
    for i, (v, t) in enumerate(zip(values, tensors, strict=True)):
        if isinstance(v, autograd.Value) and t.grad is not None:
            close(v.grad, t.grad, f"gradient of input {i}")


def label(x):
    if isinstance(x, dict):
        return ",".join(f"{k}={v}" if not isinstance(v, np.ndarray) else k for k, v in x.items())
    return x if isinstance(x, str) else ""


@pytest.mark.parametrize(("name", "settings", "args", "training"), LAYERS, ids=label)
def test_a_layer_computes_what_pytorchs_does(name, settings, args, training):
    theirs, ours = getattr(torch.nn, name)(**settings), getattr(nn, name)(**settings)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(RNG.normal(0.3, 0.8, p.shape)))
        for b in theirs.buffers():
            if b.dtype.is_floating_point:
                b.copy_(torch.tensor(RNG.uniform(0.5, 1.5, b.shape)))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy().copy() for k, v in theirs.state_dict().items()})
    compare(ours.train(training), theirs.train(training), args)
    for key, p in theirs.named_parameters():
        if p.grad is not None:
            close(ours.get_parameter(key).grad, p.grad, f"gradient of {key}")
    for key, b in theirs.state_dict().items():
        close(ours.state_dict()[key], b, key)


P = (share(4, 6), share(4, 6))
PAIR = (X, real(4, 6))
LOSSES = [
    ("mse_loss", PAIR, {}),
    ("mse_loss", PAIR, {"weight": share(4, 6)}),
    ("l1_loss", PAIR, {}),
    ("l1_loss", PAIR, {"weight": share(4, 6)}),
    ("smooth_l1_loss", PAIR, {}),
    ("smooth_l1_loss", PAIR, {"beta": 0.3}),
    ("smooth_l1_loss", PAIR, {"beta": 0.0}),
    ("huber_loss", PAIR, {}),
    ("huber_loss", PAIR, {"delta": 2.5, "weight": share(4, 6)}),
    ("cross_entropy", (X, classes(6, 4)), {}),
    ("cross_entropy", (X, classes(6, 4)), {"weight": share(6), "label_smoothing": 0.2}),
    ("cross_entropy", (X, np.array([1, -100, 5, 1])), {"weight": share(6)}),
    ("cross_entropy", (X, np.array([1, 2, 5, 1])), {"ignore_index": 1}),
    ("cross_entropy", (IMAGE, classes(4, 2, 5, 3)), {"label_smoothing": 0.1}),
    ("cross_entropy", (X[0], np.array(3)), {}),
    ("cross_entropy", (X, np.exp(log_p(4, 6))), {"weight": share(6), "label_smoothing": 0.2}),
    ("nll_loss", (log_p(4, 6), classes(6, 4)), {"weight": share(6), "ignore_index": 2}),
    ("nll_loss", (log_p(2, 4, 5, 3), classes(4, 2, 5, 3)), {}),
    ("binary_cross_entropy", P, {}),
    ("binary_cross_entropy", P, {"weight": share(6)}),
    ("binary_cross_entropy", (share(4), np.float32([0, 1, 1, 0])), {}),
    ("binary_cross_entropy_with_logits", (X, P[1]), {}),
    (
        "binary_cross_entropy_with_logits",
        (X, P[1]),
        {"weight": share(4, 1), "pos_weight": 3 * share(6)},
    ),
    ("binary_cross_entropy_with_logits", (EDGES, np.round(share(1, 13))), {}),
    ("kl_div", (log_p(4, 6), np.exp(log_p(4, 6))), {}),
    ("kl_div", (log_p(4, 6), np.eye(4, 6, dtype=np.float32)), {}),
    ("kl_div", (log_p(4, 6), log_p(4, 6)), {"log_target": True}),
    ("poisson_nll_loss", (X, classes(5, 4, 6).astype(np.float32)), {}),
    (
        "poisson_nll_loss",
        (P[0], classes(5, 4, 6).astype(np.float32)),
        {"log_input": False, "eps": 1e-3},
    ),
    ("gaussian_nll_loss", (*PAIR, share(4, 6)), {}),
    ("gaussian_nll_loss", (*PAIR, share(4, 1)), {"full": True}),
    ("gaussian_nll_loss", (*PAIR, share(4)), {"eps": 0.5}),
    ("hinge_embedding_loss", (X, signs(4, 6)), {"margin": 0.7}),
    ("margin_ranking_loss", (*PAIR, signs(4, 6)), {"margin": 0.3}),
    ("multi_margin_loss", (X, classes(6, 4)), {}),
    ("multi_margin_loss", (X, classes(6, 4)), {"p": 2, "margin": 0.5, "weight": share(6)}),
    ("multi_margin_loss", (X[0], np.array(2)), {}),
    (
        "multilabel_margin_loss",
        (X, np.array([[1, 2, -1, 3, 0, 0], [-1] * 6, [0, 1, 2, 3, 4, 5], [5, -1, 0, 0, 0, 0]])),
        {},
    ),
    ("multilabel_margin_loss", (X[0], np.array([2, 0, -1, 2, 2, 2])), {}),
    ("multilabel_soft_margin_loss", (X, np.round(P[1])), {}),
    ("multilabel_soft_margin_loss", (X, np.round(P[1])), {"weight": share(6)}),
    ("soft_margin_loss", (X, signs(4, 6)), {}),
    ("cosine_embedding_loss", (*PAIR, signs(4)), {"margin": 0.2}),
    ("cosine_embedding_loss", (X[0], X[1], signs()), {}),
    ("triplet_margin_loss", (*PAIR, real(4, 6)), {}),
    ("triplet_margin_loss", (*PAIR, real(4, 6)), {"margin": 2.0, "p": 1.0, "swap": True}),
    ("triplet_margin_loss", (X[0], X[1], X[2]), {"eps": 0.01}),
    ("triplet_margin_with_distance_loss", (*PAIR, real(4, 6)), {"margin": 1.5, "swap": True}),
]
INPUT_ONLY = {  # PyTorch's or our gradient of the target is not defined, or of no use
    "binary_cross_entropy",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
}
MODULES = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "cross_entropy": "CrossEntropyLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "huber_loss": "HuberLoss",
    "kl_div": "KLDivLoss",
    "l1_loss": "L1Loss",
    "margin_ranking_loss": "MarginRankingLoss",
    "mse_loss": "MSELoss",
    "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "nll_loss": "NLLLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "soft_margin_loss": "SoftMarginLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "triplet_margin_with_distance_loss": "TripletMarginWithDistanceLoss",
}


def in_torch(settings):
    return {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}


@pytest.mark.filterwarnings("ignore:reduction:UserWarning")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize(("name", "args", "settings"), LOSSES, ids=label)
def test_a_loss_computes_what_pytorchs_does(name, args, settings, reduction):
    if reduction == "batchmean" and name != "kl_div":
        with pytest.raises(ValueError, match="reduction"):
            getattr(F, name)(*args, **settings, reduction=reduction)
        return
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    rest = args[1:] if name in INPUT_ONLY and not settings.get("log_target") else ()
    compare(
        lambda *a: ours(*a, *rest, **settings, reduction=reduction),
        lambda *a: theirs(*a, *map(torch.tensor, rest), **in_torch(settings), reduction=reduction),
        args[: len(args) - len(rest)],
    )
    if settings.keys() <= set(inspect.signature(getattr(nn, MODULES[name])).parameters):
        a = getattr(nn, MODULES[name])(**settings, reduction=reduction)
        b = getattr(torch.nn, MODULES[name])(**in_torch(settings), reduction=reduction)
        assert list(a.state_dict()) == list(b.state_dict())
        close(a(*args), b(*[torch.tensor(x) for x in args]), "module")


def test_every_loss_is_in_the_table():
    assert {n for n in dir(nn) if n.endswith("Loss")} == {
        *MODULES.values(),
        "CTCLoss",
        "AdaptiveLogSoftmaxWithLoss",
    }


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_computes_what_pytorchs_does(reduction, zero_infinity):
    x, targets = real(7, 3, 5), np.array([[1, 2, 2], [3, 3, 0], [4, 1, 2]])
    lengths = np.array([7, 7, 3 if not zero_infinity else 2]), np.array([3, 2, 3])

    def ours(x):
        loss = nn.CTCLoss(0, reduction, zero_infinity)
        return loss(F.log_softmax(x, 2), targets, *lengths)

    def theirs(x):
        loss = torch.nn.CTCLoss(0, reduction, zero_infinity)
        return loss(x.log_softmax(2), *map(torch.tensor, (targets, *lengths)))

    compare(ours, theirs, (x,))


FUNCTIONS = [
    ("normalize", (X,), {}),
    ("normalize", (IMAGE,), {"p": 1.0, "dim": 2}),
    ("glu", (IMAGE,), {"dim": 1}),
    ("threshold", (X, 0.1, 2.0), {}),
    ("hardtanh", (X, -0.5, 0.7), {}),
    ("softmin", (X, 1), {}),
    ("leaky_relu", (X, 0.3, False), {}),
    ("elu", (X, 0.3, False), {}),
    ("rrelu", (X, 0.1, 0.4), {}),
    ("prelu", (X, np.float32([0.3])), {}),
    ("bilinear", (X, real(4, 3), real(2, 6, 3), real(2)), {}),
    ("linear", (IMAGE, real(2, 3), real(2)), {}),
    ("layer_norm", (IMAGE, (5, 3), real(5, 3), real(5, 3), 1e-3), {}),
    ("group_norm", (IMAGE, 2, real(4), real(4)), {}),
    ("instance_norm", (IMAGE,), {"eps": 1e-2}),
    ("local_response_norm", (IMAGE, 3, 0.2), {}),
    ("cosine_similarity", (IMAGE, real(2, 4, 5, 3), 3), {}),
    ("embedding", (classes(5, 7), real(5, 2), 1), {}),
    ("embedding_bag", (classes(5, 7), real(5, 2), np.array([0, 4])), {"mode": "max"}),
    ("one_hot", (classes(5, 7),), {"num_classes": 6}),
    (
        "scaled_dot_product_attention",
        (real(2, 3, 4), real(2, 5, 4), real(2, 5, 6), RNG.random((3, 5)) < 0.7),
        {"scale": 0.4},
    ),
]


@pytest.mark.parametrize(("name", "args", "settings"), FUNCTIONS, ids=label)
def test_a_function_computes_what_pytorchs_does(name, args, settings):
    compare(
        lambda *a: getattr(F, name)(*a, **settings),
        lambda *a: getattr(torch.nn.functional, name)(*a, **settings),
        args,
    )
