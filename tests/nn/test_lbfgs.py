"""L-BFGS and its line search."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nn
from nn.optim.line_search import Point, cubic_minimum, strong_wolfe
from nn.optim.sums import dot, norm

SETTINGS = [
    {"lr": 0.1, "max_iter": 10},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 4},
    {"line_search_fn": "strong_wolfe", "max_eval": 3},
]


def problem(rng, dtype=np.float64):
    """A loss that is no parabola, of two parameters."""
    x, y = rng.normal(size=(20, 6)).astype(dtype), rng.normal(size=20).astype(dtype)
    return x, y, rng.normal(size=6).astype(dtype), rng.normal(size=1).astype(dtype)


def ours(rng, settings):
    x, y, *start = problem(rng)
    w, b = params = [nn.Parameter(p, dtype=p.dtype) for p in start]
    opt = nn.optim.LBFGS(params, **settings)

    def closure():
        opt.zero_grad()
        loss = np.mean((2 * np.tanh(x @ w + b) - y) ** 4)
        loss.backward()
        return loss

    return params, opt, closure


@pytest.mark.torch
@pytest.mark.parametrize("settings", SETTINGS)
def test_steps_follow_torch(settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    params, opt, closure = ours(np.random.default_rng(0), settings)
    x, y, *start = problem(np.random.default_rng(0))
    w, b = tensors = [torch.nn.Parameter(torch.tensor(p)) for p in start]
    theirs = torch.optim.LBFGS(tensors, **settings)

    def torch_closure():
        theirs.zero_grad()
        loss = ((2 * torch.tanh(torch.tensor(x) @ w + b) - torch.tensor(y)) ** 4).mean()
        loss.backward()
        return loss

    for _ in range(3):
        loss, torch_loss = opt.step(closure), theirs.step(torch_closure)
        np.testing.assert_allclose(loss.data, torch_loss.item(), rtol=1e-5)
        for p, t in zip(params, tensors, strict=True):
            np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-4, atol=1e-5)
    state, torch_state = (o.state_dict()["state"][0] for o in (opt, theirs))
    assert state.keys() == torch_state.keys() - {"al"}
    assert [state[k] for k in ("func_evals", "n_iter")] == [
        torch_state[k] for k in ("func_evals", "n_iter")
    ]
    twin = nn.optim.LBFGS(copy.deepcopy(params), **settings)
    twin.load_state_dict(theirs.state_dict())


@pytest.mark.trains
def test_the_line_search_finds_the_minimum_of_rosenbrocks_valley():
    p = nn.Parameter([-1.2, 1.0], dtype=np.float64)
    opt = nn.optim.LBFGS([p], line_search_fn="strong_wolfe", max_iter=100)

    def closure():
        opt.zero_grad()
        loss = 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
        loss.backward()
        return loss

    opt.step(closure)
    np.testing.assert_allclose(p.data, [1, 1], atol=1e-4)


@pytest.mark.parametrize("settings", SETTINGS)
def test_training_continues_from_a_saved_state_bit_by_bit(settings):
    params, opt, closure = ours(np.random.default_rng(0), settings)
    opt.step(closure)
    saved, at = opt.state_dict(), [p.data.copy() for p in params]
    opt.step(closure)
    twins, twin, twin_closure = ours(np.random.default_rng(0), settings)
    for p, x in zip(twins, at, strict=True):
        p.data = x
    twin.load_state_dict(saved)
    twin.step(twin_closure)
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_a_saved_state_of_another_size_is_refused():
    params, opt, closure = ours(np.random.default_rng(0), {})
    opt.step(closure)
    saved = opt.state_dict()
    saved["state"][0]["d"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"d has shape \(3,\), it must be \(7,\)"):
        nn.optim.LBFGS(params).load_state_dict(saved)


def test_a_parameter_without_gradient_stays():
    p, idle = nn.Parameter([1.0]), nn.Parameter([1.0])
    opt = nn.optim.LBFGS([p, idle])

    def closure():
        opt.zero_grad()
        loss = np.sum(p * p)
        loss.backward()
        return loss

    opt.step(closure)
    assert (idle.data, abs(p.data) < 1e-3) == (1, True)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lr": -1}, "lr"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"history_size": 1.5}, "history_size"),
        ({"line_search_fn": "wolfe"}, "line_search_fn must be None or 'strong_wolfe', got 'wolfe'"),
    ],
)
def test_bad_settings_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        nn.optim.LBFGS([nn.Parameter([1.0])], **settings)


def test_it_needs_a_closure_and_has_one_group():
    p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
    with pytest.raises(TypeError, match="needs a function"):
        nn.optim.LBFGS([p]).step()
    with pytest.raises(ValueError, match="only one group"):
        nn.optim.LBFGS([{"params": [p]}, {"params": [q]}])


def test_the_search_keeps_wolfes_conditions(rng):
    for _ in range(20):
        a, b, c = rng.normal(size=3)

        def loss(t, a=a, b=b, c=c):
            return t**4 + a * t**3 + b * t**2 + c * t

        def slope(t, a=a, b=b, c=c):
            return 4 * t**3 + 3 * a * t**2 + 2 * b * t + c

        sign = 1.0 if c < 0 else -1.0
        start = Point(0.0, 0.0, np.array([c]), c * sign)

        def at(t, sign=sign):
            return loss(t * sign), np.array([slope(t * sign)])

        found, _ = strong_wolfe(at, np.array([sign]), start, 1.0)
        assert found.loss <= 1e-4 * found.t * start.slope
        assert abs(found.slope) <= 0.9 * abs(start.slope)


def test_a_cubic_without_minimum_gives_the_middle():
    none = np.zeros(0)
    assert cubic_minimum(Point(0, 0, none, 1), Point(2, 4 / 3, none, 1)) == 1


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, 3, np.inf, -np.inf])
@pytest.mark.parametrize("size", [0, 5, 20_000])
def test_norms_are_numpys(order, size, rng):
    x = rng.normal(size=size)
    if size or order > 0:
        expected = np.linalg.norm(x, order) if size else 0
        assert norm(x, order) == pytest.approx(expected, rel=1e-12)
    assert dot(x, x) == pytest.approx(x @ x, rel=1e-12)
