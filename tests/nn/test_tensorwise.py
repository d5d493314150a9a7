"""Adafactor and Muon, whose steps look at whole parameters."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd
import nn
from nn.optim import Adafactor, Muon

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_start():
    """Layers start alike, and so do the samples, whichever tests run."""
    global RNG
    RNG = np.random.default_rng(0)
    autograd.seed(0)


MAKE = {
    "Adafactor": lambda p: Adafactor(p, lr=0.05, weight_decay=0.01),
    "Muon": lambda p: Muon(p, lr=0.05),
}


def matrices():
    return [nn.Parameter(RNG.normal(size=shape)) for shape in ((3, 4), (4, 2))]


def stepped(params, optimizer, times):
    for i in range(times):
        for k, p in enumerate(params):
            p.grad = np.cos(np.arange(p.size) + i + k).reshape(p.shape).astype(np.float32)
        optimizer.step()


@pytest.mark.parametrize("kind", MAKE)
def test_copies_and_loaded_states_continue_alike(kind):
    params = matrices()
    optimizer = MAKE[kind](params)
    stepped(params, optimizer, 2)
    pairs = [copy.deepcopy((params, optimizer)), pickle.loads(pickle.dumps((params, optimizer)))]
    fresh = copy.deepcopy(params)
    pairs.append((fresh, MAKE[kind](fresh)))
    pairs[-1][1].load_state_dict(optimizer.state_dict())
    stepped(params, optimizer, 2)
    for others, other in pairs:
        stepped(others, other, 2)
        for p, q in zip(params, others, strict=True):
            np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize("kind", MAKE)
def test_they_train_a_network(kind):
    x = RNG.normal(size=(64, 5)).astype(np.float32)
    y = np.argmax(x @ RNG.normal(size=(5, 3)), axis=1)
    net = nn.Sequential(nn.Linear(5, 16, bias=False), nn.Tanh(), nn.Linear(16, 3, bias=False))
    optimizer, losses = MAKE[kind](net.parameters()), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


def test_adafactor_keeps_a_row_and_a_column():
    p, q = nn.Parameter(np.ones((2, 5, 7))), nn.Parameter(np.ones(3))
    optimizer = Adafactor([p, q])
    for x in (p, q):
        x.grad = np.ones_like(x.data)
    optimizer.step()
    state = {name: np.shape(x) for name, x in optimizer.state[p].items()}
    assert state == {"step": (), "row_var": (2, 5, 1), "col_var": (2, 1, 7)}
    assert optimizer.state[q]["variance"].shape == (3,)


def test_muon_steps_along_an_orthogonal_matrix():
    p = nn.Parameter(np.zeros((3, 5)))
    p.grad = RNG.normal(size=(3, 5)).astype(np.float32)
    u, _, vt = np.linalg.svd(p.grad, full_matrices=False)
    Muon([p], lr=1.0, ns_coefficients=(1.5, -0.5, 0.0), ns_steps=60).step()
    np.testing.assert_allclose(p.data, -u @ vt, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: Adafactor(p, beta2_decay=0.5), "beta2_decay must be at most 0"),
        (lambda p: Adafactor(p, d=0.5), "d must be a finite number >= 1"),
        (lambda p: Adafactor(p, eps=(None, None)), "eps must be"),
        (lambda p: Muon([*p, nn.Parameter([1.0])]), "Muon is for matrices"),
        (lambda p: Muon(p, ns_steps=100), "ns_steps must be an integer from 0 to 99"),
        (lambda p: Muon(p, adjust_lr_fn="other"), "adjust_lr_fn must be None"),
    ],
)
def test_settings_out_of_range_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make(matrices())


def test_a_state_of_other_shapes_is_refused():
    optimizer = Muon(matrices())
    state = {0: {"momentum_buffer": np.zeros((2, 2))}}
    with pytest.raises(ValueError, match=r"momentum_buffer has shape \(2, 2\)"):
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


@pytest.mark.torch
@pytest.mark.parametrize("how", [{}, {"eps": (1e-4, 1e-2), "d": 2.0, "maximize": True}])
def test_adafactor_is_pytorchs(how):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    start = [RNG.normal(size=shape) for shape in ((3, 4), (2, 3, 4), (5,))]
    mine = [nn.Parameter(x, dtype=np.float64) for x in start]
    theirs = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in start]
    how = {"lr": 0.1, "weight_decay": 0.1, **how}
    a, b = Adafactor(mine, **how), torch.optim.Adafactor(theirs, **how, foreach=False)
    for i in range(6):
        for p, q in zip(mine, theirs, strict=True):
            p.grad = RNG.normal(size=p.shape)
            q.grad = torch.from_numpy(p.grad.copy())
        a.step()
        b.step()
        if i == 2:
            a.load_state_dict(b.state_dict())
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("how", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}])
def test_muon_is_pytorchs_within_bfloat16(how):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    start = [RNG.normal(size=shape).astype(np.float32) for shape in ((6, 4), (4, 9))]
    mine = [nn.Parameter(x) for x in start]
    theirs = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in start]
    a, b = Muon(mine, lr=0.1, **how), torch.optim.Muon(theirs, lr=0.1, **how)
    for _ in range(4):
        for p, q in zip(mine, theirs, strict=True):
            p.grad = RNG.normal(size=p.shape).astype(np.float32)
            q.grad = torch.from_numpy(p.grad.copy())
        a.step()
        b.step()
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), atol=2e-2)
    assert set(a.state_dict()["state"][0]) == set(b.state_dict()["state"][0])
