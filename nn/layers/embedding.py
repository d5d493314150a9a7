"""A table of vectors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from autograd.random import Rng
from autograd.value import Value
from nn import functional, init
from nn.module import Module, Parameter


class Embedding(Module):
    """A table of vectors, read by number.

    Parameters
    ----------
    num_embeddings : rows of the table.
    embedding_dim : E, size of a row.
    padding_idx : a row that is 0 at first and gets no gradient; negative ones count from the end.
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
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        sizes = (("num_embeddings", num_embeddings), ("embedding_dim", embedding_dim))
        for name, size in sizes:
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
                raise ValueError(f"Embedding: {name} must be an integer >= 0, got {size!r}.")
        self.num_embeddings, self.embedding_dim = int(num_embeddings), int(embedding_dim)
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.weight = Parameter(np.zeros((num_embeddings, embedding_dim)), dtype=dtype)
        init.normal_(self.weight, rng=rng)
        if self.padding_idx is not None:
            table = self.weight.data.copy()
            table[self.padding_idx] = 0
            self.weight.data = table

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """Make one of a table that is given, (rows, E); it is copied.

        Parameters
        ----------
        embeddings : the table, (rows, E).
        freeze : whether it takes no gradient.
        padding_idx : a row that gets no gradient; it is left as it is.

        Examples
        --------
        >>> import nn, numpy as np
        >>> table = nn.Embedding.from_pretrained(np.eye(3))
        >>> table.weight.requires_grad
        False
        """
        table = np.asarray(embeddings.data if isinstance(embeddings, Value) else embeddings)
        if table.ndim != 2:
            raise ValueError(
                f"Embedding.from_pretrained: embeddings must be (rows, E), got {table.shape}."
            )
        dtype = table.dtype if table.dtype.kind == "f" else None
        rows, width = table.shape
        new = cls(rows, width, padding_idx, dtype=dtype, rng=0)
        new.weight = Parameter(table, not freeze, dtype=dtype, name="weight")
        return new

    def forward(self, input: Any) -> Any:
        """Read the rows of these numbers."""
        return functional.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Sizes, and the padding."""
        more = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{more}"


def _row(padding_idx: int | None, rows: int) -> int | None:
    """The number of the row, counted from the start."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"Embedding: padding_idx={padding_idx} is no row of a table with "
            f"num_embeddings={rows}; it must lie between {-rows} and {rows - 1}."
        )
    return padding_idx % rows
