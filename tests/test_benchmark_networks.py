"""The networks that benchmarks train: in double precision both sides take the same steps."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from benchmarks import training

NETWORKS = {
    "LeNet": (lambda nn, _: training.lenet(nn), lambda: training.images(8, 1, 28, 28)),
    "ResNet-20": (lambda nn, _: training.resnet(nn), lambda: training.images(8, 3, 32, 32)),
    "LSTM": (lambda nn, _: training.chars(nn, "LSTM", 16), lambda: training.text(4)),
    "GRU": (lambda nn, _: training.chars(nn, "GRU", 16), lambda: training.text(4)),
    "GPT": (lambda nn, attention: training.gpt(nn, attention, 2, 32), lambda: training.text(4)),
}


def losses(nn, optim, net, first, x, y):
    net.load_state_dict(first, strict=False)
    net.double()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    found = []
    for _ in range(6):
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.torch
@pytest.mark.parametrize("name", NETWORKS)
def test_both_sides_have_the_same_losses_step_by_step(name):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    build, data = NETWORKS[name]
    x, y = data()
    if x.dtype.kind == "f":
        x = x.astype(np.float64)
    ours = build(nn, autograd.ops.scaled_dot_product_attention)
    first = training.weights({k: p.shape for k, p in ours.named_parameters()})
    theirs = build(torch.nn, torch.nn.functional.scaled_dot_product_attention)
    np.testing.assert_allclose(
        losses(nn, nn.optim, ours, first, x, y),
        losses(
            torch.nn,
            torch.optim,
            theirs,
            {k: torch.from_numpy(a) for k, a in first.items()},
            torch.from_numpy(x),
            torch.from_numpy(y),
        ),
        rtol=1e-9,
    )
