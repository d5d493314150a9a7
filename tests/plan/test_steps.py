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


def test_noise_is_drawn_anew_from_the_same_stream():
    def make():
        model, decoder = network(), nn.Linear(3, 5, rng=4).double()
        optimizer = nn.optim.Adam([*model.parameters(), *decoder.parameters()], lr=0.01)

        def step(x, y):
            mean = model(x)
            noise = autograd.default_generator().standard_normal(mean.shape)
            scale = autograd.default_generator().uniform(0.5, 1.0)
            loss = np.mean((decoder(mean + noise * scale) - x) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step, model, lambda: None

    assert_equal(make)


def test_a_rate_that_changes_within_a_step_is_refused():
    model = network()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

    @autograd.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.5
        return loss

    with pytest.raises(TypeError, match=r"changes .*'lr'"):
        step(*batches(1)[0])
    assert optimizer.param_groups[0]["lr"] == 0.1


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


def test_gradients_add_up_over_calls():
    model = network()
    for p in model.parameters():
        p.grad = np.ones(p.shape)

    def eager(x, y):
        loss = cross_entropy(model(x), y)
        loss.backward()
        return loss

    step = autograd.compile(eager)
    found = []
    for run in (eager, step):
        model.zero_grad()
        for batch in batches(3):
            run(*batch)
        found.append([p.grad for p in model.parameters()])
    for g, expected in zip(*found, strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-9, atol=1e-12)
    assert len(step.plans) == 1


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


def test_gradients_add_up_before_a_step():
    def make():
        model = network()
        optimizer = nn.optim.SGD(model.parameters(), lr=0.01)

        def step(x, y):  # never clears them
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step, model, lambda: None

    assert_equal(make)


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_gradients_are_cleared_before_or_after_a_step(first, to_none):
    def make():
        model = network()
        optimizer = nn.optim.SGD(model.parameters(), lr=0.01)

        def step(x, y):
            if first:
                optimizer.zero_grad(set_to_none=to_none)
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            if not first:
                optimizer.zero_grad(set_to_none=to_none)
            return loss

        found.append(model)
        return step, model, lambda: None

    found = []
    assert_equal(make)
    for p, q in zip(found[0].parameters(), found[1].parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad, rtol=1e-7, atol=1e-10)


def test_a_target_network_gets_no_gradient():
    target = network()

    def make():
        model = network()
        optimizer = nn.optim.Adam(model.parameters(), lr=0.01)

        def step(x, y):
            with autograd.no_grad():
                future = np.max(target(x), axis=1)
            optimizer.zero_grad()
            loss = np.mean((np.max(model(x), axis=1) - future - y) ** 2)
            loss.backward()
            optimizer.step()
            return loss

        return step, model, lambda: None

    assert_equal(make)
    assert all(p.grad is None for p in target.parameters())


def test_a_step_is_taken_once_where_a_metric_is_infinite():
    def make():
        model = network(nn.BatchNorm1d(6), nn.Dropout(0.5))
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = np.sum(np.where(x > 0, x, 0.1) * 1.0) * 0 + cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            with np.errstate(divide="ignore"):
                return np.log(np.sum(np.where(x > 99, 1.0, 0.0)))

        return step, model, lambda: None

    assert_equal(make)


def test_a_gradient_that_only_an_eager_call_decides_is_left_to_it():
    def make():
        model = nn.Sequential(
            nn.Linear(5, 5, rng=1), nn.BatchNorm1d(5), nn.Dropout(0.5, rng=None)
        ).double()
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            z = model(x)
            chosen = np.where(x > 0.0, np.log(np.abs(x - x[0, 0]) + z * 0.0), z)
            loss = np.sum(np.where(np.abs(x - x[0, 0]) > 0, chosen, 0.0))
            loss.backward()
            optimizer.step()
            return loss

        models.append(model)
        return step, model, lambda: None

    models = []
    with np.errstate(all="ignore"):
        assert_equal(make)
    for (_, a), (_, b) in zip(models[0].named_buffers(), models[1].named_buffers(), strict=True):
        np.testing.assert_allclose(a, b)


def test_hooks_of_an_optimizer_run_in_every_call():
    def make():
        model, seen = network(), []
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
        optimizer.register_step_post_hook(lambda *args: seen.append(1))
        counts.append(seen)
        return made_of(model, optimizer)

    counts = []
    assert len(assert_equal(make).plans) == 1
    assert [len(seen) for seen in counts] == [6, 6]


def test_a_checkpointed_part():
    def make():
        model = network(nn.Dropout(0.5))

        def checkpointed(x):
            return autograd.checkpoint(model, x)

        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = cross_entropy(checkpointed(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step, model, lambda: None

    assert_equal(make)


@pytest.mark.parametrize(
    "f",
    [np.tanh, nn.functional.sigmoid, nn.functional.gelu, lambda x: np.max(x, axis=1) ** 3],
    ids=["tanh", "sigmoid", "gelu", "max"],
)
def test_second_derivatives(f):
    def curvature(x):
        return autograd.grad(lambda z: np.sum(autograd.grad(lambda q: np.sum(f(q)))(z) ** 2))(x)

    x = batches(1)[0][0]
    step = autograd.compile(curvature)
    step(x)
    np.testing.assert_allclose(step(x + 0.1), curvature(x + 0.1), rtol=1e-9, atol=1e-12)


def test_gradients_that_are_only_rounding():
    """Of a bias before batch norm."""

    def make():
        model = nn.Sequential(
            nn.Conv2d(1, 3, 3, rng=0), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(),
            nn.Linear(12, 3, rng=1),
        ).double()  # fmt: skip
        optimizer = nn.optim.SGD(model.parameters(), lr=0.01)

        def step(x, y):
            optimizer.zero_grad()
            images = np.reshape(np.concatenate([x, x, x, x], axis=1)[:, :16], (-1, 1, 4, 4))
            loss = cross_entropy(model(images), y)
            loss.backward()
            optimizer.step()
            return loss

        return step, model, lambda: None

    assert_equal(make)
