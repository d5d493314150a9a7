"""Op: a user's own row, the errors that name it, and how calls bind."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

from autograd import KernelOp, Op, SequenceOp, Value, grad, gradcheck, gradgradcheck, no_grad
from autograd.op import ROWS
from autograd.ops.losses.cross_entropy import cross_entropy
from autograd.symbol import ATOM

X = np.array([0.5, 1.5])


@pytest.fixture
def scaled(op_table):
    def scaled(a, b, power=2.0, *, negate=False):
        """a^power · b, perhaps negated."""
        y = a**power * b
        return -y if negate else y

    return Op(
        scaled,
        "{a:9}^{{{power}}} {b:2}",
        lambda g, y, a, b, power, negate: (-g if negate else g) * power * a ** (power - 1) * b,
        lambda g, y, a, b, power, negate: (-g if negate else g) * a**power,
        rank=2,
    )


def test_a_users_op_in_one_row_has_derivatives_of_every_order(scaled):
    assert gradcheck(scaled, X, X + 1)
    assert gradgradcheck(scaled, X, X + 1)


def test_a_users_op_writes_its_formulas(scaled):
    assert scaled.formula(1, np.array(2.0), np.array(3.0)) == r"\bar y \, a^{2}"


def test_a_users_op_is_named_after_its_function(scaled):
    assert scaled.name == scaled.__name__ == "scaled"
    assert scaled.__doc__.startswith("a^power")
    assert repr(scaled) == "<Op scaled>"
    assert scaled(Value(1.0), 2.0).op is scaled


def test_other_arguments_go_by_place_or_by_name(scaled):
    x = Value(2.0)
    for y in (scaled(x, 1.0, 3.0), scaled(x, 1.0, power=3.0), scaled(a=x, b=1.0, power=3.0)):
        assert y.item() == 8.0
        assert grad(y, x) == 12.0
    assert grad(scaled(x, 1.0, negate=True), x) == -4.0


def test_a_users_op_takes_plain_arrays_and_gives_plain_arrays(scaled):
    y = scaled(X, X)
    assert type(y) is np.ndarray
    np.testing.assert_allclose(y, X**3)


def test_an_op_is_in_the_table_once(scaled):
    assert sum(row is scaled for row in ROWS) == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((1.0,), {}, "missing argument 'b'"),
        ((), {}, "missing argument 'a'"),
        ((1.0, 2.0, 3.0, True), {}, "at most 3 positional"),
        ((1.0, 2.0), {"a": 1.0}, "two values for 'a'"),
        ((1.0, 2.0), {"nope": 1.0}, "'nope' is not supported"),
    ],
)
def test_bad_arguments_are_named(scaled, args, kwargs, message):
    args = tuple(Value(a) if a is not True else a for a in args)
    with pytest.raises(TypeError, match=f"scaled: .*{message}"):
        scaled(*args, **kwargs)


@pytest.mark.parametrize("f", [np.sin, np.add])
def test_ops_of_ufuncs_refuse_wrong_counts(f):
    with pytest.raises(TypeError, match=f.__name__):
        f(*[Value(1.0)] * 3)


def test_a_numpy_argument_that_the_row_lacks_is_named():
    with pytest.raises(TypeError, match=r"sin.*where="):
        np.sin(Value(X), where=[True, False])
    with pytest.raises(TypeError, match=r"'dtype'"):
        np.sum(Value(X), dtype=np.float32)


def test_an_error_of_the_forward_names_the_op_and_the_shapes():
    with pytest.raises(ValueError, match=r"matmul: .*\(2, 3\).*\(2, 3\)"):
        Value(np.ones((2, 3))) @ np.ones((2, 3))


def test_a_static_argument_that_is_tracked_is_refused(scaled):
    with pytest.raises(TypeError, match=r"scaled.*\.data"):
        scaled(Value(2.0), 1.0, power=Value(3.0))


def test_a_static_argument_that_is_not_tracked_is_its_array(scaled):
    assert scaled(Value(2.0), 1.0, power=Value(3.0, requires_grad=False)).item() == 8.0


def test_an_op_may_have_an_input_without_a_derivative(op_table):
    pick = Op(lambda c, a: np.where(c, a, 0), "{a}", None, lambda g, y, c, a: g * c, name="pick")
    c, a = Value([1.0, 0.0]), Value(X)
    y = pick(c, a)
    assert grad(np.sum(y), [c, a], allow_unused=True)[0] is None
    assert not pick(c, X).requires_grad


def test_an_op_with_several_outputs_gives_a_value_each(op_table):
    def both(a):
        return a * 2, a**2

    op = Op(both, "{a}", lambda g, y, a: sum_of(g, a))

    def sum_of(g, a):
        terms = [part * d for part, d in zip(g, (2.0, 2 * a), strict=True) if part is not None]
        return sum(terms[1:], terms[0])

    assert gradcheck(op, X)
    x = Value(X)
    double, square = op(x)
    np.testing.assert_array_equal(grad(np.sum(square), x), 2 * X)
    np.testing.assert_array_equal(grad(np.sum(double), x), [2, 2])


def test_a_bound_op_is_a_method(op_table):
    Op(lambda a: a**3, "{a:9}^3", lambda g, y, a: 3 * g * a * a, name="cubed", bind="_cubed")
    try:
        x = Value(2.0)
        assert grad(x._cubed(), x) == 12.0
    finally:
        del Value._cubed


def test_the_integer_result_of_an_op_is_not_tracked(op_table):
    count = Op(lambda a: np.asarray(a > 1).astype(int), "{a}", lambda g, y, a: g, name="count")
    assert not count(Value(X)).requires_grad


def test_ops_of_integer_values_are_not_tracked():
    assert not (Value(np.array([1, 2])) * 2).requires_grad
    assert not np.sin(Value(np.array([1, 2]))).requires_grad


def test_domain_and_cases_are_drawn_from(op_table):
    op = Op(
        lambda a: a * 1.0,
        "{a}",
        lambda g, y, a: g,
        name="drawn",
        domain=(lambda rng, shape: rng.random(shape),),
        cases=(lambda rng: ((np.zeros(4),), {}),),
    )
    (first, _), (second, _) = op.samples(np.random.default_rng(0))
    assert first[0].shape == (2, 3)
    assert second[0].shape == (4,)


@pytest.mark.parametrize("kind", [KernelOp, SequenceOp])
def test_the_other_kinds_are_ops(kind):
    assert issubclass(kind, Op)


def test_help_shows_the_parameters_of_an_op():
    assert list(inspect.signature(cross_entropy).parameters)[:2] == ["x", "target"]


@pytest.mark.parametrize(("word", "numpys"), [("dim", "axis"), ("keepdim", "keepdims")])
def test_pytorchs_words_are_answered_with_numpys(word, numpys):
    with pytest.raises(TypeError, match=rf"max: the argument '{word}' .* Write {numpys}=\."):
        Value([1.0, 2.0]).max(**{word: 0})


@pytest.mark.parametrize(
    ("tex", "rank"),
    [
        ("{a:1} + {b:2}", 1),
        (r"{a:2} \log {b:3}", 2),
        (r"\sin {a:3}", 3),
        ("{a:9}^2", 4),
        (r"{a:2} \, \left({b:1} + 1\right)", 2),
        (r"\frac{{{a:1} + 1}}{{{b}}}", ATOM),
        (lambda a, b: "a", ATOM),
    ],
)
def test_the_rank_follows_from_the_template(op_table, tex, rank):
    assert Op(np.multiply, tex, None, None, of=()).rank == rank
    assert Op(np.multiply, tex, None, None, of=(), rank=7).rank == 7


def test_an_op_is_elementwise_where_it_says_so_or_gives_a_domain(op_table):
    row = np.multiply, "{a:2} {b:2}", None, None
    assert not Op(*row, of=()).elementwise
    assert Op(*row, of=(), elementwise=True).elementwise
    assert Op(*row, of=(), domain=(np.ones, np.ones)).elementwise


def test_an_op_is_pickled_by_its_name_and_copied_as_itself(op_table):
    own = Op(lambda a: 2 * a, "2 {a:2}", lambda g, y, a: 2 * g, name="twice")
    named = {op.name: op for op in ROWS}  # examples in docstrings may add more of one name
    for op in named.values():
        assert copy.copy(op) is copy.deepcopy(op) is op
        assert pickle.loads(pickle.dumps(op)) is op
    gone = pickle.dumps(own)
    ROWS.remove(own)
    with pytest.raises(LookupError, match=r"twice.*import the module"):
        pickle.loads(gone)


@pytest.mark.parametrize(
    ("forward", "vjp", "who"),
    [
        (lambda a: np.multiply(a, 2, out=a), lambda g, y, a: g, "forward writes to its argument 0"),
        (lambda a: a * a, lambda g, y, a: np.multiply(g, 2 * a, out=g), "a vjp writes to its arg"),
        (lambda a: a * a, lambda g, y, a: np.multiply(y, 0, out=y), "a vjp writes to its argument"),
        (lambda a: a * a, lambda g, y, a: np.multiply(a, 2, out=a), "a vjp writes to its argument"),
    ],
)
@pytest.mark.parametrize("n", [3, 5000])
def test_an_op_that_writes_to_what_it_is_given_is_refused(op_table, forward, vjp, who, n):
    op, x = Op(forward, "{a}", vjp, name="writer"), Value(np.arange(1.0, n + 1))
    with pytest.raises(RuntimeError, match=f"writer: {who}"):
        np.sum(op(x) * x.data).backward()


def test_an_op_that_writes_to_another_argument_or_returns_its_input(op_table):
    def counted(a, seen):
        seen += 1
        return a

    op = Op(counted, "{a}", lambda g, y, a, seen: g, name="counted")
    x, seen = Value([1.0, 2.0]), np.zeros(1)
    np.sum(op(x, seen) * 3).backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])
    with no_grad():
        y = op(x, seen)
    y.data[0] = 9
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    assert seen == 2


def test_an_op_that_computes_with_a_masked_array_is_refused(op_table):
    x = Value([1.0, 2.0])

    def covered(a):
        return np.ma.array(a, mask=[1, 0])

    with pytest.raises(TypeError, match="covered: forward: the mask of a masked array"):
        Op(covered, "{a}", lambda g, y, a: g)(x)
    op = Op(lambda a: a * 2, "{a}", lambda g, y, a: covered(g), name="covered")
    with pytest.raises(TypeError, match="covered: a vjp: the mask of a masked array"):
        np.sum(op(x)).backward()
