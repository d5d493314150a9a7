from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import nn
from autograd import Value
from nn.optim import SGD, Adam, AdamW
from nn.optim.block import PIECE


def sgd(p, g, s, t, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        s["b"] = g if t == 1 else momentum * s["b"] + (1 - dampening) * g
        g = g + momentum * s["b"] if nesterov else s["b"]
    return p - lr * g


def adam(
    p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
    maximize=False, decoupled=False,
):  # fmt: skip
    g = -g if maximize else g
    if decoupled:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g**2
    s["max"] = np.maximum(s.get("max", 0), s["v"])
    root = np.sqrt((s["max"] if amsgrad else s["v"]) / (1 - betas[1] ** t)) + eps
    return p - lr * s["m"] / (1 - betas[0] ** t) / root


def adamw(p, g, s, t, lr, weight_decay=1e-2, **kwargs):
    return adam(p, g, s, t, lr, weight_decay=weight_decay, decoupled=True, **kwargs)


CASES = [
    (SGD, sgd, {}),
    (SGD, sgd, {"momentum": 0.9}),
    (SGD, sgd, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    (SGD, sgd, {"momentum": 0.9, "nesterov": True, "maximize": True, "weight_decay": 0.1}),
    (Adam, adam, {}),
    (Adam, adam, {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (Adam, adam, {"amsgrad": True, "maximize": True}),
    (AdamW, adamw, {}),
    (AdamW, adamw, {"weight_decay": 0.3, "maximize": True, "amsgrad": True}),
]
IDS = [f"{c[0].__name__}-{'-'.join(c[2])}" for c in CASES]


def shapes():
    """Small ones that are gathered, one that is not C-contiguous, one that goes in pieces."""
    rng = np.random.default_rng(0)
    ps = [rng.normal(size=s) for s in ((3,), (2, 3), (), (PIECE + 5,), (4,))]
    values = [Value(p) for p in ps] + [Value(np.asfortranarray(rng.normal(size=(4, 3))))]
    return values, [v.data.copy() for v in values]


@pytest.mark.parametrize(("optimizer", "formula", "settings"), CASES, ids=IDS)
def test_five_steps_follow_pytorchs_formula(optimizer, formula, settings):
    values, expected = shapes()
    opt = optimizer(values, lr=0.05, **settings)
    states = [{} for _ in values]
    rng = np.random.default_rng(1)
    for t in range(1, 6):
        for i, v in enumerate(values):
            v.grad = rng.normal(size=v.shape)
            expected[i] = formula(expected[i], v.grad, states[i], t, 0.05, **settings)
        opt.step()
    for v, p in zip(values, expected, strict=True):
        np.testing.assert_allclose(v.data, p, rtol=1e-10, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(("optimizer", "formula", "settings"), CASES, ids=IDS)
def test_five_steps_follow_torch(optimizer, formula, settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    values, start = shapes()
    tensors = [torch.nn.Parameter(torch.tensor(p)) for p in start]
    ours = optimizer(values, lr=0.05, **settings)
    theirs = getattr(torch.optim, optimizer.__name__)(tensors, lr=0.05, **settings)
    rng = np.random.default_rng(1)
    for _ in range(5):
        for v, p in zip(values, tensors, strict=True):
            v.grad = rng.normal(size=v.shape)
            p.grad = torch.tensor(v.grad)
        ours.step()
        theirs.step()
    for v, p in zip(values, tensors, strict=True):
        np.testing.assert_allclose(v.data, p.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_a_parameter_without_gradient_stays_and_counts_no_step():
    values, expected = shapes()
    opt = Adam(values, lr=0.05)
    states, steps = [{} for _ in values], [0] * len(values)
    rng = np.random.default_rng(1)
    for t in range(6):
        for i, v in enumerate(values):
            v.grad = None
            if (t + i) % 3:
                v.grad = rng.normal(size=v.shape)
                steps[i] += 1
                expected[i] = adam(expected[i], v.grad, states[i], steps[i], 0.05)
        opt.step()
    for v, p in zip(values, expected, strict=True):
        np.testing.assert_allclose(v.data, p, rtol=1e-10, atol=1e-12)
    assert [opt.state[v]["step"] for v in values] == steps


def test_gradients_stay_as_they_are():
    p = Value([1.0, 2.0])
    p.grad = np.array([3.0, 4.0])
    AdamW([p], weight_decay=0.1, maximize=True).step()
    np.testing.assert_array_equal(p.grad, [3, 4])


def test_parameters_are_written_in_place():
    p = Value([1.0, 2.0])
    data, p.grad = p.data, np.ones(2)
    SGD([p], lr=1.0).step()
    np.testing.assert_array_equal(data, [0, 1])


def test_a_generator_step_after_the_discriminators_makes_its_graph_stale():
    generator, judge = nn.Linear(1, 1, rng=0), nn.Linear(1, 1, rng=0)
    g_opt = Adam(generator.parameters())
    j_opt = Adam(judge.parameters())
    fake = judge(generator(np.ones((2, 1), np.float32)))
    np.sum(np.square(judge(np.ones((2, 1), np.float32)))).backward()
    j_opt.step()
    with pytest.raises(RuntimeError, match="'weight' was written to"):
        np.sum(fake).backward()
    g_opt.step()


def test_the_right_order_of_two_optimizers_goes_through():
    generator, judge = nn.Linear(1, 1, rng=0), nn.Linear(1, 1, rng=0)
    g_opt, j_opt = SGD(generator.parameters()), SGD(judge.parameters())
    for _ in range(3):
        np.sum(judge(np.ones((2, 1), np.float32))).backward()
        j_opt.step()
        np.sum(judge(generator(np.ones((2, 1), np.float32)))).backward()
        g_opt.step()
        g_opt.zero_grad()
        j_opt.zero_grad()


def test_groups_have_settings_of_their_own():
    a, b = Value([1.0]), Value([1.0])
    opt = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    a.grad, b.grad = np.ones(1), np.ones(1)
    opt.step()
    assert (a.item(), b.item()) == (0.9, 0.5)


def test_settings_may_change_between_steps():
    p = Value([1.0])
    opt = SGD([p], lr=0.1)
    opt.param_groups[0]["lr"] = 1.0
    p.grad = np.ones(1)
    opt.step()
    assert p.item() == 0


def test_named_parameters_are_accepted():
    net = nn.Linear(2, 1)
    assert len(SGD(net.named_parameters()).param_groups[0]["params"]) == 2


def test_zero_grad_forgets_or_zeroes():
    p = Value([1.0])
    opt = SGD([p])
    p.grad = np.ones(1)
    opt.zero_grad(set_to_none=False)
    assert p.grad == 0
    opt.zero_grad()
    assert p.grad is None


def test_a_closure_computes_the_loss_anew():
    p = Value([2.0])

    def closure():
        p.grad = None
        loss = np.sum(p * p)
        loss.backward()
        return loss

    assert SGD([p], lr=0.25).step(closure).item() == 4
    assert p.item() == 1


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, momentum=0.9), lambda p: Adam(p, amsgrad=True), AdamW]
)
def test_training_continues_from_a_state_dict_bit_by_bit(make):
    values, _ = shapes()

    def step(vs, opt, seed):
        rng = np.random.default_rng(seed)
        for v in vs:
            v.grad = rng.normal(size=v.shape)
        opt.step()

    first = make(values)
    for seed in range(3):
        step(values, first, seed)
    twins = copy.deepcopy(values)
    second = make(twins)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for seed in range(3, 6):
        step(values, first, seed)
        step(twins, second, seed)
    for a, b in zip(values, twins, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_state_dict_has_pytorchs_form():
    p = Value([1.0])
    opt = Adam([p])
    p.grad = np.ones(1)
    opt.step()
    state = opt.state_dict()
    assert state["param_groups"][0]["params"] == [0]
    assert state["state"][0].keys() == {"step", "exp_avg", "exp_avg_sq"}


def test_a_state_dict_that_does_not_fit_changes_nothing():
    p = Value([1.0, 2.0])
    opt = Adam([p])
    p.grad = np.ones(2)
    opt.step()
    state = opt.state_dict()
    state["state"][0]["exp_avg_sq"] = np.ones(3)
    with pytest.raises(ValueError, match=r"exp_avg_sq of parameter 0 has shape \(3,\)"):
        opt.load_state_dict(state)
    assert opt.state[p]["exp_avg_sq"].shape == (2,)
    with pytest.raises(ValueError, match=r"groups of \[1\]"):
        Adam([p, Value([1.0])]).load_state_dict(opt.state_dict())


def test_a_deep_copy_of_the_optimizer_belongs_to_the_copy_of_the_model():
    net = nn.Linear(2, 1)
    net2, opt2 = copy.deepcopy((net, SGD(net.parameters(), lr=1.0)))
    before = net.bias.data.copy()
    net2.bias.grad = np.ones(1, np.float32)
    opt2.step()
    np.testing.assert_array_equal(net.bias.data, before)
    np.testing.assert_array_equal(net2.bias.data, before - 1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: SGD(p, lr=-1), "lr must be a finite number >= 0, got -1"),
        (lambda p: SGD(p, lr=math.nan), "lr"),
        (lambda p: SGD(p, nesterov=True), "nesterov"),
        (lambda p: Adam(p, betas=(0.9, 1.0)), "betas"),
        (lambda p: Adam(p, eps=-1e-8), "eps"),
        (lambda p: Adam([]), "no parameters"),
        (lambda p: Adam(p + p), "twice"),
        (lambda p: Adam([{"params": p, "momentum": 1}]), "no setting momentum"),
    ],
)
def test_bad_settings_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make([Value([1.0])])


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (Value([1.0]), "not one Value"),
        ([np.ones(2)], "not ndarray"),
        ([Value([1.0]) * 2], "result of multiply"),
        ([Value([1])], "int64"),
    ],
)
def test_what_is_no_parameter_is_refused(params, text):
    with pytest.raises(TypeError, match=text):
        SGD(params)


def test_a_misshapen_gradient_is_refused_before_anything_changes():
    a, b = Value([1.0]), Value([1.0, 2.0], name="b")
    a.grad, b.grad = np.ones(1), np.ones(1)
    with pytest.raises(ValueError, match=r"'b' \(2,\) has shape \(1,\)"):
        SGD([a, b], lr=1.0).step()
    assert a.item() == 1
