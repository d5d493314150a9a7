"""Adversarial examples: small changes of an input that mislead a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.derivatives import grad
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.arguments import count, flags, reals
from nn.look.running import Array, floats, looking
from nn.losses.by_name import loss_for
from nn.module import Module

Clip = tuple[float, float] | None


def fgsm(
    model: Module,
    x: Any,
    target: Any,
    eps: float,
    *,
    targeted: bool = False,
    clip: Clip = (0.0, 1.0),
    loss: Any = "cross_entropy",
) -> Array:
    r"""Fast gradient sign method: one step of size ε along the sign of the input gradient.

    .. math:: x + \varepsilon \operatorname{sign} \frac{\partial L}{\partial x}

    Parameters
    ----------
    model : Module.
    x : float array, (N, ...).
    target : the true classes, (N,), or whatever the loss takes as its target.
    eps : ε >= 0, bound on the change of every element.
    targeted : minimize the loss instead, towards the classes given as `target`.
    clip : (low, high), the valid range of inputs, or None.
    loss : as in `fit`: a name, or a function of outputs and target.

    Returns
    -------
    array, shape of x.

    Raises
    ------
    TypeError
        An integer input.
    ValueError
        Invalid settings or shapes; inputs outside `clip`.

    References
    ----------
    Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Linear(2, 2, bias=False)
    >>> net.weight.data[:] = [[1.0, 0.0], [0.0, 1.0]]
    >>> x = np.array([[0.6, 0.5]], np.float32)
    >>> nn.look.fgsm(net, x, np.array([0]), eps=0.1)
    array([[0.5, 0.6]], dtype=float32)
    """
    flags("fgsm", targeted=targeted)
    attack = _Attack("fgsm", model, x, target, eps, targeted, clip, loss)
    with looking(model):
        return attack.kept(attack.x + attack.eps * attack.direction(attack.x))


def pgd(
    model: Module,
    x: Any,
    target: Any,
    eps: float,
    *,
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = True,
    targeted: bool = False,
    clip: Clip = (0.0, 1.0),
    loss: Any = "cross_entropy",
    rng: Rng = None,
) -> Array:
    r"""Projected gradient descent: steps up the loss, each projected back to within ε.

    .. math:: x_{k+1} = \Pi_{|x' - x|_\infty \le \varepsilon}
        \left(x_k + \alpha \operatorname{sign} \frac{\partial L}{\partial x_k}\right)

    Parameters
    ----------
    model, x, target, eps, targeted, clip, loss : as in `fgsm`.
    steps : number of steps.
    step_size : α; by default 2.5 ε / steps, so that the boundary can be reached from anywhere.
    random_start : start at a random point within ε instead of at x.
    rng : generator, seed or None for the default; for the random start.

    Returns
    -------
    array, shape of x.

    Raises
    ------
    TypeError
        An integer input.
    ValueError
        Invalid settings or shapes; inputs outside `clip`.

    References
    ----------
    Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Linear(2, 8, rng=0), nn.Tanh(), nn.Linear(8, 2, rng=1))
    >>> x, y = np.full((1, 2), 0.5, np.float32), np.array([0])
    >>> there = nn.look.pgd(net, x, y, eps=0.1, rng=0)
    >>> loss = nn.CrossEntropyLoss()
    >>> bool(np.abs(there - x).max() < 0.1 + 1e-6), bool(loss(net(there), y) > loss(net(x), y))
    (True, True)
    """
    flags("pgd", random_start=random_start, targeted=targeted)
    attack = _Attack("pgd", model, x, target, eps, targeted, clip, loss)
    steps = count("pgd", "steps", steps, 1)
    alpha = 2.5 * eps / steps if step_size is None else step_size
    if not alpha >= 0:
        raise ValueError(f"pgd: step_size must be >= 0, got {step_size}.")
    found = attack.x
    if random_start:
        noise = np.asarray(as_generator(rng).uniform(-1, 1, found.shape), found.dtype)
        found = attack.kept(found + attack.eps * noise)
    stride = np.asarray(alpha, found.dtype)
    with looking(model):
        for _ in range(steps):
            found = attack.kept(found + stride * attack.direction(found))
    return found


class _Attack:
    """What both attacks share: checks, the direction of a step, the projection."""

    def __init__(
        self,
        who: str,
        model: Module,
        x: Any,
        target: Any,
        eps: float,
        targeted: bool,
        clip: Clip,
        loss: Any,
    ) -> None:
        self.who, self.model, self.x = who, model, floats(who, model, x)
        self.target, self.criterion = np.asarray(target), loss_for(loss)
        flags(who, targeted=targeted)
        self.sign = -1 if targeted else 1
        reals(who, eps=eps)
        if not (eps >= 0 and np.isfinite(eps)):
            raise ValueError(f"{who}: eps must be finite and >= 0, got {eps}.")
        if self.target.ndim == 0 or len(self.target) != len(self.x):
            raise ValueError(
                f"{who}: target must have one entry a sample, {len(self.x)}, got shape "
                f"{self.target.shape}."
            )
        if clip is not None:
            low, high = clip
            if not low < high:
                raise ValueError(f"{who}: clip must be (low, high) with low < high, got {clip}.")
            if self.x.min() < low or self.x.max() > high:
                raise ValueError(
                    f"{who}: x reaches from {self.x.min():.4g} to {self.x.max():.4g}, outside "
                    f"clip={clip}; give the range in which your inputs lie, or None."
                )
        self.eps = np.asarray(eps, self.x.dtype)
        self.low, self.high = self.x - self.eps, self.x + self.eps
        if clip is not None:
            self.low, self.high = np.maximum(self.low, clip[0]), np.minimum(self.high, clip[1])

    def direction(self, x: Array) -> Array:
        """The sign of the loss's gradient, negated for a targeted attack."""
        leaf = Value(x)
        value = self.criterion(self.model(leaf), self.target)
        slope: Array = grad(value, leaf)
        return np.asarray(self.sign * np.sign(slope), slope.dtype)

    def kept(self, x: Array) -> Array:
        """Project to within ε of the input and into the valid range."""
        return np.clip(x, self.low, self.high).astype(self.x.dtype)
