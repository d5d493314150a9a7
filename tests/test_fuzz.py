"""A fuzzer: random graphs, held against an engine too naive to be wrong in the same way.

The naive engine runs forward. Every array carries its Jacobian as a plain matrix: a row for each of
its elements, a column for each element of everything that is differentiated by. A linear op is the
matrix found by applying it to unit vectors; an elementwise one scales rows. It shares no formula,
no order and no accumulation with the engine under test.
"""

from __future__ import annotations

import contextlib
import math
import operator

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from autograd import Value, grad, no_grad

LIMIT = 1e5  # numbers beyond it would measure rounding, not rules
CLOSE = {"rtol": 1e-7, "atol": 1e-7}

UNARY = {  # name -> (on Values, the naive function, its derivative)
    "sin": (np.sin, np.sin, np.cos),
    "tanh": (np.tanh, np.tanh, lambda x: 1 / np.cosh(np.clip(x, -99, 99)) ** 2),
    "negative": (operator.neg, lambda x: 0 - x, lambda x: -1 + 0 * x),
    "square": (lambda v: v**2, lambda x: x * x, lambda x: x + x),
    "relu": (lambda v: v.relu(), lambda x: x * (x > 0), lambda x: 1.0 * (x > 0)),
    "root": (lambda v: np.sqrt(v * v + 1), lambda x: np.hypot(x, 1), lambda x: x / np.hypot(x, 1)),
    "guarded log": (
        lambda v: np.where(v > 0.5, np.log(v), v),
        lambda x: np.log(np.maximum(x, 0.5)) * (x > 0.5) + x * (x <= 0.5),
        lambda x: 1 / np.maximum(x, 0.5) * (x > 0.5) + (x <= 0.5),
    ),
}
BINARY = {  # name -> (on Values and arrays alike, derivative by the first, by the second)
    "+": (operator.add, lambda a, b: 1, lambda a, b: 1),
    "-": (operator.sub, lambda a, b: 1, lambda a, b: -1),
    "*": (operator.mul, lambda a, b: b, lambda a, b: a),
    "/": (
        lambda a, b: a / (b * b + 1),
        lambda a, b: 1 / (b * b + 1),
        lambda a, b: -2 * a * b / (b * b + 1) ** 2,
    ),
    "max": (np.maximum, lambda a, b: (a > b) + (a == b) / 2, lambda a, b: (b > a) + (a == b) / 2),
}
LINEAR = {  # on Values and arrays alike
    "sum": np.sum,
    "sum of rows": lambda v: np.sum(v, axis=0, keepdims=True) if v.ndim else v + 0.0,
    "transpose": np.transpose,
    "flat": lambda v: np.reshape(v, (-1,)),
    "stretch": lambda v: np.broadcast_to(v, (2, 3)) if v.shape in ((), (3,), (2, 1)) else v * 1.0,
    "first": lambda v: v[0] if v.ndim else v * 2.0,
    "reversed twice": lambda v: v[::-1] + v[::-1] if v.ndim else v - 0.0,
}
MATRIX = np.random.default_rng(0).normal(size=(3, 3)).round(1)


class Pair:
    """The same node in both engines, and what it was made of."""

    def __init__(self, value, matrix, parents=()):
        self.value, self.matrix, self.parents = value, matrix, parents
        self.expected = None  # what its .grad must be
        self.released = False
        self.columns = None  # its own, where the gradient by it can be asked for
        self.born = self.written = 0

    @property
    def array(self):
        return self.value.data

    def behind(self):
        """Everything tracked that leads here, this node included, by id."""
        seen, stack = {}, [self]
        while stack:
            node = stack.pop()
            if id(node) not in seen and node.value.requires_grad:
                seen[id(node)] = node
                stack.extend(node.parents)
        return seen


def widened(matrix, n):
    return np.pad(matrix, ((0, 0), (0, n - matrix.shape[1])))


def sources(shape, stretched):
    """For each element of a broadcast array, the element that it came from."""
    index = np.arange(int(np.prod(shape))).reshape(shape)
    return np.broadcast_to(index, stretched).ravel()


PLACE = st.integers(0, 11)  # of a node: the latest results first, so that graphs grow deep
RARELY = st.integers(0, 4).map(lambda k: k == 4)


class Graphs(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.width = 0  # columns so far
        self.clock = 0
        self.differentiable = []  # nodes with columns
        self.leaves = [self.new_leaf(s, i) for i, s in enumerate([(), (3,), (2, 1), (2, 3)])]
        self.results = []

    def at(self, place):
        """One of the eight latest results, or a leaf."""
        return (
            self.results[-1 - place]
            if place < min(8, len(self.results))
            else self.leaves[place % 4]
        )

    def new_leaf(self, shape, seed):
        x = np.random.default_rng(seed).uniform(-1.5, 1.5, shape)
        return self.differentiated_by(Pair(Value(x), np.zeros((x.size, 0))))

    def differentiated_by(self, pair):
        """Give a node columns of its own: the gradient by it can be asked for."""
        n = pair.value.size
        pair.columns = slice(self.width, self.width + n)
        pair.matrix = np.hstack([widened(pair.matrix, self.width), np.eye(n)])
        self.width += n
        self.differentiable.append(pair)
        return pair

    def result(self, value, array, matrix, parents, mark):
        """Put a new node into the pool, or the parent again if its numbers have grown too far."""
        assert value.requires_grad
        assert value.shape == array.shape
        np.testing.assert_allclose(value.data, array, **CLOSE)
        if np.abs(array).max() > LIMIT or np.abs(matrix).max() > LIMIT:
            return parents[0]
        pair = Pair(value, matrix, parents)
        pair.born = self.clock
        self.results.append(self.differentiated_by(pair) if mark else pair)
        return pair

    @rule(
        names=st.lists(st.sampled_from(sorted(UNARY)), min_size=1, max_size=3),
        a=PLACE,
        mark=st.booleans(),
    )
    def unary(self, names, a, mark):
        a = self.at(a)
        for name in names:
            f, naive, slope = UNARY[name]
            with np.errstate(all="ignore"):
                value = f(a.value)
            matrix = np.reshape(slope(a.array), (-1, 1)) * a.matrix
            a = self.result(value, np.asarray(naive(a.array)), matrix, (a,), mark)

    @rule(
        names=st.lists(st.sampled_from(sorted(BINARY)), min_size=1, max_size=3),
        a=PLACE,
        b=PLACE,
        mark=st.booleans(),
    )
    def binary(self, names, a, b, mark):
        a, b = self.at(a), self.at(b)
        try:
            shape = np.broadcast_shapes(a.array.shape, b.array.shape)
        except ValueError:
            return
        for name in names:
            f, by_a, by_b = BINARY[name]
            x, y = a.array, b.array
            matrix = 0
            for node, slope in ((a, by_a), (b, by_b)):
                rows = widened(node.matrix, self.width)[sources(node.array.shape, shape)]
                matrix = matrix + np.broadcast_to(slope(x, y), shape).reshape(-1, 1) * rows
            a = self.result(f(a.value, b.value), f(x, y), matrix, (a, b), mark)

    @rule(name=st.sampled_from(sorted(UNARY)), a=PLACE, b=PLACE, detach=st.booleans())
    def product_with_what_is_not_recorded(self, name, a, b, detach):
        a, b = self.at(a), self.at(b)
        f, naive, _ = UNARY[name]
        with np.errstate(all="ignore"), contextlib.nullcontext() if detach else no_grad():
            c = f(a.value).detach() if detach else f(a.value)
        assert not c.requires_grad
        assert c.inputs == ()
        try:
            array = np.asarray(naive(a.array)) * b.array
        except ValueError:
            return
        rows = b.matrix[sources(b.array.shape, array.shape)]
        slope = np.broadcast_to(c.data, array.shape).reshape(-1, 1)
        self.result(c * b.value, array, slope * rows, (b,), False)

    @rule(
        name=st.sampled_from(sorted(BINARY)), a=PLACE,
        c=st.sampled_from([2, -0.5, np.float64(1.5), np.array([1.0, -2.0, 0.5]), np.ones((2, 1))]),
        reflected=st.booleans(),
    )  # fmt: skip
    def with_a_constant(self, name, a, c, reflected):
        f, by_a, by_b = BINARY[name]
        a = self.at(a)
        x, y = (c, a.array) if reflected else (a.array, c)
        try:
            array = np.asarray(f(x, y))
        except ValueError:
            return
        rows = a.matrix[sources(a.array.shape, array.shape)]
        slope = np.broadcast_to((by_b if reflected else by_a)(x, y), array.shape)
        value = f(c, a.value) if reflected else f(a.value, c)
        self.result(value, array, slope.reshape(-1, 1) * rows, (a,), False)

    @rule(
        name=st.sampled_from(sorted(LINEAR)), a=PLACE, mark=st.booleans()
    )  # fmt: skip
    def linear(self, name, a, mark):
        f = LINEAR[name]
        a = self.at(a)
        x = a.array
        units = [f(unit.reshape(x.shape)).ravel() for unit in np.eye(x.size)]
        self.result(f(a.value), np.asarray(f(x)), np.stack(units, axis=1) @ a.matrix, (a,), mark)

    @rule(a=PLACE)
    def product_with_a_matrix(self, a):
        a = self.at(a)
        if a.array.shape[-1:] != (3,):
            return
        blocks = np.kron(np.eye(a.array.size // 3), MATRIX.T)
        self.result(a.value @ MATRIX, a.array @ MATRIX, blocks @ a.matrix, (a,), False)

    @rule(
        leaf=st.integers(0, 3), in_place=st.booleans(), step=st.sampled_from([0.25, -0.5]),
        forget=st.booleans(),
    )  # fmt: skip
    def write(self, leaf, in_place, step, forget):
        """Write to a leaf, and perhaps forget what was made of it, as a training loop does."""
        leaf = self.leaves[leaf]
        if forget:
            self.results = [r for r in self.results if id(leaf) not in r.behind()]
        if in_place:
            leaf.value.data += step
        else:
            leaf.value.data = leaf.array + step
        self.clock += 1
        leaf.written = self.clock

    @rule(leaf=st.integers(0, 3))
    def forget_a_gradient(self, leaf):
        leaf = self.leaves[leaf]
        leaf.value.grad = leaf.expected = None

    @rule(root=PLACE, seed=st.integers(0, 9), release=RARELY)
    def backward(self, root, seed, release):
        root, retain = self.at(root), not release
        g = np.random.default_rng(seed).normal(size=root.value.shape)
        with self.errors(root) as ran:
            root.value.backward(g, retain_graph=retain)
        if ran:
            for node in root.behind().values():
                if node.columns is not None and (retain or not node.parents):
                    pulled = self.pulled(root, g, node)
                    node.expected = pulled if node.expected is None else node.expected + pulled
                node.released = release and bool(node.parents)
            if release:  # keep only the root, to be met again
                gone = [r for r in self.results if any(n.released for n in r.behind().values())]
                self.results = [r for r in self.results if r not in gone or r is root]
        self.compare_every_gradient()

    @rule(root=PLACE, xs=st.lists(PLACE, min_size=1, max_size=3), again=st.booleans())
    def grad_by_some(self, root, xs, again):
        root = self.at(root)
        xs = [x for x in map(self.at, xs) if x.columns is not None] or self.leaves[:1]
        g = np.ones(root.value.shape)
        with self.errors(root) as ran:
            found = grad(
                root.value, [x.value for x in xs], g, create_graph=again, allow_unused=True
            )
        if ran:
            behind = root.behind()
            for x, gx in zip(xs, found, strict=True):
                assert (gx is not None) == (id(x) in behind)
                if gx is not None:
                    np.testing.assert_allclose(
                        gx.data if again else gx, self.pulled(root, g, x), **CLOSE
                    )
        self.compare_every_gradient()

    def pulled(self, root, g, node):
        """The gradient by a node: the incoming one times that node's columns of the Jacobian."""
        columns = widened(root.matrix, self.width)[:, node.columns]
        return (g.ravel() @ columns).reshape(node.value.shape)

    @contextlib.contextmanager
    def errors(self, root):
        """Let through the errors that the state calls for; what it yields is true on success."""
        ran = []
        behind = root.behind().values()
        released = any(node.released for node in behind)
        born = min((node.born for node in behind if node.parents), default=math.inf)
        stale = any(node.written > born for node in behind)
        try:
            yield ran
        except RuntimeError as error:
            reasons = {"released": released, "written to": stale}
            if not any(text in str(error) for text, true in reasons.items() if true):
                raise
            if root in self.results:
                self.results.remove(root)
        else:
            assert not released
            ran.append(True)

    def compare_every_gradient(self):
        for pair in self.differentiable:
            if pair.expected is None:
                assert pair.value.grad is None
            else:
                np.testing.assert_allclose(pair.value.grad, pair.expected, **CLOSE)
                assert pair.value.grad.shape == pair.value.shape


Graphs.TestCase.settings = settings(max_examples=250, stateful_step_count=100, deadline=None)
TestGraphs = Graphs.TestCase
