"""Names, arguments and defaults beside PyTorch's."""

from __future__ import annotations

import inspect

import pytest

import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name

torch = pytest.importorskip("torch", reason="the comparison needs torch")
pytestmark = pytest.mark.torch


OURS = {"dtype", "rng"}
THEIRS = {  # deprecated, of other devices, or private
    "size_average", "reduce", "device", "dtype", "_weight", "_freeze", "min_value", "max_value",
    "_stacklevel", "out",
}  # fmt: skip


def parameters(f, drop):
    found = inspect.signature(f).parameters.values()
    return {
        p.name: p.default
        for p in found
        if p.name not in drop and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def same_signature(ours, theirs):
    a, b = parameters(ours, OURS), parameters(theirs, THEIRS)
    assert list(a)[: len(b)] == list(b)
    for name, default in b.items():
        if a[name] is not inspect.Parameter.empty and default is not inspect.Parameter.empty:
            assert getattr(a[name], "__name__", a[name]) == getattr(default, "__name__", default), (
                name
            )
    extra = list(a)[len(b) :]
    assert all(a[name] is not inspect.Parameter.empty for name in extra), extra


SAME = [
    name
    for name in dir(nn)
    if isinstance(getattr(nn, name), type)
    and issubclass(getattr(nn, name), nn.Module)
    and isinstance(getattr(torch.nn, name, None), type)
]
VARIADIC = {"RNN", "LSTM", "GRU", "Identity", "Module", "Sequential"}


@pytest.mark.parametrize("name", sorted(set(SAME) - VARIADIC))
def test_a_constructor_takes_pytorchs_arguments(name):
    same_signature(getattr(nn, name), getattr(torch.nn, name))


@pytest.mark.parametrize("name", sorted(set(SAME) - VARIADIC - {"Softmax2d"}))
def test_a_forward_takes_pytorchs_arguments(name):
    a = list(parameters(getattr(nn, name).forward, OURS))
    b = list(parameters(getattr(torch.nn, name).forward, {"kwargs"}))
    assert a == b or name.endswith(("List", "Dict"))


FUNCTIONAL = [
    name
    for name in dir(F)
    if inspect.isfunction(getattr(torch.nn.functional, name, None))
    and not {"args", "kwargs"}
    & inspect.signature(getattr(torch.nn.functional, name)).parameters.keys()
]


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_a_function_takes_pytorchs_arguments(name):
    same_signature(getattr(F, name), getattr(torch.nn.functional, name))


INITS = [n for n in dir(nn.init) if n[0] != "_" and hasattr(torch.nn.init, n)]


@pytest.mark.parametrize("name", INITS)
def test_an_init_takes_pytorchs_arguments(name):
    a = parameters(getattr(nn.init, name), {"rng"})  # ours, by its other name
    b = parameters(getattr(torch.nn.init, name), ())
    assert a == b


def test_every_init_of_pytorch_is_there():
    theirs = {n for n in dir(torch.nn.init) if n.endswith("_") and not n.startswith("_")}
    assert theirs <= set(dir(nn.init))


def test_all_activations_of_pytorch_are_there():
    assert set(torch.nn.modules.activation.__all__) <= set(dir(nn))


def test_all_transformers_of_pytorch_are_there():
    assert set(torch.nn.modules.transformer.__all__) <= set(dir(nn))


def test_all_losses_of_pytorch_are_there():
    theirs = set(torch.nn.modules.loss.__all__) - {"NLLLoss2d", "LinearCrossEntropyLoss"}
    assert theirs <= set(dir(nn))
