"""nn.summary: the table of a model's layers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from nn.look.summary import input_of


def by_path(table):
    return {row.path: row for row in table.rows}


def test_products_are_counted_as_on_paper():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.Flatten(), nn.Linear(8 * 36, 5, False))
    rows = by_path(nn.summary(net, np.zeros((2, 3, 8, 8), np.float32)))
    assert rows["0"].multiply_adds == 2 * 8 * 36 * 3 * 9
    assert rows["2"].multiply_adds == 2 * 5 * 288
    assert rows[""].multiply_adds == rows["0"].multiply_adds + rows["2"].multiply_adds
    assert [rows[path].parameters for path in ("0", "1", "2", "")] == [216, 0, 1440, 1656]
    assert rows["0"].output == ((2, 8, 6, 6),)
    assert rows["0"].kept == 4 * 2 * 8 * 36


def test_a_row_holds_what_happens_within_it_and_every_call_counts():
    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(4, 4, bias=False)
            self.unused = nn.Linear(4, 9)

        def forward(self, x):
            return self.inner(self.inner(x)) @ np.ones((4, 2), np.float32)

    rows = by_path(nn.summary(nn.Sequential(Twice()), np.zeros((3, 4), np.float32)))
    assert rows["0.inner"].multiply_adds == 2 * 3 * 16
    assert rows["0"].multiply_adds == rows[""].multiply_adds == 2 * 3 * 16 + 3 * 8
    assert (rows["0.unused"].output, rows["0.unused"].multiply_adds) == ((), 0)
    assert [row.depth for row in rows.values()] == [0, 1, 2, 2]


def test_several_outputs_and_numbers_of_tokens_are_read():
    class Reader(nn.Module):
        def __init__(self):
            self.table, self.layer = nn.Embedding(9, 6), nn.LSTM(6, 5)

        def forward(self, tokens):
            return self.layer(self.table(tokens))

    rows = by_path(nn.summary(Reader(), np.zeros((7, 2), int)))
    assert rows["table"].output == ((7, 2, 6),)
    assert rows["layer"].output == ((7, 2, 5), (1, 2, 5), (1, 2, 5))
    assert rows["layer"].multiply_adds >= 7 * 2 * 4 * 5 * (6 + 5)


def test_frozen_parts_cost_the_same_and_stay_frozen():
    def table(frozen):
        net = nn.Sequential(nn.Embedding(9, 6, rng=0), nn.Linear(6, 4, rng=0), nn.ReLU())
        net[:2].requires_grad_(not frozen)
        rows = nn.summary(net, np.zeros((3, 2), int)).rows
        assert all(p.requires_grad is not frozen for p in net.parameters())
        return rows

    free, frozen = table(False), table(True)
    assert [row._replace(trainable=0) for row in free] == [
        row._replace(trainable=0) for row in frozen
    ]
    assert (free[0].trainable, frozen[0].trainable) == (82, 0)


def test_a_model_is_left_as_it_was():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    net[2].eval()
    state = {name: x.copy() for name, x in net.state_dict().items()}
    with autograd.no_grad():
        table = nn.summary(net, np.ones((8, 4), np.float32))
    assert table.rows[0].multiply_adds > 0
    for name, x in net.state_dict().items():
        np.testing.assert_array_equal(x, state[name])
    assert [module.training for module in net.modules()] == [True, True, True, False]
    assert all(module._hooks is None or not module._hooks.before for module in net.modules())


def test_an_op_of_which_nothing_is_known_makes_the_count_unknown():
    class Solve(nn.Module):
        def forward(self, x):
            return np.linalg.inv(x)

    table = nn.summary(nn.Sequential(nn.Tanh(), Solve()), np.eye(3, dtype=np.float32))
    assert [row.multiply_adds for row in table.rows] == [None, 4, None]
    assert "unknown" in str(table)


def test_a_layer_that_takes_its_size_from_the_input_is_made():
    net = nn.Sequential(nn.Linear(None, 3), nn.ReLU())
    assert nn.summary(net, np.zeros((2, 5), np.float32)).rows[0].parameters == 18


def test_the_table_is_aligned_and_sums_up():
    net = nn.Sequential(nn.Linear(400, 300), nn.ReLU(), nn.Linear(300, 10))
    net[0].requires_grad_(False)
    lines = str(nn.summary(net, np.zeros((64, 400), np.float32))).splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[2].endswith("123,310      7,891,520   156 kB")  # 64 · 123,305
    assert lines[-1] == "123,310 parameters, 120,300 of them frozen"


def test_a_summary_needs_a_model_and_an_input():
    with pytest.raises(TypeError, match="summary: model must be a Module, not type"):
        nn.summary(nn.Linear, np.zeros((1, 3)))
    with pytest.raises(TypeError, match="summary: give what the model is called with"):
        nn.summary(nn.Linear(3, 2))


def test_a_shape_stands_for_zeros_of_it():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 5))
    table = str(nn.summary(net, np.zeros((1, 1, 8, 8), np.float32)))
    assert str(nn.summary(net, (1, 1, 8, 8))) == table
    assert str(nn.summary(net, input_size=(1, 1, 8, 8))) == table
    assert nn.summary(net.double(), (1, 1, 8, 8)).rows[0].output == ((1, 5),)


def test_several_shapes_have_their_own_dtypes():
    class Two(nn.Module):
        def __init__(self):
            self.table, self.out = nn.Embedding(7, 3), nn.Linear(3, 2)

        def forward(self, words, x):
            return self.out(self.table(words) + x)

    for rows in (
        nn.summary(Two(), [(4,), (4, 3)], dtypes=[np.int64, np.float32]).rows,
        nn.summary(Two(), (4,), (4, 3), dtypes=[np.int64, np.float32]).rows,
        nn.summary(Two(), np.zeros(4, int), (4, 3), dtypes=[np.float32]).rows,
    ):
        assert rows[0].output == ((4, 2),)


@pytest.mark.parametrize(
    ("first", "output"),
    [
        (nn.Embedding(5, 3), (1, 1, 3)),
        (nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(4, 3)), (1, 3)),
    ],
)
def test_the_first_layer_may_tell_the_input(first, output, capsys):
    nn.Sequential(first, nn.ReLU()).summary()
    assert str(output) in capsys.readouterr().out


def test_a_recurrent_layer_tells_the_input_too():
    assert input_of(nn.LSTM(3, 4)).shape == (1, 1, 3)
