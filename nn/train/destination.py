"""Where a run writes to: checked before it begins."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autograd.files import located


def destination(who: str, path: str | os.PathLike[str]) -> Path:
    """A file that can be written, with ``~`` expanded; its folder is made.

    Raises
    ------
    OSError
        It is a folder, or can't be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     destination("ModelCheckpoint", f"{folder}/run/model.safetensors").parent.is_dir()
    True
    """
    file = located(path)
    if file.is_dir():
        raise IsADirectoryError(f"{who}: {file} is a folder; give the path of a file.")
    if file.exists():
        if not os.access(file, os.W_OK):
            raise PermissionError(f"{who}: {file} is read-only.")
        if not file.is_file():  # a device or a pipe
            return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise OSError(f"{who}: {file} can't be written: {error}") from error
    return file
