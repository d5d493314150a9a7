"""Every layer gives the same numbers whatever the memory of its inputs and parameters looks like.

As tests/ops/test_layouts.py does for rows: in all orders of axes, strided, reversed, read-only,
with axes of length 0 and 1, in poisoned memory.
"""

from __future__ import annotations

import copy
import inspect

import layouts
import numpy as np
import pytest
from layouts import Poison, checked, resized

import autograd
import nn

RANKS = {"1d": 1, "2d": 2, "3d": 3}
X, Y = (4, 6), (4, 6)
SIGNS = np.array([1.0, -1.0, 1.0, 1.0])
CLASSES = np.array([0, 5, 2, 1])
NO_LAYERS = {
    "Module",
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "RBM",
    "Sequential",
}
SMALL = {"d_model": 4, "nhead": 2, "dim_feedforward": 5, "dropout": 0.0}
SAMPLES = {  # name -> (settings, shapes or arrays of the inputs), each as often as it takes
    "AdaptiveAvgPool": [((2,), ["image"])],
    "AdaptiveLogSoftmaxWithLoss": [((6, 6, [2, 4], 2.0), [X, CLASSES])],
    "AdaptiveMaxPool": [((2,), ["image"])],
    "AvgPool": [((2,), ["image"]), ((3, 1, 1), ["image"])],
    "BCELoss": [((), [np.full(X, 0.3), np.full(X, 0.6)])],
    "BCEWithLogitsLoss": [((), [X, np.full(X, 0.6)])],
    "BatchNorm": [((2,), ["image"])],
    "Bilinear": [((6, 3, 2), [X, (4, 3)])],
    "CTCLoss": [((), [(5, 2, 3), np.array([[1, 2], [2, 1]]), np.array([5, 4]), np.array([2, 1])])],
    "ChannelShuffle": [((2,), [(2, 4, 3)])],
    "CircularPad": [((1,), ["image"])],
    "ConstantPad": [((1, 2.0), ["image"])],
    "Conv": [((2, 3, 2), ["image"]), ((2, 4, 3, 2, 1, 1, 2), ["image"]), ((2, 2, 1), ["image"])],
    "ConvTranspose": [((2, 3, 2), ["image"]), ((2, 4, 3, 2, 1, 1, 2), ["image"])],
    "CosineEmbeddingLoss": [((), [X, Y, SIGNS])],
    "CosineSimilarity": [((), [X, Y])],
    "CrossEntropyLoss": [((), [X, CLASSES]), ((), [(2, 3, 4), np.ones((2, 4), int)])],
    "Dropout": [((0.4,), ["image"])],
    "Embedding": [((5, 3), [np.array([[1, 0, 1], [4, 3, 3]])])],
    "EmbeddingBag": [((5, 3), [np.array([[1, 0, 1], [4, 3, 3]])])],
    "Fold": [(((3, 4), 2), [(2, 8, 6)])],
    "GRU": [((2, 3, 2), [(4, 2, 2)]), ((1, 1), [(3, 2, 1)])],
    "GRUCell": [((3, 2), [(4, 3)])],
    "GaussianNLLLoss": [((), [X, Y, np.full(X, 0.5)])],
    "GroupNorm": [((2, 4), [(2, 4, 3)])],
    "HingeEmbeddingLoss": [((), [X, np.where(np.eye(4, 6), 1.0, -1.0)])],
    "InstanceNorm": [((2, 1e-5, 0.1, True), ["image"])],
    "KLDivLoss": [((), [X, np.full(X, 0.2)])],
    "LPPool": [((2, 2), ["image"])],
    "LSTM": [((2, 3, 2), [(4, 2, 2)]), ((1, 1), [(3, 2, 1)])],
    "LSTMCell": [((3, 2), [(4, 3)])],
    "LayerNorm": [((6,), [X]), (((3, 2),), [(2, 3, 2)])],
    "Linear": [((6, 3), [X]), ((6, 3), [(2, 3, 6)])],
    "LocalResponseNorm": [((2,), [(2, 4, 3)])],
    "LogSoftmax": [((-1,), [X]), ((1,), [(2, 3, 2)])],
    "MarginRankingLoss": [((), [(4,), (4,), SIGNS])],
    "MaxPool": [((2,), ["image"]), ((3, 1, 1), ["image"])],
    "MaxUnpool": [((2,), ["pooled", "places"])],
    "MultiLabelMarginLoss": [((), [(2, 3), np.array([[1, -1, 0], [2, 0, -1]])])],
    "MultiLabelSoftMarginLoss": [((), [X, np.eye(4, 6)])],
    "MultiMarginLoss": [((), [X, CLASSES])],
    "MultiheadAttention": [
        ((4, 2), [(3, 2, 4), (5, 2, 4), (5, 2, 4)]),
        ((4, 4), [(6, 4), (3, 4), (3, 4)]),
        ((2, 2, 0.0, True, True, True), [(3, 1, 2), (2, 1, 2), (2, 1, 2)]),
    ],
    "NLLLoss": [((), [X, CLASSES])],
    "PairwiseDistance": [((), [X, Y])],
    "PixelShuffle": [((2,), [(2, 4, 3, 2)])],
    "PixelUnshuffle": [((2,), [(2, 1, 4, 2)])],
    "PositionalEmbedding": [((4, 0.0, 5), [(3, 2, 4)])],
    "PositionalEncoding": [((4, 0.0, 5), [(3, 2, 4)])],
    "PoissonNLLLoss": [((), [X, np.full(X, 3.0)])],
    "RMSNorm": [((6,), [X])],
    "RNN": [((2, 3, 2), [(4, 2, 2)]), ((1, 1), [(3, 2, 1)])],
    "RNNCell": [((3, 2), [(4, 3)])],
    "ReflectionPad": [((1,), ["image"])],
    "ReplicationPad": [((1,), ["image"])],
    "SoftMarginLoss": [((), [X, np.where(np.eye(4, 6), 1.0, -1.0)])],
    "Softmax": [((-1,), [X]), ((1,), [(2, 3, 2)])],
    "Softmax2d": [((), [(2, 3, 4, 2)])],
    "Softmin": [((-1,), [X])],
    "Threshold": [((0.1, 2.0), [X])],
    "Transformer": [((4, 2, 1, 1, 5, 0.0), [(3, 2, 4), (2, 2, 4)])],
    "TransformerDecoder": [
        ((lambda: nn.TransformerDecoderLayer(**SMALL, rng=0), 1), [(3, 2, 4), (2, 2, 4)])
    ],
    "TransformerDecoderLayer": [((4, 4, 5, 0.0), [(3, 1, 4), (2, 1, 4)])],
    "TransformerEncoder": [((lambda: nn.TransformerEncoderLayer(**SMALL, rng=0), 1), [(3, 2, 4)])],
    "TransformerEncoderLayer": [((4, 2, 5, 0.0), [(3, 2, 4)])],
    "TripletMarginLoss": [((), [X, Y, (4, 6)])],
    "TripletMarginWithDistanceLoss": [((), [X, Y, (4, 6)])],
    "Unflatten": [((1, (2, 3)), [X])],
    "Unfold": [((2,), [(2, 2, 3, 4)])],
    "Upsample": [
        ((None, 2.0), ["image"]),
        ((None, 1.7, "bilinear"), [(2, 2, 4, 3)]),
        ((3, None, "bicubic", True), [(2, 2, 4, 3)]),
    ],
    "UpsamplingBilinear": [((None, 2), ["image"])],
    "UpsamplingNearest": [((None, 2), ["image"])],
    "ZeroPad": [((1,), ["image"])],
}
LAYERS = [
    name
    for name in dir(nn)
    if inspect.isclass(getattr(nn, name))
    and issubclass(getattr(nn, name), nn.Module)
    and name not in NO_LAYERS
]


def samples(name):
    """Settings and inputs of a layer; one that SAMPLES lacks takes no settings and a matrix."""
    rank = RANKS.get(name[-2:], 2)
    known = SAMPLES.get(name) or SAMPLES.get(
        name.removesuffix(name[-2:] if name[-2:] in RANKS else "-")
    )
    image = (2, 2, 4, 6, 4)[: rank + 2]
    for settings, inputs in known or [((), [X, Y] if name.endswith("Loss") else [X])]:
        rng = np.random.default_rng(0)
        made = {"image": rng.normal(size=image)}
        if name.startswith("MaxUnpool"):
            pool = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True)
            made["pooled"], made["places"] = map(np.asarray, pool(made["image"]))
        arrays = [
            made[x] if isinstance(x, str) else rng.normal(size=x) if isinstance(x, tuple) else x
            for x in inputs
        ]
        yield [s() if callable(s) else s for s in settings], arrays


class Call(layouts.Call):
    """A call of a layer."""

    def __init__(self, layer, inputs):
        super().__init__(inputs)
        self.layer = self.latest = layer

    def on(self, chosen):
        """The outputs of a copy, whose running statistics and random numbers are as new."""
        self.latest = copy.deepcopy(self.layer)
        autograd.seed(0)
        return list(flat(self.latest(*self.with_floats(chosen))))

    def more_leaves(self):
        return list(self.latest.parameters())


def flat(y):
    if isinstance(y, (tuple, list)):
        for part in y:
            yield from flat(part)
    elif y is not None:
        yield y


def in_fortran_order(layer):
    """The layer with its parameters in the other order of axes."""
    for p in layer.parameters():
        p.data = np.asfortranarray(p.data)
    return layer


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of empty slices and of NaN
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_same_in_every_layout(name, monkeypatch):
    for k, (settings, arrays) in enumerate(samples(name)):
        autograd.seed(0)
        layer = getattr(nn, name)(*settings).double()
        for which, inputs in resized(arrays):
            call = Call(layer, inputs)
            try:
                taken = checked(call, Poison(monkeypatch))
                if taken:
                    expected = call.pulled(call.chosen)
                    turned = Call(in_fortran_order(copy.deepcopy(layer)), inputs)
                    layouts.same(turned.pulled(call.chosen), expected, "parameters turned")
            except Exception as failure:
                failure.add_note(f"sample {k}, {which}")
                raise
            assert taken or which != "as it is"
