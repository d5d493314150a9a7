"""Optimizers beside PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nn

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="the comparison needs torch")

TURNED = {"weight_decay": 0.1, "maximize": True}
CASES = {
    "SGD": [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, **TURNED},
    ],
    "Adam": [
        {},
        {"betas": (0.5, 0.9), "eps": 1e-3, **TURNED},
        {"amsgrad": True},
        {"betas": (0.3, 0.9)},
        {"betas": (0.0, 0.0)},
        {"decoupled_weight_decay": True, "weight_decay": 0.1},
    ],
    "AdamW": [{}, {"amsgrad": True, **TURNED}],
    "RMSprop": [
        {},
        {"momentum": 0.9, **TURNED},
        {"centered": True, "eps": 1e-2},
        {"centered": True, "eps": 1e-2, "momentum": 0.5, "alpha": 0.3},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "initial_accumulator_value": 0.5, **TURNED}],
    "Adadelta": [{}, {"rho": 0.5, "eps": 1e-3, **TURNED}],
    "Adamax": [{}, {"betas": (0.3, 0.9), **TURNED}],
    "NAdam": [
        {},
        {"momentum_decay": 0.1, **TURNED},
        {"decoupled_weight_decay": True, "weight_decay": 0.1},
    ],
    "RAdam": [
        {},
        {"betas": (0.8, 0.9), **TURNED},
        {"decoupled_weight_decay": True, "weight_decay": 0.1},
    ],
    "ASGD": [{}, {"lambd": 0.1, "alpha": 0.5, "t0": 10, **TURNED}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}],
}
EACH = [(name, settings) for name, list_ in CASES.items() for settings in list_]
TOLERANCE = {np.float64: (1e-7, 1e-7), np.float32: (1.3e-6, 1e-5)}  # torch.testing's; 50 steps add


@pytest.fixture(params=[np.float64, np.float32])
def dtype(request):
    before = torch.get_default_dtype()  # PyTorch keeps numbers such as NAdam's in it
    torch.set_default_dtype(torch.float64 if request.param is np.float64 else torch.float32)
    yield request.param
    torch.set_default_dtype(before)


def pair(dtype, rng):
    start = [rng.normal(size=shape).astype(dtype) for shape in ((3,), (2, 30), (), (40,))]
    return (
        [nn.Parameter(x, dtype=dtype) for x in start],
        [torch.nn.Parameter(torch.tensor(x)) for x in start],
    )


def fifty_steps(ours, theirs, values, tensors, dtype, rng, steps=50):
    for _ in range(steps):
        for v, p in zip(values, tensors, strict=True):
            v.grad = np.asarray(rng.normal(size=v.shape), dtype)
            p.grad = torch.tensor(v.grad)
        ours.step()
        theirs.step()


def agree(values, tensors, dtype):
    rtol, atol = TOLERANCE[dtype]
    for v, p in zip(values, tensors, strict=True):
        np.testing.assert_allclose(v.data, p.detach().numpy(), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("name", "settings"), EACH)
def test_fifty_steps_follow_torch(name, settings, dtype, rng):
    values, tensors = pair(dtype, rng)
    ours = getattr(nn.optim, name)(values, lr=0.02, **settings)
    theirs = getattr(torch.optim, name)(tensors, lr=0.02, **settings)
    fifty_steps(ours, theirs, values, tensors, dtype, rng)
    agree(values, tensors, dtype)


@pytest.mark.parametrize(("name", "settings"), EACH)
def test_training_goes_on_from_torchs_state(name, settings, rng):
    dtype = np.float32
    values, tensors = pair(dtype, rng)
    theirs = getattr(torch.optim, name)(tensors, lr=0.02, **settings)
    for p in tensors:
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
    theirs.step()
    for v, p in zip(values, tensors, strict=True):
        v.data = p.detach().numpy()
    ours = getattr(nn.optim, name)(values, lr=1.0)
    ours.load_state_dict(theirs.state_dict())
    fifty_steps(ours, theirs, values, tensors, dtype, rng, steps=5)
    agree(values, tensors, dtype)


@pytest.mark.parametrize("name", CASES)
def test_defaults_and_names_of_state_are_torchs(name, rng):
    values, tensors = pair(np.float32, rng)
    ours, theirs = getattr(nn.optim, name)(values), getattr(torch.optim, name)(tensors)
    fifty_steps(ours, theirs, values, tensors, np.float32, rng, steps=1)
    for setting, default in ours.defaults.items():
        assert theirs.defaults[setting] == default
    extra = theirs.defaults.keys() - ours.defaults.keys()
    assert extra <= {"foreach", "fused", "capturable", "differentiable"}
    mine, torchs = (opt.state_dict()["state"].get(0, {}) for opt in (ours, theirs))
    assert mine.keys() == {name for name, x in torchs.items() if x is not None}


@pytest.mark.parametrize("size", [3, 1 << 15], ids=["gathered", "large"])
@pytest.mark.parametrize(
    ("name", "settings", "buffers"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, ["momentum_buffer"]),
        ("Adam", {"lr": 0.1, "amsgrad": True}, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
        ("RMSprop", {"lr": 0.1, "momentum": 0.5}, ["square_avg", "momentum_buffer"]),
    ],
)
def test_state_that_is_assigned_and_copied_is_that_of_torch(name, settings, buffers, size):
    start = np.linspace(-1, 1, size).astype(np.float32)
    p, q = nn.Parameter(start), torch.nn.Parameter(torch.tensor(start))
    ours = getattr(nn.optim, name)([p], **settings)
    theirs = getattr(torch.optim, name)([q], **settings)
    rng = np.random.default_rng(0)
    for turn in range(8):
        g = rng.normal(size=size).astype(np.float32)
        p.grad, q.grad = g, torch.tensor(g)
        ours.step()
        theirs.step()
        if turn in (1, 4):  # other arrays
            for buffer in buffers:
                new = np.abs(rng.normal(size=size)).astype(np.float32)
                ours.state[p][buffer] = new
                theirs.state[q][buffer] = torch.tensor(new)
        if turn in (2, 5):
            p, ours = copy.deepcopy((p, ours))
            q, theirs = copy.deepcopy((q, theirs))
        if turn == 6:
            ours.state[p][buffers[0]][:] = 0
            theirs.state[q][buffers[0]][:] = 0
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=2e-5, atol=1e-6)
        for buffer in buffers:
            saved = ours.state_dict()["state"][0][buffer]
            np.testing.assert_allclose(saved, theirs.state[q][buffer].numpy(), rtol=1e-4, atol=1e-6)


class Pair:
    """Our optimizer and PyTorch's, to which the same things happen."""

    def __init__(self, name, sizes, rng):
        self.rng, self.make = rng, getattr(nn.optim, name)
        starts = [rng.normal(size=size).astype(np.float32) for size in sizes]
        self.ps = [nn.Parameter(x) for x in starts]
        self.qs = [torch.nn.Parameter(torch.tensor(x)) for x in starts]
        self.settings = {"lr": 0.05, **({"momentum": 0.9} if name == "SGD" else {})}
        self.ours = self.make(self.groups(self.ps), **self.settings)
        self.theirs = getattr(torch.optim, name)(self.groups(self.qs), **self.settings)

    def groups(self, params):
        return [{"params": params[:2]}, {"params": params[2:]}]

    def step(self):
        for p, q in zip(self.ps, self.qs, strict=True):
            p.grad = q.grad = None
            if self.rng.random() < 0.8:
                g = self.rng.normal(size=p.shape).astype(np.float32)
                p.grad, q.grad = g, torch.tensor(g)
        self.ours.step()
        self.theirs.step()

    def arrays(self):
        """The state arrays of a parameter, in pairs of a dict and a name."""
        i = int(self.rng.integers(len(self.ps)))
        mine, other = self.ours.state[self.ps[i]], self.theirs.state[self.qs[i]]
        return [(mine, other, name) for name in mine if name != "step" and name in other]

    def deepcopy(self):
        self.ps, self.ours = copy.deepcopy((self.ps, self.ours))

    def pickle(self):
        self.ps, self.ours = pickle.loads(pickle.dumps((self.ps, self.ours)))

    def shallow(self):
        self.ours = copy.copy(self.ours)

    def reload(self):
        state = self.ours.state_dict()
        self.ours = self.make(self.groups(self.ps), **self.settings)
        self.ours.load_state_dict(state)

    def assign(self):
        for mine, other, name in self.arrays():
            if np.shape(mine[name]) == tuple(other[name].shape):
                new = np.abs(self.rng.normal(size=mine[name].shape)).astype(np.float32)
                mine[name], other[name] = new, torch.tensor(new)

    def halve(self):
        for mine, other, name in self.arrays():
            if isinstance(mine[name], np.ndarray) and torch.is_tensor(other[name]):
                mine[name][...] *= 0.5
                other[name].mul_(0.5)

    def forget(self):
        i = int(self.rng.integers(len(self.ps)))
        self.ours.state.pop(self.ps[i], None)
        self.theirs.state.pop(self.qs[i], None)

    def slow(self):
        for optimizer in (self.ours, self.theirs):
            optimizer.param_groups[0]["lr"] *= 0.5


HAPPENINGS = ["deepcopy", "pickle", "shallow", "reload", "assign", "halve", "forget", "slow"]


@pytest.mark.parametrize("large", [5, 1 << 15], ids=["gathered", "large"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adamax", "RAdam"])
def test_whatever_happens_between_steps_the_parameters_are_torchs(name, large):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pair = Pair(name, [(3,), (2, 3), (), (large,)], rng)
        for _ in range(12):
            pair.step()
            happening = str(rng.choice(HAPPENINGS))
            getattr(pair, happening)()
            for p, q in zip(pair.ps, pair.qs, strict=True):
                theirs = q.detach().numpy()
                np.testing.assert_allclose(p.data, theirs, rtol=1e-4, atol=1e-5, err_msg=happening)
