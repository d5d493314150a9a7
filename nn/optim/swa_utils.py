"""Stochastic weight averaging: averaged models, their rates and their running statistics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.node import Array, tick
from autograd.recording import no_grad
from nn.layers.batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from nn.module import Module, Parameter
from nn.optim.lr_scheduler.scheduler import LRScheduler, one_a_group, whole
from nn.optim.optimizer import Optimizer, at_least_zero, real, require

Average = Callable[[Any, Any, int], Any]


class _EMA:
    """decay · average + (1 − decay) · new."""

    def __init__(self, decay: float) -> None:
        require(0 <= real("decay", decay) <= 1, "decay", "from 0 to 1", decay)
        self.decay = decay

    def __call__(self, average: Any, new: Any, n_averaged: int) -> Any:
        return self.decay * average + (1 - self.decay) * new


def _equal(average: Any, new: Any, n_averaged: int) -> Any:
    """The mean of all that came, each with the same weight."""
    return average + (new - average) / (int(n_averaged) + 1)


class _Several:
    """An average for lists of arrays, written in place."""

    def __init__(self, average: Average) -> None:
        self.average = average

    def __call__(self, averages: Sequence[Array], news: Sequence[Array], n_averaged: int) -> None:
        for average, new in zip(averages, news, strict=True):
            average[...] = self.average(average, new, n_averaged)


def get_swa_avg_fn() -> Average:
    """The `avg_fn` of stochastic weight averaging: the mean, each model with the same weight."""
    return _equal


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The `avg_fn` of an exponential moving average.

    Parameters
    ----------
    decay : from 0 to 1; decay · average + (1 − decay) · parameter.
    """
    return _EMA(decay)


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """`get_swa_avg_fn` for lists of arrays."""
    return _Several(_equal)


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """`get_ema_avg_fn` for lists of arrays."""
    return _Several(_EMA(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters are averages over training.

    The first `update_parameters` copies the model's parameters, each later one averages. `EMA` is
    the same for exponential averages of a model, without a second one.

    Parameters
    ----------
    model : Module, which is copied.
    device : "cpu" or None, for PyTorch's programs.
    avg_fn : ``avg_fn(average, parameter, n_averaged)`` returns the new average of an array; by
        default the mean with equal weights.
    multi_avg_fn : ``multi_avg_fn(averages, parameters, n_averaged)``, in its place, writes into
        lists of arrays.
    use_buffers : whether buffers are averaged, too; else they are copied.

    Attributes
    ----------
    module : the averaged model, which a call runs.
    n_averaged : buffer, the number of updates.

    References
    ----------
    Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = nn.optim.swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     model.weight.data = np.array([[weight]])  # or optimizer.step()
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.data
    array([[3.]], dtype=float32)
    """

    n_averaged: Array

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel: model must be a Module, not {type(model).__name__}.")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give avg_fn or multi_avg_fn, not both.")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", np.array(0))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Average the parameters of a model into these; call it after ``optimizer.step()``.

        Raises
        ------
        ValueError
            A model with other parameters or buffers. Nothing has changed then.
        """
        mine, theirs = _state(self.module), _state(model)
        shapes = [{path: x.shape for path, x in state.items()} for state in (mine, theirs)]
        if shapes[0] != shapes[1]:
            odd = sorted(path for path, _ in shapes[0].items() ^ shapes[1].items())
            raise ValueError(
                f"AveragedModel: the model differs from the averaged one in {', '.join(odd)}."
            )
        n = int(self.n_averaged)
        averaged = [p for p in mine if n and (self.use_buffers or isinstance(mine[p], Parameter))]
        new = {path: np.array(_array(x)) for path, x in theirs.items()}
        olds = [_array(mine[path]).copy() for path in averaged]
        news = [new[path] for path in averaged]
        if self.multi_avg_fn is not None:
            self.multi_avg_fn(olds, news, n)
            found: list[Any] = olds
        else:
            average = self.avg_fn or _equal
            found = [average(a, b, n) for a, b in zip(olds, news, strict=True)]
        new.update(zip(averaged, found, strict=True))
        epoch = tick()
        for path, x in mine.items():
            _array(x)[...] = _array(new[path])
            if isinstance(x, Parameter):
                x.birth = epoch
        self.n_averaged = np.array(n + 1)


def _state(module: Module) -> dict[str, Any]:
    """Parameters and buffers by path."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _array(x: Any) -> Any:
    return getattr(x, "_data", x)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, in one pass over the data.

    An averaged model needs it: the statistics are those of another model's activations.

    Parameters
    ----------
    loader : batches; of a tuple or list the first part is what the model is called with.
    model : Module.
    device : "cpu" or None, for PyTorch's programs.

    Raises
    ------
    ValueError
        A loader without a batch. As after any other error, the statistics are those of before.

    Examples
    --------
    >>> import nn, numpy as np
    >>> model = nn.Sequential(nn.BatchNorm1d(1))
    >>> x = np.array([[1.0], [3.0], [5.0], [7.0]], np.float32)
    >>> nn.optim.swa_utils.update_bn([x[:2], x[2:]], model)
    >>> model[0].running_mean
    array([4.], dtype=float32)
    """
    if device is not None:
        model.to(device)
    norms: list[Any] = [
        m for m in model.modules() if isinstance(m, (BatchNorm1d, BatchNorm2d, BatchNorm3d))
    ]
    if not norms:
        return
    starts = {"running_mean": 0, "running_var": 1, "num_batches_tracked": 0}
    names = ("momentum", *starts)
    before = [{name: copy.copy(getattr(norm, name)) for name in names} for norm in norms]
    modes = [(module, module.training) for module in model.modules()]
    empty = True
    try:
        for norm in norms:
            norm.momentum = None
            for name, start in starts.items():
                if getattr(norm, name) is not None:
                    setattr(norm, name, np.full_like(getattr(norm, name), start))
        model.train()
        with no_grad():
            for batch in loader:
                empty = False
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
        if empty:
            raise ValueError("update_bn: the loader gave no batch; was it an iterator, used up?")
    except BaseException:
        for norm, old in zip(norms, before, strict=True):
            for name, x in old.items():
                setattr(norm, name, x)
        raise
    finally:
        for norm, old in zip(norms, before, strict=True):
            norm.momentum = old["momentum"]
        for module, training in modes:
            module.training = training


class SWALR(LRScheduler):
    """Anneals each group's rate to a constant one, for stochastic weight averaging.

    Parameters
    ----------
    optimizer : Optimizer.
    swa_lr : the last rate, one or a list with one for every group.
    anneal_epochs : number of epochs until then.
    anneal_strategy : "cos" or "linear".
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.swa_utils.SWALR(optimizer, 0.2, 4, anneal_strategy="linear")
    >>> rates = []
    >>> for _ in range(6):
    ...     rates.append(round(scheduler.get_last_lr()[0], 2))
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.8, 0.6, 0.4, 0.2, 0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_a_group("SWALR: swa_lr", optimizer, swa_lr)
        for rate in rates:
            at_least_zero({"swa_lr": rate}, "swa_lr")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}."
            )
        self.anneal_epochs = whole("SWALR: anneal_epochs", anneal_epochs, 0)
        self._anneal_strategy = anneal_strategy
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """The weight of the last rate after so many steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, last = group["lr"], group["swa_lr"]
            first = last if before == 1 else (lr - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
