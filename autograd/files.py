"""Where files are, and writing them atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path


def located(path: str | os.PathLike[str]) -> Path:
    """The path with ``~`` and ``~user`` expanded; any other name that begins with ~ stays.

    Examples
    --------
    >>> located("~") == Path.home()
    True
    >>> located("~$table.csv").name
    '~$table.csv'
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"A path must be text or a pathlib.Path, not {path!r}.")
    return Path(os.path.expanduser(path))


def write(path: str | os.PathLike[str], content: bytes) -> Path:
    """Replace a file's content atomically: whatever happens, the old file or the new one is there.

    The content is written to a new file in the same folder, flushed to disk and renamed. A symbolic
    link is followed; mode and owner of a file that is there already are kept. As the file is a new
    one, another hard link to the old one keeps the old content.

    Parameters
    ----------
    path : the file; ``~`` is expanded. A device or pipe is written to directly.
    content : its new content.

    Returns
    -------
    The path, with ``~`` expanded.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    OSError
        The file can't be written: a folder of this name, a read-only file, a full disk.
    """
    target = located(path)
    try:
        old = target.stat()
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        target.write_bytes(content)
        return target
    if old is not None and not os.access(target, os.W_OK):  # renaming would not ask
        raise PermissionError(errno.EACCES, "The file is read-only", str(target))
    place = Path(os.path.realpath(target))
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no folder", str(place.parent))
    beside = place.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _fill(beside, content, old)
        os.replace(beside, place)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(target)  # not that of the file beside it
            del error.filename2  # None would be shown
        raise
    if os.name == "posix":  # flush the renaming to disk too
        with contextlib.suppress(OSError):
            folder = os.open(place.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    return target


def _fill(beside: Path, content: bytes, old: os.stat_result | None) -> None:
    """Make a file with this content, and with the mode and owner of the old one."""
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode)
    flags = os.O_WRONLY | getattr(os, "O_BINARY", 0)

    def fill(handle: int) -> None:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(content)
        if old is not None and os.name == "posix":
            with contextlib.suppress(PermissionError):
                os.fchown(handle, old.st_uid, old.st_gid)
            os.fchmod(handle, mode)
        os.fsync(handle)

    if hasattr(
        os, "O_TMPFILE"
    ):  # without a name until it is whole: a killed process leaves nothing
        with contextlib.suppress(OSError):  # not every file system can
            handle = os.open(beside.parent, flags | os.O_TMPFILE, mode)
            try:
                fill(handle)
                os.link(f"/proc/self/fd/{handle}", beside, src_dir_fd=handle, follow_symlinks=True)
                return
            finally:
                os.close(handle)
    handle = os.open(beside, flags | os.O_CREAT | os.O_EXCL, mode)
    try:
        fill(handle)
    finally:
        os.close(handle)
