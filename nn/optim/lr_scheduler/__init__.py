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

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.optim.lr_scheduler.combined import ChainedScheduler as ChainedScheduler
from nn.optim.lr_scheduler.combined import SequentialLR as SequentialLR
from nn.optim.lr_scheduler.cosine import CosineAnnealingLR as CosineAnnealingLR
from nn.optim.lr_scheduler.cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from nn.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from nn.optim.lr_scheduler.factors import ExponentialLR as ExponentialLR
from nn.optim.lr_scheduler.factors import LambdaLR as LambdaLR
from nn.optim.lr_scheduler.factors import MultiplicativeLR as MultiplicativeLR
from nn.optim.lr_scheduler.factors import MultiStepLR as MultiStepLR
from nn.optim.lr_scheduler.factors import StepLR as StepLR
from nn.optim.lr_scheduler.one_cycle import OneCycleLR as OneCycleLR
from nn.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from nn.optim.lr_scheduler.ramps import ConstantLR as ConstantLR
from nn.optim.lr_scheduler.ramps import LinearLR as LinearLR
from nn.optim.lr_scheduler.ramps import PolynomialLR as PolynomialLR
from nn.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler

_INSTEAD = {
    "_LRScheduler": "it is nn.optim.lr_scheduler.LRScheduler",
    "SWALR": "it is nn.optim.swa_utils.SWALR",
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.optim.lr_scheduler", name, _INSTEAD.get(name))
