"""Exact checks by vjp: of what samples and steps an output depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd import engine
from autograd.node import Node
from autograd.readers.check.case import Case
from autograd.readers.lint.finding import Finding, Subject
from autograd.recording import enable_grad
from autograd.value import Value

SCANS = ("rnn_scan", "lstm_scan", "gru_scan")
LOOKS_UP = ("index_add", "take_along_axis", "scatter")


class Influence:
    """The gradient of one part of the outputs with respect to every node of the model.

    Parameters
    ----------
    rows : how many samples to run, so that no other axis has this length.

    Attributes
    ----------
    outputs : the outputs, a single Value; None where there is nothing to ask.
    """

    def __init__(self, case: Case, rows: int | None = None) -> None:
        batch = case.batch if rows is None else case.batch.take(slice(rows))
        self.model = case.fresh().model
        if hasattr(self.model, "eval"):
            self.model.eval()  # batch normalization with its running statistics mixes nothing
        self.inputs = [
            Value(x, requires_grad=True) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x
            for x in batch.inputs
        ]
        with enable_grad():
            try:
                y = self.model(*self.inputs)
            except (TypeError, ValueError, AttributeError):  # it wants arrays
                self.inputs = list(batch.inputs)
                y = self.model(*self.inputs)
        known = isinstance(y, Value) and y.op is not None and y.requires_grad
        self.outputs: Value | None = y if known else None

    def of(self, index: Any) -> Subject:
        """Ask for the part of the outputs at an index."""
        assert self.outputs is not None
        given = [x for x in self.inputs if isinstance(x, Value)]
        self.subject = Subject(self.outputs, self.model, given)
        seed = np.zeros_like(self.outputs._data)
        seed[index] = np.random.default_rng(0).normal(size=seed[index].shape)
        self.gradients: dict[int, Any] = {}
        self.order: list[Node] = []
        self.reached: set[int] = set()

        def watch(v: Node, g: Any) -> None:
            self.reached.add(id(v))
            if not isinstance(g, dict) and np.any(g):
                self.gradients[id(v)] = np.array(g)
                self.order.append(v)

        engine.gradients([self.outputs], [seed], [], watch=watch)
        return self.subject

    def entries(self, shape: tuple[int, ...]) -> list[Node]:
        """Where data enter: float inputs, and what is looked up or projected first."""
        plain = self.subject.plain
        found = [x for key, x in plain.leaves.items() if key in self.subject.data]
        for v in plain.order:
            nodes = [x for x in v.inputs if isinstance(x, Node)]
            if not self.subject.steady(v) and all(map(self.subject.steady, nodes)):
                found.append(v)
        return [x for x in found if shape_of(x)[: len(shape)] == shape]

    def culprit(self, axis: int, length: int, allowed: Any) -> Node | None:
        """The op nearest to the outputs whose input has a gradient beyond what is allowed."""
        for v in self.order:
            if shape_of(v)[axis : axis + 1] != (length,) or self.subject.steady(v):
                continue
            if beyond(self.gradients[id(v)], axis, allowed):
                users = self.subject.plain.users.get(id(v), [])
                return next((u for u in users if id(u) in self.reached), None)
        return None


def shape_of(v: Node) -> tuple[int, ...]:
    """The shape of a result; () of several."""
    return () if type(v._data) is tuple else np.shape(v._data)


def beyond(g: Any, axis: int, allowed: Any) -> bool:
    """Whether a gradient is not 0 outside the allowed indices of an axis."""
    rest = np.delete(np.moveaxis(g, axis, 0), allowed, 0)
    return bool(np.any(np.nan_to_num(rest)))


def batch_independence(case: Case) -> Iterator[Finding]:
    """Whether each output depends on its own sample only."""
    size = case.batch.size
    if size is None or size < 3 or not case.within.order:
        return
    others = {n for x in (*case.batch.inputs, case.batch.target) for n in np.shape(x)[1:]}
    others |= {n for v in case.within.roots for n in shape_of(v)[1:] if n != size}
    rows = next((n for n in range(size, 2, -1) if n not in others), 0)
    if not rows:
        return
    if rows < size and not case.takes(case.batch.take(slice(rows))):
        return
    seen = Influence(case, rows)
    if seen.outputs is None or seen.outputs.ndim == 0 or len(seen.outputs) != rows:
        return
    if seen.outputs.shape[1:2] == (rows,):  # every sample is compared with every other on purpose
        return
    i = rows // 2
    subject = seen.of(i)
    if not any(
        beyond(seen.gradients[id(x)], 0, i)
        for x in seen.entries((rows,))
        if id(x) in seen.gradients
    ):
        return
    v = seen.culprit(0, rows, i)
    if v is None or _on_purpose(v, rows):
        return
    sequence = _along_time(case)
    if v.op.name in SCANS and sequence:
        return  # (time, samples) is as good a reading
    fix = {
        "reshape": "reshape only splits or joins axes; np.swapaxes or np.transpose moves them",
        "softmax": "softmax over the last axis, not over the samples",
        "log_softmax": "log_softmax over the last axis, not over the samples",
    }.get(v.op.name, "let it work along the axes of one sample, not along axis 0")
    if v.op.name in SCANS:
        fix = "batch_first=True, or np.swapaxes(x, 0, 1): it takes axis 0 for time"
    yield Finding(
        "samples are mixed",
        subject.where(v),
        f"by vjp, output {i} depends on other samples of the batch than {i}, in evaluation mode "
        "too",
        "a prediction then depends on what else is in the batch, and the model can learn to cheat",
        fix,
        v,
    )


def _along_time(case: Case) -> bool:
    target = np.shape(case.batch.target)
    return any(len(target) > 1 and np.shape(x)[:2] == target[:2] for x in case.batch.inputs)


def _on_purpose(v: Node, rows: int) -> bool:
    """Batch statistics, and messages between the nodes of a graph that is one sample."""
    if v.op.name == "batch_norm" or v.op.name in LOOKS_UP:
        return True
    if v.op.name == "getitem":
        index = v.static[0] if isinstance(v.static[0], tuple) else (v.static[0],)
        return any(isinstance(part, (np.ndarray, list)) for part in index)
    shapes = [np.shape(x) for x in v.inputs if not isinstance(x, Node)]
    return v.op.name in ("matmul", "einsum", "tensordot") and (rows, rows) in shapes


def causality(case: Case) -> Iterator[Finding]:
    """Whether a model whose targets are its next inputs sees these."""
    x, axis = case.batch.inputs[0], _shifted(case)
    copied = axis is None and _copied(case)
    if copied:
        axis = 1
    elif axis is None:
        return
    seen = Influence(case)
    if seen.outputs is None or seen.outputs.shape[:2] != x.shape[:2]:
        return
    steps = x.shape[axis]
    t = steps // 3
    subject = seen.of((slice(None), t) if axis else (t,))
    past = range(t + 1)
    ahead = [
        v
        for v in seen.entries(x.shape[:2])
        if id(v) in seen.gradients and beyond(seen.gradients[id(v)], axis, past)
    ]
    if copied and not ahead and seen.order:
        yield Finding(
            "targets are the inputs",
            "the data",
            "the targets equal the inputs step by step, and by vjp no output depends on later ones",
            "the model learns to repeat the token that it has just read, not to predict the next",
            "shift by one: inputs tokens[:, :-1], targets tokens[:, 1:]",
        )
    if copied or not ahead:
        return
    v = seen.culprit(axis, steps, past)
    yield Finding(
        "the future is seen",
        subject.where(v if v is not None else ahead[0]),
        f"the targets are the inputs one step later, and by vjp the output at step {t} depends on "
        "inputs of later steps",
        "the model copies its answer from the input; what it learns is of no use where the "
        "future is not known",
        "a causal mask in attention (is_causal=True), padding on the left only in convolutions, "
        "and no bidirectional layer",
        v if v is not None else ahead[0],
    )


def _copied(case: Case) -> bool:
    """Whether the targets are sequences of tokens that are the inputs themselves."""
    x, y = case.batch.inputs[0], case.batch.target
    tokens = isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind in "iu"
    return tokens and x.shape[1] >= 4 and np.array_equal(x, y)


def _shifted(case: Case) -> int | None:
    """The axis along which the targets are the inputs one step later."""
    x, y = case.batch.inputs[0], case.batch.target
    if not isinstance(x, np.ndarray) or np.ndim(x) < 2 or np.shape(x) != np.shape(y):
        return None
    for axis in (1, 0):
        a, b = np.moveaxis(x, axis, 0), np.moveaxis(np.asarray(y), axis, 0)
        if len(a) >= 4 and np.array_equal(b[:-1], a[1:]) and not np.array_equal(a[1:], a[:-1]):
            return axis
    return None


CHECKS = (batch_independence, causality)
