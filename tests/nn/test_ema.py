"""The moving average of weights."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nn
from nn.optim.block import LARGE


def model():
    return nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Linear(3, 1, rng=1))


def train(net, ema, rng, steps=5):
    opt = nn.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        opt.zero_grad()
        np.mean(np.square(net(rng.normal(size=(8, 2)).astype(np.float32)))).backward()
        opt.step()
        ema.update()


@pytest.mark.torch
@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 1.0])
def test_averages_are_those_of_torchs_averaged_model(decay, rng):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    function = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    average = torch.optim.swa_utils.AveragedModel(theirs, multi_avg_fn=function)
    ema = nn.optim.EMA(ours, decay)
    for _ in range(10):
        for p, t in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.data = rng.normal(size=p.shape)
            t.data = torch.tensor(p.data.copy())
        ema.update()
        average.update_parameters(theirs)
    for name, t in average.module.named_parameters():
        np.testing.assert_allclose(ema.averages[name], t.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_large_model_has_the_formulas_averages(rng):
    net = nn.Linear(256, LARGE // 256)
    ema, expected = nn.optim.EMA(net, 0.75), None
    for _ in range(4):
        net.weight.data = rng.normal(size=net.weight.shape)
        ema.update()
        now = net.weight.data
        expected = now.copy() if expected is None else 0.75 * expected + 0.25 * now
    np.testing.assert_allclose(ema.averages["weight"], expected, rtol=1e-5, atol=1e-6)


def test_the_model_has_the_averages_within_the_block_and_its_own_afterwards(rng):
    net = model()
    ema = nn.optim.EMA(net, 0.9)
    train(net, ema, rng)
    own = net.state_dict()
    with ema.applied() as same:
        assert same is net
        for name, average in ema.averages.items():
            np.testing.assert_array_equal(net.state_dict()[name], average)
        net(np.ones((4, 2), np.float32))  # moves the running mean
        assert not np.array_equal(net.state_dict()["0.weight"], own["0.weight"])
    for name, x in net.state_dict().items():
        np.testing.assert_array_equal(x, own[name])


def test_the_models_own_weights_come_back_after_an_error(rng):
    net = model()
    ema = nn.optim.EMA(net)
    train(net, ema, rng)
    own = net.state_dict()
    with pytest.raises(KeyError), ema.applied():
        raise KeyError
    np.testing.assert_array_equal(net.state_dict()["0.weight"], own["0.weight"])


def test_a_graph_made_before_the_swap_is_stale(rng):
    net = model()
    ema = nn.optim.EMA(net)
    train(net, ema, rng)
    loss = np.sum(net(np.ones((4, 2), np.float32)))
    with ema.applied(), pytest.raises(RuntimeError, match="was written to"):
        loss.backward()


def test_it_goes_on_from_a_state_dict_bit_by_bit(rng):
    net = model()
    ema = nn.optim.EMA(net, 0.9)
    train(net, ema, rng)
    twin = nn.optim.EMA(copy.deepcopy(net))
    twin.load_state_dict(ema.state_dict())
    assert (twin.decay, twin.n_averaged) == (0.9, 5)
    for each in (ema, twin):
        train(each.model, each, np.random.default_rng(1))
    for name, average in ema.averages.items():
        np.testing.assert_array_equal(twin.averages[name], average)


def test_a_saved_average_loads_into_a_model(rng):
    net = model()
    ema = nn.optim.EMA(net, 0.9)
    train(net, ema, rng)
    state = ema.state_dict()
    fresh = model()
    fresh.load_state_dict({**state["averages"], **state["buffers"]})
    ema.copy_to_model()
    x = np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(fresh.eval()(x).data, net.eval()(x).data)


def test_what_does_not_fit_is_refused():
    net = nn.Linear(2, 1)
    ema = nn.optim.EMA(net)
    state = ema.state_dict()
    state["averages"]["weight"] = np.ones(3)
    with pytest.raises(ValueError, match=r"weight has shape \(3,\) in 'averages' of the state"):
        ema.load_state_dict(state)
    with pytest.raises(ValueError, match="no averages, buffers"):
        ema.load_state_dict({"decay": 0.5, "n_averaged": 1})
    net.scale = nn.Parameter([1.0])
    with pytest.raises(ValueError, match="scale, in the model, was not there"):
        ema.update()
    with pytest.raises(ValueError, match="decay must be from 0 to 1"):
        nn.optim.EMA(net, 1.5)
    with pytest.raises(TypeError, match="must be a Module"):
        nn.optim.EMA(list(net.parameters()))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_averages_the_copied_model(copied, rng):
    net = model()
    ema = nn.optim.EMA(net, 0.9)
    train(net, ema, rng)
    twin, ema2 = copied((net, ema))
    assert ema2.model is twin
    for each in (ema, ema2):
        train(each.model, each, np.random.default_rng(1))
    for name, average in ema.averages.items():
        np.testing.assert_array_equal(ema2.averages[name], average)


def test_averages_loaded_in_column_order_move_on():
    net = nn.Linear(3, 2)
    ema = nn.optim.EMA(net, 0.5)
    ema.update()
    state = ema.state_dict()
    state["averages"]["weight"] = np.zeros((2, 3), np.float32, order="F")
    ema.load_state_dict(state)
    ema.update()
    np.testing.assert_allclose(ema.averages["weight"], net.weight.data / 2)
