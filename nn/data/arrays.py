"""Arrays of what holds data: lists, data frames, tensors of other libraries; or how to get one."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.tables import is_table, of_table

CODES = "classes, y = numpy.unique(list(labels), return_inverse=True)"


def as_array(who: str, given: Any) -> Array:
    """An array with the numbers of anything that holds some.

    Parameters
    ----------
    who : what the error is about, such as "TensorDataset".
    given : array, list, pandas or Polars data frame or series, tensor of another library.

    Raises
    ------
    TypeError
        What has no array: iterators, sparse matrices, masked arrays, columns of text, missing
        integers; the error says how to make one.
    ValueError
        A list of rows of different lengths.

    Examples
    --------
    >>> as_array("doc", [[1, 2], [3, 4]])
    array([[1, 2],
           [3, 4]])
    """
    if type(given) is np.ndarray:
        return given
    if isinstance(given, np.ma.MaskedArray):
        if np.ma.is_masked(given):
            raise TypeError(f"{who}: a masked array would lose its mask; pass .filled(value).")
        return np.asarray(given.data)
    if hasattr(given, "__next__"):
        raise TypeError(
            f"{who}: a {type(given).__name__} gives its samples only once; pass a list or an array "
            "of them, or an object whose __iter__ starts anew in every epoch."
        )
    if is_sparse(given):
        raise TypeError(
            f"{who}: a sparse matrix has no array; pass .toarray(), or a Dataset whose __getitem__ "
            "makes an array of one row."
        )
    if is_table(given):
        return of_table(who, given, text=True)
    try:
        array = np.asarray(given)
    except ValueError as error:
        if not isinstance(given, (list, tuple)):
            raise
        raise ValueError(
            f"{who}: a list of rows of different lengths has no array; pad the rows, or pass "
            "samples to a DataLoader with collate_fn=nn.data.pad_collate."
        ) from error
    if array.dtype.kind == "O" and not isinstance(given, np.ndarray):
        odd = next((x for x in array.flat if not isinstance(x, (int, float))), given)
        raise TypeError(f"{who}: an array of numbers is needed, got {_named(odd)}.")
    return array


def numbers(who: str, given: Any) -> Array:
    """`as_array` of numbers, with samples along axis 0.

    Raises
    ------
    TypeError
        Something else, such as text labels; the error says how to encode them.
    """
    array = as_array(who, given)
    if array.dtype.kind in "US" or (array.dtype.kind == "O" and isinstance(array.flat[0], str)):
        some = str(array.flat[0])[:20]
        raise TypeError(f"{who} is text, such as {some!r}; make it an array of numbers: {CODES}.")
    if array.dtype.kind == "O":
        raise TypeError(
            f"{who} is an array of objects, such as {_named(array.flat[0])}; pass numbers, as with "
            ".astype(float)."
        )
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise TypeError(
            f"{who} must be an array of numbers with samples in axis 0, got {array.dtype} of shape "
            f"{array.shape}."
        )
    return array


def as_floats(who: str, array: Array, dtype: Any) -> Array:
    """Floats in the dtype of a model.

    Raises
    ------
    ValueError
        Finite numbers that this dtype makes infinite.

    Examples
    --------
    >>> as_floats("doc", np.array([0.5, np.inf]), np.float32)
    array([0.5, inf], dtype=float32)
    """
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype, copy=False)
    except FloatingPointError:
        most = np.max(np.abs(array), where=np.isfinite(array), initial=0)
        raise ValueError(
            f"{who}: numbers of up to {most:.3g} are infinite in {np.dtype(dtype)}, the model's "
            "dtype; scale them."
        ) from None


def is_sparse(x: Any) -> bool:
    """Whether it is a sparse matrix or array of SciPy."""
    return hasattr(x, "toarray") and hasattr(x, "tocsr")


def _named(x: Any) -> str:
    """A value as an error names it."""
    return "None" if x is None else f"a {type(x).__name__}"
