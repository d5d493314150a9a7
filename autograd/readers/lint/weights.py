"""Checks of weights: units that start equal and stay so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograd.node import Array, Node
from autograd.readers.lint.finding import Finding, Subject

MIXING = {"affine", "linear", "matmul", "conv", "conv_bias", "rnn_scan", "lstm_scan", "gru_scan"}
"""Ops that take a sum over the inputs of a unit."""


def equal_units(subject: Subject) -> Iterator[Finding]:
    """Weights whose units are all equal, so that all of them learn the same."""
    for v in subject.plain.order:
        if v.op.name not in MIXING:
            continue
        for x in v.inputs[1:]:
            if not isinstance(x, Node) or not x.requires_grad or not subject.steady(x):
                continue
            w = _units(v, x._data)
            if w.ndim > 1 and _equal(w) and w[0].size > 1 and _stay_equal(subject, v, x):
                yield Finding(
                    "equal units",
                    f"{subject.plain.name(x) or 'the weight'} of {subject.where(v)}",
                    f"all {len(w)} units of the weight {x._data.shape} start with the same numbers",
                    "equal units get equal gradients, so they compute one and the same feature",
                    "random initial weights, such as nn.init.kaiming_uniform_(weight)",
                    v,
                )


def _units(v: Node, w: Array) -> Array:
    """The weight with its units along axis 0."""
    return np.swapaxes(w, 0, -1) if v.op.name == "matmul" else w


def _equal(w: Array) -> bool:
    return len(w) > 1 and bool((w == w[:1]).all())


def _stay_equal(subject: Subject, v: Node, x: Node) -> bool:
    """Whether the gradient does not tell the units apart, as it does in a head of zeros."""
    g = subject.gradients.get(id(x))
    known = g is not None and not isinstance(g, dict)
    return bool(x._data.any()) or (known and _equal(_units(v, np.asarray(g))))


CHECKS = (equal_units,)
