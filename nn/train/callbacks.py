"""The callbacks that change a run: stopping, learning rates, gradients."""

from __future__ import annotations

import math
import os
import re
from typing import Any

from autograd.files import located
from nn.arguments import count, flags, reals
from nn.files import save
from nn.optim.lr_scheduler import ReduceLROnPlateau
from nn.train.callback import Callback
from nn.train.destination import destination
from nn.train.history import is_number
from nn.train.state import State
from nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_

UP = {
    "accuracy", "acc", "auc", "auroc", "auprc", "ap", "map", "f1", "fbeta", "precision",
    "recall", "sensitivity", "specificity", "iou", "jaccard", "dice", "r2", "psnr", "ssim",
    "bleu", "rouge", "mcc", "kappa", "ndcg", "mrr", "correlation",
}  # fmt: skip
DOWN = {
    "loss", "error", "err", "mae", "mse", "rmse", "mape", "msle", "nll", "perplexity", "ppl",
    "wer", "cer", "crossentropy", "bce", "kl", "hinge", "deviance", "brier",
}  # fmt: skip
"""Words in the names of numbers that are better when they are higher, and lower."""


def direction(name: str) -> str | None:
    """Which way a number of a name is better, "max" or "min"; None where that is not known.

    Examples
    --------
    >>> direction("val_mean_iou"), direction("loss"), direction("val_gain")
    ('max', 'min', None)
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower().replace("cross_entropy", "crossentropy")))
    words |= {word.rstrip("0123456789") for word in words}  # acc1, map50
    up, down = bool(words & UP), bool(words & DOWN)
    if words & {"neg", "inverse"}:  # scikit-learn's neg_mean_squared_error
        up, down = down, up
    return None if up == down else "max" if up else "min"


class Best:
    """The best value of a logged number so far.

    Parameters
    ----------
    who : for errors.
    monitor : name in the logs; by default "val_loss" if there is a validation, else "loss".
    mode : "min", "max", or "auto": what the metric says, or its name does.
    min_delta : minimum change that counts as an improvement.
    """

    def __init__(self, who: str, monitor: str | None, mode: str, min_delta: float) -> None:
        if mode not in ("min", "max", "auto"):
            raise ValueError(f"{who}: mode must be 'min', 'max' or 'auto', got {mode!r}.")
        if not isinstance(monitor, (str, type(None))):
            raise TypeError(f"{who}: monitor must be the name of a number, got {monitor!r}.")
        reals(who, min_delta=min_delta)
        if not min_delta >= 0:
            raise ValueError(f"{who}: min_delta must be >= 0, got {min_delta}.")
        self.who, self.monitor, self.mode, self.min_delta = who, monitor, mode, min_delta
        self.best: float | None = None
        self._up = mode == "max" or (mode == "auto" and direction(monitor or "loss") == "max")

    def prepare(self, state: State) -> None:
        """Check the name and find the direction."""
        name = check_monitor(self.who, self.monitor, state)
        better = better_of(name, state) if self.mode == "auto" else self.mode
        if better is None:
            raise ValueError(
                f"{self.who}: mode='auto' does not know which way {name!r} is better; say "
                "mode='min' or mode='max'."
            )
        self._up = better == "max"

    def forget(self) -> None:
        """Begin anew."""
        self.best = None

    def improved(self, logs: dict[str, Any]) -> bool:
        """Whether this epoch's number is the best, which NaN never is; it is remembered then."""
        number = monitored(self.who, self.monitor, logs)
        if math.isnan(number):
            return False
        if self.best is not None and not self.beats(number, self.best):
            return False
        self.best = number
        return True

    def beats(self, number: float, other: float) -> bool:
        """Whether a number is better than another by more than `min_delta`."""
        return (number - other if self._up else other - number) > self.min_delta


def check_monitor(who: str, monitor: str | None, state: State) -> str:
    """The name of the number to look at; an error where it will not be there."""
    name = monitor or ("val_loss" if state.has_validation else "loss")
    arrays = {metric.name for metric in state.metrics if not metric.single}
    if name.removeprefix("val_") in arrays or (name not in state.names and not state.more_names):
        numbers = [n for n in state.names if n.removeprefix("val_") not in arrays]
        raise ValueError(f"{who}: there is no number {name!r}; there are {', '.join(numbers)}.")
    return name


def better_of(name: str, state: State) -> str | None:
    """Which way a number of the logs is better; its metric knows, or its name tells."""
    own = {metric.name: metric.better for metric in state.metrics}
    return own.get(name.removeprefix("val_")) or direction(name)


def monitored(who: str, name: str | None, logs: dict[str, Any]) -> float:
    """A number of the logs; an error that lists them if it is not there."""
    name = name or ("val_loss" if "val_loss" in logs else "loss")
    if not is_number(logs.get(name)):
        raise ValueError(f"{who}: there is no number {name!r}; there are {', '.join(logs)}.")
    return float(logs[name])


def is_due(monitor: str | None, state: State) -> bool:
    """Whether this epoch has the number: one of the validation need not be there in each."""
    name = monitor or ("val_loss" if state.has_validation else "loss")
    return name in state.logs or name not in state.names


class EarlyStopping(Callback):
    """Stop when a number has not improved for some epochs; optionally restore the best weights.

    Parameters
    ----------
    monitor : name in the logs; by default "val_loss" if there is a validation, else "loss".
    patience : epochs without improvement after which training stops, as in Keras and Lightning; 0
        is as 1. Epochs without the number, as with `validation_freq`, don't count.
    min_delta : minimum change that counts as an improvement.
    mode : "min", "max", or "auto": as the metric says, such as up for accuracy and IoU, down for
        losses; else as its name does. A name that says nothing is refused.
    restore_best_weights : whether the model has those of the best epoch in the end, also after
        Ctrl-C or an error.
    baseline : a number to beat; what is not better is no improvement.
    start_from_epoch : epochs at the begin in which nothing is compared.

    Attributes
    ----------
    best, best_epoch : the best number of the last run, and when.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = True,
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        flags(type(self).__name__, restore_best_weights=restore_best_weights)
        self.patience = count("EarlyStopping", "patience", patience)
        self.start_from_epoch = count("EarlyStopping", "start_from_epoch", start_from_epoch)
        self._best = Best("EarlyStopping", monitor, mode, min_delta)
        self.restore_best_weights, self.baseline = restore_best_weights, baseline
        self.best_epoch = self._wait = 0
        self._weights: dict[str, Any] | None = None

    @property
    def best(self) -> float | None:
        """The best number so far."""
        return self._best.best

    def prepare(self, state: State) -> None:
        """Check the monitored number, and forget an earlier run."""
        self._best.prepare(state)
        self._best.forget()
        self.best_epoch, self._wait, self._weights = state.done, 0, None

    def on_train_begin(self, state: State) -> None:
        """Stop at once if a resumed run was stopped."""
        self._stop(state)

    def on_epoch_end(self, state: State) -> None:
        """Compare; NaN is no improvement."""
        if not is_due(self._best.monitor, state) or state.epoch <= self.start_from_epoch:
            return
        self._wait += 1
        if self._best.improved(state.logs):
            self.best_epoch = state.epoch
            if self.restore_best_weights:
                self._weights = state.model.state_dict()
            if self.baseline is None or self._best.beats(self._best.best or 0.0, self.baseline):
                self._wait = 0
        self._stop(state)

    def _stop(self, state: State) -> None:
        if self._wait >= max(self.patience, 1):
            state.stop = True

    def on_train_end(self, state: State) -> None:
        """Go back to the best weights."""
        if self._weights is not None:
            state.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        weights = self._weights
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "wait": self._wait,
            "weights": weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best.best, self._wait = state_dict["best"], state_dict["wait"]
        self.best_epoch, self._weights = state_dict["best_epoch"], state_dict["weights"]


class LearningRateScheduler(Callback):
    """Step a scheduler of `nn.optim.lr_scheduler`.

    Parameters
    ----------
    scheduler : of the optimizer that `fit` is given, or a function of an optimizer that makes one,
        for an optimizer given by name.
    every : "epoch" or "step".
    monitor : name of the number that `ReduceLROnPlateau` looks at, handed to its `step`; by default
        "val_loss" if there is a validation, else "loss".
    """

    def __init__(self, scheduler: Any, every: str = "epoch", monitor: str | None = None) -> None:
        if every not in ("epoch", "step"):
            raise ValueError(
                f"LearningRateScheduler: every must be 'epoch' or 'step', got {every!r}."
            )
        if not _is_made(scheduler) and not callable(scheduler):
            raise TypeError(
                "LearningRateScheduler: scheduler must have a step(), or make one from an "
                f"optimizer, not {scheduler!r}."
            )
        if monitor is not None and every == "step":
            raise ValueError("LearningRateScheduler: a monitored number is there at epochs only.")
        self.scheduler, self.every, self.monitor = scheduler, every, monitor
        self._make = None if _is_made(scheduler) else scheduler
        self._steps = 0
        self._monitor: str | None = None

    def prepare(self, state: State) -> None:
        """Make the scheduler, if a function makes it; check the number that it looks at."""
        of = getattr(self.scheduler, "optimizer", state.optimizer)
        if self._make is not None and (not _is_made(self.scheduler) or of is not state.optimizer):
            self.scheduler = _made(self._make, state.optimizer)
        elif of is not state.optimizer:
            raise ValueError("LearningRateScheduler: the scheduler is of another optimizer.")
        plateau = isinstance(self.scheduler, ReduceLROnPlateau)
        if not plateau and self.monitor is None:
            return
        if self.every == "step":
            raise ValueError("LearningRateScheduler: a monitored number is there at epochs only.")
        name = check_monitor("LearningRateScheduler", self.monitor, state)
        better = better_of(name, state)
        if plateau and better not in (None, self.scheduler.mode):
            raise ValueError(
                f"LearningRateScheduler: {name!r} is better towards the {better}, but the "
                f"ReduceLROnPlateau has mode={self.scheduler.mode!r}; give it mode={better!r}."
            )
        self._monitor = name

    def on_train_begin(self, state: State) -> None:
        """Count updates from here."""
        self._steps = state.step

    def on_step_end(self, state: State) -> None:
        """After an update."""
        if self.every == "step" and state.step != self._steps:
            self._steps = state.step
            self.scheduler.step()

    def on_epoch_end(self, state: State) -> None:
        """After an epoch."""
        if self.every == "epoch":
            if self._monitor is None:
                self.scheduler.step()
            elif is_due(self._monitor, state):
                self.scheduler.step(monitored("LearningRateScheduler", self._monitor, state.logs))

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self.scheduler.state_dict()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scheduler.load_state_dict(state_dict)


def _made(make: Any, optimizer: Any) -> Any:
    """What a function makes of an optimizer; Keras's schedules, of epochs, make none."""
    cause: TypeError | None = None
    try:
        made = make(optimizer)
    except TypeError as error:
        problem, cause = f"raised {error!r}", error
    else:
        if _is_made(made):
            return made
        problem = f"gave {made!r}"
    raise TypeError(
        f"LearningRateScheduler: the function {problem}, but it must be one that makes a scheduler "
        "from an optimizer, such as lambda optimizer: nn.optim.lr_scheduler.LambdaLR(optimizer, "
        "factor), where factor(epoch) multiplies the first learning rate."
    ) from cause


def _is_made(scheduler: Any) -> bool:
    return hasattr(scheduler, "step") and not isinstance(scheduler, type)


class GradientClipping(Callback):
    """Clip gradients before each update.

    Parameters
    ----------
    max_norm : scale all gradients together so that their Euclidean norm is at most this.
    max_value : then limit each element to between −max_value and max_value.

    Attributes
    ----------
    norm : of the last update's gradients, before; with `max_norm`.

    References
    ----------
    Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.
    """

    def __init__(self, max_norm: float | None = None, max_value: float | None = None) -> None:
        given = [x for x in (max_norm, max_value) if x is not None]
        for x in given:
            reals("GradientClipping", limit=x)
        if not given or not all(x > 0 for x in given):
            raise ValueError(
                f"GradientClipping: max_norm or max_value must be > 0, got {max_norm} and "
                f"{max_value}."
            )
        self.max_norm, self.max_value = max_norm, max_value
        self.norm = float("nan")

    def prepare(self, state: State) -> None:
        """Forget an earlier run."""
        self.norm = float("nan")

    def on_gradients(self, state: State) -> None:
        """Clip."""
        params = [p for p in state.model.parameters() if p.grad is not None]
        if self.max_norm is not None:
            self.norm = clip_grad_norm_(params, self.max_norm)
        if self.max_value is not None:
            clip_grad_value_(params, self.max_value)


class ModelCheckpoint(Callback):
    """Save the model after each epoch, or the best one only.

    It holds parameters and buffers, for `nn.load` and `load_state_dict`. To resume a run after a
    crash, give `fit` a `checkpoint` instead. In another run with the same model the best number so
    far goes on to count, so that the file stays the best; with another model it begins anew.

    Parameters
    ----------
    path : a safetensors file, in which ``{epoch}`` and ``{val_loss:.3f}`` stand for the numbers.
        Its folder is made.
    save_best_only : save only when the monitored number improves.
    monitor, mode : as in `EarlyStopping`.
    """

    last = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        save_best_only: bool = False,
        monitor: str | None = None,
        mode: str = "auto",
    ) -> None:
        flags(type(self).__name__, save_best_only=save_best_only)
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"ModelCheckpoint: path must be the path of a file, got {path!r}.")
        self.path, self.save_best_only = os.fspath(path), save_best_only
        self._best = Best("ModelCheckpoint", monitor, mode, 0.0)
        self._model: Any = None

    def prepare(self, state: State) -> None:
        """Check the path and the monitored number."""
        if self.save_best_only:
            self._best.prepare(state)
        elif self._best.monitor is not None:
            check_monitor("ModelCheckpoint", self._best.monitor, state)
        if state.model is not self._model:
            self._best.forget()
            self._model = state.model
        try:
            fixed = self._file({"epoch": 1, **dict.fromkeys(state.names, 0.0)})
        except (KeyError, IndexError, ValueError) as error:
            if isinstance(error, ValueError) or not state.more_names:
                raise ValueError(
                    f"ModelCheckpoint: {self.path!r} can't be filled in: {error!r}; there are "
                    f"epoch, {', '.join(state.names)}, such as {{loss:.3f}}."
                ) from error
            fixed = self.path.partition("{")[0] + "_"
        destination("ModelCheckpoint", fixed)

    def on_epoch_end(self, state: State) -> None:
        """Save."""
        better = is_due(self._best.monitor, state) and self._best.improved(state.logs)
        if self.save_best_only and not better:
            return
        logs = {**dict.fromkeys(state.names, float("nan")), **state.logs}
        file = located(self._file({"epoch": state.epoch, **logs}))
        file.parent.mkdir(parents=True, exist_ok=True)
        save(state.model, file)

    def _file(self, numbers: dict[str, Any]) -> str:
        return self.path.format(**numbers)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best.best = state_dict["best"]
