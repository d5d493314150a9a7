"""Resume: continue a killed run bit for bit."""

from __future__ import annotations

import os

from nn.arguments import count
from nn.files import Checkpoint
from nn.train.callback import Callback
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

    def load(self, state: State) -> None:
        """Restore the state in the file, if there is one."""
        self._checkpoint = Checkpoint(
            self.path,
            model=state.model,
            optimizer=state.optimizer,
            loader=state.loader,
            run=state,
        )
        self._checkpoint.load()
        self._steps = state.step

    def on_step_end(self, state: State) -> None:
        """Save after an update, when no gradients are pending."""
        if self.every is not None and state.step >= self._steps + self.every:
            self._steps = state.step
            self._checkpoint.save()

    def on_epoch_end(self, state: State) -> None:
        """Save."""
        self._checkpoint.save()
