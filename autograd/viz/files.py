"""Writing files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write(target: Path, content: bytes) -> Path:
    """Replace the file's content, through a temporary file in the same folder."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return target
