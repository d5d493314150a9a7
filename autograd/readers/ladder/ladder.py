"""ladder: one tensor node as rows, as scalars and as a graph of elementary ops, held together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import engine
from autograd.node import Array, Node
from autograd.op import SELECT
from autograd.readers.ladder.object_arrays import cells_of, numbers
from autograd.readers.ladder.report import Ladder, Level
from autograd.readers.ladder.scalars import NO_FORM, is_made_of_others, scalarise
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.trace import Trace

MOST = 500
"""Numbers in the inputs and the result together."""

ROUNDING = 1000.0
"""Differences up to so many rounding errors are rounding."""

CANCELLED = 0.01
"""Of results this much smaller than what went in, most digits are the rounding of what went in."""


def ladder(value: Value, *, gradient: Any = None) -> Ladder:
    """Take one tensor node apart: into rows, into single numbers, into elementary ops.

    The op that made the value is carried out once more at each level, on leaves with the same
    numbers: on rows of the first axis where they don't mix; on single numbers, NumPy doing with
    Values in an array what it does with numbers; and with each function of a number opened into
    its formula. Results, and the gradients by all inputs, are checked to be equal.

    Parameters
    ----------
    value : Value
        The result of an op; of at most 500 numbers together with the inputs.
    gradient : array_like, optional
        The incoming gradient for the check. By default numbers from 1 to 2 spread over the result,
        so that no two elements can stand for each other.

    Returns
    -------
    Ladder : prints the levels with the difference found; `.levels`, each with a `drawing()`;
        ``.save("ladder.html")``.

    Raises
    ------
    TypeError
        It is no Value.
    ValueError
        It is a leaf, too large, or of an op that has no form in single numbers; `gradient` has
        another shape.
    RuntimeError
        Its graph was released by backward(); or the levels don't agree, which is a defect of ours.

    Examples
    --------
    >>> import autograd
    >>> x, w = autograd.Value([[1.0, 2.0], [3.0, 4.0]], name="x"), autograd.Value([[0.5], [0.25]])
    >>> print(autograd.ladder(x @ w))
    matmul: results and gradients of all levels agree (relative difference, allowed 2.2e−13)
    level    nodes  difference  ops
    tensor       1           —  matmul
    rows         2           0  matmul
    scalars      6           0  add, multiply
    All ops of the scalars are elementary: it is the graph that micrograd would record.
    """
    node, output = _made(value)
    seed = _seed(value, gradient)
    climb = _Climb(node, output, seed, Trace([value]))
    return climb.ladder()


def _made(value: Any) -> tuple[Node, int | None]:
    """The op's own node, and which of its outputs the value is; refused where there is none."""
    if not isinstance(value, Value):
        raise TypeError(f"ladder: takes a Value, the result of an op, not {type(value).__name__}.")
    if value.op is None:
        raise ValueError(
            "ladder: this Value is a leaf or a constant, which no recorded op made; take a result."
        )
    if not value.inputs:
        raise RuntimeError(
            "ladder: the graph was released by backward(); climb before it, or use "
            "retain_graph=True."
        )
    node, output = (value.inputs[0], value.static[0]) if value.op is SELECT else (value, None)
    if not node.op.listed:
        raise ValueError(
            f"ladder: {node.op.name} stands for a whole function; climb a value within it."
        )
    if not value.size:
        raise ValueError(f"ladder: the result of {node.op.name} is empty, {value.shape}.")
    sizes = sum(np.size(x._data if isinstance(x, Node) else x) for x in node.inputs) + value.size
    if sizes > MOST:
        raise ValueError(
            f"ladder: {node.op.name} has {sizes:,} numbers in its inputs and result, more than "
            f"{MOST}; take a smaller example, such as one image and a few channels."
        )
    return node, output


def _seed(value: Value, gradient: Any) -> Array:
    if gradient is None:
        return np.linspace(1, 2, value.size, dtype=value.dtype).reshape(value.shape)
    seed = np.asarray(gradient, value.dtype)
    if seed.shape != value.shape:
        raise ValueError(f"ladder: gradient has shape {seed.shape}, the value {value.shape}.")
    return seed


class _Climb:
    """One node carried out at every level."""

    def __init__(self, node: Node, output: int | None, seed: Array, trace: Trace) -> None:
        self.node, self.output, self.seed = node, output, seed
        self.op, self.static = node.op, node.static
        self.inputs = list(node.inputs)
        letters = self.op.input_names(len(self.inputs))
        self.names = [
            (trace.name(x) or letter) if isinstance(x, Node) else letter
            for x, letter in zip(self.inputs, letters, strict=True)
        ]
        self.distinct = {id(x): x for x in self.inputs if isinstance(x, Node)}
        self.tracked = [x for x in self.distinct.values() if x.requires_grad]

    def ladder(self) -> Ladder:
        """All levels, checked."""
        name, notes = str(self.op.name), []
        kinds = [x.dtype for x in (self.seed, *(t._data for t in self.tracked))]
        tolerance = ROUNDING * max(float(np.finfo(kind).eps) for kind in kinds)
        whole = self._tensor()
        levels = [whole]
        rows = self._rows(tolerance)
        if isinstance(rows, str):
            notes.append(rows)
        else:
            levels.append(rows)
        scalars = self._scalars(False)
        levels.append(scalars)
        kinds_of = {v.op: v for v in Trace(scalars.roots).order}
        if any(is_made_of_others(v) for v in kinds_of.values()):
            levels.append(self._scalars(True))
        elif not scalars.nodes:
            notes.append("It only moves numbers, so there is no op on single ones.")
        else:
            notes.append(
                "All ops of the scalars are elementary: it is the graph that micrograd would "
                "record."
            )
        for level in levels[1:]:
            if not level.difference <= tolerance:
                raise RuntimeError(
                    f"ladder: {name} at the level of {level.name} differs from the tensor by "
                    f"{level.difference:.2g} (relative; allowed {tolerance:.2g})."
                )
        return Ladder(name, levels, notes, tolerance)

    def _tensor(self) -> Level:
        with enable_grad():
            twins = {
                key: Value(x._data, x.requires_grad, self._name(x))
                for key, x in self.distinct.items()
            }
            y = self._apply([twins.get(id(x), x) for x in self.inputs])
        found = engine.gradients([y], [self.seed], [twins[id(x)] for x in self.tracked])
        gradients = [
            np.zeros_like(x._data) if g is None else np.asarray(g)
            for x, g in zip(self.tracked, found, strict=True)
        ]
        self.output_whole, self.gradients_whole = np.asarray(y._data), gradients
        return self._level("tensor", "One node, whole arrays.", [y], y._data, gradients)

    def _name(self, x: Any) -> str:
        return next(n for n, own in zip(self.names, self.inputs, strict=True) if own is x)

    def _apply(self, inputs: Sequence[Any]) -> Any:
        y = self.op.apply(inputs, self.static)
        return y if self.output is None else y[self.output]

    def _rows(self, tolerance: float) -> Level | str:
        """The op on one row at a time; or why there are none."""
        refusal = f"{self.op.name} does not split into rows: each takes more than a row of input."
        shape = self.seed.shape
        if not shape or shape[0] < 2:
            return f"There are no rows: the result is {'one row' if shape else 'a single number'}."
        fits = [np.shape(_data(x))[:1] == shape[:1] for x in self.inputs]
        alone = [i == 0 and fit for i, fit in enumerate(fits)]
        alike = [
            fit and np.ndim(_data(x)) == len(shape)
            for fit, x in zip(fits, self.inputs, strict=True)
        ]
        for split in dict.fromkeys(map(tuple, (alone, alike))):
            if any(split):
                level = self._split(split, shape[0])
                if level is not None and level.difference <= tolerance:
                    return level
        return refusal

    def _split(self, split: Sequence[bool], rows: int) -> Level | None:
        """The op on each row of those inputs that are split; None where it has no such form."""
        shared = {
            id(x): Value(x._data, x.requires_grad, self._name(x))
            for x, cut in zip(self.inputs, split, strict=True)
            if not cut and isinstance(x, Node)
        }
        parts: dict[int, list[Value]] = {}
        for x, cut in zip(self.inputs, split, strict=True):
            if cut and isinstance(x, Node):
                name = self._name(x)
                parts[id(x)] = [
                    Value(x._data[i : i + 1], x.requires_grad, f"{name}[{i}]") for i in range(rows)
                ]
        roots = []
        try:
            with enable_grad():
                for i in range(rows):
                    given = [
                        (parts[id(x)][i] if isinstance(x, Node) else x[i : i + 1])
                        if cut
                        else shared.get(id(x), x)
                        for x, cut in zip(self.inputs, split, strict=True)
                    ]
                    roots.append(self._apply(given))
            output = np.concatenate([np.asarray(y._data) for y in roots])
        except NO_FORM:
            return None
        if output.shape != self.seed.shape or not all(y.requires_grad for y in roots):
            return None
        for i, y in enumerate(roots):
            y.name = f"y[{i}]"
        seeds = [self.seed[i : i + 1] for i in range(rows)]
        gradients = []
        for x in self.tracked:
            total = np.zeros_like(x._data)
            if id(x) in parts:
                for i, g in enumerate(engine.gradients(roots, seeds, parts[id(x)])):
                    total[i] += 0 if g is None else g[0]
            if id(x) in shared:
                (g,) = engine.gradients(roots, seeds, [shared[id(x)]])
                total += 0 if g is None else g
            gradients.append(total)
        return self._level("rows", "One node for each row.", roots, output, gradients)

    def _scalars(self, deep: bool) -> Level:
        """The op on single numbers."""
        cells = {
            key: cells_of(x._data, x.requires_grad, self._name(x))
            if x._data.dtype.kind == "f"
            else x._data  # places and choices stay whole
            for key, x in self.distinct.items()
        }
        given = [cells.get(id(x), x) for x in self.inputs]
        try:
            with enable_grad(), np.errstate(all="ignore"):
                y = scalarise(self.op, given, self.static, deep)
            y = y if self.output is None else y[self.output]
            output = numbers(y)
        except NO_FORM as error:
            raise self._refusal("it is computed as a whole") from error
        if output.shape != self.seed.shape:
            raise self._refusal(f"the numbers come out in shape {output.shape}")
        pairs = [
            (root, g)
            for root, g in zip(y.ravel().tolist(), self.seed.ravel(), strict=True)
            if isinstance(root, Value) and root.requires_grad
        ]
        if not pairs:
            raise self._refusal("what comes out is not tracked")
        roots, seeds = [p[0] for p in pairs], [np.asarray(p[1]) for p in pairs]
        gradients = []
        for x in self.tracked:
            leaves = cells[id(x)].ravel().tolist()
            found = engine.gradients(roots, seeds, leaves)
            flat = [0.0 if g is None else float(g) for g in found]
            gradients.append(np.array(flat, x._data.dtype).reshape(x._data.shape))
        for index, root in zip(np.ndindex(output.shape), y.ravel().tolist(), strict=True):
            if isinstance(root, Value) and root.op is not None and index:
                root.name = f"y[{','.join(map(str, index))}]"
        about = "One node for each function of single numbers."
        if deep:
            about = "Each function opened into its formula, as micrograd would record it."
        name = "elementary ops" if deep else "scalars"
        return self._level(name, about, roots, output, gradients)

    def _refusal(self, why: str) -> ValueError:
        return ValueError(
            f"ladder: {self.op.name} has no form in single numbers: {why}. Compose the value of "
            "sums, products and functions of numbers, and climb one of those."
        )

    def _level(
        self, name: str, about: str, roots: list[Value], output: Any, gradients: list[Array]
    ) -> Level:
        made = [v.op for v in Trace(roots).order if v.op is not SELECT]
        ops = tuple(sorted({str(op.name) for op in made}))
        given = max(_largest(np.asarray(_data(x))) for x in self.inputs if x is not None)
        difference = _apart(np.asarray(output), self.output_whole, CANCELLED * given)
        least = CANCELLED * max(map(_largest, (self.seed, *self.gradients_whole)))
        for g, whole in zip(gradients, self.gradients_whole, strict=True):
            difference = max(difference, _apart(g, whole, least))
        return Level(name, about, roots, np.asarray(output), gradients, len(made), ops, difference)


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _largest(x: Array) -> float:
    """The largest finite size of a number; 0 of none."""
    if x.dtype.kind not in "fiub":
        return 0.0
    sizes = np.abs(x.astype(np.float64))
    return float(sizes[np.isfinite(sizes)].max(initial=0.0))


def _apart(a: Array, b: Array, least: float) -> float:
    """Largest difference over the largest number, or `least`; infinite where one is no number."""
    if a.shape != b.shape:
        return float("inf")
    wide, other = a.astype(np.float64), b.astype(np.float64)
    same = (wide == other) | (np.isnan(wide) & np.isnan(other))
    if not np.isfinite(wide[~same]).all() or not np.isfinite(other[~same]).all():
        return float("inf")
    away = np.abs(wide[~same] - other[~same]).max(initial=0.0)
    return float(away / max(_largest(wide), _largest(other), least)) if away else 0.0
