"""Learning rate schedules."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import nn
from nn.optim import lr_scheduler as ours

EPOCHS = 200


class Falling:
    """A function of the epoch that remembers something."""

    def __init__(self):
        self.calls = 0

    def __call__(self, epoch):
        self.calls += 1
        return 1 / (1 + epoch)


SCHEDULES = {  # each is read twice: with our module and with PyTorch's
    "lambda": lambda m, o: m.LambdaLR(o, [lambda t: 0.95**t, lambda t: 1 / (1 + t)]),
    "multiplicative": lambda m, o: m.MultiplicativeLR(o, lambda t: 0.9 if t % 3 else 1.1),
    "step": lambda m, o: m.StepLR(o, 30, 0.5),
    "step of 1": lambda m, o: m.StepLR(o, 1, 0.99),
    "multi step": lambda m, o: m.MultiStepLR(o, [80, 30, 30, 150], 0.3),
    "constant": lambda m, o: m.ConstantLR(o, 0.25, 40),
    "constant by default": lambda m, o: m.ConstantLR(o),
    "linear": lambda m, o: m.LinearLR(o, 0.1, 0.7, 60),
    "linear by default": lambda m, o: m.LinearLR(o),
    "exponential": lambda m, o: m.ExponentialLR(o, 0.97),
    "polynomial": lambda m, o: m.PolynomialLR(o, 150, 2.0),
    "polynomial by default": lambda m, o: m.PolynomialLR(o),
    "cosine": lambda m, o: m.CosineAnnealingLR(o, 50, 0.001),
    "cosine of 1": lambda m, o: m.CosineAnnealingLR(o, 1),
    "warm restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 10),
    "longer warm restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 7, 2, 0.01),
    "cyclic": lambda m, o: m.CyclicLR(o, 0.01, 0.5, 20),
    "cyclic triangular2": lambda m, o: m.CyclicLR(o, [0.01, 0.1], [0.5, 1.0], 7, 13, "triangular2"),
    "cyclic exp_range": lambda m, o: m.CyclicLR(o, 0.01, 0.5, 20, mode="exp_range", gamma=0.99),
    "cyclic own": lambda m, o: m.CyclicLR(
        o, 0.01, 0.5, 20, scale_fn=lambda x: 1 / x, base_momentum=[0.1, 0.2], max_momentum=0.8
    ),
    "cyclic own by iteration": lambda m, o: m.CyclicLR(
        o, 0.01, 0.5, 20, scale_fn=lambda x: 0.99**x, scale_mode="iterations"
    ),
    "cyclic without momentum": lambda m, o: m.CyclicLR(o, 0.01, 0.5, 20, cycle_momentum=False),
    "one cycle": lambda m, o: m.OneCycleLR(o, 0.5, EPOCHS + 1),
    "one cycle linear": lambda m, o: m.OneCycleLR(
        o, [0.5, 0.1], epochs=21, steps_per_epoch=10, pct_start=0.4, anneal_strategy="linear"
    ),
    "one cycle in three": lambda m, o: m.OneCycleLR(
        o, 0.5, EPOCHS + 1, three_phase=True, div_factor=10.0, final_div_factor=100.0
    ),
    "one cycle without momentum": lambda m, o: m.OneCycleLR(o, 0.5, 300, cycle_momentum=False),
    "sequential": lambda m, o: m.SequentialLR(
        o,
        [m.LinearLR(o, 0.1, total_iters=20), m.CosineAnnealingLR(o, 100), m.ExponentialLR(o, 0.9)],
        [20, 120],
    ),
    "sequential others": lambda m, o: m.SequentialLR(
        o, [m.StepLR(o, 5, 0.5), m.CosineAnnealingWarmRestarts(o, 9), m.ConstantLR(o)], [30, 90]
    ),
    "sequential lambdas": lambda m, o: m.SequentialLR(
        o, [m.LambdaLR(o, lambda t: 0.9**t), m.PolynomialLR(o, 50), m.MultiStepLR(o, [3])], [9, 80]
    ),
    "chained": lambda m, o: m.ChainedScheduler(
        [m.ConstantLR(o, 0.1, 20), m.ExponentialLR(o, 0.97), m.StepLR(o, 50)]
    ),
    "chained others": lambda m, o: m.ChainedScheduler(
        [m.LinearLR(o), m.CosineAnnealingLR(o, 30), m.PolynomialLR(o, 100)], optimizer=o
    ),
}
PLATEAUS = [
    {},
    {"mode": "max", "factor": 0.5, "patience": 2},
    {"patience": 3, "threshold_mode": "abs", "threshold": 0.01, "cooldown": 5},
    {"mode": "max", "patience": 0, "threshold_mode": "abs", "min_lr": [0.01, 0.001]},
    {"patience": 1, "eps": 1e-3},
]
OPTIMIZERS = [("SGD", {"momentum": 0.9}), ("Adam", {"betas": (0.9, 0.99)})]


def optimizer(name="SGD", settings=None):
    groups = [{"params": [nn.Parameter([1.0])]}, {"params": [nn.Parameter([1.0])], "lr": 0.2}]
    opt = getattr(nn.optim, name)(groups, lr=0.1, **(settings or {"momentum": 0.9}))
    opt.step()
    return opt


def torchs(name, settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    p, q = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    opt = getattr(torch.optim, name)(
        [{"params": [p]}, {"params": [q], "lr": 0.2}], lr=0.1, **settings
    )
    opt.step()
    return torch.optim.lr_scheduler, opt


def settings_of(opt):
    """What schedulers change."""
    groups = opt.param_groups
    return [g["lr"] for g in groups] + [g.get("momentum", g.get("betas")) for g in groups]


def run(scheduler, opt, epochs=EPOCHS):
    found = [settings_of(opt)]
    for _ in range(epochs):
        opt.step()
        scheduler.step()
        found.append(settings_of(opt))
        assert scheduler.get_last_lr() == found[-1][:2]
    return found


def flat(found):
    return np.array([[x for part in row for x in np.ravel(part)] for row in found], float)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_and_momentum_are_torchs_over_200_epochs(schedule, name, settings):
    module, opt = torchs(name, settings)
    expected = run(SCHEDULES[schedule](module, opt), opt)
    mine = optimizer(name, settings)
    found = run(SCHEDULES[schedule](ours, mine), mine)
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-9, atol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("settings", PLATEAUS)
def test_plateaus_are_torchs(settings, rng):
    module, theirs = torchs(*OPTIMIZERS[0])
    mine = optimizer()
    pair = [module.ReduceLROnPlateau(theirs, **settings), ours.ReduceLROnPlateau(mine, **settings)]
    for t in range(EPOCHS):
        metric = float(np.round(1 / (1 + t) + 0.05 * rng.normal(), 2))
        for scheduler in pair:
            scheduler.step(metric)
        np.testing.assert_allclose(settings_of(mine), settings_of(theirs))
        assert pair[1].best == pair[0].best


@pytest.mark.torch
@pytest.mark.parametrize("schedule", ["step", "linear", "cosine", "polynomial", "exponential"])
def test_going_on_by_last_epoch_is_torchs(schedule):
    def again(module, opt):
        scheduler = SCHEDULES[schedule](module, opt)
        run(scheduler, opt, 17)
        kind = type(scheduler)
        how = {"StepLR": {"step_size": 30}, "CosineAnnealingLR": {"T_max": 50}}
        how["ExponentialLR"] = {"gamma": 0.9}
        return run(kind(opt, last_epoch=16, **how.get(kind.__name__, {})), opt, 50)

    expected = again(*torchs(*OPTIMIZERS[0]))
    np.testing.assert_allclose(flat(again(ours, optimizer())), flat(expected), rtol=1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_goes_on_from_a_saved_state_to_the_bit(schedule):
    opt = optimizer()
    scheduler = SCHEDULES[schedule](ours, opt)
    run(scheduler, opt, 33)
    saved = json.loads(json.dumps([scheduler.state_dict(), opt.state_dict()]))
    expected = run(scheduler, opt, 60)
    fresh = optimizer()
    twin = SCHEDULES[schedule](ours, fresh)
    fresh.load_state_dict(saved[1])
    twin.load_state_dict(saved[0])
    assert twin.get_last_lr() == expected[0][:2]
    assert json.dumps(run(twin, fresh, 60)) == json.dumps(expected)


def test_a_plateau_goes_on_from_a_saved_state():
    opt = optimizer()
    scheduler = ours.ReduceLROnPlateau(opt, patience=2)
    for _ in range(3):
        scheduler.step(1.0)
    fresh = optimizer()
    twin = ours.ReduceLROnPlateau(fresh, patience=9)
    twin.load_state_dict(scheduler.state_dict())
    twin.step(1.0)
    scheduler.step(1.0)
    assert settings_of(fresh) == settings_of(opt)
    assert fresh.param_groups[0]["lr"] == pytest.approx(0.01)


def test_functions_that_are_objects_are_saved_with_their_attributes():
    first, second = Falling(), Falling()
    scheduler = ours.LambdaLR(optimizer(), first)
    twin = ours.LambdaLR(optimizer(), second)
    first.calls = 7
    twin.load_state_dict(scheduler.state_dict())
    assert second.calls == 7


def test_a_chain_begins_anew_as_a_later_part_of_a_sequence():
    opt = optimizer()
    chain = ours.ChainedScheduler([ours.ConstantLR(opt, 0.5, 2), ours.ExponentialLR(opt, 0.5)])
    scheduler = ours.SequentialLR(opt, [ours.ConstantLR(opt, 1.0), chain], [2])
    rates = [row[0] for row in run(scheduler, opt, 5)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0.025, 0.025, 0.0125])


def test_the_state_of_another_scheduler_is_refused():
    scheduler = ours.StepLR(optimizer(), 3)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="another scheduler: it has no step_size"):
        scheduler.load_state_dict(ours.ExponentialLR(optimizer(), 0.5).state_dict())
    assert scheduler.state_dict() == before


def test_a_combined_schedule_is_refused_whole():
    opt = optimizer()
    scheduler = SCHEDULES["sequential"](ours, opt)
    run(scheduler, opt, 30)
    state = scheduler.state_dict()
    del state["_schedulers"][2]["gamma"]
    twin = SCHEDULES["sequential"](ours, optimizer())
    before = twin.state_dict()
    with pytest.raises(ValueError, match="no gamma"):
        twin.load_state_dict(state)
    assert twin.state_dict() == before


def test_a_step_before_the_optimizers_is_warned_of():
    opt = nn.optim.SGD([nn.Parameter([1.0])])
    with pytest.warns(UserWarning, match="the other way round"):
        ours.StepLR(opt, 3).step()


def test_a_rate_that_is_no_number_is_refused():
    opt = optimizer()
    scheduler = ours.LambdaLR(opt, lambda t: math.nan if t else 1.0)
    with pytest.raises(ValueError, match="would be nan in epoch 1"):
        scheduler.step()
    assert opt.param_groups[0]["lr"] == 0.1


def test_more_steps_than_the_cycle_has_are_refused():
    opt = optimizer()
    scheduler = ours.OneCycleLR(opt, 0.1, total_steps=3)
    with pytest.raises(ValueError, match="total_steps=3"):
        run(scheduler, opt, 4)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: ours.StepLR(None, 3), TypeError, "must be an Optimizer, not NoneType"),
        (lambda o: ours.StepLR(o, 0), ValueError, "step_size must be at least 1, got 0"),
        (lambda o: ours.StepLR(o, 1.5), TypeError, "step_size must be an integer"),
        (lambda o: ours.StepLR(o, 3, last_epoch=5), ValueError, "no 'initial_lr'"),
        (lambda o: ours.LambdaLR(o, [abs]), ValueError, "one or a list of 2"),
        (lambda o: ours.LambdaLR(o, 0.5), TypeError, "must be a function of the epoch"),
        (lambda o: ours.ConstantLR(o, 1.5), ValueError, "factor must be above 0"),
        (lambda o: ours.LinearLR(o, 0), ValueError, "start_factor"),
        (lambda o: ours.LinearLR(o, end_factor=2), ValueError, "end_factor must be from 0 to 1"),
        (lambda o: ours.PolynomialLR(o, 0), ValueError, "total_iters"),
        (lambda o: ours.CosineAnnealingLR(o, 0), ValueError, "T_max"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "T_mult"),
        (lambda o: ours.CyclicLR(o, 0.1, 1, mode="square"), ValueError, "mode must be one of"),
        (lambda o: ours.CyclicLR(o, [0.1], 1), ValueError, "base_lr must be one or a list of 2"),
        (lambda o: ours.OneCycleLR(o, 0.1), ValueError, "pass total_steps, or epochs and"),
        (lambda o: ours.OneCycleLR(o, 0.1, 9, pct_start=2), ValueError, "pct_start"),
        (lambda o: ours.OneCycleLR(o, 0.1, 9, anneal_strategy="x"), ValueError, "anneal_strategy"),
        (lambda o: ours.ReduceLROnPlateau(o, "low"), ValueError, "mode must be 'min' or 'max'"),
        (lambda o: ours.ReduceLROnPlateau(o, factor=1), ValueError, "factor"),
        (lambda o: ours.ReduceLROnPlateau(o).step(), TypeError, "pass the metric"),
        (lambda o: ours.SequentialLR(o, [], []), ValueError, "at least one"),
        (lambda o: ours.SequentialLR(o, [ours.StepLR(o, 1)], [3]), ValueError, "0 epochs"),
        (lambda o: ours.ChainedScheduler([]), ValueError, "at least one"),
        (lambda o: ours.ChainedScheduler([o]), TypeError, "optimizer must be"),
        (
            lambda o: ours.ChainedScheduler([ours.ReduceLROnPlateau(o)]),
            ValueError,
            "step it by itself",
        ),
        (
            lambda o: ours.ChainedScheduler([ours.StepLR(o, 1), ours.StepLR(optimizer(), 1)]),
            ValueError,
            r"schedulers\[1\] belongs to another optimizer",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make(optimizer())


def test_an_optimizer_without_momentum_can_not_cycle_it():
    opt = nn.optim.Adagrad([nn.Parameter([1.0])])
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        ours.CyclicLR(opt, 0.1, 1.0)
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        ours.OneCycleLR(opt, 0.1, 10)


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["StepLR", "CosineAnnealingLR", "ExponentialLR", "LambdaLR", "OneCycleLR"]
)
def test_a_step_to_an_epoch_gives_pytorchs_rate(name):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    how = {
        "StepLR": {"step_size": 2},
        "CosineAnnealingLR": {"T_max": 6},
        "ExponentialLR": {"gamma": 0.9},
        "LambdaLR": {"lr_lambda": lambda epoch: 1 / (1 + epoch)},
        "OneCycleLR": {"max_lr": 1.0, "total_steps": 10, "cycle_momentum": False},
    }[name]
    mine = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    a = getattr(nn.optim.lr_scheduler, name)(mine, **how)
    b = getattr(torch.optim.lr_scheduler, name)(theirs, **how)
    mine.step()
    theirs.step()
    for epoch in (0, 3, 1, 5):
        a.step(epoch)
        with pytest.warns(UserWarning, match="epoch parameter"):
            b.step(epoch)
        np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-12)
        assert a.last_epoch == epoch


@pytest.mark.torch
@pytest.mark.parametrize("factor", [1, 2])
def test_warm_restarts_step_within_epochs_as_pytorchs(factor):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    kind = "CosineAnnealingWarmRestarts"
    mine = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    a = getattr(nn.optim.lr_scheduler, kind)(mine, 2, factor, 0.01)
    b = getattr(torch.optim.lr_scheduler, kind)(theirs, 2, factor, 0.01)
    for i in range(40):
        a.step(i / 4)
        b.step(i / 4)
        np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-9)
        assert (a.last_epoch, a.T_i) == (b.last_epoch, b.T_i)


def test_a_step_to_no_epoch_is_refused():
    optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
    with pytest.raises(TypeError, match=r"StepLR\.step: epoch must be an integer"):
        nn.optim.lr_scheduler.StepLR(optimizer, 2).step(1.5)
    with pytest.raises(ValueError, match="at least 0"):
        nn.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2).step(-1)
    chained = nn.optim.lr_scheduler.ChainedScheduler([ours.StepLR(optimizer, 2)])
    with pytest.raises(TypeError, match=r"ChainedScheduler\.step\(\) takes no epoch"):
        chained.step(1)
