"""Checkpoint: save and restore the complete state of a training run."""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np

from autograd.files import located
from autograd.random import default_generator
from nn.files.safetensors import load, save
from nn.module import Module, join

DEFAULT = "default rng"


class Checkpoint:
    """Save and restore the state of several objects in one file.

    It holds the state dicts of all objects, the generators of dropout and other layers inside
    modules, and the default generator, so a resumed run continues bit for bit. Writes are atomic,
    even if the process is killed.

    Parameters
    ----------
    path : the safetensors file; ``~`` is expanded.
    **things : modules, optimizers, schedulers, loaders or other objects with `state_dict` and
        `load_state_dict`; numpy.random.Generators.

    Raises
    ------
    TypeError
        An object of another kind.

    Examples
    --------
    >>> import nn, tempfile
    >>> model = nn.Linear(2, 1)
    >>> optimizer = nn.optim.Adam(model.parameters())
    >>> folder = tempfile.TemporaryDirectory()
    >>> checkpoint = nn.Checkpoint(f"{folder.name}/run.safetensors", model=model, adam=optimizer)
    >>> notes = checkpoint.load() or {"epoch": 0}  # no file yet: start from scratch
    >>> for epoch in range(notes["epoch"], 3):
    ...     checkpoint.save(epoch=epoch + 1)
    >>> checkpoint.load()
    {'epoch': 3}
    >>> folder.cleanup()
    """

    def __init__(self, path: str | os.PathLike[str], **things: Any) -> None:
        for name, thing in things.items():
            stateful = hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")
            if not stateful and not isinstance(thing, np.random.Generator):
                raise TypeError(
                    f"Checkpoint: {name} is a {type(thing).__name__}, which has no state_dict and "
                    "load_state_dict. Numbers and strings go into save(...)."
                )
        self.path = located(path)
        self.things = things

    def save(self, **notes: Any) -> None:
        """Save the state of all objects, and notes: numbers, strings, arrays, collections.

        Parameters
        ----------
        **notes : returned by `load`, e.g. the epoch.
        """
        save({"things": self._states(), "rngs": self._random(), "notes": notes}, self.path)

    def load(self) -> dict[str, Any] | None:
        """Restore the state of all objects from the file, if it exists.

        Returns
        -------
        The saved notes; None if there is no file.

        Raises
        ------
        ValueError
            A file that can't be read, is not a checkpoint, or is one of other objects. No object
            is changed.
        """
        if not self.path.exists():
            return None
        state = load(self.path)
        whole = isinstance(state, dict) and state.keys() == {"things", "rngs", "notes"}
        if not whole or not all(isinstance(part, dict) for part in state.values()):
            raise ValueError(
                f"{self.path} is not a checkpoint; nn.load reads other safetensors files."
            )
        if state["things"].keys() != self.things.keys():
            raise ValueError(
                f"{self.path} is a checkpoint of {', '.join(state['things']) or 'nothing'}, but "
                f"this Checkpoint has {', '.join(self.things) or 'nothing'}."
            )
        generators = self._generators()
        if state["rngs"].keys() != generators.keys():
            raise ValueError(
                f"{self.path} has the random state of {', '.join(state['rngs'])}, but this "
                f"Checkpoint has {', '.join(generators)}."
            )
        before, random = self._states(), self._random()
        try:
            self._restore(state["things"], state["rngs"])
        except Exception:
            self._restore(before, random)
            raise
        notes: dict[str, Any] = state["notes"]
        return notes

    def _states(self) -> dict[str, Any]:
        return {
            name: None if isinstance(thing, np.random.Generator) else thing.state_dict()
            for name, thing in self.things.items()
        }

    def _generators(self) -> dict[str, np.random.Generator]:
        """The default generator, those given, and those inside modules, by path."""
        found = {DEFAULT: default_generator()}
        for name, thing in self.things.items():
            if isinstance(thing, np.random.Generator):
                found[name] = thing
            elif isinstance(thing, Module):
                for path, module in thing.named_modules(name):
                    found.update(
                        (join(path, key), x)
                        for key, x in vars(module).items()
                        if isinstance(x, np.random.Generator)
                    )
        return found

    def _random(self) -> dict[str, Any]:
        return {
            name: copy.deepcopy(rng.bit_generator.state) for name, rng in self._generators().items()
        }

    def _restore(self, states: dict[str, Any], random: dict[str, Any]) -> None:
        for name, thing in self.things.items():
            if not isinstance(thing, np.random.Generator):
                thing.load_state_dict(states[name])
        for name, rng in self._generators().items():
            try:
                rng.bit_generator.state = random[name]
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise ValueError(
                    f"{self.path}: the random state of {name} is damaged, or of another bit "
                    f"generator than {type(rng.bit_generator).__name__}."
                ) from error
