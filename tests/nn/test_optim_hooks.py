from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nn

LOG = []


def note(optimizer, args, kwargs):
    LOG.append(optimizer)


def one():
    p = nn.Parameter([1.0])
    return p, nn.optim.SGD([p], lr=0.5, momentum=0.9)


def test_step_hooks_run_before_and_after():
    p, optimizer = one()
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append((o, float(p.data[0]))))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append((o, float(p.data[0]))))
    p.grad = np.ones(1, np.float32)
    optimizer.step()
    assert seen == [(optimizer, 1.0), (optimizer, 0.5)]


@pytest.mark.parametrize("kind", ["SGD", "Adam", "LBFGS", "Rprop"])
def test_hooks_run_once_and_can_be_removed(kind):
    p, seen = nn.Parameter([1.0]), []
    optimizer = getattr(nn.optim, kind)([p])
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(args))

    def closure():
        optimizer.zero_grad()
        loss = np.sum(p * p)
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1
    assert seen == [(optimizer, closure)]
    handle.remove()
    optimizer.step(closure)
    assert len(seen) == 1


def test_a_step_pre_hook_replaces_the_arguments():
    _, optimizer = one()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o,), {"closure": lambda: 7}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(TypeError, match=r"None or \(args, kwargs\), not int"):
        optimizer.step()


def test_a_step_of_ones_own_has_hooks_too_and_super_runs_none_again():
    class Twice(nn.optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            return super().step(closure)

    p, seen = nn.Parameter([1.0]), []
    optimizer = Twice([p], lr=0.25)
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    p.grad = np.ones(1, np.float32)
    optimizer.step()
    assert seen == [1]
    assert p.data == 0.5


def test_state_dict_hooks_change_or_replace_it():
    _, optimizer = one()
    order = []
    optimizer.register_state_dict_pre_hook(lambda o: order.append("before"))
    optimizer.register_state_dict_post_hook(lambda o, state: state.update(note="a"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: order.append("first"), prepend=True)
    assert {"note": "a", "more": 1}.items() <= optimizer.state_dict().items()
    assert order == ["before", "first"]


def test_load_hooks_change_a_copy():
    _, optimizer = one()
    saved, order = optimizer.state_dict(), []
    groups = [{**saved["param_groups"][0], "lr": 0.125}]
    optimizer.register_load_state_dict_pre_hook(lambda o, state: state.update(param_groups=groups))
    optimizer.register_load_state_dict_post_hook(lambda o: order.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert order == [0.125]
    assert saved["param_groups"][0]["lr"] == 0.5


def test_copies_keep_their_hooks():
    _, optimizer = one()
    optimizer.register_step_post_hook(note)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        LOG.clear()
        twin.step()
        assert [twin] == LOG


def test_a_hook_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match="callable"):
        one()[1].register_step_pre_hook(None)


@pytest.mark.torch
def test_hooks_run_as_pytorchs():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    logs = []
    for package, p in (
        (nn, nn.Parameter([1.0])),
        (torch, torch.nn.Parameter(torch.ones(1))),
    ):
        log, optimizer = [], package.optim.SGD([p], lr=0.5)
        optimizer.register_step_pre_hook(
            lambda o, args, kw, log=log: log.append(("pre", args[0] is o, len(args), kw))
        )
        optimizer.register_step_post_hook(
            lambda o, args, kw, log=log: log.append(("post", args[0] is o, len(args), kw))
        )
        optimizer.register_state_dict_pre_hook(lambda o, log=log: log.append("save"))
        optimizer.register_state_dict_post_hook(
            lambda o, state, log=log: log.append(("saved", sorted(state)))
        )
        optimizer.register_load_state_dict_pre_hook(
            lambda o, state, log=log: log.append(("load", sorted(state)))
        )
        optimizer.register_load_state_dict_post_hook(lambda o, log=log: log.append("loaded"))
        optimizer.step()
        optimizer.step(closure=lambda: None)
        log[-1][3].clear()
        optimizer.load_state_dict(optimizer.state_dict())
        logs.append([x if isinstance(x, str) else x[:3] for x in log])
    assert logs[0] == logs[1]
