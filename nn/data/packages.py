"""Data files of installed packages, located without importing the packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def needs(who: str, package: str, extra: str = "data") -> ImportError:
    """ImportError that says what to install."""
    return ImportError(
        f"{who} needs {package}, which is not installed. Install it with: "
        f"pip install 'glassgrad[{extra}]'"
    )


def package_file(who: str, package: str, path: str) -> Path:
    """Path of a file inside an installed package.

    Parameters
    ----------
    who : name of the calling function, for errors.
    package : import name.
    path : relative to the package's directory.

    Raises
    ------
    ImportError
        The package is not installed.
    FileNotFoundError
        The installed version has no such file.
    """
    try:
        spec = find_spec(package)
    except ValueError:  # sys.modules holds something that is not a module
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise needs(who, package)
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise FileNotFoundError(f"{who}: the installed {package} has no file {path}.")
    return file
