"""Whatever a function depends on may change between calls: the answer is eager's, or an error."""

import argparse
import copy
import os
import pickle
import random
import threading
import time
from collections import deque
from os import environ
from types import SimpleNamespace

import numpy as np
import pytest

import autograd
import nn
from autograd.plan.lowering import RefusalError

X = np.arange(6.0).reshape(2, 3) / 6
RATE = 2.0
TABLE = {"rate": 2.0, "rates": [1.0, 2.0]}
WEIGHTS = np.array([1.0, 2.0, 3.0])


def doubled(x):
    return x * 2


def assert_follows(f, *calls, changes):
    """A compiled f gives what f gives, before and after a change."""
    step = autograd.compile(f)
    args = calls or (X,)
    for _ in range(2):
        np.testing.assert_allclose(bare(step(*args)), bare(f(*args)), rtol=1e-12)
    changes()
    for _ in range(2):
        np.testing.assert_allclose(bare(step(*args)), bare(f(*args)), rtol=1e-12)
    return step


def bare(y):
    return y._data if isinstance(y, autograd.Value) else np.asarray(y)


@pytest.mark.parametrize(
    "other",
    [
        X[:1],
        X[:, :2],
        X.astype(np.float32),
        np.asfortranarray(X),
        X[::-1],
        X[:, ::2],
        X.astype(int),
        np.broadcast_to(X[0], (2, 3)),
        np.zeros((0, 3)),
        X[0],
        np.where(X > 0.4, np.nan, X),
        np.where(X > 0.4, np.inf, X),
        -X,
        X > 0.4,
    ],
    ids=lambda x: f"{x.shape}-{x.dtype}-{x.strides}",
)
def test_other_arguments(other):
    def f(x):
        return np.sum(np.where(x > 0.3, np.tanh(x * 1.0), x * 3.0), axis=-1)

    step = autograd.compile(f)
    step(X)
    np.testing.assert_allclose(bare(step(other)), bare(f(other)), rtol=1e-6)


def test_a_setting_among_the_arguments():
    def f(x, axis, power=2):
        return np.sum(x**power, axis=axis)

    step = autograd.compile(f)
    for axis, power in ((0, 2), (1, 2), (0, 3), (0, 2)):
        np.testing.assert_allclose(bare(step(X, axis, power=power)), f(X, axis, power=power))
    assert len(step.plans) == 3


def test_a_float_among_the_arguments_varies():
    step = autograd.compile(lambda x, rate: np.sum(x * rate))
    for rate in (0.5, 2.0, -1.0):
        assert bare(step(X, rate)) == pytest.approx(np.sum(X * rate))
    assert len(step.plans) == 1


def test_a_closed_over_number():
    rate = 2.0

    def f(x):
        return x * rate

    def change():
        nonlocal rate
        rate = 3.0

    step = assert_follows(f, changes=change)
    assert "rate" in step.why
    assert "was 2.0 and is 3.0" in step.why


def test_a_global(monkeypatch):
    assert_follows(lambda x: x * RATE, changes=lambda: monkeypatch.setitem(globals(), "RATE", 5.0))


def test_a_global_function(monkeypatch):
    assert_follows(
        lambda x: doubled(x),
        changes=lambda: monkeypatch.setitem(globals(), "doubled", lambda x: x * 7),
    )


def test_an_entry_of_a_dict(monkeypatch):
    assert_follows(
        lambda x: x * TABLE["rate"], changes=lambda: monkeypatch.setitem(TABLE, "rate", 9)
    )


def test_an_element_of_a_list_in_a_dict():
    def change():
        TABLE["rates"][0] += 3.0

    assert_follows(lambda x: x * TABLE["rates"][0], changes=change)


def test_a_default(monkeypatch):
    def f(x, rate=2.0):
        return x * rate

    assert_follows(f, changes=lambda: setattr(f, "__defaults__", (3.0,)))


class Settings:
    rate = 2.0

    def __init__(self):
        self.rate, self.inner = 2.0, None

    def scaled(self, x):
        return x * self.rate


def test_an_attribute():
    s = Settings()
    assert_follows(lambda x: x * s.rate, changes=lambda: setattr(s, "rate", 3.0))


def test_an_attribute_that_a_method_reads():
    s = Settings()
    assert_follows(s.scaled, changes=lambda: setattr(s, "rate", 3.0))


def test_an_attribute_of_an_attribute():
    s = Settings()
    s.inner = Settings()
    assert_follows(lambda x: x * s.inner.rate, changes=lambda: setattr(s.inner, "rate", 3.0))


def test_an_attribute_that_is_replaced():
    s = Settings()
    s.inner = Settings()
    other = Settings()
    other.rate = 8.0
    assert_follows(lambda x: x * s.inner.rate, changes=lambda: setattr(s, "inner", other))


def test_a_closed_over_array_that_is_written_to():
    w = WEIGHTS.copy()
    assert_follows(lambda x: x * w, changes=lambda: w.__setitem__(0, 10.0))


def test_a_closed_over_array_from_which_another_is_made():
    w = WEIGHTS.copy()
    assert_follows(lambda x: x * (w + 1.0), changes=lambda: w.__setitem__(0, 10.0))


def test_a_closed_over_array_of_equal_numbers():
    w = np.ones(3)
    assert_follows(lambda x: x * w, changes=lambda: w.__setitem__(0, 10.0))


def test_a_closed_over_array_that_is_replaced():
    w = WEIGHTS.copy()

    def f(x):
        return x * w

    def change():
        nonlocal w
        w = np.array([5.0, 5.0, 5.0])

    assert_follows(f, changes=change)


def layer(out=3):
    return nn.Linear(3, out, rng=0).double()


def test_data_that_is_assigned():
    m = layer()
    assert_follows(lambda x: m(x), changes=lambda: setattr(m.weight, "data", np.ones((3, 3))))


def test_data_that_is_written_in_place():
    m = layer()
    assert_follows(lambda x: m(x), changes=lambda: m.weight.data.fill(2.0))


def test_a_parameter_that_is_replaced():
    m = layer()
    assert_follows(
        lambda x: m(x), changes=lambda: setattr(m, "weight", nn.Parameter(np.eye(3), dtype=float))
    )


def test_a_parameter_that_is_frozen():
    m = layer()

    def f(x):
        m.zero_grad()
        loss = np.sum(m(x) ** 2)
        loss.backward()
        return loss

    step = autograd.compile(f)
    step(X)
    step(X)
    m.weight.requires_grad_(False)
    step(X)
    assert m.weight.grad is None
    assert m.bias.grad is not None


def test_a_parameter_that_is_tied():
    m = nn.Sequential(layer(), layer())

    def change():
        m[1].weight = m[0].weight

    assert_follows(lambda x: m(x), changes=change)


def test_a_layer_that_is_replaced():
    m = nn.Sequential(layer(), nn.ReLU())
    assert_follows(lambda x: m(x), changes=lambda: m.__setitem__(1, nn.Tanh()))


def test_a_layer_that_is_added():
    m = nn.Sequential(layer())
    assert_follows(lambda x: m(x), changes=lambda: m.append(nn.Tanh()))


def test_the_mode_of_a_layer():
    m = nn.Sequential(layer(), nn.BatchNorm1d(3).double())
    m(X)
    m.eval()
    assert_follows(lambda x: m(x), changes=lambda: m.train())


def test_running_statistics_in_eval_mode():
    m = nn.Sequential(layer(), nn.BatchNorm1d(3).double()).eval()
    assert_follows(lambda x: m(x), changes=lambda: m[1].running_mean.__iadd__(1.0))


def test_a_setting_of_a_layer():
    m = nn.Sequential(layer(), nn.LeakyReLU(0.1))
    assert_follows(lambda x: m(x - 2), changes=lambda: setattr(m[1], "negative_slope", 0.5))


def test_a_state_dict_that_is_loaded():
    m, other = layer(), nn.Linear(3, 3, rng=9).double()
    assert_follows(lambda x: m(x), changes=lambda: m.load_state_dict(other.state_dict()))


def test_an_optimizer_with_one_more_group():
    m, extra = layer(), nn.Linear(3, 3, rng=1).double()
    optimizer = nn.optim.SGD(m.parameters(), lr=0.1)

    def f(x):
        optimizer.zero_grad()
        loss = np.sum(extra(m(x)) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    step = autograd.compile(f)
    step(X)
    step(X)
    optimizer.add_param_group({"params": extra.parameters()})
    before = extra.weight.data.copy()
    step(X)
    step(X)
    assert not np.array_equal(before, extra.weight.data)


def test_grad_mode():
    f = autograd.compile(autograd.value_and_grad(lambda x: np.sum(x * x)))
    f(X)
    with autograd.no_grad():
        np.testing.assert_allclose(f(X)[1], 2 * X)


def test_index_arrays_vary():
    w = layer(3).weight
    f = lambda i: np.sum(w[i] ** 2, axis=-1)  # noqa: E731
    step = autograd.compile(f)
    for i in ([0, 1], [2, 2], [1, 0]):
        np.testing.assert_allclose(bare(step(np.array(i))), bare(f(np.array(i))))
    assert len(step.plans) == 1


def test_an_index_out_of_range_raises():
    w = layer(3).weight
    step = autograd.compile(lambda i: w[i])
    step(np.array([0, 1]))
    with pytest.raises(IndexError):
        step(np.array([0, 7]))


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
def test_a_class_out_of_range_raises(loss):
    step = autograd.compile(lambda x, t: getattr(nn.functional, loss)(x, t))
    step(X, np.array([0, 1]))
    with pytest.raises(ValueError, match="class index 5"):
        step(X, np.array([0, 5]))
    with pytest.raises(ValueError, match="class index -1"):
        step(X, np.array([0, -1]))


def test_a_target_out_of_range_raises():
    step = autograd.compile(lambda p, t: nn.functional.binary_cross_entropy(p, t))
    p = np.full((2, 3), 0.5)
    step(p, p)
    with pytest.raises(ValueError, match="between 0 and 1"):
        step(p, p + 1)


def test_zeros_that_are_structural():
    f = autograd.value_and_grad(lambda x: np.sum(np.where(x > 0, np.log(np.abs(x)), 0.0)))
    step = autograd.compile(f)
    step(X + 1)
    x = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 1.0]])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(step(x)[1], f(x)[1])


def test_results_belong_to_the_caller():
    step = autograd.compile(lambda x: (x * 2, np.reshape(x, -1), x))
    step(X)
    kept = step(X)
    first = [bare(y).copy() for y in kept]
    step(X + 1)
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, bare(b))
    bare(kept[2])[...] = 0
    assert X[1, 2] == 5 / 6


def branches(x):
    return x * 2 if np.sum(x) > 0 else x


def reads(x):
    return x * float(np.sum(x))


def items(x):
    return x * np.sum(x).item()


def clock(x):
    return x * time.time()


def environment(x):
    return x * float(os.environ["HOME"] != "")


def chance(x):
    return x * random.random()


def fresh(x):
    return x * np.random.default_rng().random()


def legacy(x):
    return x * np.random.rand()  # noqa: NPY002


def masked(x):
    return np.sum(x[x > 0.5])


def nonzero(x):
    return np.nonzero(x)[0]


@pytest.mark.parametrize(
    "f", [branches, reads, items, clock, environment, chance, fresh, legacy, masked, nonzero]
)
def test_what_a_recording_would_freeze_is_refused(f):
    autograd_f = autograd.compile(lambda x: f(x + autograd.Value(0.0, requires_grad=False)))
    with pytest.raises((RefusalError, AttributeError)):
        [autograd_f(X) for _ in range(3)]


def test_a_generator_of_the_users_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(RefusalError, match=r"random|depends|changes"):
        autograd.compile(lambda x: x * rng.random())(X)


def test_a_counter_is_refused():
    s = Settings()

    def f(x):
        s.rate = s.rate + 1
        return x * 2

    with pytest.raises(RefusalError, match="rate"):
        autograd.compile(f)(X)
    assert s.rate == 2.0  # nothing has changed


def test_a_large_array_is_watched_and_not_copied(monkeypatch):
    monkeypatch.setattr("autograd.plan.state.LARGE", 8)
    data = np.ones(5)
    assert_follows(lambda x: x * data[:3], changes=lambda: data.__setitem__(0, 2.0))

    def f(x):
        data[0] = 3.0
        return x * 2

    with pytest.raises(RuntimeError, match="writes to data"):
        autograd.compile(f)(X)


def test_a_list_that_grows_is_refused():
    seen = []

    def f(x):
        seen.append(1)
        return x * 2

    with pytest.raises(RefusalError, match="seen"):
        autograd.compile(f)(X)
    assert not seen


def test_what_keeps_changing_is_named():
    s = Settings()
    step = autograd.compile(lambda x: x * s.rate)
    for k in range(8):
        s.rate = float(k + 2)
        step(X)
    s.rate = -1.0
    with pytest.raises(RefusalError, match=r"8 times: .*rate was"):
        step(X)


def test_the_check_of_every_call_finds_a_wrong_plan(monkeypatch):
    step = autograd.compile(lambda x: x * 2)
    step(X)
    monkeypatch.setenv("GLASSGRAD_COMPILE", "check")
    step(X)
    plan = step.plans[0]
    monkeypatch.setattr(plan, "_run", lambda *args: (np.zeros((2, 3)),))
    with pytest.raises(RefusalError, match="differs from an eager call"):
        step(X)


class Slots:
    __slots__ = ("rate",)

    def __init__(self):
        self.rate = 2.0


class OfClass:
    rate = 2.0

    def scaled(self, x):
        return x * self.rate


@pytest.mark.parametrize(
    "s", [Slots(), SimpleNamespace(rate=2.0), argparse.Namespace(rate=2.0)], ids=type
)
def test_an_attribute_of_an_object_of_another_kind(s):
    assert_follows(lambda x: x * s.rate, changes=lambda: setattr(s, "rate", 3.0))


def test_an_attribute_of_a_class(monkeypatch):
    assert_follows(
        lambda x: x * OfClass.rate, changes=lambda: monkeypatch.setattr(OfClass, "rate", 3.0)
    )


def test_an_attribute_of_an_objects_class(monkeypatch):
    s = OfClass()
    assert_follows(lambda x: x * s.rate, changes=lambda: monkeypatch.setattr(OfClass, "rate", 3.0))


def test_a_method_that_is_replaced(monkeypatch):
    s = OfClass()
    other = lambda self, x: x * 9  # noqa: E731
    assert_follows(
        lambda x: s.scaled(x), changes=lambda: monkeypatch.setattr(OfClass, "scaled", other)
    )


def test_an_attribute_by_its_name():
    s = Settings()
    assert_follows(lambda x: x * getattr(s, "rate"), changes=lambda: setattr(s, "rate", 3.0))  # noqa: B009


def test_an_element_of_a_set():
    s = {1}
    assert_follows(lambda x: x * (2.0 if 2 in s else 1.0), changes=lambda: s.add(2))


def test_an_element_of_a_deque():
    d = deque([2.0])
    assert_follows(lambda x: x * d[0], changes=lambda: d.__setitem__(0, 3.0))


@pytest.mark.parametrize("of", [dict, list])
def test_an_element_of_a_long_collection(of):
    many = [float(k) for k in range(100)]
    c = dict(enumerate(many)) if of is dict else many
    assert_follows(lambda x: x * c[70], changes=lambda: c.__setitem__(70, 3.0))


def test_the_code_of_a_function():
    def f(x):
        return x * 2

    assert_follows(f, changes=lambda: setattr(f, "__code__", (lambda x: x * 3).__code__))


def nested(depth, core):
    for _ in range(depth):
        core = nn.Sequential(core)
    return core


def test_a_setting_of_a_layer_deep_within_others():
    core = nn.LeakyReLU(0.1)
    m = nested(12, core)
    assert_follows(lambda x: m(x - 2), changes=lambda: setattr(core, "negative_slope", 0.5))


def test_statistics_of_a_layer_deep_within_others():
    core = nn.BatchNorm1d(3).double().eval()
    m = nested(12, core)
    assert_follows(lambda x: m(x), changes=lambda: core.running_mean.__iadd__(1.0))


def test_a_model_among_the_arguments():
    m = nn.Sequential(layer(), nn.LeakyReLU(0.1))
    assert_follows(
        lambda m, x: m(x - 2), m, X, changes=lambda: setattr(m[1], "negative_slope", 0.5)
    )


class Owner:
    def __init__(self):
        self.rate = 2.0

    @autograd.compile
    def scaled(self, x):
        return x * self.rate


def test_an_attribute_of_a_compiled_methods_owner():
    one, other = Owner(), Owner()
    other.rate = 5.0
    for rate in (2.0, 3.0):
        one.rate = rate
        for _ in range(2):
            np.testing.assert_allclose(one.scaled(X), X * rate)
            np.testing.assert_allclose(other.scaled(X), X * 5)


@pytest.mark.parametrize(
    "wrapped",
    [autograd.compile, autograd.grad, autograd.jacobian, autograd.hessian],
    ids=lambda f: f.__name__,
)
def test_a_closure_within_a_function_of_the_package(wrapped):
    s = Settings()
    inner = wrapped(lambda x: np.sum(x**2 * s.rate))
    assert_follows(lambda x: inner(x) + 0.0, changes=lambda: setattr(s, "rate", 3.0))


COUNT = 0


def counts_globally(x):
    global COUNT
    COUNT += 1
    return x * 2


def counts_in_a_class(x):
    OfClass.rate += 1
    return x * 2


def test_a_global_counter_is_refused():
    with pytest.raises(RefusalError, match="the global COUNT"):
        autograd.compile(counts_globally)(X)
    assert COUNT == 0


def test_a_counter_in_a_class_is_refused():
    with pytest.raises(RefusalError, match=r"OfClass\.rate"):
        autograd.compile(counts_in_a_class)(X)
    assert OfClass.rate == 2.0


def test_a_counter_of_the_function_around_is_refused():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return x * 2

    with pytest.raises(RefusalError, match="count"):
        autograd.compile(f)(X)
    assert count == 0


def test_the_environment_by_a_name_of_its_own_is_refused():
    with pytest.raises(RefusalError, match=r"os\.environ"):
        autograd.compile(lambda x: x * float(environ["HOME"] != ""))(X)


def test_floats_in_a_tuple_are_not_arguments_of_their_own():
    step = autograd.compile(lambda p, k: p[0] * p[1] * k if isinstance(p, tuple) else p + k)
    assert step((2.0, 3.0), 4) == 24.0
    assert step(5.0, 6.0) == 11.0


def test_zeros_have_a_sign():
    step = autograd.compile(lambda x, s: x + 1.0 if np.signbit(s) else x - 1.0)
    np.testing.assert_allclose(step(X, 0.0), X - 1)
    np.testing.assert_allclose(step(X, -0.0), X + 1)


def test_bytes_in_another_order():
    step = autograd.compile(lambda x: x * 2)
    for x in (X, X.astype(X.dtype.newbyteorder()), X + 1):
        np.testing.assert_allclose(step(x), x * 2)


def test_what_goes_wrong_only_while_recording_says_so():
    step = autograd.compile(lambda x: x * 2 if isinstance(x, np.ndarray) else x.nonsense)
    with pytest.raises(RefusalError, match="with Values in place of its arguments"):
        step(X)


def test_a_compiled_function_can_be_copied():
    step = autograd.compile(doubled)
    step(X)
    for other in (copy.deepcopy(step), pickle.loads(pickle.dumps(step))):
        np.testing.assert_allclose(other(X), X * 2)


def test_a_compiled_model_has_no_attributes_of_the_model():
    model = layer()
    assert "weight" not in vars(autograd.compile(model))


def test_a_rate_of_an_optimizer_that_the_function_reads():
    m = layer()
    optimizer = nn.optim.SGD(m.parameters(), lr=0.1)
    assert_follows(
        lambda x: m(x) * optimizer.param_groups[0]["lr"],
        changes=lambda: optimizer.param_groups[0].update(lr=0.7),
    )


@pytest.mark.parametrize("made", [lambda y: SimpleNamespace(y=y), lambda y: {id(y): y}.items()])
def test_a_result_of_another_kind_is_refused(made):
    with pytest.raises(RefusalError, match="may differ in every call"):
        autograd.compile(lambda x: (x, made(x * 2)))(X)


def test_a_draw_that_depends_on_an_argument_is_refused():
    step = autograd.compile(lambda x: autograd.default_generator().normal(x))
    with pytest.raises(RefusalError, match="a Value as a parameter"):
        step(X)


def test_an_array_in_a_file(tmp_path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype=float, shape=(2, 3))
    x[...] = X
    step = autograd.compile(lambda x: np.tanh(x) * 2)
    for _ in range(2):
        np.testing.assert_allclose(step(x), np.tanh(X) * 2)


def test_the_sum_of_truth_values_is_one():
    def f(x):
        return ((x > 0.2) + (x > 0.4)) * 3.0

    step = autograd.compile(f)
    for _ in range(2):
        np.testing.assert_array_equal(step(X), f(X))


def test_threads_that_need_one_plan_make_one():
    m = layer()
    step = autograd.compile(lambda x: m(x))
    step(X)
    x = X[:1]
    threads = [threading.Thread(target=step, args=(x,)) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(step.plans) == 2


def test_a_function_that_writes_to_its_argument_is_refused():
    def f(x):
        if isinstance(x, np.ndarray):
            x[0, 0] = 5.0
        return x * 2

    x = X.copy()
    with pytest.raises(RefusalError):
        autograd.compile(f)(x)
    np.testing.assert_array_equal(x, X)
