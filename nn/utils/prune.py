"""Pruning: masks that keep chosen weights at 0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.module import Module
from nn.module.derived import derive, recipe_of, restore
from nn.parameter import plain
from nn.utils.norms import checked_axis
from nn.utils.parametrize import overwrite, parameter_of

M = TypeVar("M", bound=Module)


class _Pruned:
    """The recipe of a weight that is multiplied by a mask."""

    prefix = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Any) -> Any:
        return getattr(module, f"{self.name}_orig") * getattr(module, f"{self.name}_mask")

    def assign(self, module: Any, value: Any) -> None:
        getattr(module, f"{self.name}_orig").data = plain(value)


class L1Unstructured:
    """For `global_unstructured`: prune the smallest absolute values."""


class RandomUnstructured:
    """For `global_unstructured`: prune at random."""


def identity(module: M, name: str) -> M:
    """Give a parameter a mask of ones: it becomes ``weight_orig`` and the buffer ``weight_mask``.

    Every function of `nn.utils.prune` does so; pruning once more prunes what is left.

    Parameters
    ----------
    module : Module.
    name : name of a parameter.

    Returns
    -------
    Module : the module, whose weight is orig · mask whenever it is read.
    """
    return custom_from_mask(module, name, np.ones(_weight(module, name).shape))


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Any = None) -> M:
    """Prune the weights of the smallest absolute value.

    Parameters
    ----------
    module, name : as in `identity`.
    amount : a number of weights, an integer, or the share of those that are left, from 0 to 1.
    importance_scores : array of the weight's shape, optional; its smallest take their place.

    Examples
    --------
    >>> import nn, numpy as np
    >>> from nn.utils import prune
    >>> layer = nn.Linear(4, 1)
    >>> layer.weight.data = np.array([[0.1, -2.0, 0.3, 1.0]])
    >>> prune.l1_unstructured(layer, "weight", amount=0.5).weight.data
    array([[ 0., -2.,  0.,  1.]], dtype=float32)
    """
    scores = _scores("l1_unstructured", module, name, importance_scores)
    left = _mask(module, name) != 0
    return _apply(module, name, _without_least("l1_unstructured", scores, left, amount))


def random_unstructured(module: M, name: str, amount: float, *, rng: Rng = None) -> M:
    """Prune weights at random; the arguments are those of `l1_unstructured`."""
    left = _mask(module, name) != 0
    scores = np.asarray(as_generator(rng).random(left.shape))
    return _apply(module, name, _without_least("random_unstructured", scores, left, amount))


def ln_structured(
    module: M, name: str, amount: float, n: float, dim: int, importance_scores: Any = None
) -> M:
    """Prune whole slices, such as output channels, of the smallest n-norm.

    Parameters
    ----------
    module, name, importance_scores : as in `l1_unstructured`.
    amount : a number of slices, an integer, or the share of those that are left.
    n : order of the norm.
    dim : axis along which the slices lie, 0 for the outputs of `nn.Linear` and `nn.Conv2d`.
    """
    scores = _scores("ln_structured", module, name, importance_scores)
    axis = checked_axis("ln_structured", scores, dim)
    rows = np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1)
    return _apply_slices("ln_structured", module, name, np.linalg.norm(rows, n, 1), amount, axis)


def random_structured(module: M, name: str, amount: float, dim: int, *, rng: Rng = None) -> M:
    """Prune whole slices at random; the arguments are those of `ln_structured`."""
    weight = _weight(module, name)
    axis = checked_axis("random_structured", weight, dim)
    scores = np.asarray(as_generator(rng).random(weight.shape[axis]))
    return _apply_slices("random_structured", module, name, scores, amount, axis)


def custom_from_mask(module: M, name: str, mask: Any) -> M:
    """Prune where a mask of the weight's shape is 0."""
    given = np.asarray(plain(mask))
    if given.shape != _weight(module, name).shape:
        raise ValueError(
            f"custom_from_mask: mask has shape {given.shape}, the weight "
            f"{_weight(module, name).shape}."
        )
    return _apply(module, name, given != 0)


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type = L1Unstructured,
    importance_scores: Any = None,
    *,
    amount: float,
    rng: Rng = None,
) -> None:
    """Prune the weights of several modules as if they were one array.

    Parameters
    ----------
    parameters : pairs of a module and the name of its parameter.
    pruning_method : `L1Unstructured` or `RandomUnstructured`.
    importance_scores : dict of (module, name) to an array of scores, optional.
    amount : a number of weights, or the share of those that are left.
    rng : generator, seed or None for the default.
    """
    pairs, who = list(parameters), "global_unstructured"
    if pruning_method not in (L1Unstructured, RandomUnstructured):
        raise TypeError(f"{who}: pruning_method must be L1Unstructured or RandomUnstructured.")
    given = importance_scores or {}
    scores = [_scores(who, module, name, given.get((module, name))) for module, name in pairs]
    flat = np.concatenate([x.reshape(-1) for x in scores])
    left = np.concatenate([_mask(module, name).reshape(-1) != 0 for module, name in pairs])
    if pruning_method is RandomUnstructured:
        flat = np.asarray(as_generator(rng).random(flat.size))
    kept = _without_least(who, flat, left, amount)
    parts = np.split(kept, np.cumsum([x.size for x in scores])[:-1])
    for (module, name), part, x in zip(pairs, parts, scores, strict=True):
        _apply(module, name, part.reshape(x.shape))


def remove(module: M, name: str) -> M:
    """Make the pruning permanent: the same Parameter again, with zeros where the mask has them."""
    if not isinstance(recipe_of(module, name), _Pruned):
        raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned.")
    original = getattr(module, f"{name}_orig")
    overwrite(original, plain(getattr(module, name)))
    for suffix in ("_orig", "_mask"):
        delattr(module, name + suffix)
    restore(module, name, original)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a module or one of its submodules has a pruned parameter."""
    return any(
        isinstance(recipe, _Pruned)
        for each in module.modules()
        for recipe in vars(each).get("_derived", {}).values()
    )


def _weight(module: Module, name: str) -> Array:
    """The weight as it was before pruning."""
    if isinstance(recipe_of(module, name), _Pruned):
        return plain(getattr(module, f"{name}_orig"))
    return parameter_of("prune", module, name)._data


def _mask(module: Module, name: str) -> Array:
    if isinstance(recipe_of(module, name), _Pruned):
        return getattr(module, f"{name}_mask")
    return np.ones_like(_weight(module, name))


def _scores(who: str, module: Module, name: str, given: Any) -> Array:
    """Absolute values of the weight, or of what is given in its place."""
    weight = _weight(module, name)
    scores = np.abs(np.asarray(weight if given is None else plain(given)))
    if scores.shape != weight.shape:
        raise ValueError(
            f"{who}: importance_scores have shape {scores.shape}, the weight {weight.shape}."
        )
    return scores


def _number(who: str, amount: Any, size: int) -> int:
    """How many of so many are to be pruned."""
    if isinstance(amount, bool) or not isinstance(amount, (int, float, np.integer, np.floating)):
        raise TypeError(f"{who}: amount must be a number, got {amount!r}.")
    share = isinstance(amount, (float, np.floating))
    if not 0 <= amount <= (1 if share else size):
        limit = "a share from 0 to 1" if share else f"at most {size}, what is left"
        raise ValueError(f"{who}: amount must be {limit}, got {amount!r}.")
    return round(amount * size) if share else int(amount)


def _without_least(who: str, scores: Array, left: Array, amount: float) -> Array:
    """A mask of those that are left, without the least scores among them."""
    order = np.lexsort((scores.reshape(-1), ~left.reshape(-1)))
    kept = left.copy()
    kept.reshape(-1)[order[: _number(who, amount, int(left.sum()))]] = False
    return kept


def _apply_slices(who: str, module: M, name: str, scores: Array, amount: float, axis: int) -> M:
    mask = np.moveaxis(_mask(module, name), axis, 0).reshape(len(scores), -1)
    shape = [1] * _weight(module, name).ndim
    shape[axis] = -1
    kept = _without_least(who, scores, np.asarray(mask.any(axis=1)), amount)
    return _apply(module, name, kept.reshape(shape))


def _apply(module: M, name: str, kept: Array) -> M:
    """Multiply the mask by another, which broadcasts to it."""
    mask = (_mask(module, name) * kept).astype(_weight(module, name).dtype)
    if isinstance(recipe_of(module, name), _Pruned):
        setattr(module, f"{name}_mask", mask)
        return module
    original = parameter_of("prune", module, name)
    derive(module, name, _Pruned(name))
    module.register_parameter(f"{name}_orig", original)
    module.register_buffer(f"{name}_mask", mask)
    return module
