"""What is seen of a backward pass while it runs."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, passes


def told_of(work):
    """What an observer is told while `work` runs: (roots, deposits) and (node, gradient) pairs."""
    begun_passes, seen = [], []

    def on_pass(begun):
        begun_passes.append((list(begun.roots), begun.deposits))
        return lambda v, g: seen.append((v, float(g)))

    with passes.observe(on_pass):
        work()
    return begun_passes, seen


def test_an_observer_is_told_of_passes_that_others_start():
    x = Value(3.0)
    y = x * x
    told, seen = told_of(y.backward)
    assert told == [([y], True)]
    assert seen == [(y, 1.0), (x, 6.0)]
    assert x.grad == 6.0


def test_an_observer_tells_passes_that_deposit_from_others():
    x = Value(3.0)
    y = x * x
    assert told_of(lambda: grad(y, x))[0] == [([y], False)]


def test_a_leaf_is_told_once_its_last_user_has_run_and_before_older_nodes():
    early, late = Value(2.0), Value(5.0)
    hidden = early * 3.0
    y = hidden * late
    _, seen = told_of(y.backward)
    assert [v for v, _ in seen] == [y, late, hidden, early]


def test_a_leaf_that_is_the_root_is_told_of_too():
    x = Value(2.0)
    assert told_of(x.backward)[1] == [(x, 1.0)]


def test_an_observer_and_a_watch_both_see_a_pass():
    x = Value(3.0)
    mine = []
    _, seen = told_of(lambda: grad(x * x, x, watch=lambda v, g: mine.append((v, float(g)))))
    assert mine == seen


def test_an_observer_that_raises_leaves_the_graph_whole_and_gradients_as_they_were():
    x = Value(3.0)
    x.grad = np.array(1.0)
    y = (x * x) + x

    def on_pass(begun):
        def watch(v, g):
            if v is x:
                raise KeyError("seen enough")

        return watch

    with pytest.raises(KeyError, match="seen enough"), passes.observe(on_pass):
        y.backward()
    assert x.grad == 1.0
    y.backward()
    assert x.grad == 8.0


def test_an_observer_may_be_told_nothing_more_and_is_gone_after_its_block():
    x = Value(3.0)
    told = []
    with passes.observe(told.append):
        (x * x).backward()
    (x * x).backward()
    assert len(told) == 1
    assert x.grad == 12.0


def test_an_observed_backward_gives_the_same_bits_and_releases_the_graph():
    def loss(x):
        return np.sum(np.tanh(x) * x + np.exp(x))

    alone, watched = Value([0.3, 0.7]), Value([0.3, 0.7])
    loss(alone).backward()
    y = loss(watched)
    with passes.observe(lambda begun: lambda v, g: None):
        y.backward()
    assert np.array_equal(alone.grad, watched.grad)
    with pytest.raises(RuntimeError, match="released"):
        y.backward()
