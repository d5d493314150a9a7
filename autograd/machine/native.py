"""Arrays in the one form that kernels are compiled for."""

from __future__ import annotations

from typing import Any

import numpy as np


def native(a: Any) -> Any:
    """Return an array as kernels take it: C-contiguous, aligned, writable, in native byte order.

    An array that is all of this already is returned as it is, any other as a copy: Numba would
    compile the kernels anew for it. None stays None.

    Examples
    --------
    >>> x = np.zeros((3, 2))
    >>> native(x) is x, native(x.T).flags.c_contiguous
    (True, True)
    """
    if a is None or (a.ndim == 0 and a.item() is None):  # a Symbol holds None as an array
        return None
    if a.flags.carray and a.dtype.isnative:  # contiguous, aligned, writable
        return a
    return np.array(a, a.dtype.newbyteorder("="), order="C")
