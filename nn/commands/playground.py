"""`glassgrad playground`: a page that trains a small network in the browser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd
from autograd.node import Array
from nn.commands.page import output_page
from nn.commands.refusal import Refusal
from nn.layers.activation import Tanh
from nn.layers.container import Sequential
from nn.layers.linear import Linear

NAME = "playground"
SUMMARY = "make a page that trains a small network in the browser"
DESCRIPTION = (
    "Write a page in which a network learns to tell two kinds of points apart: learning rate, "
    "optimizer, activation and data at hand, each neuron's output as a picture, points of your "
    "own by clicking, every step open to look into, and all of it to take home as a Python script. "
    "The page is a single file and works offline. For a model of your own call "
    "autograd.playground(model, X, y)."
)


def _moons(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    angle, upper = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], 1) + rng.normal(0, 0.12, (n, 2)), upper


def _circles(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    angle, inner = rng.uniform(0, 2 * np.pi, n), rng.random(n) < 0.5
    radius = np.where(inner, 0.45, 1.1) + rng.normal(0, 0.08, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), inner


def _xor(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    X = rng.uniform(-1, 1, (n, 2))
    X += 0.08 * np.sign(X)
    return X, X[:, 0] * X[:, 1] > 0


def _spiral(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    t, arm = np.sqrt(rng.uniform(0.02, 1, n)), rng.random(n) < 0.5
    angle = 1.5 * 2 * np.pi * t + np.pi * arm
    X = np.stack([t * np.cos(angle), t * np.sin(angle)], 1)
    return X + rng.normal(0, 0.02, (n, 2)), arm


SHAPES = {"moons": _moons, "circles": _circles, "xor": _xor, "spiral": _spiral}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("--out", metavar="PAGE.html", required=True, help="output file")
    parser.add_argument(
        "--hidden",
        metavar="N",
        type=int,
        nargs="*",
        default=[8, 8],
        help="neurons of each hidden layer (default: 8 8)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return the exit status."""
    if arguments.seed < 0 or not all(1 <= n <= 64 for n in arguments.hidden):
        raise Refusal("--hidden takes 1 to 64 neurons a layer, --seed a number of at least 0.")
    out = output_page(arguments.out, "playground")
    page = example(arguments.hidden, arguments.seed)
    try:
        written = page.save(out)
    except (RuntimeError, OSError) as error:
        raise Refusal(str(error)) from error
    print(f"Wrote {written}: open it in a browser.")
    return 0


def example(hidden: Sequence[int], seed: int) -> Any:
    """The playground of a perceptron with these hidden layers, and several data sets."""
    rng = np.random.default_rng(seed)
    sets = {}
    for shape, draw in SHAPES.items():
        X, y = draw(240, rng)
        X -= (X.min(0) + X.max(0)) / 2
        sets[shape] = (X / np.abs(X).max()).round(3), y
    model = Sequential()
    inputs = 2
    for n in hidden:
        model.extend([Linear(inputs, n, rng=rng), Tanh()])
        inputs = n
    model.append(Linear(inputs, 1, rng=rng))
    return autograd.playground(model, sets, title="glassgrad playground")
