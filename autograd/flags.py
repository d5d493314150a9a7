"""flags: the check of arguments that are True or False."""

from __future__ import annotations

from typing import Any

import numpy as np


def flags(who: str, **given: Any) -> None:
    """Refuse anything but True and False: the text 'False' would count as true."""
    for name, flag in given.items():
        if flag is not True and flag is not False and not isinstance(flag, np.bool_):
            raise TypeError(f"{who}: {name} must be True or False, got {flag!r}.")
