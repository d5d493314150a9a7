"""Embedding lookup, and its derivative: sums of rows by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import array_of, lookup
from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native
from autograd.op import Op
from autograd.ops.arrays.index import scatter
from autograd.ops.samples import A, case, cases

Array = np.ndarray[Any, Any]

KERNEL = 4_096
"""Elements to add from which the kernel is used: there it is 4 times as fast as np.add.at."""


def _rows(weight: Any, indices: Any, padding_idx: int | None = None) -> Any:
    """Rows of a table; see `embedding`."""
    if weight is None:
        raise TypeError("weight must be an array or Value, got None.")
    if weight.ndim != 2:
        raise ValueError(f"weight must have shape (rows, features), got {weight.shape}.")
    return weight.take(checked(indices, len(weight), padding_idx)[0], axis=0)


def _rows_grad(g: Any, indices: Any, rows: int, padding_idx: int | None = None) -> Any:
    """The gradient of the table: for each index the sum of its rows of g, 0 for padding_idx."""
    t, skip = checked(indices, rows, padding_idx)
    if g.shape[:-1] != t.shape:
        raise ValueError(f"g must have shape {(*t.shape, 'features')}, got {g.shape}.")
    if g.size >= KERNEL and g.dtype.newbyteorder("=") in (np.float32, np.float64):
        kernels = load("autograd.ops.embeddings.kernel_embedding")
        flat = native(g.reshape(t.size, g.shape[-1]))
        return kernels.scatter_rows(flat, np.array(t.reshape(-1)), rows, skip)
    out = scatter.forward(g, t, (rows, g.shape[-1]))
    if skip >= 0:
        out[skip] = 0
    return out


def checked(indices: Any, rows: int, padding_idx: int | None) -> tuple[Array, int]:
    """The indices, checked, and the row that receives no gradient (-1 for none)."""
    t = array_of(indices, "indices")
    if t.dtype.kind not in "iu" and t.size:
        raise TypeError(f"indices must be integers, got {t.dtype}; use indices.astype(np.int64).")
    if t.size and ((t.dtype.kind == "i" and t.min() < 0) or t.max() >= rows):
        wrong = t[(t < 0) | (t >= rows)][0]
        raise ValueError(
            f"indices {t.shape} must be in [0, {rows}) (weight has {rows} rows), got {wrong}."
        )
    if padding_idx is None:
        return t.astype(np.intp, copy=False), -1
    if isinstance(padding_idx, bool) or not hasattr(type(padding_idx), "__index__"):
        raise TypeError(f"padding_idx must be an integer or None, got {padding_idx!r}.")
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"padding_idx={padding_idx} must be in [{-rows}, {rows}) (weight has {rows} rows)."
        )
    return t.astype(np.intp, copy=False), int(padding_idx) % rows


def _without_padding(a: Any, indices: Any, padding_idx: int | None) -> Any:
    """Rows of a, zeros for padding_idx."""
    part = rows_of.call(a, indices, padding_idx)
    return _unpadded(part, indices, a.shape[0], padding_idx)


def _unpadded(part: Any, indices: Any, rows: int, padding_idx: int | None) -> Any:
    """What was read of a table, zeros for padding_idx."""
    if padding_idx is None:
        return part
    # on a tape the indices are a plain array, which the op knows as a Value's
    padded = lookup(np.equal)(indices, padding_idx % rows)
    return np.where(padded[..., None], 0, part)


def _rows_parts(g: Any, w: Any, indices: Any, padding_idx: int | None) -> Any:
    if not (isinstance(indices, np.ndarray) and indices.size):
        indices = np.asarray(indices, np.intp)
    return [(_unpadded(g, indices, w.shape[0], padding_idx), indices)]


def _tex_rows(weight: Any, indices: Any, padding_idx: Any = None) -> str:
    return f"{weight:9}_{{\\mathrm{{rows}}}}"


rows_of: Op = Op(
    _rows,
    _tex_rows,
    lambda g, y, w, indices, padding_idx: rows_grad.call(g, indices, w.shape[0], padding_idx),
    rank=4,
    name="embedding",
    masks=True,
    parts=lambda g, y, w, indices, padding_idx: _rows_parts(g, w, indices, padding_idx),
)
rows_grad: Op = Op(
    _rows_grad,
    r"\operatorname{{scatter}} {g:3}",
    lambda g, y, a, indices, rows, padding_idx: _without_padding(g, indices, padding_idx),
    name="embedding_grad",
    routes=True,
)


def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    r"""Look up embedding vectors by index.

    .. math:: y_{n} = w_{t_n}

    Parameters
    ----------
    indices : array of integers, any shape, 0 to rows - 1.
    weight : array or Value, (rows, features).
    padding_idx : int, optional
        A row that receives no gradient. Negative numbers count from the end.

    Returns
    -------
    Value of shape (*indices.shape, features).

    Raises
    ------
    TypeError, ValueError : indices that are not integers, or out of range.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> w = autograd.Value([[1.0, 2.0], [3.0, 4.0]])
    >>> y = autograd.ops.embedding(np.array([1, 1, 0]), w)
    >>> y.data
    array([[3., 4.],
           [3., 4.],
           [1., 2.]])
    >>> autograd.grad(np.sum(y), w)
    array([[1., 1.],
           [2., 2.]])
    """
    return rows_of(weight, indices, padding_idx)


# What tests sample
cases(
    "embedding",
    case(A(4, 3), [[1, 0, 1], [3, 3, 3]]),
    case(A(3, 2), [1, 0, 1], padding_idx=-1),
    case(A(3, 2), 1),
)
cases(
    "embedding_grad",
    case(A(2, 3, 2), [[1, 0, 1], [3, 3, 3]], 5),
    case(A(3, 2), [2, 0, 2], 3, padding_idx=2),
)
