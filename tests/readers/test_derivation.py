"""derivation: the chain rule written out, and what its numbers come to."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import autograd
import nn
from autograd import Value, explain, grad
from autograd.viz.mathml import mathml, row

F = nn.functional


def dead_neuron():
    x, w, b = Value(1.0, name="x"), Value(-2.0, name="w"), Value(0.5, name="b")
    loss = (F.relu(w * x + b) - 1.0) ** 2
    loss.name = "loss"
    return loss, w


def test_a_scalar_chain_is_written_with_fractions_formulas_and_numbers():
    assert str(explain(*dead_neuron()).derivation()).splitlines() == [
        "      v₁ = w · x = −2",
        "      v₂ = v₁ + b = −1.5",
        "      v₃ = relu(v₂) = 0",
        "      v₄ = v₃ − 1 = −1",
        "    loss = v₄² = 1",
        "∂loss/∂w = ∂loss/∂v₄ · ∂v₄/∂v₃ · ∂v₃/∂v₂ · ∂v₂/∂v₁ · ∂v₁/∂w",
        "         = 2 · v₄ · 1 · (0 if v₂ ≤ 0 else 1) · 1 · x",
        "         = (−2) · 1 · 0 · 1 · 1",
        "         = 0, which is the engine's gradient",
    ]


OPS = [
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: a - 2.0 * b,
    lambda a, b: np.tanh(a),
    lambda a, b: a / (b * b + 1.0),
    lambda a, b: np.exp(-a * a),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_the_numbers_multiplied_and_added_are_the_gradient(steps):
    x = Value(0.7, name="x")
    made = [x, x * 1.3]
    for op, i, j in steps:
        made.append(op(made[i % len(made)], made[j % len(made)]))
    y = sum(made[1:], made[-1])
    found = explain(y, x, limit=1000).derivation()
    assert found.scalar
    total = sum(math.prod(f.number for f in factors) for factors in found.factors)
    assert total == pytest.approx(grad(y, x).item(), rel=1e-9)
    assert found.equal


def test_what_is_not_followed_separately_is_in_the_sum():
    x = Value(0.3, name="x")
    y = x
    for _ in range(4):
        y = np.tanh(y + x)
    found = explain(y, x, limit=2).derivation()
    apart = sum(math.prod(f.number for f in factors) for factors in found.factors)
    assert apart < found.value == pytest.approx(grad(y, x))
    assert "3 other paths give 0." in str(found)
    assert found.equal


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gains_multiplied_are_the_norm_of_a_contribution(dtype):
    rng = np.random.default_rng(0)
    w = Value(rng.normal(size=(3, 2)).astype(dtype), name="W")
    y = np.sum(np.tanh(rng.normal(size=(8, 3)).astype(dtype) @ w) ** 2)
    found = explain(y, w).derivation()
    (factors,) = found.factors
    product = math.prod(f.number for f in factors)
    assert product == pytest.approx(np.linalg.norm(grad(y, w)), rel=1e-5)
    assert [f.shape for f in factors] == [(8, 2), (8, 2), (8, 2), (3, 2)]
    assert found.equal
    assert found.lines[-1].right.startswith(r"\begin{bmatrix}")


def test_what_comes_to_a_broadcast_input_is_a_sum():
    b = Value(np.zeros(2), name="b")
    y = np.sum((np.ones((8, 2)) + b) ** 2)
    text = str(explain(y, b).derivation())
    assert "∂y/∂b = Σ₀∂y/∂v₁, 2, gain " in text
    assert "∂y/∂b = [16, 16], which is the engine's gradient" in text


def network():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    return F.cross_entropy(model(x), np.arange(5) % 2), model[0].weight


def branch_not_taken():
    x = Value(0.0, name="x")
    with np.errstate(all="ignore"):
        return np.where(x > 1, np.sqrt(x), 0.5 * x), x


def not_a_number():
    x = Value(0.0, name="x")
    with np.errstate(all="ignore"):
        return np.sqrt(x) * 0.0, x


def recurrent():
    layer = nn.LSTM(2, 3)
    return np.sum(layer(np.ones((4, 1, 2), np.float32))[0] ** 2), layer.weight_ih_l0


def hostile():
    x = Value(2.0, name="<b>&\\{x}^$%_~")
    y = x * x
    y.name = "</math><script>"
    return y, x


def nothing():
    x = Value(np.zeros((0, 3)), name="x")
    return np.sum(x), x


MADE = [dead_neuron, network, branch_not_taken, not_a_number, recurrent, hostile, nothing]


@pytest.mark.parametrize("make", MADE)
def test_latex_and_mathml_parse(make):
    found = explain(*make()).derivation()
    for line in found.lines:
        for side in (line.left, line.right):
            if side:
                ElementTree.fromstring(mathml(side))
    tree = ElementTree.fromstring(found.mathml())
    rows = [e for e in tree.iter() if e.tag.endswith("}mtr")]
    assert len(rows) >= len(found.lines)
    assert all(e.tag.rpartition("}")[2] != "script" for e in tree.iter())
    body = found.latex()
    assert body.startswith("\\begin{aligned}\n")
    assert body.count("{") - body.count(r"\{") == body.count("}") - body.count(r"\}")
    assert body.count("&=") == len(found.lines)


@pytest.mark.parametrize("make", MADE)
def test_the_last_line_is_the_engines_gradient(make):
    y, x = make()
    found = explain(y, x).derivation()
    assert found.equal
    assert found.lines[-1].remark.endswith("which is the engine's gradient")
    assert np.allclose(found.gradient, grad(y, x), rtol=1e-6, equal_nan=True)


def test_a_wrong_sum_is_said_to_be_wrong():
    found = explain(*dead_neuron())
    found.gradient = found.rest = found.rest + 1.0
    assert "= 1, but the engine's gradient is 0" in str(found.derivation())


def test_zero_times_infinity_on_a_branch_not_taken_is_explained():
    text = str(explain(*branch_not_taken()).derivation())
    assert "1 · 0.5 + 0 · ∞, 0 · ∞ is 0 here: no branch that was taken leads there" in text
    assert "0 · ∞ is 0" not in str(explain(*not_a_number()).derivation())


def test_an_incoming_gradient_is_the_first_factor():
    loss, _ = dead_neuron()
    (b,) = (x for v in [loss.inputs[0].inputs[0].inputs[0]] for x in v.inputs if x.name == "b")
    b.data += 4.0
    loss = (b * 2.0) ** 2
    found = explain(loss, b, gradient=3.0).derivation()
    (factors,) = found.factors
    assert [f.number for f in factors] == [3.0, 18.0, 2.0]
    assert found.equal


def test_one_element_of_an_array_is_named_by_its_index():
    w = Value(np.arange(6.0).reshape(3, 2), name="W")
    text = str(explain(np.sum(w**2), w, element=(2, 1)).derivation())
    assert text.splitlines()[-1] == "∂y/∂W[2, 1] = 10, which is the engine's gradient"


def test_a_long_product_is_shortened_with_its_middle_multiplied():
    x = Value(1.0, name="x")
    y = x
    for _ in range(30):
        y = y * 1.1
    found = explain(y, x).derivation()
    assert rf"\underbrace{{\cdots}}_{{{1.1**20:.4g}}}" in found.lines[0].right
    assert "30 factors" in str(found)
    assert len(found.lines) == 2


def test_names_without_a_path_stand_where_they_are_unambiguous():
    text = str(explain(*network()).derivation())
    assert "v₃ = v₂ 2.weightᵀ + 2.bias" in text
    model = nn.Sequential(nn.Linear(2, 1))
    text = str(explain(np.sum(model(np.ones((1, 2), np.float32))), model[0].weight).derivation())
    assert "weightᵀ + bias" in text
    assert "0.weight" not in text


def test_letters_of_results_are_no_names_of_others():
    v = Value(2.0, name="v_1")
    assert "v₂ = v₁ · 3" in str(explain((v * 3.0) ** 2, v).derivation())


def test_a_notebook_shows_mathml_without_mathjax():
    html = explain(*dead_neuron()).derivation()._repr_html_()
    assert "<math xmlns" in html
    assert "$" not in html


def test_names_stand_apart_in_mathml():
    space = '<mspace width="0.2em"/>'
    assert f"{space}<msup><mtext>0.weight</mtext>" in row(r"c_{1} \mathrm{0.weight}^\top")
    assert "<script>" not in row(r"\mathrm{a.b<script>}")


def test_a_released_graph_is_refused():
    loss, w = dead_neuron()
    found = explain(loss, w)
    loss.backward()
    with pytest.raises(RuntimeError, match="released"):
        found.derivation()


def test_a_value_is_derived_from_itself():
    w = Value(2.0, name="w")
    assert str(autograd.explain(w, w).derivation()) == "∂w/∂w = 1, which is the engine's gradient"
