"""Two networks against each other, two optimizers: memory, and what was written to too early."""

from __future__ import annotations

import gc
import re
import tracemalloc

import numpy as np
import pytest

import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name


def rivals():
    generator = nn.Sequential(nn.Linear(2, 16, rng=0), nn.ReLU(), nn.Linear(16, 1, rng=1))
    critic = nn.Sequential(nn.Linear(1, 16, rng=2), nn.ReLU(), nn.Linear(16, 1, rng=3))
    return generator, critic


def test_a_thousand_steps_of_two_optimizers_keep_nothing_and_meet_the_data():
    generator, critic = rivals()
    first = nn.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))
    second = nn.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.5, 0.9))
    rng, real, unreal = np.random.default_rng(0), np.ones((64, 1), np.float32), np.zeros((64, 1))
    unreal = unreal.astype(np.float32)

    def step():
        data = rng.normal(3, 0.5, size=(64, 1)).astype(np.float32)
        fake = generator(rng.normal(size=(64, 2)).astype(np.float32))
        loss = F.binary_cross_entropy_with_logits(critic(data), real)
        loss = loss + F.binary_cross_entropy_with_logits(critic(fake.detach()), unreal)
        second.zero_grad()
        loss.backward()
        second.step()
        loss = F.binary_cross_entropy_with_logits(critic(fake), real)
        first.zero_grad()
        loss.backward()
        first.step()

    for _ in range(100):
        step()
    gc.collect()
    gc.disable()  # what only the collector could free would pile up
    tracemalloc.start()
    before, objects = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
    for _ in range(1000):
        step()
    grown, more = tracemalloc.get_traced_memory()[0] - before, len(gc.get_objects()) - objects
    tracemalloc.stop()
    gc.enable()
    assert grown < 100_000  # one step's arrays are more than that
    assert more < 200
    drawn = generator(rng.normal(size=(500, 2)).astype(np.float32)).data
    assert drawn.mean() == pytest.approx(3, abs=0.5)


class Ours:
    """The words that the programs below use, in glassgrad."""

    def __init__(self):
        self.G, self.D = rivals()
        self.optG, self.optD = (nn.optim.SGD(net.parameters(), lr=0.01) for net in (self.G, self.D))

    def array(self, *shape):
        return np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def clip(self, net):
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)

    def overwrite(self, net):
        net.load_state_dict(net.state_dict())


class Theirs:
    """And in PyTorch."""

    def __init__(self):
        torch = self.torch = pytest.importorskip("torch", reason="the comparison needs torch")
        self.G, self.D = (
            torch.nn.Sequential(torch.nn.Linear(n, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
            for n in (2, 1)
        )
        self.optG, self.optD = (
            torch.optim.SGD(net.parameters(), lr=0.01) for net in (self.G, self.D)
        )

    def array(self, *shape):
        return self.torch.randn(*shape)

    def clip(self, net):
        self.torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)

    def overwrite(self, net):
        net.load_state_dict(net.state_dict())


def right_order(s):
    fake = s.G(s.array(8, 2))
    (s.D(s.array(8, 1)).mean() - s.D(fake.detach()).mean()).backward()
    s.optD.step()
    s.optG.zero_grad()
    s.D(fake).mean().backward()
    s.optG.step()


def critic_steps_before_the_generators_backward(s):
    score = s.D(s.G(s.array(8, 2))).mean()
    s.D(s.array(8, 1)).mean().backward()
    s.optD.step()
    score.backward()


def generator_steps_before_the_critics_backward(s):
    fake = s.G(s.array(8, 2))
    score = s.D(fake).mean()
    score.backward(retain_graph=True)
    s.optG.step()
    score.backward()


def generator_steps_but_its_fake_was_cut_off(s):
    fake = s.G(s.array(8, 2))
    score = s.D(fake.detach()).mean()
    s.D(fake).mean().backward()
    s.optG.step()
    score.backward()


def only_the_first_layer_changes_whose_weight_no_gradient_needs(s):
    score = s.D(s.array(8, 1)).mean()
    s.overwrite(s.D[0])
    score.backward()


def the_last_layer_changes(s):
    score = s.D(s.array(8, 1)).mean()
    s.overwrite(s.D[2])
    score.backward()


def the_last_layers_weight_is_frozen_and_changes(s):
    s.D[2].weight.requires_grad = False
    score = s.D(s.array(8, 1)).mean()
    s.overwrite(s.D[2])
    score.backward()


def two_losses_one_step_between(s):
    a, b = s.D(s.array(8, 1)).mean(), s.D(s.array(8, 1)).mean()
    a.backward()
    s.optD.step()
    b.backward()


def two_losses_one_step_behind(s):
    a, b = s.D(s.array(8, 1)).mean(), s.D(s.array(8, 1)).mean()
    a.backward()
    b.backward()
    s.optD.step()


def gradients_are_clipped_between(s):
    a, b = s.D(s.array(8, 1)).mean(), s.D(s.array(8, 1)).mean()
    a.backward()
    s.clip(s.D)
    b.backward()


def a_step_without_gradients_changes_nothing(s):
    score = s.D(s.array(8, 1)).mean()
    s.optD.zero_grad()
    s.optD.step()
    score.backward()


def a_graph_is_kept_and_used_after_a_step(s):
    score = s.D(s.array(8, 1)).mean()
    score.backward(retain_graph=True)
    s.optD.step()
    score.backward()


def only_the_bias_of_the_last_layer_learns(s):
    for p in list(s.D.parameters())[:-1]:
        p.requires_grad = False
    score = s.D(s.array(8, 1)).mean()
    score.backward(retain_graph=True)
    s.optD.step()
    score.backward()


REFUSAL = re.compile("was written to after|modified by an inplace operation")
PROGRAMS = {  # whether the gradient would be wrong
    right_order: False,
    critic_steps_before_the_generators_backward: True,
    generator_steps_before_the_critics_backward: True,
    generator_steps_but_its_fake_was_cut_off: False,
    only_the_first_layer_changes_whose_weight_no_gradient_needs: False,
    the_last_layer_changes: True,
    the_last_layers_weight_is_frozen_and_changes: True,
    two_losses_one_step_between: True,
    two_losses_one_step_behind: False,
    gradients_are_clipped_between: False,
    a_step_without_gradients_changes_nothing: False,
    a_graph_is_kept_and_used_after_a_step: True,
    only_the_bias_of_the_last_layer_learns: False,
}


def refused(side, program):
    """Whether a program ends in the error that says what was written to."""
    try:
        program(side)
    except RuntimeError as error:
        if REFUSAL.search(str(error)):
            return True
        raise
    return False


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_a_gradient_that_would_be_wrong_is_refused_and_no_other(program):
    assert refused(Ours(), program) == PROGRAMS[program]


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_pytorch_refuses_the_same_programs(program):
    assert refused(Theirs(), program) == PROGRAMS[program]


def test_the_refusal_names_the_parameter():
    with pytest.raises(RuntimeError, match=r"'weight'.*before optimizer\.step\(\)"):
        critic_steps_before_the_generators_backward(Ours())
