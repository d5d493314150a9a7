from __future__ import annotations

import copy
import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import nn
from autograd import Value
from nn.optim import SGD, Adam, AdamW, Lion
from nn.optim.block import LARGE


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


def lion(p, g, s, t, lr, betas=(0.9, 0.99), weight_decay=0, maximize=False):
    """Program 1 of Chen et al., 2023."""
    g, m = -g if maximize else g, s.get("m", np.zeros_like(p))
    update = np.sign(betas[0] * m + (1 - betas[0]) * g)
    s["m"] = betas[1] * m + (1 - betas[1]) * g
    return p - lr * (update + weight_decay * p)


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
    (Lion, lion, {}),
    (Lion, lion, {"betas": (0.5, 0.8), "weight_decay": 0.3, "maximize": True}),
]
IDS = [f"{c[0].__name__}-{'-'.join(c[2])}" for c in CASES]


def shapes():
    """Small ones, one that is not C-contiguous, one that goes in pieces."""
    rng = np.random.default_rng(0)
    ps = [rng.normal(size=s) for s in ((3,), (2, 3), (), (8195,), (4,))]
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


OPTIMIZERS = [
    lambda p: nn.optim.SGD(p, momentum=0.9),
    lambda p: nn.optim.Adam(p, amsgrad=True),
    nn.optim.AdamW,
    lambda p: nn.optim.RMSprop(p, momentum=0.9, centered=True),
    lambda p: nn.optim.Adagrad(p, initial_accumulator_value=0.1),
    nn.optim.Adadelta,
    nn.optim.Adamax,
    nn.optim.NAdam,
    nn.optim.RAdam,
    lambda p: nn.optim.ASGD(p, t0=1),
    nn.optim.Rprop,
    lambda p: nn.optim.Lion(p, weight_decay=0.1),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
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


@pytest.mark.parametrize("change", ["step", "exp_avg"])
def test_a_state_dict_with_a_part_missing_is_refused(change):
    p = Value([1.0])
    opt = Adam([p])
    p.grad = np.ones(1)
    opt.step()
    state = opt.state_dict()
    del state["state"][0][change]
    with pytest.raises(ValueError, match=f"Adam: parameter 0: its state has no {change}"):
        opt.load_state_dict(state)
    assert opt.state[p].keys() == {"step", "exp_avg", "exp_avg_sq"}


def test_a_large_and_a_small_model_take_the_same_steps():
    """One is updated by compiled loops, the other by NumPy."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=LARGE).astype(np.float32)
    whole = nn.Parameter(start)
    parts = [nn.Parameter(part) for part in np.split(start, 4)]
    large, *small = Adam([whole], weight_decay=0.1), *(Adam([p], weight_decay=0.1) for p in parts)
    for _ in range(3):
        whole.grad = rng.normal(size=LARGE).astype(np.float32)
        for p, g in zip(parts, np.split(whole.grad, 4), strict=True):
            p.grad = g.copy()
        for opt in (large, *small):
            opt.step()
    np.testing.assert_array_equal(whole.data, np.concatenate([p.data for p in parts]))


def test_a_step_of_a_small_model_loads_no_numba():
    code = (
        "import sys, numpy as np, nn; p = nn.Parameter(np.ones(6570)); p.grad = p.data.copy(); "
        "nn.optim.Adam([p]).step(); print('numba' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_large_parameters_of_any_strides_and_dtypes_are_updated():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(256, 129)).astype(np.float32)
    for p, g in (
        (Value(np.asfortranarray(start)), start),
        (Value(start), np.asfortranarray(start)),
        (Value(start), np.broadcast_to(np.float32(2), start.shape)),
        (Value(start), start.astype(np.float64)),
        (Value(start.astype(np.float16)), start.astype(np.float16)),
    ):
        p.grad = g
        dtype = p.dtype
        SGD([p], lr=0.5).step()
        rtol = 1e-3 if dtype == np.float16 else 1e-6
        np.testing.assert_allclose(p.data, start - 0.5 * g, rtol=rtol, atol=1e-3 * rtol)
        assert p.dtype == dtype


def test_a_model_that_turns_float64_goes_on_in_float64():
    net = nn.Linear(3, 1, rng=0)
    opt = Adam(net.parameters())
    for dtype in (np.float32, np.float64):
        net.to(dtype)
        for p in net.parameters():
            p.grad = np.ones(p.shape, dtype)
        opt.step()
        assert {opt.state[p]["exp_avg"].dtype for p in net.parameters()} == {np.dtype(dtype)}
    assert opt.state[net.weight]["step"] == 2


def test_state_that_is_cleared_begins_anew():
    p = Value([1.0])
    opt = Adam([p])
    for _ in range(2):
        p.grad = np.ones(1)
        opt.step()
        opt.state.clear()
    opt.step()
    assert opt.state[p]["step"] == 1


def test_momentum_that_is_switched_on_later_begins_with_the_gradient():
    p = Value([1.0])
    opt = SGD([p], lr=1.0)
    for momentum in (0.0, 0.0, 0.9, 0.9):
        opt.param_groups[0]["momentum"] = momentum
        p.grad = np.ones(1)
        opt.step()
    np.testing.assert_allclose(p.data, 1 - 1 - 1 - 1 - 1.9)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="page faults are counted by POSIX")
@pytest.mark.parametrize("size", [LARGE - 1, 4 * LARGE])
def test_a_step_takes_no_new_memory(size):
    import resource

    p = nn.Parameter(np.ones(size))
    p.grad = np.ones(size, np.float32)
    opt = Adam([p], amsgrad=True, weight_decay=0.1)
    for _ in range(5):
        opt.step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        opt.step()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 25


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
    with pytest.raises(ValueError, match=r"parameter 0: exp_avg_sq has shape \(3,\)"):
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


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}
STEPWISE = [
    lambda p: SGD(p, lr=0.1),
    lambda p: SGD(p, lr=0.1, momentum=0.9),
    lambda p: Adam(p, lr=0.1, amsgrad=True),
    lambda p: AdamW(p, lr=0.1),
    lambda p: Lion(p, lr=0.1),
    lambda p: nn.optim.Adadelta(p),
    lambda p: nn.optim.Adagrad(p, lr=0.1),
    lambda p: nn.optim.Adamax(p, lr=0.1),
    lambda p: nn.optim.ASGD(p, lr=0.1),
    lambda p: nn.optim.NAdam(p, lr=0.1),
    lambda p: nn.optim.RAdam(p, lr=0.1),
    lambda p: nn.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    lambda p: nn.optim.Rprop(p, lr=0.1),
    lambda p: nn.optim.LBFGS(p, lr=0.1, max_iter=2),
]


def descend(params, optimizer, steps=3):
    """Steps on a loss whose gradient changes with the parameters."""

    def closure():
        optimizer.zero_grad()
        loss = sum(np.sum(np.square(p) * (i + 1)) for i, p in enumerate(params))
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)


@pytest.mark.parametrize("size", [5, LARGE], ids=["gathered", "large"])
@pytest.mark.parametrize("make", STEPWISE, ids=lambda make: type(make([Value([1.0])])).__name__)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_model_and_its_optimizer_trains_on(copied, make, size):
    params = [nn.Parameter(np.linspace(-1, 1, size)), nn.Parameter([[0.5, -2.0]])]
    optimizer = make(params)
    descend(params, optimizer)
    params2, optimizer2 = copied((params, optimizer))
    before = [p.data.copy() for p in params]
    descend(params2, optimizer2)
    for p, old in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.data, old)
    descend(params, optimizer)
    for p, q in zip(params, params2, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    state, state2 = optimizer.state_dict()["state"], optimizer2.state_dict()["state"]
    assert state.keys() == state2.keys()
    for i in state:
        assert state[i].keys() == state2[i].keys()
        for name in state[i]:
            np.testing.assert_array_equal(state[i][name], state2[i][name])


def test_a_shallow_copy_of_an_optimizer_shares_parameters_and_state():
    for size in (2, LARGE):
        p, q = (nn.Parameter(np.full(size, 2.0)) for _ in range(2))
        once, first = Adam([p], lr=0.1), Adam([q], lr=0.1)
        descend([q], first, 1)
        second = copy.copy(first)
        for optimizer in (second, first, second):
            descend([q], optimizer, 1)
        descend([p], once, 4)
        np.testing.assert_array_equal(p.data, q.data)
        assert first.state[q]["step"] == second.state[q]["step"] == 4


@pytest.mark.parametrize("size", [2, LARGE], ids=["gathered", "large"])
def test_state_that_is_assigned_counts_from_the_next_step(size):
    p = nn.Parameter(np.zeros(size))
    optimizer = SGD([p], lr=1.0, momentum=0.5)
    p.grad = np.ones(size, np.float32)
    optimizer.step()  # p = -1, buffer = 1
    optimizer.state[p]["momentum_buffer"] = np.full(size, 8.0)
    optimizer.step()  # buffer = 8/2 + 1
    np.testing.assert_array_equal(p.data, -6)
    np.testing.assert_array_equal(optimizer.state_dict()["state"][0]["momentum_buffer"], 5)
    optimizer.state[p] = {"momentum_buffer": np.full(size, 2.0), "step": 7}
    optimizer.step()  # buffer = 2
    np.testing.assert_array_equal(p.data, -8)
    assert optimizer.state[p]["step"] == 8
    optimizer.state[p]["momentum_buffer"][:] = 4
    optimizer.step()  # buffer = 3
    np.testing.assert_array_equal(p.data, -11)


def test_a_step_count_that_is_assigned_counts_for_its_parameter_alone():
    p, q, r = params = [Value([1.0]) for _ in range(3)]
    optimizer = Adam(params, lr=0.1)
    for x in params:
        x.grad = np.ones(1)
    optimizer.step()
    optimizer.state[q]["step"] = 9
    optimizer.step()
    assert [optimizer.state[x]["step"] for x in params] == [2, 10, 2]
    want = lambda t: 0.9 - 0.1 * (0.19 / (1 - 0.9**t)) / np.sqrt(0.001999 / (1 - 0.999**t))  # noqa: E731
    np.testing.assert_allclose([p.item(), q.item(), r.item()], [want(2), want(10), want(2)])


def test_momentum_that_is_assigned_without_a_step_or_before_the_first_one_counts():
    p = nn.Parameter([0.0, 0.0])
    optimizer = SGD([p], lr=1.0, momentum=0.5, dampening=0.5)
    assert optimizer.state[p] == {}
    assert optimizer.state_dict()["state"] == {}
    optimizer.state[p]["momentum_buffer"] = np.array([2.0, 4.0])
    p.grad = np.ones(2, np.float32)
    optimizer.step()  # buffer = b/2 + 1/2
    np.testing.assert_array_equal(p.data, [-1.5, -2.5])
    optimizer.state[p] = {"momentum_buffer": np.array([8.0, 0.0])}
    optimizer.step()
    np.testing.assert_array_equal(p.data, [-6.0, -3.0])
    del optimizer.state[p]["momentum_buffer"]
    optimizer.step()  # a first step: buffer = g
    np.testing.assert_array_equal(p.data, [-7.0, -4.0])


def test_moments_without_a_step_count_are_refused_and_nothing_moves():
    p, q = nn.Parameter([1.0]), nn.Parameter([2.0], name="q")
    optimizer = Adam([{"params": [p]}, {"params": [q]}], lr=0.1)
    p.grad = q.grad = np.ones(1, np.float32)
    optimizer.step()
    before = p.data.copy()
    optimizer.state[q] = {"exp_avg": np.ones(1)}
    with pytest.raises(ValueError, match=r"Adam: the state of 'q' \(1,\) has exp_avg, but no step"):
        optimizer.step()
    np.testing.assert_array_equal(p.data, before)


def test_state_that_is_deleted_starts_anew():
    p = Value([1.0])
    optimizer = SGD([p], lr=1.0, momentum=0.5)
    p.grad = np.ones(1)
    optimizer.step()
    del optimizer.state[p]["momentum_buffer"]
    optimizer.step()
    assert optimizer.state[p]["momentum_buffer"] == 1.0


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), 0.0, np.array([1j, 0])], ids=["shape", "0-d", "complex"]
)
def test_state_that_does_not_fit_its_parameter_is_named(wrong):
    p = nn.Parameter([1.0, 2.0], name="w")
    optimizer = SGD([p], lr=1.0, momentum=0.5)
    p.grad = np.ones(2, np.float32)
    optimizer.step()
    optimizer.state[p]["momentum_buffer"] = wrong
    with pytest.raises(ValueError, match=r"'momentum_buffer'.*'w' \(2,\)"):
        optimizer.step()


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copied_scheduler_belongs_to_the_copied_optimizer(copied):
    p = nn.Parameter([1.0])
    optimizer = SGD([p], lr=1.0)
    scheduler = nn.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer2, scheduler2 = copied((optimizer, scheduler))
    optimizer2.stepped = True
    scheduler2.step()
    assert optimizer2.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["lr"] == 1.0


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
        (lambda p: Adam(p, betas=0.9), "betas must be two numbers from 0 to below 1, got 0.9"),
        (lambda p: nn.optim.RMSprop(p, alpha=1.5), "alpha must be from 0 to 1, got 1.5"),
        (lambda p: nn.optim.Adagrad(p, lr_decay=-1), "lr_decay"),
        (lambda p: nn.optim.Adadelta(p, rho=2), "rho must be from 0 to 1"),
        (lambda p: nn.optim.Adamax(p, betas=(-0.1, 0.9)), "betas"),
        (lambda p: nn.optim.NAdam(p, momentum_decay=-1), "momentum_decay"),
        (lambda p: nn.optim.RAdam(p, weight_decay=-1), "weight_decay"),
        (lambda p: nn.optim.ASGD(p, lambd=-1), "lambd"),
        (lambda p: nn.optim.Rprop(p, etas=(1.5, 0.5)), "etas must be two numbers, of which"),
        (lambda p: nn.optim.Rprop(p, step_sizes=(2, 1)), "step_sizes"),
        (lambda p: nn.optim.Lion(p, betas=(0.9, 1)), "betas"),
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
        ([Value(np.array([1]))], "int64"),
    ],
)
def test_what_is_no_parameter_is_refused(params, text):
    with pytest.raises(TypeError, match=text):
        SGD(params)


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr="0.1"), lambda p: Adam(p, betas=(0.9, None))])
def test_settings_that_are_no_numbers_are_refused(make):
    with pytest.raises(TypeError, match="must be a number, got"):
        make([Value([1.0])])


@pytest.mark.parametrize("name", ["foreach", "fused", "capturable", "differentiable"])
def test_what_has_no_meaning_here_is_refused_by_name(name):
    with pytest.raises(TypeError, match=name):
        Adam([Value([1.0])], **{name: True})


def test_a_misshapen_gradient_is_refused_before_anything_changes():
    a, b = Value([1.0]), Value([1.0, 2.0], name="b")
    a.grad, b.grad = np.ones(1), np.ones(1)
    with pytest.raises(ValueError, match=r"'b' \(2,\) has shape \(1,\)"):
        SGD([a, b], lr=1.0).step()
    assert a.item() == 1


def test_a_small_models_step_keeps_its_bits_where_kernels_run(monkeypatch):
    ends = []
    for started in (False, True):
        monkeypatch.setattr("nn.optim.block.kernels_started", lambda started=started: started)
        rng = np.random.default_rng(0)
        params = [nn.Parameter(rng.normal(size=shape)) for shape in ((5, 3), (5,), (2, 5))]
        optimizer = nn.optim.Adam(params, lr=0.1, weight_decay=0.01)
        for _ in range(3):
            for p in params:
                p.grad = rng.normal(size=p.shape).astype(p.dtype)
            optimizer.step()
        ends.append([p.data.copy() for p in params])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


class Plain(nn.optim.Optimizer):
    """As PyTorch's programs write one: a constructor and a step, and state that grows."""

    def __init__(self, params, lr=0.5):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"], state["mean"] = 0, np.zeros_like(p.data)
                state["step"] += 1
                state["mean"] = 0.5 * state["mean"] + p.grad
                p.data -= group["lr"] * state["mean"]


def test_an_optimizer_of_ones_own_needs_a_constructor_and_a_step():
    p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
    a, b = Plain([p]), Plain([q])
    p.grad = q.grad = np.ones(1, np.float32)
    a.step()
    assert p.data == 0.5
    b.load_state_dict(a.state_dict())
    assert b.state[q]["step"] == 1
    q.data = p.data
    for optimizer in (a, b, copy.deepcopy(a)):
        optimizer.step()
    assert p.data == q.data == -0.25
    nn.optim.lr_scheduler.StepLR(a, 1, gamma=0.5).step()
    assert a.param_groups[0]["lr"] == 0.25
