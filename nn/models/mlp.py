"""Multilayer perceptrons, alone and beside a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.layers.activation import ReLU
from nn.layers.container import ModuleList, Sequential
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding, EmbeddingBag
from nn.layers.linear import Linear
from nn.module import Module


class MLP(Sequential):
    """Multilayer perceptron: linear layers with ReLU, and optionally dropout, in between.

    Parameters
    ----------
    *sizes : features before the first layer, after it, and so on to the last. The first may be
        None: it is taken from the first input.
    dropout : probability of zero after each ReLU.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Input (..., sizes[0]), output (..., sizes[-1]).

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.MLP(784, 128, 10)
    >>> net(np.ones((5, 784), np.float32)).shape
    (5, 10)
    """

    def __init__(
        self, *sizes: int | None, dropout: float = 0.0, dtype: Any = None, rng: Rng = None
    ) -> None:
        if len(sizes) < 2 or None in sizes[1:]:
            raise ValueError(f"MLP: give at least two sizes, only the first may be None: {sizes}.")
        rng = None if rng is None else as_generator(rng)
        layers: list[Module] = []
        for fan_in, fan_out in pairwise(sizes):
            if layers:
                layers += [ReLU(), *([Dropout(dropout, rng=rng)] if dropout else [])]
            layers.append(Linear(fan_in, fan_out, dtype=dtype, rng=rng))  # type: ignore[arg-type]
        super().__init__(*layers)


class WideAndDeep(Module):
    """Wide & deep model: a linear model of crossed features beside a network of embeddings.

    The wide part memorizes which combinations of features occur with the target; the deep part
    generalizes to unseen ones. Both are trained jointly.

    Parameters
    ----------
    wide_features : number of crossed features, numbered from 0.
    categories : for each categorical feature, how many values it has.
    numeric_features : number of numeric features.
    hidden : sizes of the deep part's hidden layers.
    embedding_dim : size of the vector of each category.
    out_features : outputs, logits or a number.
    dropout : probability of zero behind each hidden layer.
    rng : generator, seed or None for the default.

    Inputs: combinations that hold, integers (N, W); values of the categorical features, integers
    (N, len(categories)); numbers (N, numeric_features). Output (N, out_features).

    References
    ----------
    Cheng et al., Wide & deep learning for recommender systems, 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.WideAndDeep(1000, categories=(7, 24), numeric_features=3)
    >>> crosses, values = np.array([[4, 999], [7, 12]]), np.array([[6, 23], [0, 1]])
    >>> net(crosses, values, np.ones((2, 3), np.float32)).shape
    (2, 1)
    """

    def __init__(
        self,
        wide_features: int,
        categories: Sequence[int],
        numeric_features: int = 0,
        hidden: Sequence[int] = (64, 32),
        embedding_dim: int = 8,
        out_features: int = 1,
        dropout: float = 0.0,
        *,
        rng: Rng = None,
    ) -> None:
        rng = None if rng is None else as_generator(rng)
        self.numeric_features = numeric_features
        self.wide = EmbeddingBag(wide_features, out_features, mode="sum", rng=rng)
        self.wide.weight.data = np.zeros((wide_features, out_features))  # nothing remembered yet
        self.tables = ModuleList(Embedding(n, embedding_dim, rng=rng) for n in categories)
        width = len(categories) * embedding_dim + numeric_features
        self.deep = MLP(width, *hidden, out_features, dropout=dropout, rng=rng)

    def forward(self, crosses: Any, values: Any, numbers: Any = None) -> Value:
        """The sum of both parts."""
        shape = np.shape(values)
        if len(shape) != 2 or shape[1] != len(self.tables):
            raise ValueError(
                f"WideAndDeep: values must be (N, {len(self.tables)}), one column for each "
                f"categorical feature, got {shape}."
            )
        given = 0 if numbers is None else np.shape(numbers)[-1]
        if given != self.numeric_features:
            raise ValueError(
                f"WideAndDeep: numbers must be (N, {self.numeric_features}), got "
                f"{'None' if numbers is None else np.shape(numbers)}."
            )
        parts = [table(values[:, i]) for i, table in enumerate(self.tables)]
        if numbers is not None:
            parts.append(numbers)
        return self.wide(crosses) + self.deep(np.concatenate(parts, axis=1))
