"""State: what callbacks see of a training run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nn.data.loader import DataLoader
from nn.metrics.metric import Metric
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.train.history import History


class Remembers(Protocol):
    """What a run knows of its callbacks: their state goes into its checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""


COUNTERS = ("epoch", "done", "step", "position", "samples", "total", "stop", "carried")


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
    samples, total : samples so far in this epoch, and the sum of their losses.
    metrics : being added up over this epoch.
    logs : in `on_epoch_end`, name -> number: loss, metrics, and both with ``val_`` before.
    history : a `History` of the finished epochs.
    stop : set it to True to end training after this step.
    interrupted : Ctrl-C was pressed.
    has_validation : whether there will be ``val_`` numbers.
    position : batches of this epoch that are done.
    carried : what a recurrent model hands on to its next batch, arrays.
    callbacks : those that remember something.
    resumed : batches of this epoch that were done before the run was resumed; 0 after its begin.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        criterion: Callable[..., Any],
        loader: DataLoader,
        epochs: int,
        metrics: list[Metric],
        history: History,
    ) -> None:
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.loader, self.epochs, self.metrics, self.history = loader, epochs, metrics, history
        self.epoch = self.done = self.step = 0
        self.samples, self.total = 0, 0.0
        self.batch: Any = None
        self.outputs: Any = None
        self.loss: Any = None
        self.logs: dict[str, Any] = {}
        self.stop = self.interrupted = self.has_validation = False
        self.position = self.resumed = 0
        self.carried: Any = None
        self.callbacks: Sequence[Remembers] = []

    def running(self) -> dict[str, Any]:
        """Loss and metrics of the current epoch so far."""
        mean = self.total / self.samples if self.samples else float("nan")
        return {"loss": mean, **{metric.name: metric.compute() for metric in self.metrics}}

    def state_dict(self) -> dict[str, Any]:
        """Where the run is: counters, sums, history, and what the callbacks remember."""
        return {
            **{name: getattr(self, name) for name in COUNTERS},
            "metrics": [metric.state_dict() for metric in self.metrics],
            "history": self.history.history,
            "callbacks": [[type(c).__name__, c.state_dict()] for c in self.callbacks],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to where the run of the state dict was.

        Raises
        ------
        ValueError
            Other metrics or callbacks. Nothing has changed then.
        """
        kinds = [kind for kind, _ in state_dict["callbacks"]]
        own = [type(c).__name__ for c in self.callbacks]
        if kinds != own or len(state_dict["metrics"]) != len(self.metrics):
            raise ValueError(
                f"fit: the checkpoint is of a run with the callbacks {kinds} and "
                f"{len(state_dict['metrics'])} metrics, this one has {own} and "
                f"{len(self.metrics)}; they must be the same."
            )
        for name in COUNTERS:
            setattr(self, name, state_dict[name])
        for metric, saved in zip(self.metrics, state_dict["metrics"], strict=True):
            metric.load_state_dict(saved)
        for callback, (_, saved) in zip(self.callbacks, state_dict["callbacks"], strict=True):
            callback.load_state_dict(saved)
        self.history.history = {k: list(v) for k, v in state_dict["history"].items()}
        self.history.epoch = list(range(1, self.done + 1))
        self.resumed = self.position
