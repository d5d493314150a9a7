# %% [markdown]
# # Reinforcement learning: policy gradients
#
# So far somebody knew the answers. Now nobody does: the network acts, the world answers with a
# **reward**, and what was good or bad about the last hundred actions it has to find out by itself.
# **REINFORCE** makes actions likelier that were followed by much reward. We derive it on a toy that
# can be checked, and then let it balance a pole. (The next notebook takes the other way: to learn
# what each action is worth.)
#
# **Data:** none; Gymnasium's CartPole makes it. **Target:** the pole stays up for at least 475 of
# 500 steps, the mean over 100 episodes with fresh seeds, in the *worst* of five training runs (200
# steps, of two shorter runs in quick mode); and a baseline that takes away 40 % of the variance.

# %%
import json
import os
import time
from typing import NamedTuple

import gymnasium
import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from nn.functional import log_softmax, softmax

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
SEEDS = range(2 if QUICK else 5)
autograd.seed(0)

# %% [markdown]
# ## The task
#
# A pole stands on a cart. Fifty times a second the cart is pushed, left or right: that is the
# **action** $a$. What is seen is the **state** $s$: place and velocity of the cart, angle and
# angular velocity of the pole. Each step gives a reward of 1, until the pole leans by more than 12
# degrees, the cart has left the track, or 500 steps are over.
#
# `CartPole-v1` also comes as a batch: many carts, pushed in one NumPy call. We play one episode on
# each, and forget those that are over. Angles are small numbers beside the others, so the network
# is told them in tenths of a radian.

# %%
UNITS = np.array([1, 1, 10, 1], np.float32)


class Net(nn.models.MLP):
    """Four numbers of the state in, one number for each of the two pushes out."""

    def forward(self, states):
        return super().forward(states * UNITS)


def carts(n):
    return gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")


def scores(net, states):
    with autograd.no_grad():
        return np.asarray(net(states))


def play(net, envs, rng=None, **start):
    """An episode on each cart: states (T, N, 4), pushes (T, N), and which still went on (T, N).

    A push is drawn from the softmax of the scores; without a generator it is the best one.
    """
    states, _ = envs.reset(**start)
    going, steps = np.ones(envs.num_envs, bool), []
    while going.any():
        left, right = scores(net, states).T
        chance = rng.logistic(size=len(left)) if rng else 0  # right if below: a draw from softmax
        pushes = (right - left > chance).astype(int)
        steps.append((states, pushes, going))
        states, _, fell, time_up, _ = envs.step(pushes)
        going = going & ~(fell | time_up)
    return (np.stack(column) for column in zip(*steps, strict=True))


# %% [markdown]
# An episode as a strip of pictures, the arrow for the push. Untrained, it is short:


# %%
def film(states, pushes, title, frames=8):
    """A strip of pictures from an episode, (T, 4)."""
    figure, panels = plt.subplots(1, frames, figsize=(11, 1.2))
    for axes, t in zip(panels, np.linspace(0, len(states) - 1, frames).astype(int), strict=True):
        x, _, angle, _ = states[t]
        axes.plot([-2.4, 2.4], [0, 0], color="0.7")
        axes.add_patch(plt.Rectangle((x - 0.3, 0), 0.6, 0.3, color="0.2"))
        axes.plot([x, x + np.sin(angle)], [0.3, 0.3 + np.cos(angle)], lw=4, color="tab:orange")
        way = 1 if pushes[t] else -1
        axes.annotate(
            "", (x + 1.3 * way, 0.15), (x + 0.35 * way, 0.15), arrowprops={"arrowstyle": "->"}
        )
        axes.set(xlim=(-2.4, 2.4), ylim=(-0.3, 1.6), aspect="equal", xticks=[], yticks=[])
        axes.set_xlabel(f"step {t}")
    figure.subplots_adjust(left=0, right=1, bottom=0.15, wspace=0.05)
    figure.suptitle(title, y=1.1)
    plt.show()


states, pushes, going = play(Net(4, 32, 2, rng=0), carts(100), np.random.default_rng(0), seed=0)
first = int(going[:, 0].sum())
film(states[:first, 0], pushes[:first, 0], f"untrained: falls after {first} steps")
print(f"mean of 100 episodes: {going.sum(0).mean():.0f} steps")

# %% [markdown]
# ## Policy, return, discount
#
# A **policy** $\pi_\theta(a \mid s)$ gives each action a probability; here, softmax of what a
# network with weights $\theta$ says. An action should answer for what comes after it, and for what
# comes soon more than for what comes late. So we give it the **return**
#
# $$ G_t = r_t + \gamma r_{t+1} + \gamma^2 r_{t+2} + \dots = r_t + \gamma G_{t+1}, \qquad
#    \gamma = 0.99, $$
#
# computed from the end. The **discount** $\gamma$ says how far one looks ahead: about
# $1/(1-\gamma)$ steps, here a hundred.

# %%
GAMMA = 0.99


def returns(rewards, gamma=GAMMA):
    """The return from each step on, along the first axis."""
    out, after = np.zeros(np.shape(rewards), np.float32), 0
    for t in reversed(range(len(out))):
        out[t] = after = rewards[t] + gamma * after
    return out


print(returns([1, 1, 1, 1, 0, 0], gamma=0.5))

# %% [markdown]
# ## A gradient through a dice roll
#
# The smallest task: three levers, no states, one pull. Lever $a$ pays $R$, a random sum, and we
# want more of $J = \mathrm E[R] = \sum_a \pi_\theta(a)\, \mathrm E[R \mid a]$. Knowing what each
# lever pays on average, we could differentiate that. We only have pulls, and a pull is not a
# differentiable thing. The **log-derivative trick** uses $\nabla \pi = \pi\, \nabla \log \pi$:
#
# $$ \nabla J = \sum_a \nabla \pi_\theta(a)\, \mathrm E[R \mid a]
#    = \sum_a \pi_\theta(a)\, \nabla \log \pi_\theta(a)\, \mathrm E[R \mid a]
#    = \mathrm E\big[ R\, \nabla \log \pi_\theta(a) \big]. $$
#
# The last form is an *average over pulls*. Each pull pushes up the logarithm of the probability of
# what was done, as hard as it paid. Here is one pull as a graph; the dice roll is not in it.

# %%
rng = np.random.default_rng(0)
PAYS = np.array([9.0, 10.0, 12.0])
theta = autograd.Value([0.5, 0.2, -0.3], name="θ")
chances = softmax(theta, dim=0).data
log_policy = log_softmax(theta, dim=0)
lever, paid = 2, 12.7
autograd.draw(-log_policy[lever] * paid, gradients=True, names={"log π": log_policy})

# %% [markdown]
# ## A baseline
#
# All levers pay about ten, so *every* pull raises its own lever's chance a lot, and only the
# difference between the pushes tells something. Subtract a number $b$ that does not depend on the
# action: $(R - b)\, \nabla \log \pi$. The mean stays what it was, since
#
# $$ \mathrm E\big[b\, \nabla \log \pi\big] = b \sum_a \nabla \pi_\theta(a)
#    = b\, \nabla \textstyle\sum_a \pi_\theta(a) = b\, \nabla 1 = 0, $$
#
# but the variance does not.
#
# First picture: the average over more and more pulls comes closer to the true gradient, with a
# baseline much sooner. Second: the variance of a single pull is a parabola in $b$, lowest near the
# mean reward.

# %%
exact = autograd.grad(np.sum(softmax(theta, dim=0) * PAYS), theta)


def pull(n):
    levers = rng.choice(3, n, p=chances)
    return levers, rng.normal(PAYS[levers], 1.0)


def estimate(n, baseline):
    levers, paid = pull(n)
    log_policy = log_softmax(theta, dim=0)
    return autograd.grad(np.mean(log_policy[levers] * (paid - baseline)), theta)


def distance(n, baseline):
    """How far an estimate is from the exact gradient, the mean of 20."""
    return np.mean([np.linalg.norm(estimate(n, baseline) - exact) for _ in range(20)])


pulls = 10 ** np.arange(1, 5 if QUICK else 6)
mean_pay = float(chances @ PAYS)
baselines = {"no baseline": 0.0, "baseline = mean reward": mean_pay}
nn.look.show_curves(
    {name: (pulls, [distance(n, b) for n in pulls]) for name, b in baselines.items()},
    xlabel="pulls averaged", ylabel="distance to the exact gradient", xscale="log", yscale="log",
)  # fmt: skip

# %%
levers, paid = pull(20_000)
slopes = np.eye(3)[levers] - chances  # of log softmax at the lever pulled
tried = np.linspace(0, 20, 41)
spread = [np.var(slopes * (paid - b)[:, None], axis=0).sum() for b in tried]
many = estimate(200_000, mean_pay)
bandit_error = float(np.linalg.norm(many - exact) / np.linalg.norm(exact))
print("exact", exact.round(4), " from 200,000 pulls", many.round(4))
print(f"mean reward {mean_pay:.1f}, least variance at b = {tried[np.argmin(spread)]:.1f}")
nn.look.show_curves({"": (tried, spread)}, xlabel="baseline b", ylabel="variance of one pull")

# %% [markdown]
# ## REINFORCE
#
# (Williams, 1992.) With states and time it is the same, summed over steps:
#
# $$ \nabla J = \mathrm E\Big[ \sum_t (G_t - b_t)\, \nabla \log \pi_\theta(a_t \mid s_t) \Big]. $$
#
# Step $t$ is weighted by what came *after* it, because an action can't change the past. As a
# baseline we take what the **other carts** got from their step $t$ on, on average (nothing, where
# they had fallen): they know nothing of this cart's dice, so the mean is not touched.
#
# First we measure what this is worth, on 16 policies that have learned for ten updates: the same
# gradient, estimated from many separate batches of episodes, in three ways. What a baseline saves
# differs much from policy to policy, so their variances are added up.

# %%
CARTS = 4
ways = ("whole return", "return from here on", "the same, less a baseline")


def weights(going, way=ways[2]):
    """What the log-probability of each push is multiplied with, (T, N)."""
    after = returns(going)
    if way == ways[0]:
        return np.broadcast_to(after[0], after.shape)
    if way == ways[1]:
        return after
    others = (after.sum(1, keepdims=True) - after) / (after.shape[1] - 1)
    return after - others


def policy_loss(net, states, pushes, weight):
    """Its gradient is the estimate of -∇J, times the number of episodes over that of steps."""
    log_policy = log_softmax(net(states), dim=-1)
    return -np.mean(log_policy[np.arange(len(pushes)), pushes] * weight)


# %%
class Run(NamedTuple):
    """A training run: the network that was kept, and what it had cost by then."""

    net: Net
    steps: list  # of all carts together, at each point of the curve
    lengths: list  # mean length of an episode there
    needed: int
    seconds: float


def reinforce(seed, updates, way=ways[2]):
    """Keep the first network whose last ten batches lasted 490 steps on average, or the last."""
    rng, envs, started = np.random.default_rng(seed), carts(CARTS), time.process_time()
    net = Net(4, 32, 2, rng=seed)
    optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
    total, steps, lengths, kept = 0, [], [], None
    envs.reset(seed=seed)
    for update in range(updates):
        states, pushes, going = play(net, envs, rng)
        total += int(going.sum())
        steps.append(total)
        lengths.append(going.sum(0).mean())
        if kept is None and (np.mean(lengths[-10:]) >= 490 or update == updates - 1):
            kept = net.state_dict(), total, time.process_time() - started
        weight = weights(going, way)[going]
        weight = weight / (weight.std() + 1e-6)  # so that the rate fits short and long episodes
        loss = policy_loss(net, states[going], pushes[going], weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.load_state_dict(kept[0])
    return Run(net, steps, lengths, *kept[1:])


# %%
batches = 20 if QUICK else 100


def estimates_of(seed):
    """Gradient estimates of a policy after ten updates, one from each batch, in each way."""
    young = reinforce(seed, 10).net
    envs, rng = carts(CARTS * batches), np.random.default_rng(seed + 1)
    states, pushes, going = play(young, envs, rng, seed=seed + 1)
    found = {way: [] for way in ways}
    for i in range(batches):
        here = slice(i * CARTS, (i + 1) * CARTS)
        on = going[:, here]
        for way in ways:
            weight = weights(on, way)[on]
            loss = policy_loss(young, states[:, here][on], pushes[:, here][on], weight)
            slopes = autograd.grad(loss * (on.sum() / CARTS), list(young.parameters()))
            found[way].append(np.concatenate([g.ravel() for g in slopes]))
    return {way: np.array(gs) for way, gs in found.items()}


young = [estimates_of(seed) for seed in range(16)]
variance = {way: sum(np.var(each[way], axis=0).sum() for each in young) for way in ways}


def mean_cosine(gs):
    """Of each estimate with the mean of the others."""
    others = gs.sum(0) - gs
    norms = np.linalg.norm(gs, axis=1) * np.linalg.norm(others, axis=1)
    return np.mean(np.sum(gs * others, 1) / norms)


for way in ways:
    cosine = np.median([mean_cosine(each[way]) for each in young])
    print(f"{way:26} mean cosine with the other batches {cosine:.2f}")
nn.look.show_bars(
    {way: 100 * variance[way] / variance[ways[0]] for way in ways},
    xlabel="variance, % of the first", ylabel="weight of a push",
)  # fmt: skip

# %% [markdown]
# A cosine of 1 is the right direction, 0 is none. Now train: four episodes, one step of Adam, and
# so on. (With thirty-two a batch, averaging alone takes most of the noise away, and a baseline
# hardly matters; with four it does.) One run proves little where everything is random, so there
# are several seeds; the line is their median, the band reaches from quartile to quartile.


# %%
def lengths(runs):
    """Episode lengths of several runs, at the same numbers of steps."""
    grid = np.geomspace(300, min(run.steps[-1] for run in runs), 200)
    return grid / 1000, [np.interp(grid, run.steps, run.lengths) for run in runs]


def lasts(net, episodes, seed):
    """Mean length of episodes with the best push at each step."""
    _, _, going = play(net, carts(episodes), seed=seed)
    return float(going.sum(0).mean())


updates = 45 if QUICK else 100
runs = {way: [reinforce(seed, updates, way) for seed in SEEDS] for way in ways[1:]}
policies = runs[ways[2]]
exams = [lasts(run.net, 100, seed=1_000_000) for run in policies]
needed, seconds = np.median([run[3:] for run in policies], axis=0)
print("with a baseline, unseen episodes:", np.round(exams, 1))
print(f"median up to the network that was kept: {needed:,.0f} steps, {seconds:.1f} s")
nn.look.show_curves(
    {way: lengths(runs[way]) for way in ways[1:]},
    xlabel="steps taken, thousands", ylabel="steps until it falls", ylim=(0, 515),
)  # fmt: skip

# %% [markdown]
# The policy at work. It starts in trouble: to the right of the middle, moving right, leaning right.

# %%
trouble = {"low": 0.12, "high": 0.13}
states, pushes, _ = play(policies[0].net, carts(1), seed=0, options=trouble)
film(states[:90, 0], pushes[:90, 0], "trained: catches the pole")

# %% [markdown]
# ## What it has learned
#
# The cart in the middle and at rest, the pole at every angle and speed: the probability of a push
# to the right. On the dashed line both pushes are equally good. Where the pole leans right *and*
# falls right, it pushes right, to get under it.

# %%
angles, speeds = np.meshgrid(np.linspace(-0.2, 0.2, 81), np.linspace(-2.5, 2.5, 81))
grid = np.stack([0 * angles, 0 * angles, angles, speeds], -1).astype(np.float32)
right = softmax(scores(policies[0].net, grid), dim=-1)[..., 1]
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
image = axes.contourf(np.degrees(angles), speeds, right, 20, cmap="RdBu_r")
axes.contour(np.degrees(angles), speeds, right, [0.5], colors="k", linestyles="--")
axes.set(xlabel="angle, degrees", ylabel="angular velocity, 1/s")
figure.colorbar(image, label="π(right)")
plt.show()

# %% [markdown]
# ## What to take along
#
# * A sample can't be differentiated, but its probability can: $\nabla \mathrm E[R] = \mathrm E[R\,
#   \nabla \log \pi]$.
# * Anything that does not depend on the action may be subtracted, and a good baseline takes most of
#   the noise away.
# * REINFORCE learns from its own actions only, and throws each batch away after one update.
# * One run of a learner that rolls dice says little. Show several, and examine on fresh episodes.

# %%
targets = {
    "bandit, sampled gradient's error": (bandit_error, "<=", 0.02),
    "variance left by the baseline": (variance[ways[2]] / variance[ways[1]], "<=", 0.6),
    "REINFORCE, worst run's mean episode": (min(exams), ">=", 200 if QUICK else 475),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
