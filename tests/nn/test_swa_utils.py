from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd
import nn
from nn.optim import swa_utils
from nn.optim.swa_utils import SWALR, AveragedModel, update_bn

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_start():
    """Layers start alike, and so do the samples, whichever tests run."""
    global RNG
    RNG = np.random.default_rng(0)
    autograd.seed(0)


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def moved(model):
    for p in model.parameters():
        p.data = RNG.normal(size=p.shape)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.running_mean = RNG.normal(size=3).astype(np.float32)
            norm.num_batches_tracked = norm.num_batches_tracked + 1
    return model


def test_the_average_is_the_mean_of_what_came():
    model = net()
    averaged, weights = AveragedModel(model), []
    for _ in range(4):
        averaged.update_parameters(moved(model))
        weights.append(model[0].weight.data.copy())
    np.testing.assert_allclose(averaged.module[0].weight.data, np.mean(weights, 0), rtol=1e-5)
    np.testing.assert_array_equal(averaged.module[1].running_mean, model[1].running_mean)
    assert averaged.n_averaged == 4
    assert averaged.module[0].weight.dtype == np.float32


def test_buffers_are_averaged_if_asked():
    model = net()
    averaged, means = AveragedModel(model, use_buffers=True), []
    for _ in range(3):
        averaged.update_parameters(moved(model))
        means.append(model[1].running_mean.copy())
    np.testing.assert_allclose(averaged.module[1].running_mean, np.mean(means, 0), rtol=1e-5)


def test_an_averaged_model_is_a_module_of_its_own():
    model = net().eval()
    averaged = AveragedModel(model)
    x = RNG.normal(size=(4, 2)).astype(np.float32)
    np.testing.assert_array_equal(averaged.eval()(x).data, model(x).data)
    assert list(averaged.state_dict())[:2] == ["n_averaged", "module.0.weight"]
    moved(model)
    for twin in (copy.deepcopy(averaged), pickle.loads(pickle.dumps(averaged))):
        twin.update_parameters(model)
        np.testing.assert_array_equal(twin(x).data, model(x).data)
    assert averaged.n_averaged == 0


def test_the_exponential_average_is_that_of_EMA():  # noqa: N802 - the class's name
    model = net()
    averaged = AveragedModel(model, avg_fn=swa_utils.get_ema_avg_fn(0.7))
    several = AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.7))
    ema = nn.optim.EMA(model, decay=0.7)
    for _ in range(3):
        moved(model)
        ema.update()
        averaged.update_parameters(model)
        several.update_parameters(model)
    for path, x in ema.averages.items():
        np.testing.assert_allclose(averaged.module.get_parameter(path).data, x, rtol=1e-5)
        np.testing.assert_array_equal(
            averaged.module.get_parameter(path).data, several.module.get_parameter(path).data
        )


def test_another_model_is_refused():
    averaged = AveragedModel(net())
    with pytest.raises(ValueError, match=r"differs from the averaged one in 2\.bias, 2\.weight"):
        averaged.update_parameters(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    assert averaged.n_averaged == 0
    with pytest.raises(ValueError, match="not both"):
        AveragedModel(net(), None, max, max)


def test_update_bn_gives_the_mean_of_the_batches_statistics():
    model = moved(net()).eval()
    model[1].momentum = 0.3
    batches = [(RNG.normal(size=(5, 2)).astype(np.float32), None) for _ in range(3)]
    update_bn(batches, model)
    h = [model[0](x).data for x, _ in batches]
    means = np.mean([y.mean(axis=0) for y in h], axis=0)
    variances = np.mean([y.var(axis=0, ddof=1) for y in h], axis=0)
    np.testing.assert_allclose(model[1].running_mean, means, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model[1].running_var, variances, rtol=1e-4)
    assert model[1].num_batches_tracked == 3
    assert model[1].momentum == 0.3
    assert not model.training


def test_update_bn_takes_a_data_loader():
    x, y = RNG.normal(size=(10, 2)).astype(np.float32), np.zeros(10)
    model = net()
    update_bn(nn.data.DataLoader((x, y), batch_size=5), model)
    assert model[1].num_batches_tracked == 2


@pytest.mark.parametrize("batches", [[], [np.ones((4, 7), np.float32)]])
def test_update_bn_that_fails_leaves_the_statistics(batches):
    model = moved(net())
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"gave no batch|last axis"):
        update_bn(iter(batches), model)
    for key, x in model.state_dict().items():
        np.testing.assert_array_equal(x, before[key])
    assert model[1].momentum == 0.1


def test_a_model_without_batch_norms_is_not_run():
    update_bn([np.ones((4, 7))], nn.Linear(2, 3))


def test_swalr_keeps_its_rate_in_a_checkpoint():
    def make():
        optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
        return optimizer, SWALR(optimizer, 0.1, anneal_epochs=5)

    (a, first), (b, second) = make(), make()
    for _ in range(3):
        a.step()
        first.step()
    b.load_state_dict(a.state_dict())
    second.load_state_dict(first.state_dict())
    for optimizer, scheduler in ((a, first), (b, second)):
        optimizer.step()
        scheduler.step()
    assert a.param_groups[0] == {**b.param_groups[0], "params": a.param_groups[0]["params"]}


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"swa_lr": [0.1, 0.2]}, "a list of 1"),
        ({"swa_lr": 0.1, "anneal_strategy": "exp"}, "'cos' or 'linear'"),
        ({"swa_lr": -1}, "finite number >= 0"),
        ({"swa_lr": 0.1, "anneal_epochs": -1}, "at least 0"),
    ],
)
def test_swalr_refuses_what_does_not_fit(how, text):
    with pytest.raises(ValueError, match=text):
        SWALR(nn.optim.SGD([nn.Parameter([1.0])]), **how)


def test_a_name_in_the_wrong_place_says_where_it_is():
    with pytest.raises(AttributeError, match=r"nn\.optim\.swa_utils\.update_bn"):
        nn.optim.update_bn  # noqa: B018


@pytest.mark.torch
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_swalr_gives_pytorchs_rates(epochs, strategy):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    p, q = nn.Parameter([1.0]), torch.nn.Parameter(torch.ones(1))
    optimizers = nn.optim.SGD([p], lr=0.8), torch.optim.SGD([q], lr=0.8)
    schedules = (
        SWALR(optimizers[0], 0.05, epochs, strategy),
        torch.optim.swa_utils.SWALR(optimizers[1], 0.05, epochs, strategy),
    )
    for _ in range(8):
        np.testing.assert_allclose(schedules[0].get_last_lr(), schedules[1].get_last_lr())
        for optimizer, scheduler in zip(optimizers, schedules, strict=True):
            optimizer.step()
            scheduler.step()
    schedules[0].load_state_dict(schedules[1].state_dict())


@pytest.mark.torch
@pytest.mark.parametrize("buffers", [False, True])
def test_averages_and_statistics_are_pytorchs(buffers):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    mine = net()
    theirs = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1)
    )
    a = AveragedModel(mine, use_buffers=buffers)
    b = torch.optim.swa_utils.AveragedModel(theirs, use_buffers=buffers)
    for _ in range(3):
        moved(mine)
        state = {k: torch.from_numpy(np.array(x)) for k, x in mine.state_dict().items()}
        theirs.load_state_dict(state)
        a.update_parameters(mine)
        b.update_parameters(theirs)
    batches = [RNG.normal(size=(5, 2)).astype(np.float32) for _ in range(3)]
    for k in range(2):
        assert list(a.state_dict()) == list(b.state_dict())
        for key, x in b.state_dict().items():
            np.testing.assert_allclose(a.state_dict()[key], x.numpy(), rtol=1e-4, atol=1e-6)
        if k == 0:
            update_bn(batches, a)
            torch.optim.swa_utils.update_bn(map(torch.from_numpy, batches), b)
