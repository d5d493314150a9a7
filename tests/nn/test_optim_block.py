"""Parameters that are updated together."""

import inspect

import numpy as np
import pytest

import nn
from autograd.machine import pool
from autograd.machine.jit import PLAIN
from nn.optim import block
from nn.optim.stepwise import StepwiseOptimizer

ALL = [
    x
    for x in vars(nn.optim).values()
    if inspect.isclass(x) and issubclass(x, StepwiseOptimizer) and x is not StepwiseOptimizer
]
SHAPES = ((3, 5), (0,), (), (block.CUT + 7,), (2, 3, 4), (block.LARGE,), (1,), (6,), (2,), (4, 4))


def parameters(rng, dtype=np.float32):
    params = [nn.Parameter(rng.normal(size=shape).astype(dtype)) for shape in SHAPES]
    return params, [rng.normal(size=(3, *shape)).astype(dtype) for shape in SHAPES]


def stepped(make, gradients=lambda g: g, dtype=np.float32):
    """The bits of parameters and their state after three steps."""
    params, grads = parameters(np.random.default_rng(0), dtype)
    optimizer = make(params)
    for step in range(3):
        for p, g in zip(params, grads, strict=True):
            p.grad = gradients(g[step])
        optimizer.step()
    arrays = [p.data for p in params]
    arrays += [x for s in optimizer.state.values() for x in s.values() if isinstance(x, np.ndarray)]
    return [x.tobytes() for x in arrays]


@pytest.fixture
def by_numpy(monkeypatch):
    """A switch to NumPy's update of gathered parameters."""

    def switch():
        monkeypatch.setattr(block, "LARGE", np.inf)
        monkeypatch.setattr(block, "kernels_started", lambda: False)

    return switch


@pytest.mark.parametrize("make", ALL)
def test_many_parameters_in_one_call_get_the_bits_that_numpy_gives(make, by_numpy):
    ours = stepped(make)
    by_numpy()
    assert ours == stepped(make)


def test_float64_parameters_do_too(by_numpy):
    ours = stepped(nn.optim.Adam, dtype=np.float64)
    by_numpy()
    assert ours == stepped(nn.optim.Adam, dtype=np.float64)


@pytest.mark.parametrize(
    "layout",
    [
        lambda g: np.array(g, order="F"),
        lambda g: np.stack([g, g], axis=-1)[..., 0],
        lambda g: g.astype(np.float64),
        lambda g: np.frombuffer(g.tobytes(), g.dtype).reshape(g.shape),
    ],
    ids=["Fortran", "strided", "float64", "read-only"],
)
def test_gradients_of_any_layout_are_taken(layout):
    assert stepped(nn.optim.SGD) == stepped(nn.optim.SGD, layout)


@pytest.mark.skipif(PLAIN, reason="there is no machine code that takes addresses")
def test_a_step_of_many_parameters_is_one_call_of_a_kernel(rng):
    params, grads = parameters(rng)
    optimizer = nn.optim.Adam(params)
    calls = []
    for p, g in zip(params, grads, strict=True):
        p.grad = g[0]
    with pool.observe(calls.append):
        optimizer.step()
    assert len(calls) == 1


def test_a_parameter_that_gets_a_new_array_is_updated_there(rng):
    params, grads = parameters(rng)
    optimizer = nn.optim.SGD(params, lr=1.0)
    for step in range(2):
        for p, g in zip(params, grads, strict=True):
            p.grad = g[step]
        before = params[0].data.copy()
        params[0].data = before
        optimizer.step()
        np.testing.assert_array_equal(params[0].data, before - grads[0][step])


def test_a_read_only_parameter_is_refused_and_not_written_to(rng):
    params, grads = parameters(rng)
    fixed = params[0]._data.copy()
    fixed.flags.writeable = False
    params[0]._data = fixed
    before = fixed.copy()
    optimizer = nn.optim.SGD(params)
    for p, g in zip(params, grads, strict=True):
        p.grad = g[0]
    with pytest.raises(Exception, match=r"read-only|[Cc]annot modify|immutable"):
        optimizer.step()
    np.testing.assert_array_equal(fixed, before)


def test_the_number_of_threads_does_not_matter(monkeypatch):
    monkeypatch.setattr(block, "COST", 1e3)
    before, found = pool.get_num_threads(), []
    for n in (1, 2, 3):
        pool.set_num_threads(n)
        found.append(stepped(nn.optim.AdamW))
    pool.set_num_threads(before)
    assert found[0] == found[1] == found[2]
