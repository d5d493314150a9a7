"""Every row gives the same numbers whatever the memory of its inputs looks like.

Generated from the op table: each sample, and each sample with axes cut to length 0 and 1 and
stretched beyond a vector register, is computed on C-contiguous arrays, then on transposed, strided,
reversed, broadcast, read-only, unaligned and byte-swapped ones. Fresh memory is poisoned meanwhile:
what a kernel leaves unwritten, or writes into a copy, is NaN in the result.
"""

from __future__ import annotations

import sys

import layouts
import numpy as np
import pytest
from layouts import Poison, checked, resized

from autograd import SequenceOp
from autograd.op import ROWS

BUILT_IN = list(ROWS)
THRESHOLDS = ("KERNEL", "SIZE")
"""What modules of rows call the number of elements from which they use kernels."""


class Call(layouts.Call):
    """A call of a row: its array inputs, and how to make it with others in their place."""

    def __init__(self, row, inputs, others):
        super().__init__(inputs)
        self.row, self.others = row, others

    def on(self, chosen):
        """The outputs with these in place of the float inputs."""
        inputs = self.with_floats(chosen)
        args = [inputs] if isinstance(self.row, SequenceOp) else inputs
        y = self.row(*args, **self.others)
        return list(y) if isinstance(y, (tuple, list)) else [y]


def calls(row):
    """The row's samples, and variants of them with axes of other lengths, each with a name."""
    for k, (args, named) in enumerate(row.samples(np.random.default_rng(0))):
        full = row.bound(args, dict(named))
        arrays = full[0] if isinstance(row, SequenceOp) else full[: row.arity]
        arrays = [None if x is None else np.asarray(x) for x in arrays]
        others = dict(zip(row.parameters[row.arity :], full[row.arity :], strict=True))
        for name, inputs in resized(arrays):
            yield f"sample {k}, {name}", Call(row, inputs, others)


@pytest.fixture(params=["as they are", "always"], ids=lambda when: f"kernels {when}")
def kernels(request, monkeypatch):
    """Rows use their kernels from their thresholds on, or always."""
    if request.param == "always":
        for name, module in list(sys.modules.items()):
            for threshold in THRESHOLDS if name.startswith("autograd.ops.") else ():
                if isinstance(getattr(module, threshold, None), int):
                    monkeypatch.setattr(module, threshold, 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of empty slices and of NaN
@pytest.mark.parametrize("row", BUILT_IN, ids=[row.name for row in BUILT_IN])
def test_a_row_gives_the_same_in_every_layout(row, kernels, monkeypatch):
    taken = []
    for name, call in calls(row):
        try:
            taken.append(checked(call, Poison(monkeypatch)))
        except Exception as failure:
            failure.add_note(name)
            raise
    assert taken[0]
