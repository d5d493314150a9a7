import gc

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, checkpoint, grad, gradcheck, gradgradcheck


def test_gradients_equal_those_without_a_checkpoint():
    x = Value([0.3, -1.0, 2.0])
    plain = grad(np.sum(np.tanh(x) * x), x)
    kept = grad(checkpoint(lambda v: np.sum(np.tanh(v) * v), x), x)
    assert np.array_equal(plain, kept)


def test_higher_orders_go_through():
    gradcheck(lambda a: checkpoint(lambda v: np.sin(v) * v, a), [0.3, 1.2])
    gradgradcheck(lambda a: checkpoint(lambda v: np.sin(v) * v, a), [0.3, 1.2])


def test_values_closed_over_get_their_gradient():
    w, x = Value([2.0, 3.0]), Value([5.0, 7.0])
    checkpoint(lambda v: np.sum(v * w), x).backward()
    assert np.array_equal(w.grad, [5, 7])


def test_an_intermediate_closed_over_gets_its_gradient():
    w = Value([2.0, 3.0])
    doubled = 2 * w
    checkpoint(lambda: np.sum(doubled * doubled)).backward()
    assert np.array_equal(w.grad, 8 * w.data)


def test_several_outputs_may_be_used_in_part():
    x = Value([1.0, 2.0])
    first, _ = checkpoint(lambda v: (v * v, np.exp(v)), x)
    first.sum().backward()
    assert np.array_equal(x.grad, [2, 4])


def test_the_inside_is_not_kept():
    inside = []

    def f(v):
        for _ in range(10):
            v = np.sin(v)
        inside.append(id(v))
        return v

    y = checkpoint(f, Value(np.ones(3)))
    assert len(y.inputs) == 1
    assert y.inputs[0].op is None


def test_the_default_generator_is_drawn_from_alike_twice():
    def noisy(v):
        return v * autograd.default_generator().normal(size=v.shape)

    autograd.seed(3)
    x = Value(np.ones(4))
    y = checkpoint(noisy, x)
    after = autograd.default_generator().normal()
    assert np.array_equal(grad(np.sum(y), x), y.data)
    autograd.seed(3)
    autograd.default_generator().normal(size=4)
    assert autograd.default_generator().normal() == after


def test_a_function_that_changes_its_mind_is_refused():
    rng = np.random.default_rng(0)
    y = checkpoint(lambda v: np.sum(v * rng.normal()), Value([1.0]))
    with pytest.raises(RuntimeError, match="different numbers"):
        y.backward()


def test_a_leaf_written_to_since_is_refused():
    w = Value([1.0], name="w")
    y = checkpoint(lambda: np.sum(w * w))
    w.data = [2.0]
    with pytest.raises(RuntimeError, match="'w'"):
        y.backward()


def test_it_leaves_no_cycles():
    gc.collect()
    x = Value(np.ones(3))
    checkpoint(lambda v: np.sum(v * v), x).backward()
    assert gc.collect() == 0


@pytest.mark.parametrize("name", ["eigh", "qr", "svd", "slogdet"])
def test_a_named_tuple_stays_one(name):
    f = getattr(np.linalg, name)
    a = np.array([[2.0, 1.0], [1.0, 4.0]])
    x, plain = Value(a), Value(a)
    found, want = checkpoint(f, x), f(plain)
    assert found._fields == want._fields
    for part, same in zip(found, want, strict=True):
        np.testing.assert_array_equal(part.data, same.data)
    for y, v in ((found, x), (want, plain)):
        sum(np.sum(np.square(part) * (i + 1)) for i, part in enumerate(y)).backward()
        assert v.grad.any()
    np.testing.assert_array_equal(x.grad, plain.grad)


def test_outputs_keep_their_structure():
    kept = Value(np.arange(2))

    def f(v):
        return v * v, {"exp": np.exp(v), "none": None}, [kept, (3 * v,)]

    x = Value([1.0, 2.0])
    square, named, (same, (triple,)) = checkpoint(f, x)
    assert named["none"] is None
    assert same is kept
    (np.sum(square) + np.sum(triple)).backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data + 3)


def test_an_output_that_is_missing_the_second_time_is_refused():
    x, calls = Value([1.0]), []

    def f(v):
        calls.append(1)
        return (v * 1.0, v * 2.0) if len(calls) == 1 else (v * 1.0, None)

    first, _ = checkpoint(f, x)
    with pytest.raises(RuntimeError, match="different numbers"):
        first.backward()


@pytest.mark.parametrize("wrong", [1.0, np.ones(2), "text", (1.0, 2.0)])
def test_a_function_that_returns_no_value_is_refused(wrong):
    with pytest.raises(TypeError, match=f"checkpoint: .*{type(wrong).__name__}"):
        checkpoint(lambda v: (v, wrong), Value(1.0))


def test_a_constant_that_changes_the_gradient_but_no_output():
    def refused(f, change, *args):
        x = Value([0.0, 2.0])
        y = np.sum(autograd.checkpoint(f, x, *args))
        change()
        with pytest.raises(RuntimeError, match="checkpoint: the function computed with different"):
            y.backward()
        assert x.grad is None

    c, held, untracked, number = np.ones(2), [np.ones(2)], Value(np.ones(2), False), {"k": 2.0}
    refused(lambda x, c: x * c, lambda: c.__setitem__(0, 9.0), c)
    refused(lambda x: x * c, lambda: c.__setitem__(0, 8.0))
    refused(lambda x, held: x * held[0], lambda: held.__setitem__(0, np.array([9.0, 1.0])), held)
    refused(lambda x, u: x * u, lambda: untracked.data.__setitem__(0, 9.0), untracked)
    refused(lambda x: x[:1] * number["k"], lambda: number.update(k=9.0))


def test_constants_that_are_made_anew_are_the_same():
    x = Value([0.0, 2.0])

    def f(x):
        return np.where(x.data > 1, x * float("nan"), x * np.arange(2.0))

    np.sum(autograd.checkpoint(f, x)).backward()
    np.testing.assert_array_equal(x.grad, [0.0, np.nan])


def test_a_layer_that_renorms_its_weight_gets_the_gradient():
    def gradient(call):
        layer = nn.Embedding(5, 4, max_norm=0.5, rng=0)
        np.sum(call(layer, np.array([0, 1])) ** 2).backward()
        return layer.weight.grad

    np.testing.assert_array_equal(gradient(autograd.checkpoint), gradient(lambda f, x: f(x)))
