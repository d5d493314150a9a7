"""Adaptive softmax: a classifier over many classes, cheap where they are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array
from autograd.ops.arrays.index import index_add
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count, flags
from nn.functional.tensor import floats
from nn.layers.container import ModuleList, Sequential
from nn.layers.linear import Linear
from nn.module import Module


class AdaptiveOutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns."""

    output: Value
    loss: Value


class AdaptiveLogSoftmaxWithLoss(Module):
    r"""Softmax over many classes, in clusters by their frequency.

    The head classifies into the most frequent classes and one entry a cluster; a cluster, reached
    through a narrower layer, into its classes. Only clusters that a batch has targets in are
    computed.

    .. math:: \log p(y) = \log p_{head}(y) \quad\text{or}\quad
        \log p_{head}(\text{cluster of } y) + \log p_{cluster}(y)

    Parameters
    ----------
    in_features : size of the input's last axis.
    n_classes : number of classes; 0 is to be the most frequent one.
    cutoffs : increasing class indices. The classes below the first are in the head, those from each
        to the next one in a cluster.
    div_value : cluster i = 1, 2, ... has a hidden layer of in_features // div_value ** i.
    head_bias : whether the head has a bias.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    head : Linear to cutoffs[0] + number of clusters.
    tail : ModuleList, for each cluster a Sequential of two Linear layers without bias.

    Input (N, in_features) and class indices (N,), or (in_features,) and (). Returns the
    log-probability of each target, like the targets in shape, and their mean negative, `output` and
    `loss` of a named tuple.

    References
    ----------
    Grave et al., "Efficient softmax approximation for GPUs", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> softmax = nn.AdaptiveLogSoftmaxWithLoss(8, 1000, cutoffs=[10, 100])
    >>> output, loss = softmax(np.ones((4, 8), np.float32), np.array([0, 50, 999, 3]))
    >>> output.shape, loss.shape
    ((4,), ())
    >>> softmax.log_prob(np.ones((4, 8), np.float32)).shape
    (4, 1000)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who, rng = "AdaptiveLogSoftmaxWithLoss", as_generator(rng)
        self.in_features = count(who, "in_features", in_features, 1)
        self.n_classes = count(who, "n_classes", n_classes, 2)
        edges = [0, *cutoffs, n_classes]
        whole = all(isinstance(c, (int, np.integer)) and not isinstance(c, bool) for c in edges)
        if len(edges) == 2 or not whole or any(a >= b for a, b in pairwise(edges)):
            raise ValueError(
                f"{who}: cutoffs must be one or more increasing integers from 1 to n_classes - 1 = "
                f"{n_classes - 1}, got {list(cutoffs)!r}."
            )
        if not div_value > 0:
            raise ValueError(f"{who}: div_value must be positive, got {div_value!r}.")
        self.cutoffs = [int(c) for c in edges[1:]]
        flags("AdaptiveLogSoftmaxWithLoss", head_bias=head_bias)
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = self.cutoffs[0], len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, dtype=dtype, rng=rng)
        self.tail = ModuleList()
        for i, (first, end) in enumerate(pairwise(self.cutoffs), 1):
            hidden = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, dtype=dtype, rng=rng),
                    Linear(hidden, end - first, bias=False, dtype=dtype, rng=rng),
                )
            )

    def forward(self, input_: Any, target_: Any) -> AdaptiveOutput:
        """The log-probabilities of the targets, and the loss."""
        x, target = self._rows(input_), _indices(target_)
        if target.ndim > 1 or x.ndim != target.ndim + 1 or x.shape[:-1] != target.shape:
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: input (N, in_features) goes with a target (N,), "
                f"(in_features,) with (); got {x.shape} and {target.shape}."
            )
        if target.size and not (target.min() >= 0 and target.max() < self.n_classes):
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: targets must lie between 0 and n_classes - 1 = "
                f"{self.n_classes - 1}, got {target.min()} to {target.max()}."
            )
        single = target.ndim == 0
        if single:
            x, target = np.reshape(x, (1, -1)), target[None]
        cluster = np.searchsorted(self.cutoffs, target, side="right")  # 0 is the shortlist
        entry = np.where(cluster == 0, target, self.shortlist_size + cluster - 1)
        output = _log_softmax(self.head(x))[np.arange(len(target)), entry]
        for i in range(self.n_clusters):
            rows = np.flatnonzero(cluster == i + 1)
            if rows.size:
                within = _log_softmax(self.tail[i](x[rows]))
                own = within[np.arange(rows.size), target[rows] - self.cutoffs[i]]
                output = index_add(output, rows, own)
        loss = -np.mean(output)
        return AdaptiveOutput(output[0] if single else output, loss)

    def log_prob(self, input: Any) -> Value:
        """The log-probabilities of all classes, (N, n_classes)."""
        x = self._rows(input)
        if x.ndim != 2:
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: input must be (N, in_features), got {x.shape}."
            )
        head, n = _log_softmax(self.head(x)), self.shortlist_size
        parts = [head[:, :n]]
        parts += [
            _log_softmax(project(x)) + head[:, n + i : n + i + 1]
            for i, project in enumerate(self.tail)
        ]
        whole: Any = np.concatenate(parts, axis=1)
        return whole

    def predict(self, input: Any) -> Array:
        """The most probable class of each row, (N,): the argmax of `log_prob`."""
        x = self._rows(input)
        head = self.head(x)
        classes = np.argmax(getattr(head, "data", head), axis=1)
        rows = np.flatnonzero(classes >= self.shortlist_size)
        if rows.size:
            found = self.log_prob(x[rows])
            classes[rows] = np.argmax(getattr(found, "data", found), axis=1)
        return classes

    def _rows(self, input: Any) -> Any:
        x = floats("AdaptiveLogSoftmaxWithLoss", input)
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: the last axis of input {x.shape} must be "
                f"in_features={self.in_features}."
            )
        return x


def _log_softmax(x: Any) -> Any:
    return functional.log_softmax(x, -1)


def _indices(target: Any) -> Array:
    array = np.asarray(target.data if isinstance(target, Value) else target)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"AdaptiveLogSoftmaxWithLoss: target must hold class indices, integers, got "
            f"{array.dtype}."
        )
    return array
