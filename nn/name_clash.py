"""Detect that HIPS's `autograd`, which has the same import name, is installed, and explain it.

Importing this module runs the check. It must precede every other import from `autograd`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import autograd

FIX = (
    "Both packages have the import name `autograd`, so they need separate environments:\n"
    "    python -m venv .venv && .venv/bin/pip install glassgrad"
)


def check() -> None:
    """Raise if the imported `autograd` is not glassgrad's; warn if HIPS's files are mixed with it.

    Raises
    ------
    ImportError
        Another package was imported; the message names its file and distribution.
    """
    file = getattr(autograd, "__file__", None) or str(list(autograd.__path__)[:1])
    folder = Path(file).parent
    if not _has_mark(folder):
        raise ImportError(
            f"nn needs glassgrad's `autograd`, but Python found {file}{_origin(folder)}.\n{FIX}",
            name="autograd",
            path=file,
        )
    if not hasattr(autograd, "Value"):
        raise ImportError(
            f"{file} is not glassgrad's, although it is in glassgrad's directory: another "
            f"distribution{_origin(folder)} has overwritten it.\n{FIX}",
            name="autograd",
            path=file,
        )
    others = list(folder.parent.glob("autograd-*.dist-info"))
    if others:
        warnings.warn(
            f"HIPS autograd ({others[0].name.removesuffix('.dist-info')}) is installed in the "
            f"same directory as glassgrad, {folder}. It no longer works there, and uninstalling or "
            f"upgrading it would delete files of glassgrad.\n{FIX}",
            RuntimeWarning,
            stacklevel=3,
        )


def _has_mark(folder: Path) -> bool:
    """Whether glassgrad's mark is beside the package's files, in a zip archive too."""
    if (folder / "GLASSGRAD").is_file():
        return True
    read = getattr(getattr(autograd, "__loader__", None), "get_data", None)
    try:
        return read is not None and read(str(folder / "GLASSGRAD")) is not None
    except OSError:
        return False


def _origin(folder: Path) -> str:
    """Names and versions of other distributions that own files in this directory, as text."""
    from importlib.metadata import distributions  # slow to import and rarely needed

    names = {
        f"{d.name} {d.version}"
        for d in distributions(path=[str(folder.parent)])
        if d.name.lower() != "glassgrad"
        and any(file.parts[:1] == (folder.name,) for file in d.files or ())
    }
    return f", from the distribution {', '.join(sorted(names))}" if names else ""


check()
