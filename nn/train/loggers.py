"""Callbacks that log a run."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from nn.data.packages import needs
from nn.train.callback import Callback
from nn.train.state import State


def numbers(logs: dict[str, Any]) -> dict[str, float]:
    """Those of the logs that are single numbers."""
    return {name: float(x) for name, x in logs.items() if np.ndim(x) == 0}


class _LineLogger(Callback):
    """One line an epoch, flushed at once; a resumed run appends after its finished epochs."""

    header = 0

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()

    def on_train_begin(self, state: State) -> None:
        """Start the file; keep the lines of the epochs that are done."""
        kept: list[str] = []
        if state.done and self.path.exists():
            kept = self.path.read_text("utf-8").splitlines(keepends=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(kept[: self.header + state.done]), "utf-8")

    def on_epoch_end(self, state: State) -> None:
        """Add a line."""
        text = self.line(state.epoch, numbers(state.logs), self.path.stat().st_size == 0)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)

    def line(self, epoch: int, logs: dict[str, float], first: bool) -> str:
        """What an epoch adds to the file."""
        raise NotImplementedError


class CSVLogger(_LineLogger):
    """Write the numbers of each epoch to a CSV file.

    Parameters
    ----------
    path : the file; its first line names the columns.
    """

    header = 1

    def line(self, epoch: int, logs: dict[str, float], first: bool) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if first:
            writer.writerow(["epoch", *logs])
        writer.writerow([epoch, *logs.values()])
        return buffer.getvalue()


class JSONLLogger(_LineLogger):
    """Write the numbers of each epoch as JSON lines; null where not finite.

    Parameters
    ----------
    path : the file.
    """

    def line(self, epoch: int, logs: dict[str, float], first: bool) -> str:
        finite = {name: x if math.isfinite(x) else None for name, x in logs.items()}
        return json.dumps({"epoch": epoch, **finite}) + "\n"


class TensorBoard(Callback):
    """Write the numbers of each epoch as TensorBoard's event files.

    Parameters
    ----------
    log_dir : folder to which they go; look with ``tensorboard --logdir``.

    Raises
    ------
    ImportError
        tensorboardX is not installed.
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        try:
            import tensorboardX  # noqa: F401 - refuse now, not when training begins
        except ImportError as error:
            raise needs("TensorBoard", "tensorboardX", "tensorboard") from error
        self.log_dir = Path(log_dir).expanduser()
        self._writer: Any = None

    def on_train_begin(self, state: State) -> None:
        """Open a file; epochs after those that are done are written anew."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(self.log_dir), purge_step=state.done + 1)

    def on_epoch_end(self, state: State) -> None:
        """Write the epoch's numbers."""
        for name, x in numbers(state.logs).items():
            kind = "validation" if name.startswith("val_") else "training"
            self._writer.add_scalar(f"{name.removeprefix('val_')}/{kind}", x, state.epoch)
        for i, group in enumerate(state.optimizer.param_groups):
            self._writer.add_scalar(f"lr/{i}", group["lr"], state.epoch)

    def on_train_end(self, state: State) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
