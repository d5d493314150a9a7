"""Whole training steps: optimizers, schedules, clipping, random draws, running statistics."""

import numpy as np
import pytest

import autograd
import nn
from nn.functional import cross_entropy

OPTIMIZERS = [
    name
    for name in dir(nn.optim)
    if isinstance(getattr(nn.optim, name), type)
    and issubclass(getattr(nn.optim, name), nn.optim.Optimizer)
    and name not in ("Optimizer", "StepwiseOptimizer", "LBFGS", "Muon")
]


def batches(n=6):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(8, 5)), rng.integers(0, 3, 8)) for _ in range(n)]


def network(*between):
    layers = [nn.Linear(5, 6, rng=1), *between, nn.ReLU(), nn.Linear(6, 3, rng=2)]
    return nn.Sequential(*layers).double()


def both(make):
    """The losses and parameters of a compiled training and an eager one."""
    found = []
    for wrap in (autograd.compile, lambda f: f):
        autograd.seed(0)
        step, model, after = make()
        run, losses = wrap(step), []
        for x, y in batches():
            losses.append(run(x, y).item())
            after()
        found.append((losses, [p.data.copy() for p in model.parameters()], run))
    return found


def assert_equal(made):
    (losses, params, run), (expected, eager, _) = both(made)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    for p, q in zip(params, eager, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-7, atol=1e-10)
    return run


def made_of(model, optimizer, clip=None, after=lambda: None):
    def step(x, y):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        return loss

    return step, model, after


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_as_eagerly(name):
    def make():
        model = network()
        return made_of(model, getattr(nn.optim, name)(model.parameters(), lr=0.01))

    run = assert_equal(make)
    assert len(run.plans) == 1


def test_a_schedule_changes_the_rate_without_a_new_recording():
    def make():
        model = network()
        optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
        schedule = nn.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return made_of(model, optimizer, after=schedule.step)

    assert len(assert_equal(make).plans) == 1


@pytest.mark.parametrize(
    "clip",
    [
        lambda ps: nn.utils.clip_grad_norm_(ps, 0.01),
        lambda ps: nn.utils.clip_grad_value_(ps, 0.01),
    ],
)
def test_gradients_are_clipped_between_backward_and_step(clip):
    def make():
        model = network()
        return made_of(model, nn.optim.SGD(model.parameters(), lr=0.5), clip)

    assert_equal(make)


def test_groups_of_parameters_have_settings_of_their_own():
    def make():
        model = network()
        groups = [
            {"params": model[0].parameters(), "lr": 0.5},
            {"params": model[2].parameters(), "lr": 0.01, "momentum": 0.9},
        ]
        return made_of(model, nn.optim.SGD(groups, lr=0.1))

    assert_equal(make)


def test_dropout_draws_anew_from_the_same_stream():
    def make():
        model = network(nn.Dropout(0.5))
        return made_of(model, nn.optim.SGD(model.parameters(), lr=0.1))

    assert_equal(make)


def test_running_statistics_move():
    def make():
        model = network(nn.BatchNorm1d(6))
        make.models.append(model)
        return made_of(model, nn.optim.SGD(model.parameters(), lr=0.1))

    make.models = []
    assert_equal(make)
    one, other = make.models
    for (_, a), (_, b) in zip(one.named_buffers(), other.named_buffers(), strict=True):
        np.testing.assert_allclose(a, b)


def test_two_optimizers_take_turns_within_a_step():
    def make():
        model, critic = network(), nn.Linear(3, 1, rng=3).double()
        first = nn.optim.SGD(model.parameters(), lr=0.1)
        second = nn.optim.Adam(critic.parameters(), lr=0.1)

        def step(x, y):
            second.zero_grad()
            score = np.mean(critic(model(x).detach()) ** 2)
            score.backward()
            second.step()
            first.zero_grad()
            loss = np.mean(critic(model(x)) ** 2) + cross_entropy(model(x), y)
            loss.backward()
            first.step()
            return loss + score

        return step, model, lambda: None

    assert_equal(make)


def test_gradients_are_left_where_backward_leaves_them():
    model = network()

    @autograd.compile
    def step(x, y):
        model.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        return loss

    x, y = batches(1)[0]
    step(x, y)
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    step(x, y)
    for p, g in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad, g, rtol=1e-9, atol=1e-12)


def test_gradients_that_add_up_over_calls_are_refused():
    model = network()
    for p in model.parameters():
        p.grad = np.ones(p.shape)

    @autograd.compile
    def step(x, y):
        loss = cross_entropy(model(x), y)
        loss.backward()
        return loss

    with pytest.raises(TypeError, match=r"adds to the \.grad"):
        step(*batches(1)[0])


def test_making_a_plan_is_one_eager_call():
    model = network(nn.BatchNorm1d(6), nn.Dropout(0.5))
    twin = network(nn.BatchNorm1d(6), nn.Dropout(0.5))
    step, *_ = made_of(model, nn.optim.Adam(model.parameters()))
    eager, *_ = made_of(twin, nn.optim.Adam(twin.parameters()))
    x, y = batches(1)[0]
    autograd.seed(0)
    found = autograd.compile(step)(x, y).item(), autograd.default_generator().random()
    autograd.seed(0)
    assert found == (eager(x, y).item(), autograd.default_generator().random())
    for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a, b)
