"""HIPS's `autograd` has the same import name as ours: say so instead of failing oddly.

Importing this module checks. It must come before every import of something in `autograd`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import autograd

FIX = (
    "Both packages have the import name `autograd`, so each needs an environment of its own:\n"
    "    python -m venv .venv && .venv/bin/pip install glassgrad"
)


def check() -> None:
    """Raise where the imported `autograd` is not ours; warn where another lies between its files.

    Raises
    ------
    ImportError
        Names the file that was found and the distribution that it came from.
    """
    file = getattr(autograd, "__file__", None) or str(list(autograd.__path__)[:1])
    folder = Path(file).parent
    if not (folder / "GLASSGRAD").is_file():
        raise ImportError(
            f"nn needs glassgrad's `autograd`, but Python found {file}{_origin(folder)}.\n{FIX}",
            name="autograd",
            path=file,
        )
    if not hasattr(autograd, "Value"):
        raise ImportError(
            f"{file} is not glassgrad's, though it lies in glassgrad's folder: another "
            f"distribution{_origin(folder)} has overwritten it.\n{FIX}",
            name="autograd",
            path=file,
        )
    others = list(folder.parent.glob("autograd-*.dist-info"))
    if others:
        warnings.warn(
            f"HIPS autograd ({others[0].name.removesuffix('.dist-info')}) is installed into the "
            f"same folder as glassgrad, {folder}. It doesn't work there any more, and "
            f"uninstalling or upgrading it would delete files of glassgrad.\n{FIX}",
            RuntimeWarning,
            stacklevel=3,
        )


def _origin(folder: Path) -> str:
    """Names and versions of the distributions other than ours with this folder, as text."""
    from importlib.metadata import distributions  # slow to import, and seldom needed

    names = {
        f"{d.name} {d.version}"
        for d in distributions(path=[str(folder.parent)])
        if d.name.lower() != "glassgrad"
        and any(file.parts[:1] == (folder.name,) for file in d.files or ())
    }
    return f", from the distribution {', '.join(sorted(names))}" if names else ""


check()
