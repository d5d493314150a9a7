"""Parametrizations that are ready: weight and spectral normalization, orthogonal matrices."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.arguments import flags
from nn.module import Module
from nn.parameter import plain
from nn.utils import norms
from nn.utils import orthogonal_maps as maps
from nn.utils.parametrize import array_of, register_parametrization, tensor_of

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return norms.weight_of(weight_g, weight_v, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return norms.magnitude(weight, self.dim), weight


class _OldKeys:
    """A load hook: checkpoints of `nn.utils.weight_norm` have weight_g and weight_v."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = [f"{prefix}{self.name}{suffix}" for suffix in ("_g", "_v")]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{self.name}.original{i}"
                state_dict[new] = state_dict.pop(key)


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    r"""Weight normalization: learn a weight's magnitudes g and directions v apart.

    .. math:: w = g \frac{v}{\lVert v \rVert}

    Parameters
    ----------
    module : Module.
    name : name of the parameter.
    dim : axis along which each slice has a norm of its own, 0 for one an output of `nn.Linear` and
        `nn.Conv2d`; None, or −1 as in PyTorch, gives the whole weight one norm.

    Returns
    -------
    Module : the module, parametrized: g is ``parametrizations.weight.original0``, v ``original1``.
        Give them to the optimizer. Checkpoints of `nn.utils.weight_norm` load, too.

    References
    ----------
    Salimans and Kingma, "Weight normalization", 2016.

    Examples
    --------
    >>> import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    >>> {key: x.shape for key, x in layer.state_dict().items() if key != "bias"}
    {'parametrizations.weight.original0': (2, 1), 'parametrizations.weight.original1': (2, 3)}
    """
    axis = norms.norm_axis(tensor_of("weight_norm", module, name), dim)
    register_parametrization(module, name, _WeightNorm(axis))
    module.register_load_state_dict_pre_hook(_OldKeys(name))
    return module


class _SpectralNorm(Module):
    _u: Array
    _v: Array

    def __init__(self, weight: Any, iterations: int, dim: int, eps: float, rng: Rng) -> None:
        self.dim, self.eps = dim, eps
        if weight.ndim > 1:
            self.n_power_iterations = iterations
            matrix = norms.as_matrix(weight, dim)
            u, v = norms.starts(matrix, eps, rng)
            u, v = norms.powered(matrix, u, v, 15, eps, left_first=True)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return weight / np.maximum(np.linalg.norm(weight), self.eps)
        matrix = norms.as_matrix(weight, self.dim)
        if self.training:
            self._u, self._v = norms.powered(
                plain(matrix), self._u, self._v, self.n_power_iterations, self.eps, left_first=True
            )
        return weight / norms.largest(matrix, self._u, self._v)

    def right_inverse(self, value: Any) -> Any:
        return value


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    rng: Rng = None,
) -> M:
    r"""Spectral normalization: divide a weight by its largest singular value.

    .. math:: W_{SN} = \frac{W}{\sigma(W)} \qquad \sigma(W) \approx u^\top W v

    Each reading of the weight in training improves u and v, buffers, by the power method; they
    begin with 15 steps of it. A vector is divided by its norm.

    Parameters
    ----------
    module : Module.
    name : name of the parameter.
    n_power_iterations : steps of the power method for each reading.
    eps : the least norm to divide by.
    dim : axis of the outputs, which become the rows of W; by default 0, and 1 in transposed
        convolutions.
    rng : generator, seed or None for the default; for the first u and v.

    Returns
    -------
    Module : the module, parametrized.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(5, 3, rng=0), rng=0)
    >>> layer
    ParametrizedLinear(
      in_features=5, out_features=3, bias=True
      (parametrizations): ModuleDict(
        (weight): ParametrizationList(
          (0): _SpectralNorm()
        )
      )
    )
    >>> round(float(np.linalg.norm(layer.weight.data, 2)), 2)
    1.0
    """
    weight = array_of("spectral_norm", module, name)
    axis = norms.output_axis(module, weight, dim)
    n = norms.checked_iterations(n_power_iterations)
    register_parametrization(module, name, _SpectralNorm(weight, n, axis, eps, rng))
    return module


MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    base: Array

    def __init__(self, weight: Any, orthogonal_map: str, trivialize: bool, rng: Rng) -> None:
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.trivialize = trivialize
        self.rng = None if rng is None else as_generator(rng)

    def forward(self, x: Any) -> Any:
        n, k = x.shape[-2:]
        if n < k:
            x = np.swapaxes(x, -1, -2)
        if self.orthogonal_map == "householder":
            q = maps.householder(x)
        else:
            function = maps.matrix_exp if self.orthogonal_map == "matrix_exp" else maps.cayley
            q = function(maps.skew(x))[..., : min(n, k)]
        if "base" in vars(self):  # not where it is applied after other parametrizations
            q = self.base @ q
        return np.swapaxes(q, -1, -2) if n < k else q

    def right_inverse(self, q: Any) -> Any:
        array = plain(q)
        if array.shape != self.shape:
            raise ValueError(
                f"orthogonal: the weight has shape {self.shape}, what is assigned {array.shape}."
            )
        n, k = array.shape[-2:]
        tall = np.swapaxes(array, -1, -2) if n < k else array
        if self.trivialize:
            self.register_buffer("base", maps.completed(tall, self.rng))
            return np.broadcast_to(-np.eye(n, k, dtype=array.dtype), array.shape)
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"orthogonal: {self.orthogonal_map} without trivialization can't be inverted, so "
                "the weight can't be assigned to; use use_trivialization=True or 'householder'."
            )
        x = maps.householder_of(tall)
        return np.swapaxes(x, -1, -2) if n < k else x


def orthogonal(
    module: M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
    rng: Rng = None,
) -> M:
    r"""Keep a weight orthogonal: its columns, or its rows if they are fewer, are orthonormal.

    Parameters
    ----------
    module : Module.
    name : name of the parameter, a matrix or a stack of matrices (..., m, n).
    orthogonal_map : how it is computed from a matrix that is learned. "matrix_exp", exp A, and
        "cayley", (I − A/2)⁻¹ (I + A/2), of a skew-symmetric A; or "householder", a product of
        reflections. By default "matrix_exp" for square matrices, else "householder".
    use_trivialization : whether what is learned is a rotation of a constant orthogonal matrix, the
        buffer ``parametrizations.weight.0.base``.
    rng : generator, seed or None for the default; for the columns that complete a base.

    Returns
    -------
    Module : the module, parametrized. The weight begins with its old value, made orthogonal if it
        is not; with "matrix_exp" and "cayley" and no trivialization, with the map of its old value.

    References
    ----------
    Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 4))
    >>> q = layer.weight.data
    >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-6))
    True
    """
    flags("orthogonal", use_trivialization=use_trivialization)
    weight = array_of("orthogonal", module, name)
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: {name!r} must be a matrix, its shape is {weight.shape}.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            f"orthogonal: orthogonal_map must be one of {', '.join(MAPS)}, got {orthogonal_map!r}."
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization, rng)
    register_parametrization(module, name, made, unsafe=True)
    return module
