"""why: the reason for a gradient, in one sentence with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from autograd.node import Array, Node
from autograd.printable import printable
from autograd.readers.paths import (
    Followed,
    Names,
    Path,
    Reach,
    Step,
    chips,
    follow,
    norm,
    place_of,
    told_apart,
)
from autograd.readers.why.blocks import WORK, blocks, narrowed
from autograd.readers.why.detached import detached, not_connected
from autograd.readers.why.loss import Drop, lost
from autograd.readers.why.noise import deviations, is_noise
from autograd.readers.why.nonfinite import bad, origin
from autograd.readers.why.reasons import because, called, constant_sum, invariance
from autograd.value import Value
from autograd.viz.summary import number

_LIMIT = 16  # paths that are followed separately: only the largest is shown
_FACTORS = 16  # most factors of a product in a sentence
_REASONS = 3  # notes on why elements are 0
_CANCELLED = 1e-6  # of what the paths contribute, that is left of their sum


class Why:
    """The reason for a gradient. It prints a sentence, the largest path and what else to know.

    Attributes
    ----------
    x, y : the Values; the gradient is dy/dx.
    element : the element of x that was asked for, or None.
    gradient : dy/dx; zeros if y does not depend on x.
    kind : "value", "zero", "noise", "not finite" or "detached".
    sentence : the reason.
    node : the result of the op that is the reason, or None.
    marked : the results of all ops that stop the gradient, or lose 90 % of it together.
    without : what the gradient would be if that op let pass what it stops, or None.
    path : the path that is shown: the largest; of a zero that which the op stops. None without one.
    followed : the paths that were followed separately, the largest first, the sum of all others,
        and how many these are. None without a path.
    notes : further sentences.
    """

    def __init__(
        self,
        y: Value,
        x: Value,
        element: tuple[int, ...] | None,
        called: tuple[str, str],
        gradient: Array,
    ) -> None:
        self.y, self.x, self.element, self.gradient = y, x, element, gradient
        self._called = called
        self.kind, self.sentence = "value", ""
        self.node: Node | None = None
        self.marked: frozenset[Node] = frozenset()
        self.without: float | None = None
        self.path: Path | None = None
        self.followed: Followed | None = None
        self.notes: list[str] = []

    @property
    def start(self) -> str:
        """The name of x, with the element."""
        return self._called[1] + ("" if self.element is None else str(list(self.element)))

    @property
    def symbol(self) -> str:
        """The gradient as it is written: ∂y/∂x, within norm signs if it is of an array."""
        symbol = f"∂{self._called[0]}/∂{self.start}"
        return f"‖{symbol}‖" if self.element is None and self.x.size != 1 else symbol

    def size(self, g: Array) -> float:
        """The chosen element of a gradient; else its value if it is one number, or its norm."""
        if self.element is not None:
            return float(g[self.element])
        return float(g.reshape(())) if g.size == 1 else norm(g)

    def passed(self, step: Step) -> float | None:
        """The factor of a step, or its gain; None for one element of arrays, which have neither.

        The op that stops all of the gradient of this element has 0.
        """
        if step.factor is not None or self.element is None:
            return step.gain if step.factor is None else step.factor
        return 0.0 if step.node in self.marked and self.kind == "zero" else None

    def __str__(self) -> str:
        lines = [self.sentence]
        if self.path is not None and self.path.steps:
            steps = [
                title if (x := self.passed(step)) is None else f"{title} ×{number(x)}"
                for title, step in zip(self.path.titles, self.path.shown, strict=True)
            ]
            lines.append("  " + " → ".join([self.start, *steps]))
        return printable("\n".join([*lines, *(f"  {note}" for note in self.notes)]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The sentence, the path and the notes, for a notebook or as part of a page."""
        parts = [f"<p><b>{escape(self.sentence)}</b></p>"]
        if self.path is not None and self.path.steps:
            parts.append(
                "<div style='overflow-x:auto' tabindex='0' role='region' aria-label='path'>"
                f"{chips(self.start, self.path, self.passed, self.marked | {self.node})}</div>"
            )
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        return f"<div class='why'>{''.join(parts)}</div>"


def why(
    y: Value,
    x: Value,
    *,
    gradient: Any = None,
    element: int | Sequence[int] | None = None,
) -> Why:
    """Say why the derivative of y with respect to x is what it is, in one sentence with numbers.

    A gradient of 0 has an op that stops it: the sentence names it with the numbers that made it do
    so, and says what the gradient would be without it. A NaN or infinity has an op that made it. A
    gradient that is no larger than its own rounding is said to be noise. For any other the largest
    path is shown with its factors (its gains, for arrays), and where on it 90 % was lost.

    Parameters
    ----------
    y : Value
        A single number, such as a loss; else give `gradient`.
    x : Value
        A leaf or an intermediate result.
    gradient : array_like, optional
        Incoming gradient of y's shape.
    element : index of one element of x, optional
        Ask about this element, instead of all of x.

    Returns
    -------
    Why : prints as text; HTML in notebooks; `.sentence`, `.path`, `.without`.

    Raises
    ------
    RuntimeError
        The graph was released.
    ValueError
        y is not a single number and `gradient` is missing.
    IndexError
        x has no such element.

    Examples
    --------
    >>> import autograd, nn
    >>> x, w, b = (autograd.Value(v, name=n) for n, v in dict(x=1.0, w=-2.0, b=0.5).items())
    >>> loss = (nn.functional.relu(w * x + b) - 1) ** 2
    >>> print(autograd.why(loss, w))
    ∂y/∂w = 0 because relu's input was −1.5; without it −2.
      w → multiply ×1 → add ×1 → relu ×0 → subtract ×1 → power ×−2
    """
    return asked(Reach("why", y, x, gradient), Names(y), place_of("why", x, element))


def asked(
    reach: Reach,
    names: Names,
    where: tuple[int, ...] | None = None,
    *,
    limit: int = _LIMIT,
    work: int = WORK,
) -> Why:
    """The answer of `why` for the part of a graph from y to x, with the names of its nodes.

    At most `limit` paths are followed separately; the search for what stops a gradient runs about
    `work` ops.
    """
    y, x = reach.y, reach.x
    g = np.asarray(reach.gradients.get(x, np.zeros(x.shape, x.dtype)))
    answer = Why(y, x, where, names.pair(x), g)
    if not reach.connected:
        answer.kind = "detached"
        answer.sentence = f"{answer.symbol} = 0 because {not_connected(names, answer.start, x)}."
        return answer
    _Asked(reach, names, answer, limit, work).answer()
    return answer


class _Asked:
    """One question, and the kinds of reasons in order."""

    def __init__(self, reach: Reach, names: Names, answer: Why, limit: int, work: int) -> None:
        self.reach, self.names, self.to, self.work = reach, names, answer, work
        self.g = answer.gradient if answer.element is None else answer.gradient[answer.element]
        self.found: Followed = follow(reach, names, limit)
        self.paths = told_apart(self.found.paths, names.trace.order)
        self.paths.sort(key=lambda p: -abs(answer.size(p.contribution)))
        answer.path = self.paths[0]
        answer.followed = self.found._replace(paths=self.paths)

    def answer(self) -> None:
        """Fill in the first reason that holds."""
        if bad(self.g):
            self._not_finite()
        elif not (self._cancelling_paths() or self._stopped() or self._noise()):
            self._value()
        if bad(self.to.y):
            value = number(float(np.asarray(self.to.y._data).flat[0]))
            self.to.notes.append(f"{self.to._called[0]} itself is {value}.")
        self.to.notes += detached(self.names, self.reach)

    def _say(self, kind: str, reason: str, node: Node | None = None) -> bool:
        to = self.to
        to.kind, to.node = kind, node
        to.sentence = f"{to.symbol} = {number(to.size(to.gradient) + 0.0)} {reason}."
        return True

    def _not_finite(self) -> None:
        reason, node = origin(self.reach, self.names)
        self._say("not finite", f"because {reason}", node)
        odd = int((~np.isfinite(self.to.gradient)).sum())
        if self.to.gradient.size > 1:
            self.to.notes.append(
                f"{odd:,} of {self.to.gradient.size:,} elements {_are(odd)} not finite."
            )
        self._through(node)

    def _cancelling_paths(self) -> bool:
        """Whether the contributions of separate paths are large, and their sum is not."""
        sizes = [self.to.size(path.contribution) for path in self.paths]
        largest = max(map(abs, sizes))
        if len(sizes) < 2 or not largest:
            return False
        if abs(self.to.size(self.to.gradient)) > _CANCELLED * largest:
            return False
        count = len(sizes) + self.found.others
        shown = " and ".join(number(size) for size in sizes[:2])
        more = f"; the largest are {shown}" if count > 2 else f": {shown}"
        zero = not np.any(self.g)
        return self._say("zero" if zero else "noise", f"because {count:,} paths cancel{more}")

    def _stopped(self) -> bool:
        """Whether all of what was asked about is exactly 0, as some op stops it."""
        if np.any(self.g):
            return False
        if not np.any(self.reach.seed):
            return self._say("zero", "because the incoming gradient is 0")
        found = blocks(self.reach, self.to.element, self.work)
        if not found:
            return False
        to = self.to
        block = max(
            (b for b in found if b.exact == found[0].exact),
            key=lambda b: (abs(to.size(b.added)), b.node.op.name != "multiply"),
        )
        block = narrowed(self.reach, block, to.element)
        also = [called(self.names, v) for v in dict.fromkeys(block.also)]
        reason = f"because {because(self.names, block)}"
        if also:
            more = f" and {len(also) - 3:,} other ops" if len(also) > 3 else ""
            reason += f", and {' and '.join(also[:3])}{more} would stop it again"
        if block.exact:
            without = to.size(to.gradient + block.added)
            if np.isfinite(without):
                to.without = without
                still = "" if without else "still "
                reason += f"; without {'them' if also else 'it'} {still}{number(without + 0.0)}"
        self._say("zero", reason, block.node)
        to.marked = frozenset((block.node, *block.also))
        self._through(block.node)
        others = {b.node: b for b in found if b.node is not block.node}
        if others:
            titles = ", ".join(called(self.names, v) for v in [*others][:3])
            to.notes.append(f"Stopped on other paths too, by {titles}.")
        return True

    def _through(self, v: Node | None) -> None:
        """Show the largest path through a node."""
        through = [p for p in self.paths if any(step.node is v for step in p.steps)]
        self.to.path = next(iter(through), self.to.path)

    def _noise(self) -> bool:
        """Whether it is no larger than its own rounding, and which op leaves only that."""
        away = deviations(self.reach)
        x = self.reach.x
        own = away[x] if self.to.element is None else away[x][self.to.element]
        if not is_noise(self.g, own):
            if np.any(self.g):
                return False
            return self._say("zero", "by the ops on the path: none of them alone stops it")
        v, i = self._cancelling(away)
        g = self.reach.gradients[v]
        who = called(self.names, v)
        reason = constant_sum(self.names, v, g) or self._sum(v, i, g, who)
        is_zero = not np.any(self.g)
        start = "because" if is_zero else "is rounding noise:"
        self._say("zero" if is_zero else "noise", f"{start} {reason}", v)
        return True

    def _cancelling(self, away: dict[Node, Any]) -> tuple[Node, int]:
        """The op nearest to y that gets a gradient and passes back noise, and its input."""
        last = (self.reach.order[0], 0)
        for v in reversed(self.reach.order):
            for i in self.reach.places(v):
                a = v.inputs[i]
                if v not in away or is_noise(self.reach.gradients[v], away[v]):
                    continue
                if a is self.reach.x:
                    last = (v, i)
                elif a in away and is_noise(self.reach.gradients[a], away[a]):
                    return v, i
        return last

    def _sum(self, v: Node, i: int, g: Any, who: str) -> str:
        """What cancels within v, with the sum of its sizes if v only adds it up."""
        reason = f"the terms that {who} adds up cancel"
        if v.op.name in ("add", "subtract") or v.op.input_names(len(v.inputs))[i] in ("bias", "b"):
            sizes = np.abs(np.asarray(self.reach.pull(v, i, np.abs(g))))
            total = (
                sizes
                if self.to.element is None or v.inputs[i] is not self.to.x
                else sizes[self.to.element]
            )
            reason += f" (their sizes sum to {number(norm(total))})"
        self._through(v)
        shift = invariance(self.names, v, self.to.path) if self.to.path else ""
        return f"{reason}, since {shift}" if shift else reason

    def _value(self) -> None:
        """A gradient like any other: its paths, what was lost on the largest, its zeros."""
        to = self.to
        count = len(self.paths) + self.found.others
        path = self.paths[0]
        if count > 1:
            reason = f"over {count:,} paths; the largest gives {number(to.size(path.contribution))}"
        elif path.steps:
            reason = "over one path"
        else:
            reason = f"because it is {to._called[0]} itself"
        if 0 < len(path.factors) <= _FACTORS and None not in path.factors:
            factors = [f for f in path.factors if f is not None]
            product = " · ".join(number(f) for f in factors)
            reason += f"{' =' if count > 1 else ':'} {product}"
        node: Node | None = None
        drop = lost(path) if to.element is None or None not in path.factors else None
        if drop is not None:
            node = drop.steps[0].node
            to.marked = frozenset(step.node for step in drop.steps)
            reason += f"; {_drop(self.names, drop)}"
        self._say("value", reason, node)
        if to.element is None and to.gradient.size > 1:
            self._zeros()

    def _zeros(self) -> None:
        """A note on the elements that get nothing."""
        g = self.to.gradient
        left = g == 0
        if not left.any():
            return
        count = int(left.sum())
        self.to.notes.append(f"{count:,} of {g.size:,} elements {_are(count)} 0:")
        found = blocks(self.reach, left, self.work)
        while found and left.any():
            counts = [int(np.count_nonzero((block.added != 0) & left)) for block in found]
            k = int(np.argmax(counts))
            if not counts[k] or len(self.to.notes) > _REASONS:
                break
            block = found.pop(k)
            here = (block.added != 0) & left
            if block.node.inputs[block.place] is self.to.x and not block.exact:
                such, reason = "", because(self.names, block._replace(where=here))
            else:
                first = tuple(int(n) for n in np.argwhere(here)[0])
                reason = because(self.names, narrowed(self.reach, block, first))
                such = f" like {list(first)}," if counts[k] > 1 else f" ({list(first)})"
            self.to.notes.append(f"{counts[k]:,}{such} because {reason}.")
            left = left & ~here
        if left.any():
            self.to.notes[-1] += f" ({int(left.sum()):,} for other reasons.)"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _drop(names: Names, drop: Drop) -> str:
    gone = drop.gain > 0.001
    percent = f"{100 * (1 - drop.gain):.3g} %" if gone else f"all but {number(drop.gain, 2)}"
    steps = drop.steps
    if len(steps) == 1:
        (step,) = steps
        return f"{percent} of the gradient is lost at {called(names, step.node)}{drop.input}"
    first, last = called(names, steps[-1].node), called(names, steps[0].node)
    return f"{percent} of the gradient is lost between {first} and {last}, over {len(steps)} ops"
