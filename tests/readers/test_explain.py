"""explain: the paths of a gradient and what each contributes."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import autograd
import nn
from autograd import Value, explain, grad


def test_every_path_is_found_and_named():
    x = Value(2.0, name="x")
    found = explain(x**3 - x, x)
    assert [path.title for path in found.paths] == ["power → subtract", "subtract"]
    assert [path.contribution.item() for path in found.paths] == [12.0, -1.0]
    assert found.gradient == 11.0
    assert found.others == 0


def test_an_input_used_twice_by_one_op_is_two_paths():
    x = Value(3.0)
    assert [row["contribution"] for row in explain(x * x, x).table()] == [3.0, 3.0]


def test_factors_multiply_to_the_contribution():
    x = Value(0.7, name="x")
    for path in explain(np.sin(np.exp(x)) * x, x).paths:
        product = np.prod([step.factor for step in path.steps])
        assert product == pytest.approx(path.contribution.item())


def ladder(x, rungs):
    """2**rungs paths through as many squares."""
    y = x
    for _ in range(rungs):
        y = y * 0.5 + 0.7 * np.sin(y)
    return y


def test_more_paths_than_the_limit_still_sum_to_the_gradient():
    x = Value(0.3)
    y = ladder(x, 40)
    found = explain(y, x, limit=8)
    assert len(found.paths) + found.others == 2**40
    assert len(found.paths) == 8
    np.testing.assert_allclose(found.gradient, grad(y, x), rtol=1e-12)


def test_the_most_important_path_comes_first():
    x = Value(1.0)
    sizes = [abs(row["contribution"]) for row in explain(x + 5 * x - 7 * x, x).table()]
    assert sizes == sorted(sizes, reverse=True)


def test_shares_sum_to_one():
    w = Value(np.array([[1.0, -2.0], [0.5, 3.0]]))
    found = explain(np.sum(np.tanh(w @ w) * w), w)
    assert sum(row["share"] for row in found.table()) == pytest.approx(1.0)


def test_one_element_can_be_asked_for():
    x = Value([1.0, 2.0], name="x")
    found = explain(np.sum(x * x), x, element=1)
    assert [row["contribution"] for row in found.table()] == [2.0, 2.0]
    assert "x[1]" in str(found)


def test_paths_go_through_ops_with_several_results_and_kernels():
    x = Value(np.linspace(-1, 1, 6), name="x")
    a, b = np.split(x, 2)
    y = autograd.ops.cross_entropy(np.stack([a, b * a]), np.array([0, 2]))
    np.testing.assert_allclose(explain(y, x).gradient, grad(y, x))


def test_a_result_on_the_way_can_be_asked_about():
    x = Value(2.0)
    h = x * x
    assert explain(h * 3 + h, h).gradient == 4.0


@st.composite
def programs(draw):
    """A list of steps: op, and which earlier results it takes."""
    steps = []
    for n in range(draw(st.integers(1, 7))):
        op = draw(st.sampled_from(["add", "multiply", "tanh", "row", "sum", "matmul"]))
        steps.append((op, draw(st.integers(0, n)), draw(st.integers(0, n))))
    return steps


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(1, 6))
def test_contributions_sum_to_the_gradient_of_a_random_graph(steps, limit):
    x = Value(np.linspace(-0.9, 1.1, 9).reshape(3, 3), name="x")
    results = [x]
    for op, i, j in steps:
        a, b = results[i], results[j]
        match op:
            case "row":
                y = a * b[:1]  # broadcast
            case "sum":
                y = a + np.sum(b, axis=1, keepdims=True)
            case "tanh":
                y = np.tanh(a)
            case _:
                y = getattr(np, op)(a, b)
        results.append(y)
    loss = np.sum(results[-1]) + np.sum(x)
    found = explain(loss, x, limit=limit)
    expected = grad(loss, x)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-9, atol=1e-9)
    total = found.rest + sum(path.contribution for path in found.paths)
    np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-9)


def test_it_prints_as_text_latex_and_a_table():
    x = Value(2.0, name="<x>")
    loss = x * x
    loss.name = "loss"
    found = explain(loss, x)
    assert str(found).splitlines()[0] == "∂loss/∂<x> = 4, over 2 paths"
    assert "&lt;x&gt;" in found._repr_html_()
    assert r"\underbrace" in found.latex()


def test_what_cannot_be_explained_is_refused_by_name():
    x, other = Value([1.0, 2.0]), Value(1.0)
    with pytest.raises(RuntimeError, match="no path leads from x"):
        explain(np.sum(x), other)
    with pytest.raises(ValueError, match="Only a single number can be"):
        explain(x * x, x)
    with pytest.raises(ValueError, match="has shape"):
        explain(x * x, x, gradient=np.ones(3))
    with pytest.raises(ValueError, match="limit"):
        explain(np.sum(x), x, limit=0)
    with pytest.raises(IndexError, match="no element"):
        explain(np.sum(x), x, element=5)
    with pytest.raises(TypeError, match="must be a Value"):
        explain(1.0, x)


def test_all_factors_are_shown_behind_a_zero():
    x, w, b = Value(1.0, name="x"), Value(-2.0, name="w"), Value(0.5, name="b")
    found = explain((nn.functional.relu(w * x + b) - 1.0) ** 2, w)
    assert found.table()[0]["factors"] == [1.0, 1.0, 0.0, 1.0, -2.0]
    assert str(found).endswith("= 1 · 1 · 0 · 1 · −2")


def test_shares_of_a_zero_gradient_are_not_printed_as_numbers():
    x = Value(2.0, name="x")
    found = explain(x - x, x)
    assert "nan" not in str(found) + found._repr_html_()
    assert "—" in str(found)


def test_operands_tell_the_two_uses_of_one_value_apart():
    d = Value(3.0, name="d")
    assert {path.title for path in explain(d * d, d).paths} == {
        "multiply (left)",
        "multiply (right)",
    }


def test_numbers_tell_ops_of_the_same_name_apart():
    x = Value(2.0, name="x")
    titles = {p.title: p.contribution.item() for p in explain(np.exp(x * 2) + x * 3, x).paths}
    assert titles["multiply → add"] == 3.0
    same = {p.title: p.contribution.item() for p in explain(x * 2 + x * 3, x).paths}
    assert same == {"multiply 1 → add": 2.0, "multiply 2 → add": 3.0}


def test_no_two_rows_read_the_same():
    x = Value(0.3)
    titles = [path.title for path in explain(ladder(x, 5), x).paths]
    assert len(set(titles)) == len(titles)


def test_gains_of_arrays_multiply_to_the_norm_of_the_contribution():
    rng = np.random.default_rng(0)
    w = Value(rng.normal(size=(3, 4)), name="w")
    (path,) = explain(np.sum(np.tanh(rng.normal(size=(5, 3)) @ w) ** 2), w).paths
    assert np.prod(path.gains) == pytest.approx(np.linalg.norm(path.contribution))
    assert path.factors == [None] * 4


def test_a_gain_behind_a_zero_is_that_of_ones():
    x = Value([2.0, 3.0])
    (path,) = explain(np.sum((x * 5) * 0.0), x).paths
    assert path.gains[:2] == pytest.approx([5.0, 0.0])


def test_parameters_and_ops_have_the_paths_of_their_modules():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    found = explain(np.sum(model(np.ones((2, 3), np.float32))), model[0].weight)
    assert str(found).startswith("‖∂y/∂0.weight‖")
    assert found.paths[0].title == "0: Linear → 1: Tanh → 2: Linear → sum"


def test_the_table_in_a_notebook_shows_every_factor():
    x = Value(2.0, name="x")
    html = explain(x**3 - x, x)._repr_html_()
    assert "× 12" in html
    assert "109%" in html
