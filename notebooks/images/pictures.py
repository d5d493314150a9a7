"""Make the README's pictures: ``python notebooks/images/pictures.py`` writes them beside itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import autograd
import nn
from autograd import Value


def neuron() -> str:
    """The graph of the README's first example."""
    x = np.array([1.0, -2.0])
    w, b = Value([0.5, 0.3], name="w"), Value(0.2, name="b")
    y = np.tanh(w @ x + b)
    return autograd.draw(y, gradients=True, formulas=True, names={"x": x}).svg()


def digit() -> str:
    """A two-layer network that reads a handwritten 3, before it was trained."""
    autograd.seed(0)
    images, labels = nn.data.load_digits()
    image = Value(images[3].reshape(1, 1, 8, 8), name="digit")
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    loss = nn.functional.cross_entropy(model(image), labels[3:4])
    loss.name = "loss"
    return autograd.play(loss, title="A network reads a digit").animation().svg()


PICTURES: dict[str, Callable[[], str]] = {"neuron.svg": neuron, "digit.svg": digit}


if __name__ == "__main__":
    for name, make in PICTURES.items():
        Path(__file__).with_name(name).write_text(make(), "utf-8")
