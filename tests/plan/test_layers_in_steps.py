"""Every layer in a compiled training step, against the same layer trained eagerly."""

import copy
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd.plan.lowering import RefusalError

sys.path.insert(0, str(Path(__file__).parents[1] / "nn"))
sys.path.insert(0, str(Path(__file__).parents[1]))
from test_layer_layouts import LAYERS, flat, samples

REFUSED = {
    "AdaptiveLogSoftmaxWithLoss",  # sorts its targets into clusters
    "CosineEmbeddingLoss",
    "EmbeddingBag",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "MultiLabelMarginLoss",
    "MultiMarginLoss",
}
"""Layers that look at the numbers of their inputs in Python."""

CASES = [
    pytest.param(name, k, id=f"{name}-{k}") for name in LAYERS for k, _ in enumerate(samples(name))
]


def trained(layer):
    params = list(layer.parameters())
    optimizer = nn.optim.SGD(params, lr=0.01) if params else None

    def step(*inputs):
        if optimizer:
            optimizer.zero_grad()
        loss = 0.0
        outputs = [y for y in flat(layer(*inputs)) if hasattr(y, "dtype")]
        for y in outputs:
            if y.dtype.kind == "f":
                weights = np.cos(np.arange(y.size, dtype=float)).reshape(y.shape)
                loss = loss + np.sum(y * weights)
        if optimizer:
            loss.backward()
            optimizer.step()
        return loss, *outputs

    return step


def numbers(x):
    return np.asarray(x._data if isinstance(x, autograd.Value) else x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "k"), CASES)
def test_a_layer_trains_as_eagerly(name, k):
    settings, inputs = list(samples(name))[k]
    autograd.seed(0)
    layer = getattr(nn, name)(*settings).double()
    twin = copy.deepcopy(layer)
    step, eager = autograd.compile(trained(layer)), trained(twin)
    if name in REFUSED:
        with pytest.raises(RefusalError):
            step(*inputs)
        return
    for i in range(3):
        autograd.seed(i)
        found = step(*inputs)
        autograd.seed(i)
        expected = eager(*inputs)
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(numbers(x), numbers(y), rtol=1e-7, atol=1e-9)
    assert len(step.plans) == 1
    for p, q in zip(layer.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-7, atol=1e-9)
    for (_, a), (_, b) in zip(layer.named_buffers(), twin.named_buffers(), strict=True):
        np.testing.assert_allclose(a, b)
