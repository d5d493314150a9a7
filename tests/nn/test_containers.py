"""Modules and parameters in lists and by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn


def kinds(modules):
    return [type(m).__name__ for m in modules]


def test_a_module_list_pops_joins_and_slices():
    blocks = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.Sigmoid()])
    assert kinds([blocks.pop(1)]) == ["Tanh"]
    assert kinds(blocks) == ["ReLU", "Sigmoid"]
    assert kinds(blocks + nn.ModuleList([nn.Tanh()])) == ["ReLU", "Sigmoid", "Tanh"]
    blocks += [nn.ELU()]
    assert kinds(blocks[1:]) == ["Sigmoid", "ELU"]
    assert kinds(blocks[::-1]) == ["ELU", "Sigmoid", "ReLU"]
    assert blocks[0] in blocks
    assert nn.ReLU() not in blocks
    with pytest.raises(IndexError, match="index 3"):
        del blocks[3]


@pytest.mark.parametrize("part", [slice(1, None), slice(None, None, 2), slice(None, None, -1)])
def test_a_slice_of_a_module_list_is_numbered_anew(part):
    blocks = nn.ModuleList(nn.Linear(i + 1, 1) for i in range(3))[part]
    sizes = [m.in_features for m in blocks]
    assert [name for name, _ in blocks.named_children()] == ["0", "1", "2"][: len(sizes)]
    blocks.append(nn.Linear(9, 1))
    blocks += [nn.Linear(8, 1)]
    blocks.insert(0, nn.Linear(7, 1))
    assert [m.in_features for m in blocks] == [7, *sizes, 9, 8]


def test_a_slice_of_a_sequential_keeps_its_names_and_loses_no_module():
    net = nn.Sequential(*(nn.Linear(i + 1, 1) for i in range(4)))[2:]
    assert [name for name, _ in net.named_children()] == ["2", "3"]  # as PyTorch's
    net.append(nn.Linear(9, 1)).extend([nn.Linear(8, 1)])
    assert [m.in_features for m in net] == [3, 4, 9, 8]
    net.insert(1, nn.Linear(7, 1))
    assert [m.in_features for m in net] == [3, 7, 4, 9, 8]
    assert [name for name, _ in net.named_children()] == ["0", "1", "2", "3", "4"]


def test_a_slice_of_a_parameter_list_is_numbered_anew():
    weights = nn.ParameterList(np.zeros(n) for n in (1, 2, 3))[1:]
    weights.append(np.zeros(9))
    assert [w.size for w in weights] == [2, 3, 9]
    assert list(weights.state_dict()) == ["0", "1", "2"]


def test_a_sequential_is_repeated_with_shared_modules():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    assert kinds(net * 2) == ["Linear", "Tanh"] * 2
    assert (3 * net)[4] is net[0]
    assert len(list((net * 3).parameters())) == 2
    net *= 2
    assert kinds(net) == ["Linear", "Tanh"] * 2
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="n must be an integer >= 1"):
            net * wrong


def test_a_parameter_dict_has_the_methods_of_a_dict():
    weights = nn.ParameterDict({"a": np.zeros(1), "b": np.zeros(2)})
    twin = weights.copy()
    assert twin["a"] is weights["a"]
    assert twin.setdefault("c", np.zeros(3)) is twin["c"]
    assert twin.setdefault("a") is weights["a"]
    assert list(reversed(twin)) == ["c", "b", "a"]
    assert twin.popitem()[0] == "c"
    assert "c" not in twin
    assert [p.size for p in weights.fromkeys(["x", "y"], np.ones(4)).values()] == [4, 4]
    assert (weights | {"d": np.ones(1)}).keys() == ["a", "b", "d"]
    assert ({"d": np.ones(1)} | weights).keys() == ["d", "a", "b"]
    weights |= {"e": np.ones(1)}
    assert weights.keys() == ["a", "b", "e"]
    with pytest.raises(KeyError, match="empty"):
        nn.ParameterDict().popitem()


def test_extending_by_something_else_adds_nothing():
    blocks = nn.ModuleList([nn.ReLU()])
    with pytest.raises(TypeError, match="entry 2 must be a Module"):
        blocks.extend([nn.Tanh(), np.tanh])
    assert len(blocks) == 1


def test_sequentials_join_and_pop():
    net = nn.Sequential(nn.ReLU(), nn.Tanh()) + nn.Sequential(nn.Sigmoid())
    assert kinds(net) == ["ReLU", "Tanh", "Sigmoid"]
    assert kinds([net.pop(-1)]) == ["Sigmoid"]
    assert net.extend([nn.ELU()]) is net
    assert [name for name, _ in net.named_children()] == ["0", "1", "2"]


def test_a_module_dict_is_a_mapping_of_modules():
    heads = nn.ModuleDict([("a", nn.Linear(1, 1)), ("b", nn.ReLU())])
    heads["c"] = nn.Tanh()
    heads.update({"b": nn.ELU()})
    assert heads.keys() == ["a", "b", "c"]
    assert kinds(heads.values()) == ["Linear", "ELU", "Tanh"]
    assert [k for k, _ in heads.items()] == list(heads)
    assert "a" in heads
    assert len(heads) == 3
    assert kinds([heads.pop("c")]) == ["Tanh"]
    del heads["b"]
    assert list(heads.state_dict()) == ["a.weight", "a.bias"]
    heads.clear()
    assert not list(heads)


def test_a_module_dict_refuses_what_is_no_module_and_bad_names():
    heads = nn.ModuleDict({"a": nn.ReLU()})
    with pytest.raises(TypeError, match="'b' must be a Module"):
        heads.update({"c": nn.ReLU(), "b": np.tanh})
    assert list(heads) == ["a"]
    with pytest.raises(ValueError, match="name"):
        heads["keys"] = nn.ReLU()
    with pytest.raises(KeyError, match="no module 'z'; it has a"):
        heads["z"]


def test_a_parameter_list_is_a_list_of_parameters():
    weights = nn.ParameterList([nn.Parameter([1.0]), np.zeros(2)])
    weights.append(nn.Parameter([3.0, 4.0, 5.0]))
    weights[-1] = np.ones(4, np.float32)
    weights += [[5.0]]
    assert [p.shape for p in weights] == [(1,), (2,), (4,), (1,)]
    assert all(isinstance(p, nn.Parameter) for p in weights[1:3])
    assert list(weights.state_dict()) == ["0", "1", "2", "3"]
    assert len(list(weights.parameters())) == len(weights) == 4
    assert repr(nn.ParameterList([np.zeros((2, 3))])) == (
        "ParameterList(\n  (0): float64 of shape (2, 3)\n)"
    )
    with pytest.raises(IndexError, match="index 4"):
        weights[4]


def test_a_parameter_dict_is_a_mapping_of_parameters():
    weights = nn.ParameterDict({"a": nn.Parameter([1.0])})
    weights["b"] = np.zeros(2)
    assert weights.keys() == ["a", "b"]
    assert weights.get("c") is None
    assert weights.pop("a").shape == (1,)
    assert list(weights.state_dict()) == ["b"]
    with pytest.raises(KeyError, match="no parameter 'c'"):
        weights["c"]
    with pytest.raises(ValueError, match="name"):
        weights["a.b"] = np.zeros(2)
    assert [p.shape for p in weights.values()] == [(2,)]
    weights.clear()
    assert len(weights) == 0


def test_a_result_is_no_parameter():
    with pytest.raises(TypeError, match="result of multiply"):
        nn.ParameterList([autograd.Value(1.0) * 2])


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.ParameterList([np.ones(2)]),
        lambda: nn.ParameterDict({"a": np.ones(2)}),
        lambda: nn.ModuleDict({"a": nn.Linear(1, 1)}),
        lambda: nn.ModuleList([nn.Linear(1, 1)]),
    ],
)
def test_containers_are_copied_in_depth(make):
    box = make()
    twin = copy.deepcopy(box)
    next(twin.parameters()).data += 1
    assert not np.array_equal(*(next(b.parameters()).data for b in (box, twin)))
