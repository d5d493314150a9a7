"""Births: every node's line of source, without a word in the engine."""

from __future__ import annotations

import sys

import numpy as np

import autograd
import nn
from autograd import Value, draw, source_lines
from autograd.engine import topological
from autograd.readers.source_lines import Births, line_of


def test_every_node_knows_the_line_that_made_it():
    x = Value(np.ones((2, 3)))
    with source_lines():
        h = np.tanh(x)
        loss = np.sum(np.mean(h, axis=0) * 2)
    order, _, _ = topological([loss])
    assert all(line_of(v) is not None for v in order)
    assert line_of(h).text == "h = np.tanh(x)"
    assert line_of(loss).text.startswith("loss = ")
    assert line_of(h).function == "test_every_node_knows_the_line_that_made_it"


def test_the_line_of_a_layer_is_that_of_the_users_module():
    class Net(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return self.inner(x)

    with source_lines():
        y = Net()(np.ones((1, 2), np.float32))
    assert line_of(y).text == "return self.inner(x)"
    assert draw(y).picture.clusters, "modules are drawn as ever"


def test_nodes_from_before_and_after_are_left_alone():
    x = Value(1.0)
    before = x * 2
    with source_lines():
        kept = (lambda: before)()
    after = x * 3
    assert line_of(kept) is None
    assert line_of(after) is None


def test_the_parts_of_a_split_are_marked_too():
    with source_lines():
        a, b = np.split(Value(np.ones(4)), 2)
    assert line_of(a) is not None
    assert line_of(b) is not None


def test_blocks_nest():
    seen = []
    with Births(lambda node, frame: seen.append(node.op.name)), source_lines():
        y = Value(2.0) * 3
    assert "multiply" in seen
    assert line_of(y) is not None
    assert sys.getprofile() is None


def test_checkpointed_functions_keep_their_lines():
    x = Value(np.ones(3))
    with source_lines():
        y = autograd.checkpoint(np.tanh, x)
    assert line_of(y).text == "y = autograd.checkpoint(np.tanh, x)"
