"""The update rules of optimizers: NumPy and the compiled loops."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest

import nn
from autograd.machine import pool
from nn.optim import rules
from nn.optim.adam import adam
from nn.optim.rules import UpdateRule
from nn.optim.stepwise import StepwiseOptimizer

RULES = sorted(
    {
        rule
        for name, module in sys.modules.items()
        if name.startswith("nn.optim.")
        for rule in vars(module).values()
        if isinstance(rule, UpdateRule)
    },
    key=lambda rule: rule.__name__,
)
ALL = [
    x
    for x in vars(nn.optim).values()
    if isinstance(x, type) and issubclass(x, StepwiseOptimizer) and x is not StepwiseOptimizer
]
SIZE = 2 * rules.PIECE + 7


def example(rule, dtype, rng):
    """Constants, parameter, gradient and state, with what is special among the numbers."""
    *_, names = inspect.getsource(rule.core).partition("= c")[0].splitlines()
    names = ["climb", "decay", *filter(None, (name.strip(" ()") for name in names.split(",")))]
    if "c[5:]" in inspect.getsource(rule.core):  # the others are taken by `moments`
        names[2:2] = ["shrink", "keep", "rise", "keep2", "rise2"]
    constants = [{"one": 1, "zero": 0}.get(n, 0.1 + 0.07 * i) for i, n in enumerate(names)]
    states = len(inspect.signature(rule).parameters) - 3
    p, g = rng.normal(size=(2, SIZE)).astype(dtype)
    for i, special in enumerate((np.nan, np.inf, -np.inf, 0, -0.0)):
        g[3 + i] = p[10 + i] = special
    return constants, p, g, list(rng.uniform(size=(states, SIZE)).astype(dtype))


def after(rule, c, p, g, state, compiled):
    """Bits of the parameter and its state after a step."""
    p, state = p.copy(), [s.copy() for s in state]
    with np.errstate(all="ignore"):
        rules.apply(rule, c, p, g, state, compiled)
    return [np.nan_to_num(x, nan=1e30) for x in (p, *state)]


@pytest.mark.parametrize("make", ALL)
def test_every_optimizer_of_the_package_follows_a_compiled_rule(make):
    optimizer = make([nn.Parameter([1.0])])
    (group,) = optimizer.param_groups
    rule, _ = optimizer.rule(group, {**optimizer.numbers(group), "step": 1})
    assert rule in RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_numpy_and_the_compiled_loop_give_the_same_bits(rule, rng):
    c, p, g, state = example(rule, np.float32, rng)
    for switch in (c, [0, *c[1:]], [c[0], 0, *c[2:]], [0, 0, 1, 0.9, 0.1, *c[5:]][: len(c)]):
        ours = after(rule, switch, p, g, state, compiled=True)
        numpys = after(rule, switch, p, g, state, compiled=False)
        for x, y in zip(ours, numpys, strict=True):
            assert x.tobytes() == y.tobytes()


def test_float64_gives_the_same_bits_too(rng):
    c, p, g, state = example(adam, np.float64, rng)
    ours, numpys = (after(adam, c, p, g, state, how) for how in (True, False))
    assert [x.tobytes() for x in ours] == [x.tobytes() for x in numpys]


def test_the_number_of_threads_does_not_matter(rng, monkeypatch):
    monkeypatch.setattr(rules, "COST", 1e3)
    c, p, g, state = example(adam, np.float32, rng)
    found = []
    before = pool.get_num_threads()
    for n in (1, 2, 3):
        pool.set_num_threads(n)
        found.append(b"".join(x.tobytes() for x in after(adam, c, p, g, state, True)))
    pool.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_the_gradient_stays_as_it_is(rng):
    for rule in RULES:
        c, p, g, state = example(rule, np.float32, rng)
        before = g.copy()
        after(rule, c, p, g, state, compiled=False)
        np.testing.assert_array_equal(g, before)


def test_a_users_rule_runs_as_it_is_even_under_the_name_of_one_of_ours(rng):
    def adam(c, p, g):
        p -= c[0] * np.sign(g)
        return (p,)

    p, g = rng.normal(size=(2, SIZE)).astype(np.float32)
    expected = p - np.float32(0.1) * np.sign(g)
    rules.apply(adam, (0.1,), p, g, (), compiled=True)
    np.testing.assert_array_equal(p, expected)


def test_a_loop_is_compiled_again_when_a_function_that_it_calls_has_changed(monkeypatch):
    from autograd.machine.jit import stamp

    before = stamp(adam.loop)
    assert stamp(UpdateRule(adam.core).loop) == before
    monkeypatch.setattr("nn.optim.adam.lerp", lambda keep, rise, m, g: m)
    assert stamp(UpdateRule(adam.core).loop) != before
