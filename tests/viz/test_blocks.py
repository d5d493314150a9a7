"""Repeated blocks: loops over time or depth are found in the graph."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.viz.blocks import loop
from autograd.viz.trace import Trace


def found(root, open_kernels=False):
    trace = Trace([root], open_kernels=open_kernels)
    return loop(trace, trace.order)


def test_a_loop_of_the_user_is_found_with_its_states():
    w, u, h = Value(np.eye(3)), Value(np.eye(3)), np.zeros(3)
    states = []
    for t in range(6):
        h = np.tanh(h @ w + np.full(3, t) @ u)
        states.append(h)
    steps = found(np.sum(h))
    assert len(steps.steps) == 6
    assert all(v is state for (v,), state in zip(steps.carried, states, strict=True))


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_an_opened_kernel_is_a_loop_over_time(kind):
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[kind]
    rng = np.random.default_rng(0)
    w = [Value(rng.normal(size=(gates * 2, n))) for n in (3, 2)]
    y, _ = getattr(autograd, kind)(np.ones((7, 1, 3)), [w])
    steps = found(np.sum(y), open_kernels=True)
    assert len(steps.steps) == len(steps.carried) == 7
    h = {"rnn": "tanh", "lstm": "multiply", "gru": "add"}[kind]
    expected = [h] if kind != "lstm" else [h, "add"]
    assert all(sorted(v.op.name for v in c) == sorted(expected) for c in steps.carried)


def test_steps_are_found_where_only_the_last_state_is_used():
    w = [Value(np.ones(shape)) for shape in ((8, 3), (8, 2))]
    _, (h, _) = autograd.lstm(np.ones((5, 1, 3)), [w])
    assert len(found(np.sum(h), open_kernels=True).steps) == 5


def test_a_first_step_without_a_state_is_a_step():
    w, u, states = Value(np.eye(3)), Value(np.eye(3)), []
    for t in range(6):
        a = np.full(3, t) @ u
        states.append(np.tanh(a + states[-1] @ w if states else a))
    carried = found(np.sum(states[-1])).carried
    assert all(v is state for (v,), state in zip(carried, states, strict=True))


def test_what_made_the_initial_state_is_no_step():
    w = Value(np.eye(3))
    h = np.sin(Value(np.ones(3), name="z"))
    for t in range(6):
        h = np.tanh(h @ w + t)
    assert len(found(np.sum(h)).steps) == 6


def test_layers_of_one_width_are_a_loop_over_depth():
    x = np.ones(4)
    for _ in range(5):
        x = np.maximum(Value(np.eye(4)) @ x, 0)
    assert len(found(np.sum(x)).steps) == 5


def test_a_graph_without_repetition_has_none():
    x = Value(2.0)
    assert found(np.exp(np.sin(x) * 2 + 1)) is None


def test_repetition_without_a_state_is_no_loop():
    parts = [np.tanh(Value(1.0) * k) for k in range(6)]
    assert found(np.sum(np.stack(parts))) is None
