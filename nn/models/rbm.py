"""Restricted Boltzmann machines."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags
from nn.functional.tensor import floats, same_dtype
from nn.module import Module, Parameter
from nn.optim.sgd import SGD
from nn.parameter import plain


class RBM(Module):
    r"""Restricted Boltzmann machine: visible and hidden units without connections within a kind.

    .. math:: E(v, h) = -b^\top v - c^\top h - h^\top W v \qquad p(v, h) \propto e^{-E(v, h)}

    Binary hidden units are on with probability σ(W v + c). Binary visible units are on with
    probability σ(Wᵀ h + b); Gaussian ones are normal around Wᵀ h + b with variance 1, their energy
    has ½‖v - b‖² in place of -bᵀv, and data for them should have mean 0 and variance 1.

    Learning lowers the free energy F(v) = -log Σₕ exp(-E(v, h)) of data and raises it where the
    machine, left to itself, goes. Contrastive divergence takes for this what k steps of Gibbs
    sampling make of the data. ∂F/∂W = -p(h|v) vᵀ, so the gradient of mean F(data) - mean F(samples)
    is Hinton's ⟨h vᵀ⟩ data - ⟨h vᵀ⟩ samples, and any optimizer of `nn.optim` can follow it.

    Parameters
    ----------
    n_visible, n_hidden : V and H, numbers of units.
    k : steps of Gibbs sampling for a gradient.
    visible : "bernoulli", data from 0 to 1, or "gaussian".
    persistent : the chains continue from the samples of the previous gradient, not from the data.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and the sampling.

    Attributes
    ----------
    weight : Parameter, (H, V), normal with standard deviation 0.01 at first.
    visible_bias, hidden_bias : Parameters, (V,) and (H,), 0 at first.

    Input (..., V), output: the probabilities of the hidden units, (..., H).

    References
    ----------
    Hinton, Training products of experts by minimizing contrastive divergence, 2002; Hinton, A
    practical guide to training restricted Boltzmann machines, 2010; persistent: Tieleman, Training
    restricted Boltzmann machines using approximations to the likelihood gradient, 2008.

    Examples
    --------
    >>> import nn, numpy as np
    >>> stripes = np.repeat(np.eye(2, dtype=np.float32), 3, axis=1)  # 111000 and 000111
    >>> rbm = nn.RBM(6, 4, rng=0)
    >>> errors = rbm.fit(stripes.repeat(50, 0), epochs=60, batch_size=10, lr=0.5)
    >>> errors[-1] < 0.05 < errors[0]
    True
    >>> seen, noise = rbm.free_energy(stripes), rbm.free_energy(np.float32([[1, 0, 1, 0, 1, 0]]))
    >>> bool(seen.data.max() < noise.data.min())
    True
    """

    def __init__(
        self,
        n_visible: int,
        n_hidden: int,
        k: int = 1,
        visible: str = "bernoulli",
        persistent: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if visible not in ("bernoulli", "gaussian"):
            raise ValueError(f"RBM: visible must be 'bernoulli' or 'gaussian', got {visible!r}.")
        self.n_visible = count("RBM", "n_visible", n_visible, 1)
        self.n_hidden = count("RBM", "n_hidden", n_hidden, 1)
        self.k = count("RBM", "k", k, 1)
        flags("RBM", persistent=persistent)
        self.visible, self.persistent = visible, persistent
        self.rng = None if rng is None else as_generator(rng)
        self.weight = Parameter(np.zeros((n_hidden, n_visible)), dtype=dtype)
        init.normal_(self.weight, std=0.01, generator=self.rng)
        self.visible_bias = Parameter(np.zeros(n_visible), dtype=dtype)
        self.hidden_bias = Parameter(np.zeros(n_hidden), dtype=dtype)
        self._chains: Array | None = None

    def forward(self, input: Any) -> Value:
        """The probabilities of the hidden units, given visible ones."""
        x = self._visible("forward", input)
        return functional.sigmoid(functional.linear(x, self.weight, self.hidden_bias))

    def free_energy(self, v: Any) -> Value:
        r"""Negative log-likelihood of visible units up to a constant: -log Σₕ exp(-E(v, h)).

        .. math:: F(v) = -b^\top v - \sum_j \log(1 + e^{c_j + W_j v})

        Parameters
        ----------
        v : (..., V).

        Returns
        -------
        Value, (...).
        """
        v = self._visible("free_energy", v)
        hidden = functional.softplus(functional.linear(v, self.weight, self.hidden_bias))
        if self.visible == "bernoulli":
            seen = v @ self.visible_bias
        else:
            seen = -0.5 * np.sum((v - self.visible_bias) ** 2, axis=-1)
        return -seen - np.sum(hidden, axis=-1)

    def contrastive_divergence(self, v: Any) -> Value:
        """A loss whose gradient is that of CD-k: mean F(v) - mean F(samples).

        Its value tells little; `reconstruct`'s error and `free_energy` on held-out data do.

        Parameters
        ----------
        v : data, (N, V).

        Returns
        -------
        Value, () : call ``backward()`` on it, then an optimizer's ``step()``.
        """
        data = plain(self._visible("contrastive_divergence", v))
        if data.ndim != 2 or not len(data):
            raise ValueError(f"RBM: contrastive_divergence takes data (N, V), got {data.shape}.")
        samples = data
        if self.persistent and self._chains is not None and self._chains.shape == data.shape:
            samples = self._chains
        samples = self._gibbs(samples, self.k)
        if self.persistent:
            self._chains = samples
        return self.free_energy(data).mean() - self.free_energy(samples).mean()

    def reconstruct(self, v: Any) -> Array:
        """Reconstruct visible units from their hidden probabilities."""
        return self._seen(self._hidden(plain(self._visible("reconstruct", v))))

    def sample(self, n: int, steps: int = 1000, start: Any = None) -> Array:
        """Sample visible units: Gibbs sampling from noise or from `start`.

        Parameters
        ----------
        n : number of samples.
        steps : of Gibbs sampling; more forget more of the start.
        start : (n, V) to begin with, optional.

        Returns
        -------
        array, (n, V) : means of the last step, which look smoother than samples.
        """
        count("RBM.sample", "n", n, 1)
        count("RBM.sample", "steps", steps, 1)
        rng, dtype = as_generator(self.rng), self.weight.dtype
        if start is None:
            noise = rng.normal if self.visible == "gaussian" else rng.random
            v = noise(size=(n, self.n_visible)).astype(dtype)
        else:
            v = plain(self._visible("sample", start))
            if v.shape != (n, self.n_visible):
                raise ValueError(
                    f"RBM: start must be (n, V) = {(n, self.n_visible)}, got {v.shape}."
                )
        v = self._gibbs(v, steps - 1) if steps > 1 else v
        return self._seen(self._draw(self._hidden(v)))

    def fit(
        self,
        X: Any,
        epochs: int = 10,
        batch_size: int = 10,
        lr: float = 0.1,
        momentum: float = 0.5,
        weight_decay: float = 0.0,
    ) -> list[float]:
        """Learn data by contrastive divergence and gradient descent.

        Parameters
        ----------
        X : (N, V).
        epochs : passes over the data.
        batch_size : samples for one update.
        lr, momentum, weight_decay : of `nn.optim.SGD`.

        Returns
        -------
        list of float : after each epoch the mean squared error of the data's reconstruction.
        """
        count("RBM.fit", "epochs", epochs)
        count("RBM.fit", "batch_size", batch_size, 1)
        X = np.asarray(plain(X)).astype(self.weight.dtype, copy=False)
        if X.ndim != 2 or X.shape[1] != self.n_visible or not len(X):
            raise ValueError(f"RBM: X must be (N, V) with V = {self.n_visible}, got {X.shape}.")
        if self.visible == "bernoulli" and not (X.min() >= 0 and X.max() <= 1):
            raise ValueError(
                f"RBM: X lies from {X.min():.4g} to {X.max():.4g}, but binary units take 0 to 1; "
                "scale it, or make the machine with visible='gaussian'."
            )
        optimizer = SGD(self.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
        rng, errors = as_generator(self.rng), []
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for i in range(0, len(X), batch_size):
                optimizer.zero_grad()
                self.contrastive_divergence(X[order[i : i + batch_size]]).backward()
                optimizer.step()
            errors.append(float(np.mean((X - self.reconstruct(X)) ** 2)))
        return errors

    def _visible(self, what: str, v: Any) -> Any:
        x = floats("RBM", v, "visible units")
        if x.ndim < 1 or x.shape[-1] != self.n_visible:
            raise ValueError(
                f"RBM: {what} takes visible units (..., V) with V = {self.n_visible}, got "
                f"{x.shape}."
            )
        same_dtype("RBM", x, self.weight)
        return x

    def _gibbs(self, v: Array, steps: int) -> Array:
        """Alternate sampling hidden and visible units, k times."""
        for _ in range(steps):
            mean = self._seen(self._draw(self._hidden(v)))
            if self.visible == "bernoulli":
                v = self._draw(mean)
            else:
                noise = np.asarray(as_generator(self.rng).standard_normal(mean.shape))
                v = mean + noise.astype(mean.dtype)
        return v

    def _hidden(self, v: Array) -> Array:
        """The means of hidden units, given visible ones."""
        pre: Array = v @ self.weight.data.T + self.hidden_bias.data
        return np.asarray(functional.sigmoid(pre))

    def _seen(self, h: Array) -> Array:
        """The means of visible units, given hidden ones."""
        mean: Array = h @ self.weight.data + self.visible_bias.data
        return np.asarray(functional.sigmoid(mean)) if self.visible == "bernoulli" else mean

    def _draw(self, p: Array) -> Array:
        """Units that are 1 with these probabilities."""
        return (as_generator(self.rng).random(p.shape) < p).astype(p.dtype)

    def extra_repr(self) -> str:
        text = f"{self.n_visible}, {self.n_hidden}, k={self.k}"
        text += "" if self.visible == "bernoulli" else f", visible={self.visible!r}"
        return text + (", persistent=True" if self.persistent else "")
