"""Resume: continue a killed run bit for bit."""

from __future__ import annotations

import os

from nn.arguments import count
from nn.files import Checkpoint
from nn.files.nested import flatten
from nn.train.batches import number_of
from nn.train.callback import Callback
from nn.train.destination import destination
from nn.train.state import State


class Resume(Callback):
    """Save the whole state of a run, and restore it.

    Parameters
    ----------
    path : the file.
    every : updates of the optimizer after which it is saved; by default after epochs only.
    """

    last = True

    def __init__(self, path: str | os.PathLike[str], every: int | None = None) -> None:
        self.path = path
        self.every = None if every is None else count("fit", "checkpoint_every", every, 1)
        self._steps = 0
        self._cut = False

    def prepare(self, state: State) -> None:
        """Check the file, and that all that is to be saved can be."""
        self.path = destination("fit, checkpoint", self.path)
        self._checkpoint = Checkpoint(
            self.path,
            model=state.model,
            optimizer=state.optimizer,
            loader=state.loader,
            run=state,
        )
        flatten(state.state_dict())

    def load(self, state: State) -> None:
        """Restore the state in the file, if there is one."""
        self._checkpoint.load()
        self._steps = state.step

    def on_step_end(self, state: State) -> None:
        """Save after an update, when no gradients are pending; also where a run stops halfway."""
        self._cut = state.stop and state.position != number_of(state.loader)
        due = self.every is not None and state.step >= self._steps + self.every
        if (due or self._cut) and not state.pending:
            self._steps = state.step
            self._checkpoint.save()

    def on_epoch_end(self, state: State) -> None:
        """Save, unless the epoch was cut short: it is resumed halfway then."""
        if not self._cut:
            self._checkpoint.save()
