"""Case: copies of a model, a loss and optimizers, run on one batch of the data."""

from __future__ import annotations

import contextlib
import copy
import random
import sys
from collections.abc import Iterator
from functools import cached_property
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.random import default_generator
from autograd.readers.check.samples import Batch, Samples
from autograd.readers.lint.finding import Subject
from autograd.readers.source_lines import Births, LineKeeper, OnNode
from autograd.recording import no_grad
from autograd.value import Value
from autograd.viz.trace import Trace


class Copies(NamedTuple):
    """A model, a loss and optimizers that belong together and to nobody else."""

    model: Any
    loss: Any
    optimizers: list[Any]

    def run(self, batch: Batch) -> tuple[Any, Any]:
        """The outputs for a batch and their loss."""
        outputs = self.model(*batch.inputs)
        return outputs, self.loss(outputs, batch.target)


class Case(Subject):
    """One batch's graph, and everything that made it.

    Attributes
    ----------
    copies : what ran; `fresh` makes further ones.
    samples : the data, and `batch` the batch.
    outputs : what the model returned.
    """

    def __init__(self, copies: Copies, samples: Samples) -> None:
        self.samples, self.batch = samples, samples.batch
        self._kept = copies
        if self.batch is not samples.batches[0] and not self.takes(self.batch):
            self.batch = samples.batches[0]
        copies = self.fresh()
        free = sys.getprofile() is None
        with Births(_keep_lines()) if free else contextlib.nullcontext():
            self.outputs, root = copies.run(self.batch)
        if not isinstance(root, Value):
            root = Value(np.asarray(root), requires_grad=False)
        if root.size != 1:
            raise TypeError(f"check: the loss must be a single number, got shape {root.shape}.")
        super().__init__(root, copies.model)

    def fresh(self) -> Copies:
        """Copies as the user's originals are."""
        return Copies(*copy.deepcopy(tuple(self._kept)))

    def takes(self, batch: Batch) -> bool:
        """Whether the model takes a batch of this size; one of a fixed graph takes its own only."""
        copies = self.fresh()
        try:
            with no_grad():
                copies.run(batch)
        except (ValueError, IndexError):
            return False
        return True

    @cached_property
    def within(self) -> Trace:
        """The graph of the model alone, without the loss."""
        return Trace(values_in(self.outputs))


def _keep_lines() -> OnNode:
    """Store the line of the user's model or loss; not that of who calls `check`."""
    keeper = LineKeeper()

    def keep(node: Node, frame: FrameType) -> None:
        at: FrameType | None = frame
        while at is not None and keeper.is_library(at.f_code):
            if at.f_code is Copies.run.__code__:
                return
            at = at.f_back
        keeper.keep(node, frame)

    return keep


def values_in(x: Any) -> list[Node]:
    """The tracked Values in outputs, in tuples, lists and dicts too."""
    if isinstance(x, Value):
        return [x] if x.requires_grad and x.op is not None else []
    if isinstance(x, dict):
        x = list(x.values())
    return [v for part in x for v in values_in(part)] if isinstance(x, (tuple, list)) else []


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within the block, random numbers are drawn that nobody misses afterwards."""
    generator = default_generator()
    ours, pythons = generator.bit_generator.state, random.getstate()
    numpys = np.random.get_state()  # noqa: NPY002  # a model may draw from it
    try:
        yield
    finally:
        generator.bit_generator.state = ours
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
