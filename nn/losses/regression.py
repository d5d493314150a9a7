"""Regression losses, as modules."""

from __future__ import annotations

from typing import Any

from autograd.value import Value
from nn import functional
from nn.arguments import flags
from nn.losses.loss import Loss


class MSELoss(Loss):
    """(input − target)², averaged over all elements; see `functional.mse_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MSELoss()(nn.Parameter([1.0, 2.0]), np.zeros(2)).item()
    2.5
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare two arrays of the same shape."""
        return functional.mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """|input − target|, averaged over all elements; see `functional.l1_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.L1Loss()(nn.Parameter([1.0, 2.0]), np.zeros(2)).item()
    1.5
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare two arrays of the same shape."""
        return functional.l1_loss(input, target, self.reduction)


class SmoothL1Loss(Loss):
    """Squared error near 0, else absolute error; see `functional.smooth_l1_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none".
    beta : where the two meet, at least 0.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.SmoothL1Loss()(nn.Parameter([1.0, 3.0]), np.zeros(2)).item()
    1.5
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if beta < 0:
            raise ValueError(f"SmoothL1Loss: beta must be at least 0, got {beta}.")
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Value:
        """Compare two arrays of the same shape."""
        return functional.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(Loss):
    """Half the squared error near 0, else linear; see `functional.huber_loss`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none".
    delta : where the two meet, more than 0.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.HuberLoss(delta=2.0)(nn.Parameter([1.0, 3.0]), np.zeros(2)).item()
    2.25
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if delta <= 0:
            raise ValueError(f"HuberLoss: delta must be more than 0, got {delta}.")
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Value:
        """Compare two arrays of the same shape."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class PoissonNLLLoss(Loss):
    """Poisson negative log-likelihood; see `functional.poisson_nll_loss`.

    Parameters
    ----------
    log_input : whether the input holds logarithms of the rates.
    full : whether Stirling's approximation of log t! is added.
    eps : avoids log(0) where log_input is False.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PoissonNLLLoss()(nn.Parameter([0.0, 0.0]), np.array([1, 3])).item()
    1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        flags("PoissonNLLLoss", log_input=log_input, full=full)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Value:
        """Compare rates, or their logarithms, with counts."""
        return functional.poisson_nll_loss(
            log_input, target, self.log_input, self.full, self.eps, self.reduction
        )


class GaussianNLLLoss(Loss):
    """Gaussian negative log-likelihood; see `functional.gaussian_nll_loss`.

    Parameters
    ----------
    full : whether ½ log 2π is added.
    eps : lower bound of the variance.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.GaussianNLLLoss()(nn.Parameter([1.0]), np.array([3.0]), 1.0).item()
    2.0
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if eps <= 0:
            raise ValueError(f"GaussianNLLLoss: eps must be more than 0, got {eps}.")
        flags("GaussianNLLLoss", full=full)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Value:
        """Compare means and variances with targets."""
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
