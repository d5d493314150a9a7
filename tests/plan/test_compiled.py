"""Plans as machine code: what the interpreted tests can't see."""

import threading
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd.plan import files
from nn.functional import cross_entropy, gelu
from nn.optim.adam import adam


def network():
    return nn.Sequential(nn.Linear(20, 16, rng=1), nn.ReLU(), nn.Linear(16, 4, rng=2))


def trained(model):
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def batch(k, n=8):
    rng = np.random.default_rng(k)
    return rng.normal(size=(n, 20)).astype(np.float32), rng.integers(0, 4, n)


def test_the_first_step_may_compile_its_optimizers_loops():
    compiled = vars(adam).copy()
    step = autograd.compile(trained(network()))
    np.tanh(autograd.Value(np.zeros(100_000)))  # starts Numba
    step(*batch(0))
    assert vars(adam) == compiled


def test_a_network_trains_as_eagerly():
    model, twin = network(), network()
    step, eager = autograd.compile(trained(model)), trained(twin)
    for k in range(20):
        assert step(*batch(k)).item() == pytest.approx(eager(*batch(k)).item(), rel=1e-5)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, atol=1e-5)
    assert len(step.plans) == 1


def test_a_short_last_batch_is_a_plan_of_its_own():
    step, eager = autograd.compile(trained(network())), trained(network())
    for k, n in enumerate((8, 8, 3, 8, 3)):
        assert step(*batch(k, n)).item() == pytest.approx(eager(*batch(k, n)).item(), rel=1e-5)
    assert len(step.plans) == 2


def test_threads_share_a_plan():
    f = autograd.value_and_grad(lambda x: np.sum(gelu(x) * np.tanh(x)))
    step = autograd.compile(f)
    xs = [np.random.default_rng(k).normal(size=(50, 40)) for k in range(8)]
    step(xs[0])
    found = [None] * len(xs)

    def work(k):
        for _ in range(20):
            found[k] = step(xs[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(xs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for x, (y, g) in zip(xs, found, strict=True):
        value, gradient = f(x)
        assert y == pytest.approx(value)
        np.testing.assert_allclose(g, gradient, rtol=1e-9, atol=1e-12)


def test_a_large_loop_is_shared_out():
    f = autograd.value_and_grad(lambda x: np.sum(np.exp(-x * x) * np.sin(x)))
    step = autograd.compile(f)
    x = np.random.default_rng(0).normal(size=(300, 400))
    step(x)
    y, g = step(x)
    value, gradient = f(x)
    assert y == pytest.approx(value)
    np.testing.assert_allclose(g, gradient, rtol=1e-9, atol=1e-12)


def test_the_source_is_a_file_that_can_be_read():
    step = autograd.compile(lambda x: np.sum(np.tanh(x) ** 2, axis=0))
    plan = step.plan(np.ones((4, 3)))
    assert Path(plan.path).read_text("utf-8") == plan.source
    assert "tanh" in plan.source
    assert "# sum of (4, 3) over (0,)" in plan.source


def test_results_share_memory_that_is_free_again():
    def chain(x):
        for _ in range(40):
            x = np.sum(x, axis=0, keepdims=True) + x
        return x

    plan = autograd.compile(chain).plan(np.ones((8, 8)))
    assert plan.bytes < plan.asked / 5


def polynomial(a, b):
    return a * b + a**2 - np.sin(b)


def test_numbers_go_in_and_come_out():
    step = autograd.compile(autograd.value_and_grad(polynomial, argnums=(0, 1)))
    for a, b in ((2.0, -3.0), (0.5, 1.0)):
        value, (da, db) = step(a, b)
        assert [type(x) for x in (value, da, db)] == [float] * 3
        assert (value, da, db) == pytest.approx(
            (a * b + a**2 - np.sin(b), b + 2 * a, a - np.cos(b))
        )
    assert len(step.plans) == 1


def test_a_function_of_numbers_runs_over_many_points():
    step = autograd.compile(autograd.value_and_grad(polynomial, argnums=(0, 1)))
    a, b = np.random.default_rng(0).normal(size=(2, 1000))
    value, (da, db) = step.over(a, b)
    np.testing.assert_allclose(value, a * b + a**2 - np.sin(b))
    np.testing.assert_allclose(da, b + 2 * a)
    np.testing.assert_allclose(db, a - np.cos(b))


def test_a_function_of_arrays_has_no_points():
    step = autograd.compile(lambda x: np.sum(x) * np.ones(2))
    with pytest.raises(TypeError, match="functions of floats"):
        step.over(np.ones(3))


@pytest.mark.parametrize("damage", ["damaged", "unwritable"])
def test_a_plan_is_made_whatever_its_file_is(monkeypatch, tmp_path, damage):
    text = f"# {damage}\n\ndef run():\n    return 7\n"
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "plans")
    if damage == "unwritable":
        (tmp_path / "plans").write_text("a file, no folder")
    else:
        path = files.load(text).__file__
        Path(path).write_bytes(b"\xff\xfe (((")
        monkeypatch.setattr(files, "_loaded", {})
    assert files.load(text).run() == 7


@pytest.mark.parametrize("n", [-4, -2, -1, 2, 3])
def test_whole_powers_are_products(n):
    f = autograd.compile(autograd.value_and_grad(lambda x: np.sum(x**n)))
    x = np.array([0.5, -1.5, 3.0, 1e-3, 700.0])
    y, g = f(x)
    assert "**" not in f.plan(x).source
    np.testing.assert_allclose(y, np.sum(x**n), rtol=1e-14)
    np.testing.assert_allclose(g, n * x ** (n - 1), rtol=1e-14)
