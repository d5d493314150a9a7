"""Derivatives as functions."""

from __future__ import annotations

import functools
from collections import OrderedDict, namedtuple
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from autograd import (
    Op,
    Value,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from autograd.op import ROWS


def test_grad_touches_no_leaf():
    x = Value(2.0)
    assert grad(x * x, x) == 4.0
    assert x.grad is None


def test_grad_leaves_the_graph_usable():
    x = Value(2.0)
    y = x * x
    assert grad(y, x) == grad(y, x) == 4.0
    y.backward()
    assert x.grad == 4.0


def test_grad_of_intermediate_values():
    x = Value(2.0)
    hidden = x * x
    assert grad(hidden**2, hidden) == 8.0


def test_grad_of_an_intermediate_and_its_ancestor():
    x = Value(2.0)
    hidden = x * x
    y = hidden * 3 + x
    np.testing.assert_array_equal(grad(y, [hidden, x, y]), [3.0, 13.0, 1.0])


def test_grad_of_the_same_value_twice_gives_two_arrays():
    x = Value([2.0, 3.0])
    a, b = grad(np.sum(x * x), [x, x])
    np.testing.assert_array_equal(a, b)
    assert not np.shares_memory(a, b)


def test_grad_of_a_value_with_respect_to_itself_is_one():
    x = Value(2.0)
    assert grad(x, x) == 1.0


def test_grad_results_alias_nothing():
    x = Value([1.0, 2.0])
    a = x + 0.0
    seed = np.array([5.0, 6.0])
    arrays = [seed, x.data, a.data, *grad(a + 1.0, [x, a], seed)]
    for i, g in enumerate(arrays[3:], 3):
        assert not any(np.shares_memory(g, h) for h in arrays[:i])


def test_an_x_without_a_path_raises_unless_allowed():
    x, z = Value(2.0), Value(3.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        grad(x * x, [x, z])
    assert grad(x * x, [x, z], allow_unused=True)[1] is None


def test_grad_keeps_to_the_paths_that_lead_to_xs(op_table):
    calls = []

    def spy(g, y, a):
        calls.append(1)
        return g

    op = Op(lambda a: +a, "{a}", spy, name="spy")
    x, z = Value(2.0), Value(3.0)
    grad(op(z) * x, x)
    assert calls == []


def test_watch_sees_every_node_outputs_first():
    x = Value(2.0, name="x")
    hidden = x * x
    y = hidden + 1.0
    seen = []
    grad(y, x, watch=lambda v, g: seen.append((v, float(g))))
    assert seen == [(y, 1.0), (hidden, 1.0), (x, 4.0)]


def test_watch_sees_leaves_that_were_not_asked_for():
    x, z = Value(2.0), Value(3.0)
    seen = {}
    grad(x * z, x, watch=lambda v, g: seen.update({v: float(g)}))
    assert seen[x] == 3.0
    assert seen[z] == 2.0


def test_watch_under_create_graph_gets_values():
    x = Value(2.0)
    seen = []
    grad(x**3, x, create_graph=True, watch=lambda v, g: seen.append((v, g)))
    assert isinstance(dict(seen)[x], Value)


def test_the_third_derivative_of_x_sin_x_is_exact():
    x = Value(0.7)
    d = np.sin(x) * x
    for _ in range(3):
        d = grad(d, x, create_graph=True)
    exact = -3 * np.sin(0.7) - 0.7 * np.cos(0.7)
    assert d.item() == pytest.approx(exact, rel=1e-14)


def test_the_sixth_derivative_of_a_power_is_its_factorial():
    x = Value(1.5)
    d = x**6
    for _ in range(6):
        d = grad(d, x, create_graph=True)
    assert d.item() == pytest.approx(720.0)


def test_backward_through_a_gradient_reaches_the_leaves():
    x = Value([1.0, 2.0])
    penalty = np.sum(grad(np.sum(x**3), x, create_graph=True) ** 2)  # 9 x⁴
    penalty.backward()
    np.testing.assert_allclose(x.grad, 36 * np.array([1.0, 8.0]))


def test_create_graph_works_inside_no_grad():
    x = Value(2.0)
    y = x**3
    with no_grad():
        slope = grad(y, x, create_graph=True)
    assert grad(slope, x) == 12.0


def test_a_gradient_that_is_constant_is_a_value_without_history():
    x = Value(2.0)
    slope = grad(x * 3.0, x, create_graph=True)
    assert isinstance(slope, Value)
    assert slope.item() == 3.0
    with pytest.raises(RuntimeError):
        grad(slope, x)


def test_second_derivatives_undo_broadcasting():
    x = Value(np.array([[1.0], [2.0]]))
    y = np.sum((x * np.arange(3.0)) ** 2)
    slope = grad(y, x, create_graph=True)
    np.testing.assert_allclose(grad(np.sum(slope), x), [[10.0], [10.0]])


def test_the_incoming_gradient_is_differentiable_under_create_graph():
    x, g = Value([1.0, 2.0]), Value([3.0, 4.0])
    pulled = grad(x**2, x, g, create_graph=True)
    np.testing.assert_array_equal(grad(np.sum(pulled), g), [2.0, 4.0])


def test_create_graph_leaves_the_first_graph_whole():
    x = Value(2.0)
    y = x**3
    grad(y, x, create_graph=True)
    y.backward()
    assert x.grad == 12.0


@pytest.fixture
def mlp(rng):
    """The loss of a 2-3-1 network as a function of its 13 parameters."""
    x, t = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))

    def loss(p):
        w1, b1, w2, b2 = p[:6].reshape(2, 3), p[6:9], p[9:12].reshape(3, 1), p[12]
        return np.mean((np.tanh(x @ w1 + b1) @ w2 + b2 - t) ** 2)

    return loss, rng.normal(size=13)


def numeric_jacobian(f, x, eps=1e-6):
    columns = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = eps
        step = step.reshape(x.shape)
        columns.append((np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * eps))
    return np.stack(columns, axis=-1)


def test_the_hessian_of_an_mlps_loss_is_that_of_finite_differences(mlp):
    loss, p = mlp
    h = hessian(loss)(p)
    np.testing.assert_allclose(
        h, numeric_jacobian(lambda q: value_and_grad(loss)(q)[1], p), atol=1e-7
    )
    np.testing.assert_allclose(h, h.T, atol=1e-14)


def test_hvp_is_the_hessian_times_the_vector(mlp, rng):
    loss, p = mlp
    v = rng.normal(size=13)
    y, times = hvp(loss)(p)
    np.testing.assert_allclose(times(v), hessian(loss)(p) @ v, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(y, loss(p))


def vector(x):
    return np.stack([x[0] * x[1], np.sin(x[2]) * x[0], np.exp(x[1])])


X = np.array([0.5, -1.0, 2.0])


def test_the_jacobian_is_that_of_finite_differences():
    np.testing.assert_allclose(jacobian(vector)(X), numeric_jacobian(vector, X), atol=1e-8)


def test_the_jacobian_has_the_outputs_axes_and_then_the_inputs():
    j = jacobian(lambda x: np.sum(x, axis=0) ** 2)(np.ones((2, 3)))
    assert j.shape == (3, 2, 3)
    np.testing.assert_array_equal(j[1], [[0, 4, 0], [0, 4, 0]])


def test_jvp_is_the_jacobian_times_the_vector(rng):
    v = rng.normal(size=3)
    y, push = jvp(vector)(X)
    np.testing.assert_allclose(y, vector(X))
    np.testing.assert_allclose(push(v), jacobian(vector)(X) @ v, rtol=1e-13)


def test_jvp_adds_up_over_several_inputs():
    _, push = jvp(lambda a, b: a * b, argnums=(0, 1))(2.0, 3.0)
    assert push(1.0, 10.0) == 23.0


def test_jvp_of_a_linear_function_is_the_function():
    _, push = jvp(lambda x: 3 * x)(X)
    np.testing.assert_array_equal(push(np.ones(3)), [3, 3, 3])


def test_jvp_of_a_constant_is_zero():
    _, push = jvp(lambda x: Value(np.ones(2)))(X)
    np.testing.assert_array_equal(push(np.ones(3)), [0, 0])


def test_vjp_is_the_vector_times_the_jacobian(rng):
    y, pull = vjp(vector)(X)
    g = rng.normal(size=3)
    np.testing.assert_allclose(y, vector(X))
    for _ in range(2):  # the graph stays
        np.testing.assert_allclose(pull(g), g @ jacobian(vector)(X), rtol=1e-13)


def test_vjp_gives_one_gradient_for_each_input():
    _, pull = vjp(lambda a, b: a * b, argnums=(0, 1))(X, 2.0)
    ga, gb = pull(np.ones(3))
    np.testing.assert_array_equal(ga, [2, 2, 2])
    assert gb == X.sum()


def test_value_and_grad_takes_several_argnums():
    f = lambda a, b, c: np.sum(a * b * c)  # noqa: E731
    y, (gc, ga) = value_and_grad(f, argnums=(-1, 0))(X, 2.0, 3.0)
    assert y == 6 * X.sum()
    assert gc == 2 * X.sum()
    np.testing.assert_array_equal(ga, [6, 6, 6])


def test_value_and_grad_gives_zeros_for_what_is_not_used():
    _, (ga, gb) = value_and_grad(lambda a, b: np.sum(a), argnums=(0, 1))(X, X)
    np.testing.assert_array_equal(ga, [1, 1, 1])
    np.testing.assert_array_equal(gb, [0, 0, 0])


def test_value_and_grad_passes_keywords_on():
    _, g = value_and_grad(lambda x, power: np.sum(x**power))(X, power=2)
    np.testing.assert_array_equal(g, 2 * X)


def test_integer_arguments_become_floats():
    _, g = value_and_grad(lambda x: x * x / 2)(3)
    assert g == 3.0


def test_float32_arguments_have_float32_derivatives():
    x = X.astype(np.float32)
    assert value_and_grad(lambda x: np.sum(x**2))(x)[1].dtype == np.float32
    assert jacobian(lambda x: x**2)(x).dtype == np.float32
    assert hessian(lambda x: np.sum(x**2))(x).dtype == np.float32


def test_functions_of_derivatives_work_inside_no_grad():
    with no_grad():
        assert value_and_grad(lambda x: x * x)(3.0)[1] == 6.0
        assert jvp(lambda x: x * x)(3.0)[1](1.0) == 6.0
        assert hessian(lambda x: x**3)(2.0) == 12.0


def test_the_hessian_of_a_linear_function_is_zero():
    np.testing.assert_array_equal(hessian(np.sum)(X), np.zeros((3, 3)))


def test_derivatives_by_functions_leave_a_captured_leaf_alone():
    w = Value(2.0)
    value_and_grad(lambda x: np.sum(x * w))(X)
    assert w.grad is None


ERRORS = {
    "argnums a name": (lambda: jacobian(np.sin, "x")(X), TypeError, "positions.*'x'"),
    "argnums a bool": (lambda: jacobian(np.sin, True)(X), TypeError, "positions.*True"),
    "argnum out of range": (lambda: value_and_grad(np.sum, argnums=1)(X), ValueError, "argnums"),
    "not one number": (lambda: value_and_grad(np.sin)(X), ValueError, r"\(3,\)"),
    "not a Value": (lambda: value_and_grad(lambda x: 1.0)(X), TypeError, "float"),
    "hessian of an array": (lambda: hessian(np.sin)(X), ValueError, r"hessian.*\(3,\)"),
    "hvp of an array": (lambda: hvp(np.sin)(X), ValueError, r"hvp.*\(3,\)"),
    "jvp of one tangent of two": (lambda: jvp(np.add, (0, 1))(X, X)[1](X), ValueError, "tangents"),
    "jvp of another shape": (lambda: jvp(np.sin)(X)[1](X[:2]), ValueError, r"\(2,\).*\(3,\)"),
    "hvp of another shape": (lambda: hvp(np.sum)(X)[1](X[:2]), ValueError, r"\(2,\).*\(3,\)"),
    "jvp not a Value": (lambda: jvp(lambda x: 1.0)(X), TypeError, "jvp.*float"),
    "vjp not a Value": (lambda: vjp(lambda x: 1.0)(X), TypeError, "vjp.*float"),
    "jacobian not a Value": (lambda: jacobian(lambda x: 1.0)(X), TypeError, "jacobian.*float"),
    "a point in place of argnums": (lambda: vjp(np.sin, X), TypeError, r"vjp\(f\)\(x\)"),
    "a point in place of xs": (lambda: grad(np.sin, 2.0), TypeError, r"grad\(f\)\(x\)"),
    "no function": (lambda: hvp(X), TypeError, "hvp: f must be a function, not ndarray"),
    "a Value without xs": (lambda: grad(Value(1.0)), TypeError, r"grad\(y, x\)"),
    "argnums for a Value": (lambda: grad(Value(1.0), argnums=0), TypeError, "argnums"),
    "xs not a Value": (lambda: grad(Value(1.0), X), TypeError, r"xs\[0\].*ndarray|xs\[0\]"),
    "y not a Value": (lambda: grad(1.0, Value(1.0)), TypeError, "y must be.*float"),
    "x untracked": (
        lambda: grad(Value(1.0) * 2, Value(1.0, requires_grad=False)),
        RuntimeError,
        r"xs\[0\]",
    ),
    "gradient of another shape": (
        lambda: grad(Value(X) * 2, Value(X), np.ones(2)),
        ValueError,
        r"\(2,\).*\(3,\)",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_value_and_grad_takes_a_networks_parameters_as_a_collection():
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=(3, 4)), np.zeros(4)), {"w": rng.normal(size=(4, 1)), "b": 0.0}]
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))

    def loss(params, x, y):
        (w, b), last = params
        return np.mean((np.tanh(x @ w + b) @ last["w"] + last["b"] - y) ** 2)

    value, found = value_and_grad(loss)(params, x, y)
    [(gw, gb), last] = found
    leaves = [Value(p) for p in (*params[0], params[1]["w"], params[1]["b"])]
    again = loss([tuple(leaves[:2]), {"w": leaves[2], "b": leaves[3]}], x, y)
    np.testing.assert_array_equal(value, again.data)
    want = grad(again, leaves)
    for g, h in zip((gw, gb, last["w"], last["b"]), want, strict=True):
        np.testing.assert_array_equal(g, h)


def test_value_and_grad_keeps_the_form_of_each_chosen_collection():
    Line = namedtuple("Line", "slope offset")
    _, (g, h) = value_and_grad(
        lambda p, q, x: np.sum(p.slope * x + q[0]) + 0 * np.sum(q[1]), argnums=(0, 1)
    )(Line(np.array(2.0), np.array(1.0)), [np.ones(2), np.ones(3)], np.array([3.0, 4.0]))
    assert isinstance(g, Line)
    assert (g.slope, g.offset) == (7.0, 0.0)  # offset is not used
    assert [part.tolist() for part in h] == [[1.0, 1.0], [0.0, 0.0, 0.0]]


def test_a_list_of_numbers_stays_one_array():
    _, g = value_and_grad(lambda x: np.sum(x**2))([[1.0, 2.0], [3.0, 4.0]])
    assert g.tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_grad_of_a_function_is_a_function():
    np.testing.assert_array_equal(grad(lambda x: np.sum(x**2))(X), 2 * X)
    ga, gb = grad(lambda a, b: np.sum(a) * b, argnums=(0, 1))(X, 2.0)
    np.testing.assert_array_equal(ga, [2, 2, 2])
    assert gb == X.sum()
    assert grad(lambda a, b: a * b, 1)(2.0, 5.0) == 2.0


def test_grad_of_grad_of_a_function_is_its_second_derivative():
    f = lambda x: np.tanh(x) * x  # noqa: E731
    for n, expected in enumerate([f(0.7), *_derivatives_of_tanh_x_times_x(0.7)]):
        g = f
        for _ in range(n):
            g = grad(g)
        np.testing.assert_allclose(g(0.7), expected, rtol=1e-12)


def _derivatives_of_tanh_x_times_x(x):
    t = np.tanh(x)
    d = 1 - t * t
    return [t + x * d, 2 * d - 2 * x * t * d, -6 * t * d + x * d * (6 * t * t - 2)]


def test_transforms_nest_in_one_another():
    f = lambda x: np.sum(x**3)  # noqa: E731
    np.testing.assert_allclose(jacobian(grad(f))(X), hessian(f)(X))
    np.testing.assert_allclose(grad(lambda x: jvp(f)(x)[1](np.ones(3)))(X), 6 * X)
    np.testing.assert_allclose(grad(lambda x: vjp(f)(x)[1](1.0).sum())(X), 6 * X)
    np.testing.assert_allclose(grad(lambda x: np.trace(hessian(f)(x)))(X), np.full(3, 6.0))
    np.testing.assert_allclose(grad(lambda x: value_and_grad(f)(x)[0])(X), 3 * X**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(hvp(f)(x)[1](X)))(X), 6 * X)


def test_a_gradient_of_a_function_reaches_leaves_that_it_closes_over():
    w = Value(3.0)
    slope = grad(lambda x: w * x**2)(Value(2.0))
    slope.backward()
    assert slope.item() == 12.0
    assert w.grad == 4.0


def test_jacobians_and_hessians_by_several_arguments_are_tuples():
    f = lambda a, b: np.sum(a * a) * b  # noqa: E731
    ja, jb = jacobian(f, argnums=(0, 1))(X, 2.0)
    np.testing.assert_allclose(ja, 4 * X)
    np.testing.assert_allclose(jb, np.sum(X * X))
    (haa, hab), (hba, hbb) = hessian(f, argnums=(0, 1))(X, 2.0)
    np.testing.assert_allclose(haa, 4 * np.eye(3))
    np.testing.assert_allclose(hab, 2 * X)
    np.testing.assert_allclose(hba, 2 * X)
    assert hbb == 0.0


def test_hvp_by_several_arguments_gives_one_product_for_each():
    _, times = hvp(lambda a, b: a * a * b, argnums=(0, 1))(2.0, 3.0)
    assert times(1.0, 10.0) == (6.0 + 40.0, 4.0)


V = Value([2.0, 3.0])
TWICE = {
    "value_and_grad": (lambda: value_and_grad(lambda a, b: np.sum(a * b), (0, 1))(V, V)[1]),
    "vjp": lambda: vjp(lambda a, b: a * b, (0, 1))(V, V)[1](np.ones(2)),
    "jacobian": lambda: [np.diag(j.data) for j in jacobian(np.multiply, (0, 1))(V, V)],
    "jvp": lambda: [
        jvp(np.multiply, (0, 1))(V, V)[1](*tangents)
        for tangents in ([np.zeros(2), np.ones(2)], [np.ones(2), np.zeros(2)])
    ],
    "a collection": lambda: value_and_grad(lambda p: np.sum(p[0] * p[1]))([V, V])[1],
    "a variable closed over": lambda: [value_and_grad(lambda a: np.sum(a * V))(V)[1]] * 2,
    "no_grad": lambda: no_grad()(value_and_grad(lambda a: np.sum(a * V)))(V)[1:] * 2,
}


@pytest.mark.parametrize("gradients", TWICE.values(), ids=TWICE)
def test_one_value_in_two_places_is_two_variables(gradients):
    for g in gradients():
        np.testing.assert_array_equal(g.data, [2.0, 3.0])


def test_the_second_derivative_by_one_of_two_equal_arguments_is_zero():
    np.testing.assert_array_equal(hessian(lambda a, b: np.sum(a * b))(V, V), np.zeros((2, 2)))
    np.testing.assert_array_equal(hvp(lambda a, b: np.sum(a * b))(V, V)[1](np.ones(2)), [0, 0])


def test_an_inner_gradient_holds_the_outer_variable_fixed():
    assert grad(lambda x: grad(lambda y: x * y)(x))(3.0) == 1.0  # d/dx of x
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(3.0) == 3 * 2 * 3.0**2  # of 2 x³


def test_an_inner_gradient_by_a_constant_keeps_the_variables_that_it_closes_over():
    inner = lambda w: np.sum(grad(lambda x: np.sum(x**2 * w))(X))  # noqa: E731
    np.testing.assert_array_equal(grad(lambda w: np.sum(w) + inner(w))(np.ones(3)), 1 + 2 * X)


DIRECTIONS = {
    "jvp": lambda t: jvp(lambda x: x**2)(X)[1](t),
    "vjp": lambda t: vjp(lambda x: x**2)(X)[1](t),
    "hvp": lambda t: hvp(lambda x: np.sum(x**3) / 3)(X)[1](t),
}


@pytest.mark.parametrize("product", DIRECTIONS.values(), ids=DIRECTIONS)
def test_products_are_differentiable_by_the_vector(product):
    t = Value(np.ones(3))
    np.testing.assert_allclose(grad(np.sum(product(t)) + np.sum(t), t), 2 * X + 1)


STEEP = {
    "sqrt": (np.sqrt, 0.0, np.inf),
    "log": (np.log, 0.0, np.inf),
    "reciprocal": (lambda x: 1 / x, 0.0, -np.inf),
    "arcsin": (np.arcsin, 1.0, np.inf),
    "exp": (np.exp, 1000.0, np.inf),
    "cbrt": (np.cbrt, 0.0, np.inf),
    "arctanh": (np.arctanh, 1.0, np.inf),
}


@pytest.mark.parametrize(("f", "x", "slope"), STEEP.values(), ids=STEEP)
def test_jvp_of_an_infinite_slope_is_infinite(f, x, slope):
    with np.errstate(all="ignore"):
        assert jvp(f)(x)[1](1.0) == slope


def test_jvp_where_eigenvalues_coincide_is_not_a_wrong_number():
    def exponential(x):
        w, u = np.linalg.eigh((x + x.T) / 2)
        return (u * np.exp(w)) @ u.T

    t = np.array([[1.0, 2.0], [2.0, 3.0]])
    found = jvp(exponential)(np.eye(2))[1](t)
    assert np.isnan(found).any() or np.allclose(found, np.e * t)


def test_none_in_a_collection_stays_none():
    _, g = value_and_grad(lambda p: np.sum(p["w"] ** 2))({"w": X, "b": None})
    np.testing.assert_array_equal(g["w"], 2 * X)
    assert g["b"] is None


def test_the_type_of_a_dict_is_kept():
    _, g = value_and_grad(lambda p: np.sum(p["w"]))(OrderedDict(w=X))
    assert isinstance(g, OrderedDict)


def test_tangents_in_a_dict_belong_to_their_keys():
    _, push = jvp(lambda p: 10 * p["a"] + p["b"])({"a": 0.0, "b": 0.0})
    assert push({"b": 2.0, "a": 1.0}) == 12.0
    with pytest.raises(ValueError, match=r"jvp: tangents.*'a', 'b'.*'a', 'c'"):
        push({"a": 1.0, "c": 2.0})


def test_jacobians_and_hessians_of_collections_have_their_structure():
    p = {"a": np.array([1.0, 2.0]), "b": [3.0, None]}
    f = lambda p: p["a"] ** 2 * p["b"][0]  # noqa: E731
    j = jacobian(f)(p)
    np.testing.assert_array_equal(j["a"], np.diag([6.0, 12.0]))
    np.testing.assert_array_equal(j["b"][0], [1.0, 4.0])
    assert j["b"][1] is None
    h = hessian(lambda p: np.sum(f(p)))(p)
    np.testing.assert_array_equal(h["a"]["a"], 6 * np.eye(2))
    np.testing.assert_array_equal(h["a"]["b"][0], [2.0, 4.0])
    np.testing.assert_array_equal(h["b"][0]["b"][0], 0.0)


TRANSFORMS = [grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: t.__name__)
@pytest.mark.parametrize(
    ("x", "what"),
    [
        (np.array([1 + 2j]), "complex"),
        (1j, "complex"),
        ({"a": np.array([1j])}, "complex"),
        (None, "None"),
        ("abc", "str"),
        (object(), "object"),
        ([[1.0], [1.0, 2.0]], "inhomogeneous"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "mask"),
        (np.eye(2).view(np.matrix), "matrix"),
    ],
    ids=[
        "array",
        "number",
        "dict",
        "none",
        "string",
        "object",
        "ragged",
        "dates",
        "masked",
        "matrix",
    ],
)
def test_an_argument_that_is_not_real_numbers_is_named(transform, x, what):
    with pytest.raises((TypeError, ValueError), match=rf"argument 0\b.*{what}"):
        transform(lambda x: np.sum(x))(x)


def test_argnums_may_be_numpy_integers():
    for argnums in (np.int64(1), np.int8(-1)):
        assert grad(lambda a, b: a * b, argnums)(2.0, 5.0) == 2.0
    first, second = jacobian(lambda a, b: a * b, (np.int64(0), np.int64(1)))(X, X)
    np.testing.assert_array_equal(first, second)


def test_complex_tangents_are_refused():
    for transform in (jvp, hvp):
        with pytest.raises(TypeError, match=f"{transform.__name__}: .*complex"):
            transform(lambda x: np.sum(x))(X)[1](1j * X)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_jvp_and_vjp_of_every_op_are_products_with_one_jacobian(op, rng):
    for args, kwargs in op.samples(np.random.default_rng(0)):
        floats = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype == float]
        argnums = tuple(i for i in floats if i < op.arity and op.differentiates(i))
        f = functools.partial(op, **kwargs)
        if not argnums or not isinstance(f(Value(args[0]), *args[1:]), Value):
            continue  # sequences, and several outputs
        tangents = [rng.normal(size=args[i].shape) for i in argnums]
        y, push = jvp(f, argnums)(*args)
        pushed, u = push(*tangents), rng.normal(size=y.shape)
        pulled = vjp(f, argnums)(*args)[1](u)
        products = sum(np.sum(g * t) for g, t in zip(pulled, tangents, strict=True))
        np.testing.assert_allclose(np.sum(pushed * u), products, rtol=1e-7, atol=1e-9)


def test_a_thread_differentiates_what_a_function_around_it_differentiates_too():
    def slope(x, y):
        return grad(lambda y: x * y * y)(y)  # 2 x y

    def f(x):
        with ThreadPoolExecutor(2) as pool:
            slopes = pool.map(slope, (x, 2 * x), (1.0, 3.0))
        return x + sum(slopes)

    assert grad(f)(5.0) == 1 + 2 + 12
    assert grad(grad(lambda x: x * f(x)))(5.0) == 2 * 15
    assert grad(f)(Value(5.0)).item() == 15


def test_a_thread_beside_a_function_that_is_differentiated_gets_arrays():
    weight, begun, done = Value(3.0), Event(), Event()

    def beside(y):
        begun.wait()
        found = grad(lambda y: weight * y)(y)
        done.set()
        return found

    def f(x):
        begun.set()
        done.wait()
        return x * weight

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(beside, 1.0)
        assert type(grad(f)(2.0)) is np.ndarray
    assert type(found.result()) is np.ndarray
