from __future__ import annotations

import numpy as np
import pytest

from autograd import Value
from autograd.ops.losses.binary_cross_entropy import binary_cross_entropy

P, T = [0.0, 0.0, 1.0, 1.0, 0.3], [0.0, 1.0, 0.0, 1.0, 0.6]


def test_certain_answers_cost_no_more_than_a_hundred():
    x = Value(np.array(P))
    y = binary_cross_entropy(x, np.array(T))
    np.testing.assert_allclose(y.data[:4], [0, 100, 100, 0])
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad[:4], [0, -1e12, 1e12, 0])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_and_slopes_are_pytorchs(dtype):
    torch = pytest.importorskip("torch", reason="the reference is not installed")
    p, t = np.array(P, dtype), np.array(T, dtype)
    x, theirs = Value(p), torch.tensor(p, requires_grad=True)
    y = binary_cross_entropy(x, t)
    loss = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(t), reduction="none")
    np.testing.assert_allclose(y.data, loss.detach().numpy(), rtol=1e-6)
    np.sum(y).backward()
    loss.sum().backward()
    np.testing.assert_allclose(x.grad, theirs.grad.numpy(), rtol=1e-6)
