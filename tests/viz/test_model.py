"""autograd.viz.model: a graph as plain data."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

import autograd
from autograd import KernelOp, Value
from autograd.node import tick
from autograd.ops import relu
from autograd.viz.model import picture


class Scope:
    """What a module leaves on its outputs."""

    def __init__(self, owner, start, inner):
        self.owner, self.start, self.inner = owner, start, inner


class Module:
    """The part of nn.Module that drawings read."""

    def __call__(self, *args):
        start = tick()
        y = self.forward(*args)
        tick()
        y.scope = Scope(self, start, y.scope)
        return y

    def named_modules(self, prefix=""):
        yield prefix, self
        for name, child in vars(self).items():
            if isinstance(child, Module):
                yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self):
        for path, module in self.named_modules():
            for name, x in vars(module).items():
                if isinstance(x, Value):
                    yield (f"{path}.{name}" if path else name), x


class Linear(Module):
    def __init__(self, rng, n):
        self.weight = Value(rng.normal(size=(n, n)))
        self.bias = Value(np.zeros(n))

    def forward(self, x):
        return x @ self.weight + self.bias


class Block(Module):
    def __init__(self, rng, n):
        self.fc = Linear(rng, n)

    def forward(self, x):
        return x + np.tanh(self.fc(x))


class Net(Module):
    def __init__(self, rng, n=3):
        self.block, self.head = Block(rng, n), Linear(rng, n)

    def forward(self, x):
        return self.head(self.block(x))


class Through(Module):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.fixture
def x():
    return Value([[1.0, 2.0, 3.0]], name="x")


def of(p, **wanted):
    """The vertices with these attributes."""
    return [v for v in p.vertices if all(getattr(v, k) == w for k, w in wanted.items())]


def labels(p):
    return [c.label for c in p.clusters]


def test_a_product_is_two_leaves_an_op_and_a_result():
    p = picture(Value(2.0) * Value(3.0))
    assert [v.kind for v in p.vertices] == ["leaf", "leaf", "op", "result"]
    assert len(p.edges) == 3


def test_inputs_keep_their_places():
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    p = picture(a - b)
    names = {v.id: v.name for v in p.vertices}
    assert [(names[e.source], e.place) for e in p.edges[:2]] == [("a", 0), ("b", 1)]


def test_one_value_in_two_places_is_one_box_with_two_arrows():
    a = Value(2.0)
    p = picture(a * a)
    assert len(of(p, kind="leaf")) == 1
    assert len(p.edges) == 3


def test_a_constant_array_is_one_box_and_a_number_one_for_each_use():
    a, c = Value([1.0, 2.0]), np.array([3.0, 4.0])
    assert len(of(picture(a * c + c), kind="constant")) == 1
    assert len(of(picture(a * 2 + 2), kind="constant")) == 2


def test_untracked_leaves_are_constants():
    p = picture(Value(1.0) * Value(2.0, requires_grad=False))
    assert [v.tracked for v in of(p, kind="constant")] == [False]


def test_it_is_plain_data_even_with_nan():
    p = picture(Value([np.nan, np.inf]) * 2, gradients=True, formulas=True)
    assert json.loads(json.dumps(p.as_dict(), allow_nan=False))["gradients"] is True


def test_gradients_need_no_backward_and_leave_grad_alone():
    a, b = Value(2.0, name="a"), Value(3.0)
    p = picture(a * b, gradients=True)
    assert of(p, name="a")[0].gradient.numbers == 3.0
    assert a.grad is None


def test_the_gradient_of_an_array_is_that_of_its_sum():
    a = Value([1.0, 2.0], name="a")
    assert of(picture(a * a, gradients=True), name="a")[0].gradient.numbers == [2.0, 4.0]


def test_several_roots_are_drawn_together():
    a = Value(2.0, name="a")
    p = picture((a * 2, [a * 3]), gradients=True)
    assert len(of(p, root=True)) == 2
    assert of(p, name="a")[0].gradient.numbers == 5.0


def test_what_no_gradient_reaches_has_none():
    c, a = Value([1.0, 0.0], name="c"), Value([1.0, 2.0], name="a")
    p = picture(np.where(c, a, 0.0), gradients=True)
    assert of(p, name="c")[0].gradient is None
    assert of(p, name="a")[0].gradient.numbers == [1.0, 0.0]


def test_a_formula_is_written_with_the_inputs_names():
    a, w = Value([1.0, 2.0], name="a"), Value([3.0, 4.0], name="w")
    p = picture(a * w, formulas=True)
    assert [e.formula.text for e in p.edges if e.formula] == ["ȳ · w", "ȳ · a"]


@pytest.mark.parametrize(
    ("shape", "formula"),
    [((2,), "Σ₀(ȳ · c)"), ((8, 1), "Σ₁(ȳ · c)"), ((), "Σ[0, 1](ȳ · c)"), ((8, 2), "ȳ · c")],
)
def test_the_formula_of_a_broadcast_input_has_its_sum(shape, formula):
    x, c = Value(np.ones(shape), name="x"), Value(np.ones((8, 2)), name="c")
    p = picture(np.sum(x * c), formulas=True)
    assert formula in [e.formula.text for e in p.edges if e.formula]


def test_a_nameless_input_goes_by_a_letter_that_its_arrow_shows():
    a = Value([1.0, 2.0], name="a")
    p = picture((a + 1) * a, formulas=True)
    shown = [(e.label, e.formula.text) for e in p.edges if e.formula]
    assert shown[1:] == [("b", "ȳ · a"), ("", "ȳ · b")]


def test_an_input_called_y_does_not_pass_for_the_result():
    p = picture(np.exp(Value(1.0, name="y")) * 1, formulas=True)
    assert next(e.label for e in p.edges if e.formula) == "a"


def test_numbers_in_formulas_decide_their_conditions():
    p = picture(Value(3.0, name="x") ** 2, formulas=True)
    assert [e.formula.text for e in p.edges if e.formula] == ["ȳ · 2 · x"]


def test_between_numbers_the_formula_has_a_value():
    a, b = Value(2.0), Value(3.0)
    y = a * b * 5.0
    numbers = [e.formula.number for e in picture(y, formulas=True).edges if e.formula]
    assert numbers == [3.0, 2.0, 5.0]
    numbers = [
        e.formula.number for e in picture(y, formulas=True, gradients=True).edges if e.formula
    ]
    assert numbers == [15.0, 10.0, 5.0]


@pytest.mark.usefixtures("op_table")
def test_a_vjp_that_can_not_be_written_falls_back():
    op = autograd.Op(
        lambda a: a * 2.0, "f({a})", lambda g, y, a: g * float(a[0, 0].hex()), name="stubborn"
    )
    p = picture(op(Value([[1.0]], name="v")), formulas=True)
    formula = next(e.formula for e in p.edges if e.formula)
    assert (formula.text, formula.exact) == ("ȳ · ∂y/∂v", False)


def test_several_outputs_hang_on_one_op():
    u, s, vt = np.linalg.svd(Value(np.eye(2)))
    p = picture(np.sum(s) + np.sum(u) + np.sum(vt))
    (op,) = of(p, op="svd", kind="op")
    assert sorted(e.label for e in p.edges if e.source == op.id) == ["y₀", "y₁", "y₂"]
    assert of(p, kind="op", op="output") == []


def test_a_sequence_op_takes_all_its_inputs():
    p = picture(np.concatenate([Value([1.0]), Value([2.0]), Value([3.0])]), formulas=True)
    assert [e.label for e in p.edges if e.formula] == ["x₀", "x₁", "x₂"]


def test_arguments_that_are_not_defaults_are_shown(x):
    assert of(picture(np.sum(x, axis=1)), kind="op")[0].arguments == "axis=1"
    assert of(picture(np.sum(x)), kind="op")[0].arguments == ""
    assert of(picture(x[0, 1:]), kind="op")[0].arguments == "[0, 1:]"


def test_names_are_lent_to_the_nameless():
    a, c = Value(1.0), np.array([1.0, 2.0])
    p = picture(a * c, names={"a": a, "c": c, "_": c})
    assert [v.name for v in p.vertices[:2]] == ["a", "c"]


def test_a_released_graph_is_one_box_and_a_note():
    y = Value(2.0) * 3.0
    y.backward()
    p = picture(y)
    assert [v.released for v in p.vertices] == [True]
    assert "retain_graph=True" in p.notes[0]


def test_gradients_of_a_released_graph_raise_the_engines_error():
    y = Value(2.0) * 3.0
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        picture(y, gradients=True)


@pytest.mark.parametrize("wrong", [np.ones(2), 3.0, [], None])
def test_only_values_are_drawn(wrong):
    with pytest.raises(TypeError, match="draw"):
        picture(wrong)


def test_module_calls_are_nested_clusters(x, rng):
    p = picture(Net(rng)(x))
    parents = {c.id: c.parent for c in p.clusters}
    tree = {
        c.label: parents[c.id] and next(d.label for d in p.clusters if d.id == c.parent)
        for c in p.clusters
    }
    assert tree == {
        "Net": None,
        "block: Block": "Net",
        "block.fc: Linear": "block: Block",
        "head: Linear": "Net",
    }


def test_parameters_are_called_by_their_path_and_stand_in_their_module(x, rng):
    p = picture(Net(rng)(x))
    (weight,) = of(p, name="block.fc.weight")
    assert next(c.label for c in p.clusters if c.id == weight.cluster) == "block.fc: Linear"


def test_the_input_of_a_module_stands_outside(x, rng):
    assert of(picture(Net(rng)(x)), name="x")[0].cluster is None


def test_a_module_that_returns_its_childs_output_is_around_it(x, rng):
    p = picture(Through(Linear(rng, 3))(x))
    assert sorted(labels(p)) == ["Through", "inner: Linear"]


def test_a_module_that_returns_its_input_has_no_cluster(x):
    class Identity(Module):
        def forward(self, v):
            return v

    assert labels(picture(Identity()(x * 2))) == []


def test_calls_of_one_module_are_numbered(x, rng):
    fc = Linear(rng, 3)
    assert sorted(labels(picture(fc(fc(x))))) == ["Linear, call 1 of 2", "Linear, call 2 of 2"]


def test_depth_folds_what_is_deeper(x, rng):
    y = Net(rng)(x)
    p = picture(y, depth=1)
    assert [v.name for v in of(p, kind="fold")] == ["block: Block", "head: Linear"]
    assert [(v.ops, v.parameters) for v in of(p, kind="fold")] == [(4, 2), (2, 2)]
    assert [v.name for v in of(picture(y, depth=0), kind="fold")] == ["Net"]


def test_a_fold_shows_the_values_that_leave_it(x, rng):
    p = picture(Net(rng)(x), depth=1, gradients=True)
    assert [v.value.shape for v in of(p, kind="result")] == [(1, 3), (1, 3)]
    assert all(v.gradient for v in of(p, kind="result"))


def test_named_data_goes_into_a_fold(rng):
    data = np.ones((2, 3))
    p = picture(Net(rng)(data), depth=0, names={"data": data})
    assert [v.name for v in p.vertices if v.kind == "constant"] == ["data"]
    assert [v.kind for v in p.vertices] == ["fold", "constant", "result"]


def test_limit_folds_the_deepest_calls_first_and_says_so(x, rng):
    net = Net(rng)
    whole = len(picture(net(x)).vertices)
    p = picture(net(x), limit=whole - 1)
    assert [v.name for v in of(p, kind="fold")] == ["block.fc: Linear"]
    assert "limit" in p.notes[0]


def test_a_huge_graph_shows_its_end_and_counts_the_rest():
    v = Value(0.5)
    for _ in range(2000):
        v = np.tanh(v)
    p = picture(v, limit=50)
    (rest,) = of(p, kind="rest")
    assert len(p.vertices) <= 51
    assert rest.nodes == 2001 - len(of(p, kind="result"))
    assert of(p, root=True)


def test_a_hundred_thousand_nodes_are_no_trouble():
    v = x = Value(0.5)
    for _ in range(33_333):
        v = np.tanh(v * 1.01 + x)
    begin = time.perf_counter()
    picture(v, gradients=True)
    assert time.perf_counter() - begin < 20  # about 1 s; a quadratic walk would take hours


def test_a_concatenation_of_very_many_leaves_is_cut_too():
    p = picture(np.stack([Value(float(i)) for i in range(500)]), limit=40)
    assert len(p.vertices) <= 41


@pytest.mark.usefixtures("op_table")
def test_a_kernel_opens_into_its_reference():
    kernel = KernelOp(
        lambda a: (np.tanh(a) ** 2, None),
        "k({a})",
        lambda g, needs, y, saved, a: (g * 2 * np.tanh(a) * (1 - np.tanh(a) ** 2),),
        reference=lambda a: np.tanh(a) ** 2,
        arity=1,
        name="squash",
    )
    a = Value(0.5, name="a")
    y = kernel(a) * 3.0
    assert [v.op for v in of(picture(y), kind="op")] == ["squash", "multiply"]
    p = picture(y, open_kernels=True, gradients=True)
    assert [v.op for v in of(p, kind="op")] == ["tanh", "power", "multiply"]
    assert labels(p) == ["squash, opened"]
    assert of(p, name="a")[0].cluster is None
    assert all(v.gradient for v in p.vertices if v.kind == "result")


@pytest.mark.usefixtures("op_table")
def test_an_output_that_a_reference_uses_again_is_drawn_once():
    def reference(a):
        y = np.tanh(a)
        return y, y * 2

    kernel = KernelOp(
        lambda a: ((np.tanh(a), 2 * np.tanh(a)), None),
        "k({a})",
        lambda g, needs, y, saved, a: (a,),
        reference=reference,
        arity=1,
        name="two",
    )
    first, second = kernel(Value(0.5))
    p = picture(first + second, open_kernels=True, gradients=True)
    assert [v.op for v in of(p, kind="op")] == ["tanh", "multiply", "add"]
    assert of(p, kind="result", op="tanh")[0].gradient.numbers == 3.0


def test_drawing_reads_and_changes_nothing(x):
    y = relu(x * 2)
    before = (y.op, y.inputs, y.static, y.grad, y.scope)
    picture(y, gradients=True, formulas=True)
    assert (y.op, y.inputs, y.static, y.grad, y.scope) == before
