"""Weight and spectral normalization under their older names, weight_g, weight_v and weight_orig."""

from __future__ import annotations

from typing import Any, TypeVar

from autograd.random import Rng
from nn.module import Module, Parameter
from nn.module.derived import derive, recipe_of, restore
from nn.parameter import plain
from nn.utils import norms
from nn.utils.parametrize import parameter_of

M = TypeVar("M", bound=Module)


class _WeightNorm:
    """The recipe of a weight w = g v / norm(v)."""

    prefix = ""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def compute(self, module: Any) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return norms.weight_of(g, v, self.dim)

    def assign(self, module: Any, value: Any) -> None:
        v = getattr(module, f"{self.name}_v")
        v.data = plain(value)
        getattr(module, f"{self.name}_g").data = norms.magnitude(v.data, self.dim)


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    r"""Weight normalization: learn a weight's magnitudes g and directions v apart.

    .. math:: w = g \frac{v}{\lVert v \rVert}

    The parameter makes way for two, ``weight_g`` and ``weight_v``, and is computed from them
    whenever it is read. `nn.utils.parametrizations.weight_norm` is the same under newer names.

    Parameters
    ----------
    module : Module.
    name : name of the parameter.
    dim : axis along which each slice has a norm of its own, 0 for one an output of `nn.Linear` and
        `nn.Conv2d`; None, or −1 as in PyTorch, gives the whole weight one norm.

    Returns
    -------
    Module : the module. Give its new parameters to the optimizer.

    Raises
    ------
    ValueError
        No such parameter, or one that is normalized already.

    References
    ----------
    Salimans and Kingma, "Weight normalization", 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.utils.weight_norm(nn.Linear(3, 2))
    >>> {name: p.shape for name, p in layer.named_parameters()}
    {'bias': (2,), 'weight_g': (2, 1), 'weight_v': (2, 3)}
    >>> layer.weight_g.data = [[2], [5]]
    >>> np.linalg.norm(layer.weight.data, axis=1).round(3)
    array([2., 5.], dtype=float32)
    """
    weight = parameter_of("weight_norm", module, name)
    axis = norms.norm_axis(weight, dim)
    tracked, v = weight.requires_grad, weight._data
    g = norms.magnitude(v, axis)
    module.register_parameter(f"{name}_g", Parameter(g, tracked, dtype=v.dtype))
    module.register_parameter(f"{name}_v", Parameter(v, tracked, dtype=v.dtype))
    derive(module, name, _WeightNorm(name, axis))
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make a normalized weight a parameter again, of the value that it has.

    Raises
    ------
    ValueError
        It is not normalized by `weight_norm`.

    Examples
    --------
    >>> import nn
    >>> layer = nn.utils.weight_norm(nn.Linear(3, 2))
    >>> list(nn.utils.remove_weight_norm(layer).state_dict())
    ['bias', 'weight']
    """
    if not isinstance(recipe_of(module, name), _WeightNorm):
        raise ValueError(
            f"remove_weight_norm: {name!r} of {type(module).__name__} has no weight_norm. What "
            "parametrizations.weight_norm made is removed by parametrize.remove_parametrizations."
        )
    value, tracked = getattr(module, name), getattr(module, f"{name}_v").requires_grad
    for suffix in ("_g", "_v"):
        delattr(module, name + suffix)
    restore(module, name, Parameter(value, tracked, dtype=value.dtype))
    return module


class _SpectralNorm:
    """The recipe of a weight W / σ(W), and the pre-hook that improves the singular vectors."""

    prefix = ""

    def __init__(self, name: str, iterations: int, dim: int, eps: float) -> None:
        self.name, self.iterations, self.dim, self.eps = name, iterations, dim, eps

    def __call__(self, module: Any, inputs: Any) -> None:
        if module.training:
            matrix = norms.as_matrix(plain(getattr(module, f"{self.name}_orig")), self.dim)
            u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
            u, v = norms.powered(matrix, u, v, self.iterations, self.eps, left_first=False)
            setattr(module, f"{self.name}_u", u)
            setattr(module, f"{self.name}_v", v)

    def compute(self, module: Any) -> Any:
        w = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        return w / norms.largest(norms.as_matrix(w, self.dim), u, v)

    def assign(self, module: Any, value: Any) -> None:
        getattr(module, f"{self.name}_orig").data = plain(value)


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

    The parameter becomes ``weight_orig``; each forward in training improves u and v, the buffers
    ``weight_u`` and ``weight_v``, by the power method. `nn.utils.parametrizations.spectral_norm` is
    the same under newer names, and begins with better u and v.

    Parameters
    ----------
    module : Module.
    name : name of the parameter.
    n_power_iterations : steps of the power method in each forward.
    eps : the least norm to divide by.
    dim : axis of the outputs, which become the rows of W; by default 0, and 1 in transposed
        convolutions.
    rng : generator, seed or None for the default; for the first u and v.

    Returns
    -------
    Module : the module.

    Raises
    ------
    ValueError
        No such parameter, or one that is normalized already.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.utils.spectral_norm(nn.Linear(5, 3, rng=0), rng=0)
    >>> list(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    >>> for _ in range(50):
    ...     y = layer(np.ones((1, 5), np.float32))
    >>> round(float(np.linalg.norm(layer.weight.data, 2)), 4)
    1.0
    """
    weight, n = (
        parameter_of("spectral_norm", module, name),
        norms.checked_iterations(n_power_iterations),
    )
    axis = norms.output_axis(module, weight, dim)
    u, v = norms.starts(norms.as_matrix(weight._data, axis), eps, rng)
    recipe = _SpectralNorm(name, n, axis, eps)
    derive(module, name, recipe)
    module.register_parameter(f"{name}_orig", weight)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(recipe)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make a normalized weight a parameter again, of the value that it has.

    Raises
    ------
    ValueError
        It is not normalized by `spectral_norm`.
    """
    recipe = recipe_of(module, name)
    if not isinstance(recipe, _SpectralNorm):
        raise ValueError(
            f"remove_spectral_norm: {name!r} of {type(module).__name__} has no spectral_norm. What "
            "parametrizations.spectral_norm made is removed by parametrize.remove_parametrizations."
        )
    value, tracked = getattr(module, name), getattr(module, f"{name}_orig").requires_grad
    for suffix in ("_orig", "_u", "_v"):
        delattr(module, name + suffix)
    hooks: Any = module._hooks
    hooks.before[:] = [entry for entry in hooks.before if entry[0] is not recipe]
    restore(module, name, Parameter(value, tracked, dtype=value.dtype))
    return module
