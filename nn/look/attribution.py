"""Gradient-based attribution: saliency and integrated gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.derivatives import grad
from autograd.value import Value
from nn.arguments import flags, reals
from nn.look.running import Array, floats, looking, score
from nn.module import Module


def saliency(model: Module, x: Any, target: Any = None) -> Array:
    r"""Saliency map: the absolute gradient of a class's score with respect to the input.

    .. math:: |\partial y_{target} / \partial x|

    Parameters
    ----------
    model : Module that returns scores (N, C), preferably logits; or one number per sample.
    x : float array, (N, ...).
    target : class indices, (N,), or one for all; by default the predicted classes.

    Returns
    -------
    array, shape of x. For color images the paper takes the maximum over the channels.

    Raises
    ------
    TypeError
        An integer input.
    ValueError
        Outputs or targets of unexpected shapes.

    References
    ----------
    Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Linear(3, 2, bias=False)
    >>> net.weight.data[:] = [[1.0, -2.0, 0.0], [0.0, 0.0, 5.0]]
    >>> nn.look.saliency(net, np.ones((1, 3)), target=0)
    array([[1., 2., 0.]], dtype=float32)
    """
    with looking(model):
        _, g, _ = slope("saliency", model, floats("saliency", model, x), target)
    return np.abs(g)


def integrated_gradients(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    baseline: Any = 0.0,
    steps: int = 50,
    return_delta: bool = False,
) -> Any:
    r"""Integrated gradients: attributions that sum to the score's difference from a baseline.

    .. math:: (x - b) \int_0^1 \frac{\partial y_{target}}{\partial x} (b + a (x - b)) \, da

    The attributions of a sample sum to the score of x minus that of the baseline (completeness).
    The integral is computed by Gauss-Legendre quadrature.

    Parameters
    ----------
    model : Module that returns scores (N, C); or one number per sample.
    x : float array, (N, ...).
    target : class indices, (N,), or one for all; by default the classes predicted for x.
    baseline : an input without information, such as a black image; it broadcasts to x.
    steps : number of quadrature points.
    return_delta : also return the completeness error of each sample.

    Returns
    -------
    array, shape of x; with `return_delta` and array, (N,), Σ attributions − (y(x) − y(b)). If it
        is not small beside y(x) − y(b), take more steps.

    Raises
    ------
    TypeError
        An integer input.
    ValueError
        Outputs, targets or a baseline of unexpected shapes; fewer than 1 step.

    References
    ----------
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Linear(3, 8, rng=0), nn.Tanh(), nn.Linear(8, 2, rng=1))
    >>> x = np.array([[1.0, -1.0, 0.5]], np.float32)
    >>> parts, delta = nn.look.integrated_gradients(net, x, 1, return_delta=True)
    >>> gain = net(x)[0, 1] - net(np.zeros_like(x))[0, 1]
    >>> bool(np.isclose(parts.sum(), gain.item(), atol=1e-5)), bool(abs(delta[0]) < 1e-5)
    (True, True)
    """
    flags("integrated_gradients", return_delta=return_delta)
    who = "integrated_gradients"
    array = floats(who, model, x)
    reals(who, steps=steps)
    if int(steps) != steps or steps < 1:
        raise ValueError(f"{who}: steps must be a whole number >= 1, got {steps!r}.")
    start = np.asarray(baseline, array.dtype)
    try:
        start = np.broadcast_to(start, array.shape)
    except ValueError:
        raise ValueError(
            f"{who}: baseline {start.shape} must broadcast to x {array.shape}."
        ) from None
    way = array - start
    points, weights = np.polynomial.legendre.leggauss(int(steps))
    total = np.zeros(array.shape, np.float64)
    with looking(model):
        end, _, classes = slope(who, model, array, target)
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            at = start + np.asarray(point, array.dtype) * way
            total += weight * slope(who, model, at, classes)[1]
        first, _, _ = slope(who, model, np.array(start), classes)
    found = (total * way).astype(array.dtype)
    if not return_delta:
        return found
    sums = found.reshape(len(found), -1).sum(axis=1, dtype=np.float64)
    return found, sums - (end.astype(np.float64) - first)


def slope(who: str, model: Module, x: Array, target: Any) -> tuple[Array, Array, Array | None]:
    """Scores (N,), their gradient by x, and the classes."""
    leaf = Value(x)
    scores, classes = score(who, model(leaf), target)
    return np.array(scores.data), grad(np.sum(scores), leaf), classes
