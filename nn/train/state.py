"""State: what callbacks see of a training run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nn.metrics.metric import Metric
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.train.batches import Loader, described
from nn.train.history import History


class Remembers(Protocol):
    """What a run knows of its callbacks: their state goes into its checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""


COUNTERS = ("epoch", "done", "step", "position", "samples", "total", "counted", "carried")


class State:
    """What callbacks see of a training run.

    Attributes
    ----------
    model, optimizer, criterion, loader : as `fit` uses them.
    epochs : how many there will be.
    epoch : number of the current one, from 1.
    done : epochs that are finished.
    step : updates of the optimizer so far, over all epochs.
    batch : what the loader gave, in `on_loss`, `on_gradients` and `on_step_end`.
    outputs, loss : the model's outputs for it and the loss, Values. In `on_loss` the whole graph
        hangs behind the loss; afterwards it is released.
    samples : so far in this epoch.
    total, counted : the sum of losses so far in this epoch, and what their mean is over: samples,
        elements, or class weights of the targets that are not ignored.
    metrics : being added up over this epoch.
    logs : in `on_epoch_end`, name -> number: loss, metrics, and both with ``val_`` before.
    history : a `History` of the finished epochs.
    stop : set it to True to end training after this step.
    interrupted : Ctrl-C was pressed.
    has_validation : whether there will be ``val_`` numbers.
    names : of the numbers that will be in `logs`.
    more_names : whether a callback of one's own may add others.
    position : batches of this epoch that are done.
    accumulate : batches of an update.
    pending : what the gradients that wait for an update are a sum over; 0 if none do.
    unit : what counts in the first batch of an update; `pending` is in units of it.
    carried : what a recurrent model hands on to its next batch, arrays.
    callbacks : those that remember something.
    rates : learning rates with which the run began.
    resumed : batches of this epoch that were done before the run was resumed; 0 after its begin.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        criterion: Callable[..., Any],
        loader: Loader,
        epochs: int,
        metrics: list[Metric],
        history: History,
    ) -> None:
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.loader, self.epochs, self.metrics, self.history = loader, epochs, metrics, history
        self.epoch = self.done = self.step = 0
        self.samples, self.total, self.counted = 0, 0.0, 0.0
        self.batch: Any = None
        self.outputs: Any = None
        self.loss: Any = None
        self.logs: dict[str, Any] = {}
        self.stop = self.interrupted = self.has_validation = self.more_names = False
        self.position = self.resumed = 0
        self.accumulate = 1
        self.pending, self.unit = 0.0, 1.0
        self.carried: Any = None
        self.rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.callbacks: Sequence[Remembers] = []

    @property
    def names(self) -> list[str]:
        """Of the numbers that will be in `logs`."""
        names = ["loss", *(metric.name for metric in self.metrics)]
        return [*names, *(f"val_{name}" for name in names)] if self.has_validation else names

    def running(self) -> dict[str, Any]:
        """Loss and metrics of the current epoch so far."""
        mean = self.total / self.counted if self.counted else float("nan")
        return {"loss": mean, **{metric.name: metric.compute() for metric in self.metrics}}

    def state_dict(self) -> dict[str, Any]:
        """Where the run is: counters, sums, history, and what the callbacks remember."""
        return {
            **{name: getattr(self, name) for name in COUNTERS},
            "run": {
                "callbacks": [type(c).__name__ for c in self.callbacks],
                "names": self.names,
                "metrics": [type(metric).__name__ for metric in self.metrics],
                "optimizer": type(self.optimizer).__name__,
                "loss": getattr(self.criterion, "__name__", type(self.criterion).__name__),
                "accumulated batches": self.accumulate,
                **described(self.loader),
            },
            "rates": self.rates,
            "metrics": [metric.state_dict() for metric in self.metrics],
            "history": self.history.history,
            "epochs": self.history.epochs,
            "callbacks": [c.state_dict() for c in self.callbacks],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to where the run of the state dict was.

        Raises
        ------
        ValueError
            Other metrics or callbacks, another optimizer, loss or number of batches, or a
            validation more or less. Nothing has changed then.
        """
        own = self.state_dict()["run"]
        theirs = state_dict.get("run", {})
        for what, ours in own.items():
            if theirs.get(what) != ours:
                raise ValueError(
                    f"fit: the checkpoint is of a run with the {what} {theirs.get(what)}, this one "
                    f"has {ours}; they must be the same. To train on in another way, load the "
                    "model's weights and give another checkpoint."
                )
        if state_dict["rates"] != self.rates:
            warnings.warn(
                f"fit: this run asks for the learning rates {self.rates}, but resumes one that "
                f"began with {state_dict['rates']}, and goes on with its own.",
                stacklevel=4,
            )
            self.rates = state_dict["rates"]
        for name in COUNTERS:
            setattr(self, name, state_dict[name])
        for metric, saved in zip(self.metrics, state_dict["metrics"], strict=True):
            metric.reset()
            metric.load_state_dict(saved)
        for callback, saved in zip(self.callbacks, state_dict["callbacks"], strict=True):
            callback.load_state_dict(saved)
        self.history.history = {k: list(v) for k, v in state_dict["history"].items()}
        self.history.epochs = {k: list(v) for k, v in state_dict["epochs"].items()}
        self.resumed = self.position
