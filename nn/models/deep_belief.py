"""Deep belief networks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.layers.container import ModuleList
from nn.models.rbm import RBM
from nn.module import Module
from nn.parameter import plain


class DBN(Module):
    """Deep belief network: stacked RBMs, each trained on the hidden units of the one below.

    Learnt layer by layer without targets, it is a first guess for a network that learns them: put
    a Linear behind it and train the whole by backpropagation.

    Parameters
    ----------
    *sizes : units of each layer, the input first.
    visible : "bernoulli" or "gaussian", the kind of the input's units.
    k : steps of Gibbs sampling for a gradient.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    machines : ModuleList of `nn.RBM`, the lowest first.

    Input (..., sizes[0]), output (..., sizes[-1]): probabilities of the highest units.

    References
    ----------
    Hinton, Osindero & Teh, A fast learning algorithm for deep belief nets, 2006.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.DBN(6, 4, 2, rng=0)
    >>> X = np.repeat(np.eye(2, dtype=np.float32), 3, axis=1).repeat(20, 0)
    >>> errors = net.fit(X, epochs=3)
    >>> net(X).shape, net.sample(5, steps=10).shape
    ((40, 2), (5, 6))
    """

    def __init__(
        self,
        *sizes: int,
        visible: str = "bernoulli",
        k: int = 1,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"DBN: give the units of at least two layers, got {sizes}.")
        rng = None if rng is None else as_generator(rng)
        self.machines = ModuleList(
            RBM(V, H, k, visible if i == 0 else "bernoulli", dtype=dtype, rng=rng)
            for i, (V, H) in enumerate(pairwise(sizes))
        )

    def _stack(self) -> list[RBM]:
        return [machine for machine in self.machines if isinstance(machine, RBM)]

    def forward(self, input: Any) -> Value:
        """Propagate probabilities upwards."""
        for machine in self.machines:
            input = machine(input)
        return input

    def fit(self, X: Any, epochs: int = 10, **settings: Any) -> list[list[float]]:
        """Train the machines greedily, from the lowest up.

        Parameters
        ----------
        X : (N, sizes[0]).
        epochs : passes over the data for each machine.
        **settings : batch_size, lr, momentum, weight_decay; see `nn.RBM.fit`.

        Returns
        -------
        list : the errors of each machine.
        """
        X = np.asarray(plain(X))
        errors = []
        for machine in self._stack():
            errors.append(machine.fit(X, epochs, **settings))
            X = plain(machine(X.astype(machine.weight.dtype, copy=False)))
        return errors

    def sample(self, n: int, steps: int = 1000, start: Any = None) -> Array:
        """Sample input units: Gibbs sampling in the top machine, then one sample per layer below.

        Parameters
        ----------
        n : number of samples.
        steps : of Gibbs sampling; more forget more of the start.
        start : (n, sizes[0]), input units to start from; noise by default.

        Returns
        -------
        array, (n, sizes[0]) : means of the lowest layer.
        """
        *below, highest = self._stack()
        if start is not None:
            start, wanted = plain(start), (n, self._stack()[0].n_visible)
            if np.shape(start) != wanted:
                raise ValueError(
                    f"DBN.sample: start must be (n, sizes[0]) = {wanted}, got {np.shape(start)}."
                )
            for machine in below:
                start = plain(machine(start))
        v: Array = highest.sample(n, steps, start)
        for machine in reversed(below):
            v = machine._seen(machine._draw(v))
        return v
