"""Small tabular datasets from the scikit-learn wheel; nothing is downloaded."""

from __future__ import annotations

import numpy as np

from autograd.node import Array
from nn.data.packages import needs


def load_digits() -> tuple[Array, Array]:
    """Handwritten digits, 8 × 8 pixels, from the scikit-learn wheel.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, doi 10.24432/C50P49 (the test part, 1,797 samples of 13 writers).
    License: CC BY 4.0.

    Returns
    -------
    X : float32, shape (1797, 64), pixel intensities in [0, 1], row by row.
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
    X, y = _from_sklearn("load_digits")
    return X / 16, y


def load_wine() -> tuple[Array, Array]:
    """Chemical analyses of wines from three growers, from the scikit-learn wheel.

    Source: S. Aeberhard and M. Forina, Wine, UCI Machine Learning Repository, 1992,
    doi 10.24432/C5PC7J. License: CC BY 4.0.

    Returns
    -------
    X : float32, shape (178, 13), in the original units: standardize them.
    y : int64, shape (178,), the grower, 0 to 2.

    Raises
    ------
    ImportError
        scikit-learn is not installed.

    Examples
    --------
    >>> import nn, numpy as np
    >>> X, y = nn.data.load_wine()
    >>> X.shape, np.bincount(y)
    ((178, 13), array([59, 71, 48]))
    """
    return _from_sklearn("load_wine")


def load_breast_cancer() -> tuple[Array, Array]:
    """Measurements of cell nuclei, malignant or benign, from the scikit-learn wheel.

    Source: W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin
    (Diagnostic), UCI Machine Learning Repository, 1993, doi 10.24432/C5DW2B.
    License: CC BY 4.0.

    Returns
    -------
    X : float32, shape (569, 30), in the original units: standardize them.
    y : int64, shape (569,), 0 malignant, 1 benign.

    Raises
    ------
    ImportError
        scikit-learn is not installed.

    Examples
    --------
    >>> import nn, numpy as np
    >>> X, y = nn.data.load_breast_cancer()
    >>> X.shape, np.bincount(y)
    ((569, 30), array([212, 357]))
    """
    return _from_sklearn("load_breast_cancer")


def _from_sklearn(who: str) -> tuple[Array, Array]:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise needs(who, "scikit-learn") from error
    X, y = getattr(datasets, who)(return_X_y=True)
    return np.asarray(X, np.float32), np.asarray(y, np.int64)
