"""The callbacks that change a run: stopping, learning rates, gradients."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nn.files import save
from nn.train.callback import Callback
from nn.train.state import State
from nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_

UPWARDS = ("accuracy", "f1", "precision", "recall", "r2")


class Best:
    """The best value of a logged number so far.

    Parameters
    ----------
    who : for errors.
    monitor : name in the logs; by default "val_loss" if there is a validation, else "loss".
    mode : "min", "max", or "auto": up for accuracy, F1, precision, recall and R², else down.
    min_delta : minimum change that counts as an improvement.
    """

    def __init__(self, who: str, monitor: str | None, mode: str, min_delta: float) -> None:
        if mode not in ("min", "max", "auto"):
            raise ValueError(f"{who}: mode must be 'min', 'max' or 'auto', got {mode!r}.")
        if min_delta < 0:
            raise ValueError(f"{who}: min_delta must be >= 0, got {min_delta}.")
        self.who, self.monitor, self.mode, self.min_delta = who, monitor, mode, min_delta
        self.best: float | None = None

    def improved(self, logs: dict[str, Any]) -> bool:
        """Whether this epoch's number is the best; it is remembered then."""
        number = monitored(self.who, self.monitor, logs)
        name = self.monitor or ""
        up = self.mode == "max" or (self.mode == "auto" and name.endswith(UPWARDS))
        gain = 0.0 if self.best is None else (number - self.best) * (1 if up else -1)
        if self.best is not None and not gain > self.min_delta:
            return False
        self.best = number
        return True


def monitored(who: str, name: str | None, logs: dict[str, Any]) -> float:
    """A number of the logs; an error that lists them if it is not there."""
    name = name or ("val_loss" if "val_loss" in logs else "loss")
    if name not in logs or np.ndim(logs[name]):
        raise ValueError(f"{who}: there is no number {name!r}; there are {', '.join(logs)}.")
    return float(logs[name])


class EarlyStopping(Callback):
    """Stop when a number has not improved for some epochs; optionally restore the best weights.

    Parameters
    ----------
    monitor : name in the logs; by default "val_loss" if there is a validation, else "loss".
    patience : epochs without improvement after which training stops.
    min_delta : minimum change that counts as an improvement.
    mode : "min", "max", or "auto": up for accuracy, F1, precision, recall and R², else down.
    restore_best_weights : whether the model has those of the best epoch in the end, also after
        Ctrl-C or an error.

    Attributes
    ----------
    best, best_epoch : the best number, and when.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = True,
    ) -> None:
        if patience < 0:
            raise ValueError(f"EarlyStopping: patience must be >= 0, got {patience}.")
        self._best = Best("EarlyStopping", monitor, mode, min_delta)
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.best_epoch = 0
        self._weights: dict[str, Any] | None = None

    @property
    def best(self) -> float | None:
        """The best number so far."""
        return self._best.best

    def on_epoch_end(self, state: State) -> None:
        """Compare."""
        if self._best.improved(state.logs):
            self.best_epoch = state.epoch
            if self.restore_best_weights:
                self._weights = state.model.state_dict()
        elif state.epoch - self.best_epoch > self.patience:
            state.stop = True

    def on_train_end(self, state: State) -> None:
        """Go back to the best weights."""
        if self._weights is not None:
            state.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        weights = self._weights
        return {"best": self.best, "best_epoch": self.best_epoch, "weights": weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best.best = state_dict["best"]
        self.best_epoch, self._weights = state_dict["best_epoch"], state_dict["weights"]


class LearningRateScheduler(Callback):
    """Step a scheduler of `nn.optim.lr_scheduler`.

    Parameters
    ----------
    scheduler : of the optimizer that `fit` is given, or a function of an optimizer that makes one,
        for an optimizer given by name.
    every : "epoch" or "step".
    monitor : name of the number that `ReduceLROnPlateau` looks at, handed to its `step`.
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
        self._steps = 0

    def prepare(self, state: State) -> None:
        """Make the scheduler, if a function makes it."""
        if not _is_made(self.scheduler):
            self.scheduler = self.scheduler(state.optimizer)
        of = getattr(self.scheduler, "optimizer", state.optimizer)
        if of is not state.optimizer:
            raise ValueError("LearningRateScheduler: the scheduler is of another optimizer.")

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
            if self.monitor is not None:
                self.scheduler.step(monitored("LearningRateScheduler", self.monitor, state.logs))
            else:
                self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self.scheduler.state_dict()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scheduler.load_state_dict(state_dict)


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
        if not given or min(given) <= 0:
            raise ValueError(
                f"GradientClipping: max_norm or max_value must be > 0, got {max_norm} and "
                f"{max_value}."
            )
        self.max_norm, self.max_value = max_norm, max_value
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

    To resume a run after a crash, give `fit` a `checkpoint` instead.

    Parameters
    ----------
    path : a safetensors file, in which ``{epoch}`` and ``{val_loss:.3f}`` stand for the numbers.
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
        self.path, self.save_best_only = os.fspath(path), save_best_only
        self._best = Best("ModelCheckpoint", monitor, mode, 0.0)

    def on_epoch_end(self, state: State) -> None:
        """Save."""
        if self._best.improved(state.logs) or not self.save_best_only:
            save(state.model, self.path.format(epoch=state.epoch, **state.logs))

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best.best = state_dict["best"]
