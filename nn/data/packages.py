"""The files that installed packages carry, found without importing the packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def needs(who: str, package: str, extra: str = "data") -> ImportError:
    """The error that says what to install."""
    return ImportError(
        f"{who} needs {package}, which is not installed. Install it with: "
        f"pip install 'glassgrad[{extra}]'"
    )


def package_file(who: str, package: str, path: str) -> Path:
    """A file inside an installed package.

    Parameters
    ----------
    who : the function that asks, for errors.
    package : the name under which it is imported.
    path : inside the package's folder.

    Raises
    ------
    ImportError
        The package is not installed.
    FileNotFoundError
        This version of it has no such file.
    """
    try:
        spec = find_spec(package)
    except ValueError:  # a name in sys.modules that is no module
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise needs(who, package)
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise FileNotFoundError(f"{who}: the installed {package} has no file {path}.")
    return file
