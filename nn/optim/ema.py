"""EMA: an exponential moving average of a model's weights, often better than the last ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.node import Array
from nn.module import Module
from nn.optim.block import LARGE
from nn.optim.optimizer import real, require
from nn.optim.rules import UpdateRule, apply, lerp


@UpdateRule
def ema(c: Any, p: Any, g: Any) -> tuple[Any, ...]:
    """The exponential moving average p, after g."""
    keep, rise = c
    return (lerp(keep, rise, p, g),)


class EMA:
    r"""Exponential moving average of a model's parameters.

    average ← decay · average + (1 − decay) · p at every `update`; the first one copies p. Buffers,
    such as running means, are copied as they are.

    Parameters
    ----------
    model : Module.
    decay : decay rate, from 0 to 1; 0.999 averages over about 1,000 steps.

    Attributes
    ----------
    averages : dict, path -> ndarray.
    n_averaged : number of updates so far.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    Tarvainen and Valpola, "Mean teachers are better role models", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> model = nn.Linear(1, 1, bias=False)
    >>> ema = nn.optim.EMA(model, decay=0.9)
    >>> for weight in (0.0, 1.0):
    ...     model.weight.data = np.array([[weight]])  # or optimizer.step()
    ...     ema.update()
    >>> with ema.applied():
    ...     model.weight.data.round(3)
    array([[0.1]], dtype=float32)
    >>> model.weight.data
    array([[1.]], dtype=float32)
    """

    def __init__(self, model: Module, decay: float = 0.999) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"EMA(model): model must be a Module, not {type(model).__name__}.")
        require(0 <= real("decay", decay) <= 1, "decay", "from 0 to 1", decay)
        self.model, self.decay, self.n_averaged = model, decay, 0
        self.averages = {name: p.data.copy() for name, p in model.named_parameters()}
        self._buffers = {name: b.copy() for name, b in model.named_buffers()}

    def update(self) -> None:
        """Move the averages towards the model's parameters; call it after ``optimizer.step()``.

        Raises
        ------
        ValueError
            The model's parameters are no longer those of the beginning. Nothing has changed then.
        """
        now = self._parameters()
        rise = 1 - self.decay if self.n_averaged else 1.0
        compiled = sum(average.size for average in self.averages.values()) >= LARGE
        with np.errstate(all="ignore"):
            for name, average in self.averages.items():
                p, g = average.reshape(-1), now[name].reshape(-1)
                apply(ema, (0, 0, 1 - rise, rise), p, g, (), compiled)
        self._buffers = {name: b.copy() for name, b in self.model.named_buffers()}
        self.n_averaged += 1

    @contextlib.contextmanager
    def applied(self) -> Iterator[Module]:
        """Give the model the averages within a ``with`` block, and then its own weights back."""
        own = self.model.state_dict()
        self.copy_to_model()
        try:
            yield self.model
        finally:
            self.model.load_state_dict(own)

    def copy_to_model(self) -> None:
        """Copy the averages and the buffers into the model."""
        self._parameters()
        self.model.load_state_dict({**self.averages, **self._buffers}, strict=False)

    def _parameters(self) -> dict[str, Array]:
        """The model's arrays, checked to be those that are averaged."""
        now = {name: p._data for name, p in self.model.named_parameters()}
        _check_same(self.averages, now, "the model")
        return now

    def state_dict(self) -> dict[str, Any]:
        """Copies of the averages and buffers, under the model's paths, and the counts.

        Returns
        -------
        ``{"averages": {path: ndarray}, "buffers": ..., "n_averaged": int, "decay": float}``; what
        is in averages and buffers together loads into a model by ``load_state_dict``.
        """
        return {
            "averages": {name: x.copy() for name, x in self.averages.items()},
            "buffers": {name: x.copy() for name, x in self._buffers.items()},
            "n_averaged": self.n_averaged,
            "decay": self.decay,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from saved averages.

        Raises
        ------
        ValueError
            Names or shapes that don't fit. Nothing has changed then.
        """
        missing = {"averages", "buffers", "n_averaged", "decay"} - state_dict.keys()
        if missing:
            raise ValueError(f"EMA: the state dict has no {', '.join(sorted(missing))}.")
        decay = state_dict["decay"]
        require(0 <= real("decay", decay) <= 1, "decay", "from 0 to 1", decay)
        new: list[dict[str, Array]] = []
        for own, key in ((self.averages, "averages"), (self._buffers, "buffers")):
            given = {name: np.asarray(x) for name, x in state_dict[key].items()}
            _check_same(own, given, f"{key!r} of the state dict")
            new.append({name: given[name].astype(x.dtype, order="C") for name, x in own.items()})
        self.averages, self._buffers = new
        self.n_averaged, self.decay = int(state_dict["n_averaged"]), decay


def _check_same(own: Mapping[str, Array], given: Mapping[str, Array], where: str) -> None:
    """Raise ValueError unless both have the same names and shapes."""
    for name in own.keys() | given.keys():
        if name not in given:
            raise ValueError(f"EMA: {name} is not in {where}.")
        if name not in own:
            raise ValueError(f"EMA: {name}, in {where}, was not there when averaging began.")
        if given[name].shape != own[name].shape:
            raise ValueError(
                f"EMA: {name} has shape {given[name].shape} in {where}, its average "
                f"{own[name].shape}."
            )
