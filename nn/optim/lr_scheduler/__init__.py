"""Learning rate schedules, under PyTorch's names and with its numbers.

Call ``scheduler.step()`` after ``optimizer.step()``: each epoch, or each batch, as you count.

A warm-up is a ramp and then what you like:

>>> import nn
>>> from nn.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
>>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
>>> scheduler = SequentialLR(
...     optimizer,
...     [LinearLR(optimizer, 0.25, total_iters=3), CosineAnnealingLR(optimizer, T_max=4)],
...     milestones=[3],
... )
>>> rates = []
>>> for _ in range(7):
...     optimizer.step()
...     rates.append(round(scheduler.get_last_lr()[0], 3))
...     scheduler.step()
>>> rates
[0.25, 0.5, 0.75, 1.0, 0.854, 0.5, 0.146]
"""

from nn.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from nn.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from nn.optim.lr_scheduler.cyclic import CyclicLR
from nn.optim.lr_scheduler.factors import (
    ExponentialLR,
    LambdaLR,
    MultiplicativeLR,
    MultiStepLR,
    StepLR,
)
from nn.optim.lr_scheduler.one_cycle import OneCycleLR
from nn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from nn.optim.lr_scheduler.ramps import ConstantLR, LinearLR, PolynomialLR
from nn.optim.lr_scheduler.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
