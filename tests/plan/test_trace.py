"""A plan is run step by step, beside the eager call, and nothing of it stays."""

import itertools

import numpy as np
import pytest

import autograd
import nn

X = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 4, 8)


def training_step():
    layers = [nn.Linear(6, 8, rng=0), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 4, rng=1)]
    model = nn.Sequential(*layers)
    optimizer = nn.optim.Adam(model.parameters(), 0.1)

    @autograd.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, step


@pytest.fixture
def plan():
    return training_step()[2].plan(X, Y)


def test_each_step_has_the_numbers_of_the_eager_call(plan):
    found = autograd.profile(plan, repeat=1)
    compared = [made.off for step in found.steps for made in step.made if made.off is not None]
    assert len(compared) > 8
    assert max(compared) < 1e-5


def test_a_wrong_step_would_be_seen(plan, monkeypatch):
    from autograd.viz.plan import trace

    run = trace._run

    def spoilt(*args):
        arrays, times = run(*args)
        for made in arrays:
            for array in made:
                array += np.asarray(1, array.dtype)
        return arrays, times

    monkeypatch.setattr(trace, "_run", spoilt)
    assert autograd.profile(plan, repeat=1).largest > 1e-2


def test_nothing_that_the_steps_change_stays():
    model, optimizer, step = training_step()
    autograd.seed(5)
    plan = step.plan(X, Y)
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    state = {key: np.copy(x) for key, x in optimizer.state_dict()["state"][0].items()}
    stream = autograd.default_generator().bit_generator.state
    autograd.profile(plan, repeat=2)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(p.data, before[name])
    for key, x in optimizer.state_dict()["state"][0].items():
        np.testing.assert_array_equal(x, state[key])
    assert autograd.default_generator().bit_generator.state == stream


def test_results_that_live_at_once_lie_apart(plan):
    found = autograd.profile(plan, repeat=1)
    lives = [
        (i, min(made.until, len(found.steps) - 1), made.offset, made.offset + made.bytes)
        for i, step in enumerate(found.steps)
        for made in step.made
        if made.offset is not None
    ]
    assert len(lives) > 6
    for k, (begin, end, low, high) in enumerate(lives):
        for start, stop, bottom, top in lives[:k]:
            if begin <= stop and start <= end:
                assert high <= bottom or top <= low
    assert max(high for *_, high in lives) <= found.bytes < found.asked


def test_lines_of_the_source_belong_to_one_step(plan):
    found = autograd.profile(plan, repeat=1)
    lines = found.source.splitlines()
    spans = sorted(step.lines for step in found.steps)
    assert all(a <= b for a, b in spans)
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(spans))
    for step in found.steps:
        text = "\n".join(lines[step.lines[0] - 1 : step.lines[1]])
        head = {"loop": " over ", "sum": "# sum", "product": "product(", "call": "c["}[step.kind]
        assert head in text
        assert all(label.removesuffix(".grad") in text for label in step.labels[:12])


def test_the_parts_add_up_to_the_plan(plan):
    found = autograd.profile(plan, repeat=1)
    loops = sum(step.kind == "loop" for step in found.steps)
    maps = sum(len(step.labels) for step in found.steps if step.kind == "loop")
    products = sum(step.kind == "product" for step in found.steps)
    assert repr(plan) == f"<Plan: {maps} maps over elements in {loops} loops, {products} products>"
    made = sum(len(step.made) for step in found.steps)
    assert made >= len(found.steps) - 1  # the optimizer's step may leave nothing


def test_the_drawing_has_a_box_for_each_step_and_the_page_all_of_them(plan):
    found = autograd.draw(plan)
    assert found.dot.count("<table") == len(found.trace.steps)
    page = autograd.play(plan)
    html = page.html()
    assert page.title == "step, compiled"
    assert all(f'id="step{i}"' in html for i in range(len(page.trace.steps)))
    assert "bias, tanh" in html


def test_a_plan_of_floats_or_without_arguments_says_what_to_do():
    f = autograd.compile(lambda x: x * x + 1.0)
    with pytest.raises(ValueError, match="one expression"):
        autograd.profile(f.plan(2.0))
    _, _, step = training_step()
    step(X, Y)
    with pytest.raises(ValueError, match=r"compiled.plan\(\*args\)"):
        autograd.draw(step.plans[0])
