"""The whole of autograd in a few seconds: what pre-commit runs."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value


def test_micrograds_readme_example_gives_its_numbers():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


@pytest.mark.parametrize(
    "f",
    [
        lambda a: a * np.sin(a) / (1 + a),
        lambda a: np.sum(a, axis=0) ** 2,
        lambda a: a.reshape(3, 2).T,
        lambda a: a[:, ::-2] + a[[0, 0, 1], [1, 1, 2]][:2, None],
        lambda a: a @ a.T,
        lambda a: np.where(a > 0.5, a, 0) * np.maximum(a, 0.7),
        lambda a: autograd.ops.gelu(a) + autograd.ops.softmax(a),
    ],
    ids=["elementwise", "reduce", "shape", "index", "linalg", "choice", "activation"],
)
def test_one_op_of_each_kind_has_the_right_derivative(f, rng):
    assert autograd.gradcheck(f, rng.uniform(0.1, 1.0, (2, 3)))


def test_a_few_steps_of_descent_fit_a_line(rng):
    x = rng.normal(size=(50, 1))
    w, b = Value(np.zeros((1, 1)), name="w"), Value(np.zeros(1), name="b")
    for _ in range(100):
        w.grad = b.grad = None
        loss = np.sum((x @ w + b - (3 * x - 1)) ** 2) / len(x)
        loss.backward()
        w.data -= 0.2 * w.grad
        b.data -= 0.2 * b.grad
    np.testing.assert_allclose([w.item(), b.item()], [3, -1], atol=1e-6)
