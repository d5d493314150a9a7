"""Callbacks that log a run."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd.files import located
from nn.data.packages import needs
from nn.train.callback import Callback
from nn.train.destination import destination
from nn.train.history import is_number
from nn.train.state import State


def numbers(logs: dict[str, Any]) -> dict[str, float]:
    """Those of the logs that are single numbers."""
    return {name: float(x) for name, x in logs.items() if is_number(x)}


class _LineLogger(Callback):
    """One line an epoch, flushed at once; a resumed run goes on after its finished epochs."""

    def __init__(self, path: str | os.PathLike[str], append: bool | None = None) -> None:
        self.path, self.append = located(path), append
        self._is_ours = False  # whether the file is of an earlier fit with this logger

    def prepare(self, state: State) -> None:
        """Check the path."""
        destination(type(self).__name__, self.path)

    def on_train_begin(self, state: State) -> None:
        """Keep what was logged; of a resumed run the lines of the epochs that are done."""
        ours, self._is_ours = self._is_ours, True
        rows = self.read() if self.path.exists() else []
        last = [i for i, row in enumerate(rows) if _is_of(row, state)]
        if last:
            return self.write(rows[: last[-1] + 1])
        if self.append or (self.append is None and ours):
            if rows and self.path.read_bytes()[-1:] != b"\n":  # cut off in a line
                self.write(rows)
            return None
        if rows and self.append is None:
            self.path.rename(_unused(self.path))
        return self.write([])

    def on_epoch_end(self, state: State) -> None:
        """Add a line."""
        self.add({"epoch": state.epoch, **numbers(state.logs)})

    def read(self) -> list[dict[str, Any]]:
        """The lines of the file."""
        raise NotImplementedError

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write the file anew."""
        raise NotImplementedError

    def add(self, row: dict[str, float]) -> None:
        """Add a line to the file."""
        raise NotImplementedError


def _unused(path: Path) -> Path:
    """The first of log-1.csv, log-2.csv … that is not there."""
    beside = (path.with_name(f"{path.stem}-{k}{path.suffix}") for k in itertools.count(1))
    return next(file for file in beside if not file.exists())


def _is_of(row: dict[str, Any], state: State) -> bool:
    """Whether a line is that of the last epoch of a run that is resumed."""
    if not len(state.history):
        return False
    loss = state.history["loss"][-1]
    try:
        return int(row["epoch"]) == state.done and float(row["loss"]) == loss
    except (KeyError, TypeError, ValueError):
        return False


class CSVLogger(_LineLogger):
    """Write the numbers of each epoch to a CSV file.

    Parameters
    ----------
    path : the file; its first line names the columns. Its folder is made.
    append : True adds to a file that is there, False writes over it, as in Keras. By default this
        logger adds to its own file in a second fit; a file of another is kept as log-1.csv.
        New numbers become new columns, empty in the lines before.

    Examples
    --------
    >>> import nn, numpy as np, pathlib, tempfile
    >>> x = np.ones((4, 2), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = nn.train.CSVLogger(f"{folder}/log.csv")
    ...     for epochs in (2, 1):
    ...         _ = nn.train.fit(nn.Linear(2, 1), (x, x[:, :1]), "mse", epochs=epochs,
    ...                          callbacks=log, verbose=False)
    ...     text = pathlib.Path(f"{folder}/log.csv").read_text()
    >>> [line.split(",")[0] for line in text.splitlines()]
    ['epoch', '1', '2', '1']
    """

    def __init__(self, path: str | os.PathLike[str], append: bool | None = None) -> None:
        super().__init__(path, append)
        self._columns: list[str] = []

    def read(self) -> list[dict[str, Any]]:
        with self.path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            self._columns = list(reader.fieldnames or [])
        return rows

    def write(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            self._columns = []
        self._write(self._text(rows, bool(self._columns)))

    def add(self, row: dict[str, float]) -> None:
        more = [name for name in row if name not in self._columns]
        if more:
            rows = self.read() if self._columns else []
            self._columns += more
            self._write(self._text([*rows, row], True))
        else:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(self._text([row], False))

    def _write(self, text: str) -> None:
        self.path.write_text(text, "utf-8", "surrogateescape", newline="")

    def _text(self, rows: Sequence[dict[str, Any]], header: bool) -> str:
        buffer = io.StringIO()
        writer = csv.DictWriter(
            buffer, self._columns, extrasaction="ignore", lineterminator="\n", restval=""
        )
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue()


class JSONLLogger(_LineLogger):
    """Write the numbers of each epoch as JSON lines; null where not finite.

    Parameters
    ----------
    path : the file. Its folder is made.
    append : as in `CSVLogger`.
    """

    def read(self) -> list[dict[str, Any]]:
        rows = []
        for line in self.path.read_text("utf-8", "surrogateescape").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                rows.append({"cut": line})  # written by a run that was killed
        return rows

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def add(self, row: dict[str, float]) -> None:
        finite = {name: x if math.isfinite(x) else None for name, x in row.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite) + "\n")


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
        self.log_dir = located(log_dir)
        self._writer: Any = None

    def prepare(self, state: State) -> None:
        """Check the folder."""
        destination("TensorBoard", self.log_dir / "events")

    def on_train_begin(self, state: State) -> None:
        """Open a file; a resumed run writes the epochs after those that are done anew."""
        from tensorboardX import SummaryWriter

        resumed = len(state.history) > 0
        self._writer = SummaryWriter(
            str(self.log_dir), purge_step=state.done + 1 if resumed else None
        )

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
