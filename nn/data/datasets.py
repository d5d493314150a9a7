"""Data sets that installed packages carry: nothing is downloaded, nothing is committed."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def load_digits() -> tuple[Array, Array]:
    """Handwritten digits, 8 × 8 pixels, from scikit-learn's wheel.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, doi 10.24432/C50P49 (the test part, 1,797 samples of 13 writers).
    Licence: CC BY 4.0.

    Returns
    -------
    X : float32, shape (1797, 64), grey values from 0 to 1, row after row of the image.
    y : int64, shape (1797,), the digits 0 to 9.

    Raises
    ------
    ImportError
        scikit-learn is not installed.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.data.load_digits()
    >>> X.shape, X.dtype.name, y.dtype.name, float(X.max())
    ((1797, 64), 'float32', 'int64', 1.0)
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            "load_digits reads the digits from scikit-learn's package, which is not installed. "
            "Install it with: pip install 'glassgrad[data]'"
        ) from error
    X, y = datasets.load_digits(return_X_y=True)
    return np.asarray(X / 16, np.float32), np.asarray(y, np.int64)
