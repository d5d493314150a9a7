"""Embeddings."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from autograd.node import Array
from autograd.random import Rng
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags, integers
from nn.functional.embedding import dense
from nn.module import Module, Parameter


class _Table(Module):
    """What the two share: the table, its checks, its repr."""

    def _set_up(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        dtype: Any,
        rng: Rng,
    ) -> None:
        who = type(self).__name__
        flags(who, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
        dense(who, sparse)
        if max_norm is not None and not max_norm > 0:
            raise ValueError(f"{who}: max_norm must be more than 0, got {max_norm}.")
        self.num_embeddings = count(who, "num_embeddings", num_embeddings)
        self.embedding_dim = count(who, "embedding_dim", embedding_dim)
        self.padding_idx = _row(who, padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = Parameter(np.zeros((num_embeddings, embedding_dim)), dtype=dtype)
        self.reset_parameters(rng)

    def reset_parameters(self, rng: Rng = None) -> None:
        """Draw the table anew, as the constructor does.

        Parameters
        ----------
        rng : generator, seed or None for the default.
        """
        init.normal_(self.weight, generator=rng)
        if self.padding_idx is not None:
            table = self.weight.data.copy()
            table[self.padding_idx] = 0
            self.weight.data = table

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, default in (("padding_idx", None), ("max_norm", None), ("norm_type", 2.0)):
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text + (", scale_grad_by_freq=True" if self.scale_grad_by_freq else "")


class Embedding(_Table):
    """Look up embedding vectors by index.

    Parameters
    ----------
    num_embeddings : rows of the table, the size of the vocabulary.
    embedding_dim : E, size of a row.
    padding_idx : a row that is 0 at first and gets no gradient; negative ones count from the end.
    max_norm : rows with a larger norm are rescaled to it, in the table itself.
    norm_type : p of that norm.
    scale_grad_by_freq : divide a row's gradient by its frequency in the call.
    sparse : False; gradients are dense.
    dtype : of the table, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, E), normal with mean 0 and variance 1 at first.

    Input integers of any shape (...), output (..., E).

    Examples
    --------
    >>> import nn, numpy as np
    >>> table = nn.Embedding(10, 3, padding_idx=0)
    >>> table(np.array([[1, 2, 0, 0]])).shape
    (1, 4, 3)
    >>> table(np.array([0])).data
    array([[0., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        self._set_up(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type,
            scale_grad_by_freq, sparse, dtype, rng,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An embedding with the given table, (rows, E), which is copied.

        Parameters
        ----------
        embeddings : the table, (rows, E).
        freeze : whether it takes no gradient.
        padding_idx : a row that gets no gradient; it is left as it is.
        max_norm, norm_type, scale_grad_by_freq, sparse : as in the constructor.

        Examples
        --------
        >>> import nn, numpy as np
        >>> table = nn.Embedding.from_pretrained(np.eye(3))
        >>> table.weight.requires_grad
        False
        """
        flags("Embedding.from_pretrained", freeze=freeze)
        table = _table("Embedding", embeddings)
        rows, width = table.shape
        new = cls(
            rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
            dtype=table.dtype, rng=0,
        )  # fmt: skip
        new.weight = Parameter(table, not freeze, dtype=table.dtype, name="weight")
        return new

    def forward(self, input: Any) -> Value:
        """Look up rows by index."""
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq,
        )  # fmt: skip


class EmbeddingBag(_Table):
    """Embedding lookup of bags: sums, means or maxima of their rows.

    Parameters
    ----------
    num_embeddings : rows of the table, the size of the vocabulary.
    embedding_dim : E, size of a row.
    max_norm, norm_type, scale_grad_by_freq, sparse : as in `Embedding`.
    mode : "sum", "mean" or "max".
    include_last_offset : whether the last offset is the end of the last bag.
    padding_idx : a row that is ignored.
    dtype : of the table, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, E), normal with mean 0 and variance 1 at first.

    Input (B, N), or (total,) with offsets (B,); output (B, E).

    Examples
    --------
    >>> import nn, numpy as np
    >>> bags = nn.EmbeddingBag(10, 3, mode="sum")
    >>> bags(np.array([[1, 2], [4, 4]])).shape
    (2, 3)
    >>> bags(np.array([1, 2, 4, 4, 5]), np.array([0, 3])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode must be 'sum', 'mean' or 'max', got {mode!r}.")
        self._set_up(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type,
            scale_grad_by_freq, sparse, dtype, rng,
        )  # fmt: skip
        flags("EmbeddingBag", include_last_offset=include_last_offset)
        self.mode, self.include_last_offset = mode, include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """An embedding with the given table, (rows, E), which is copied."""
        flags("EmbeddingBag.from_pretrained", freeze=freeze)
        table = _table("EmbeddingBag", embeddings)
        rows, width = table.shape
        new = cls(
            rows, width, max_norm, norm_type, scale_grad_by_freq, mode, sparse,
            include_last_offset=include_last_offset, padding_idx=padding_idx, dtype=table.dtype,
            rng=0,
        )  # fmt: skip
        new.weight = Parameter(table, not freeze, dtype=table.dtype, name="weight")
        return new

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Value:
        """Reduce the rows of each bag."""
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, False, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, mode={self.mode!r}"


def _table(who: str, embeddings: Any) -> Array:
    table = np.asarray(embeddings.data if isinstance(embeddings, Value) else embeddings)
    if table.ndim != 2:
        raise ValueError(f"{who}.from_pretrained: embeddings must be (rows, E), got {table.shape}.")
    return table if table.dtype.kind == "f" else table.astype(np.float32)


def _row(who: str, padding_idx: int | None, rows: int) -> int | None:
    """A non-negative row index."""
    if padding_idx is None:
        return None
    integers(who, padding_idx=padding_idx)
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"{who}: padding_idx={padding_idx} is no row of a table with "
            f"num_embeddings={rows}; it must lie between {-rows} and {rows - 1}."
        )
    return padding_idx % rows
