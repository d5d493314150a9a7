# %% [markdown]
# # The feed-forward network
#
# One neuron draws a straight line. A layer of them, with something nonlinear in between, draws
# anything. This notebook builds that network and then turns every knob that its training has:
# activation, initialisation, optimizer, learning rate, batch size.
#
# **Data:** four points (XOR), and 1,797 handwritten digits of 8 × 8 pixels from scikit-learn.
# **Target:** XOR solved by a network and not by a perceptron; momentum, RMSprop and Adam each get
# further than plain SGD through a narrow valley; 97 % of unseen digits read correctly (93 % in
# quick mode).

# %%
import json
import os
import time

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import Value
from nn.functional import gelu, relu, sigmoid

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

# %% [markdown]
# ## The perceptron, and what it can't do
#
# $y = w \cdot x + b$, and the answer is the sign of $y$. Where $y = 0$ is a straight line, so the
# four points of *exclusive or* are out of reach: no line has the two equal corners on one side.

# %%
corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
xor = np.array([0, 1, 1, 0])


def learn_xor(model):
    """Train on the four points; the share that comes out right."""
    nn.train.fit(
        model,
        (corners, xor),
        "binary_cross_entropy_with_logits",
        lr=0.05,
        epochs=300,
        verbose=False,
    )
    return float(np.mean((nn.train.predict(model, corners)[:, 0] > 0) == xor))


perceptron = nn.Linear(2, 1)
network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
xor_scores = {"perceptron": learn_xor(perceptron), "network": learn_xor(network)}
xor_scores

# %%
side = np.linspace(-0.5, 1.5, 80, dtype=np.float32)
plane = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True, layout="constrained")
for axes, (name, model) in zip(
    panels, (("perceptron", perceptron), ("network", network)), strict=True
):
    p = 1 / (1 + np.exp(-nn.train.predict(model, plane)))
    shades = axes.contourf(
        side, side, p.reshape(80, 80), np.linspace(0, 1, 21), cmap="RdBu", alpha=0.6
    )
    axes.scatter(*corners.T, c=xor, cmap="RdBu", edgecolors="black", s=90)
    axes.set(title=f"{name}: {xor_scores[name]:.0%} right", xlabel="x₁")
panels[0].set_ylabel("x₂")
figure.colorbar(shades, ax=panels, label="probability of 1", ticks=[0, 0.5, 1])
plt.show()

# %% [markdown]
# ## Activations
#
# Without something nonlinear between them, two layers collapse into one: $W_2 (W_1 x) = (W_2 W_1)
# x$. The nonlinearity is the activation. Its derivative matters as much as its value, because
# gradients are multiplied by it in the backward pass. A sigmoid passes on at most a quarter; far
# from zero, next to nothing. A ReLU passes everything or nothing.

# %%
functions = {"sigmoid": sigmoid, "tanh": np.tanh, "ReLU": relu, "GELU": gelu}
figure, panels = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True, layout="constrained")
for axes, (name, function) in zip(panels, functions.items(), strict=True):
    x = Value(np.linspace(-4, 4, 200))
    y = function(x)
    np.sum(y).backward()
    curves = {"value": (x.data, y.data), "derivative": (x.data, x.grad)}
    nn.look.show_curves(curves, axes=axes, title=name, xlabel="x", ylim=(-1.2, 2.2))
plt.show()

# %% [markdown]
# ## Initialisation
#
# A sum of $n$ products has $n$ times the variance of one. So weights of standard deviation
# $\sigma$ multiply the size of a signal by $\sigma\sqrt{n}$ in every layer, and after twenty
# layers nothing or everything is left, unless $\sigma\sqrt n$ is right. For ReLU, which throws
# half away, $\sigma = \sqrt{2/n}$ is (Kaiming); for tanh $\sigma = \sqrt{1/n}$ (Xavier).

# %%


def sizes_through_layers(set_weights, depth=20, width=128):
    """The signal's standard deviation after each of 20 layers with ReLU."""
    x, sizes = np.random.default_rng(0).normal(size=(256, width)), []
    with autograd.no_grad():
        for _ in range(depth):
            layer = nn.Linear(width, width, bias=False).double()
            set_weights(layer.weight)
            x = relu(layer(x))
            sizes.append(float(np.std(x)))
    return sizes


starts = {
    "σ = 0.05": lambda w: nn.init.normal_(w, std=0.05),
    "σ = 0.3": lambda w: nn.init.normal_(w, std=0.3),
    "Xavier": lambda w: nn.init.xavier_normal_(w),
    "Kaiming": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
}
signals = {name: sizes_through_layers(start) for name, start in starts.items()}
nn.look.show_curves(
    signals, xlabel="layer", ylabel="standard deviation of the signal", yscale="log"
)

# %% [markdown]
# ## Four optimizers race on one landscape
#
# A long, bent valley: steep walls, and a floor that falls gently towards the star.
#
# * **SGD** goes straight downhill: $x \leftarrow x - \eta g$. Steep walls force a small $\eta$,
#   and then the floor takes for ever.
# * **Momentum** keeps rolling: $v \leftarrow \mu v + g$, $x \leftarrow x - \eta v$. Along the
#   floor speed adds up, across it pushes cancel.
# * **RMSprop** divides by the size that gradients have had in each direction: $s \leftarrow
#   \alpha s + (1-\alpha) g^2$, $x \leftarrow x - \eta g / \sqrt{s}$. Steep or flat, steps are
#   about equally long.
# * **Adam** does both.

# %%


def landscape(x, y):
    """Rosenbrock's valley, its walls not quite as steep as in the original."""
    return (1 - x) ** 2 + 20 * (y - x * x) ** 2


OPTIMIZERS = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.002),
    "momentum": lambda p: nn.optim.SGD(p, lr=0.002, momentum=0.9),
    "RMSprop": lambda p: nn.optim.RMSprop(p, lr=0.02),
    "Adam": lambda p: nn.optim.Adam(p, lr=0.1),
}


def race(make, steps=300):
    place = nn.Parameter(np.array([-1.4, 1.8]))
    optimizer, path = make([place]), [place.data.copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        landscape(place[0], place[1]).backward()
        optimizer.step()
        path.append(place.data.copy())
    return np.array(path)


paths = {name: race(make) for name, make in OPTIMIZERS.items()}
heights = {name: landscape(*path.T) for name, path in paths.items()}

gx, gy = np.meshgrid(np.linspace(-1.8, 1.8, 200), np.linspace(-0.8, 2.6, 200))
figure, panels = plt.subplots(
    2, 2, figsize=(9, 6.4), sharex=True, sharey=True, layout="constrained"
)
for axes, (name, path) in zip(panels.flat, paths.items(), strict=True):
    axes.contourf(gx, gy, np.log10(landscape(gx, gy) + 0.01), 20, cmap="Greys")
    axes.plot(*path.T, "o-", ms=2.5, lw=1, color="tab:red")
    axes.plot(1, 1, "*", ms=15, color="gold", markeredgecolor="black")
    axes.set(title=f"{name}: height {heights[name][-1]:.2g} after 300 steps")
for axes in panels[1]:
    axes.set_xlabel("first parameter")
for axes in panels[:, 0]:
    axes.set_ylabel("second parameter")
plt.show()

# %%
nn.look.show_curves(heights, xlabel="step", ylabel="height", yscale="log")

# %% [markdown]
# ## The same four on handwritten digits
#
# 64 pixels in, 10 classes out. `cross_entropy` is the loss of a classifier: minus the logarithm
# of the probability that it gives to the right class. The batch is 32 images; one pass over all
# of them is an epoch. Every run starts from the same weights.

# %%
X, y = nn.data.load_digits()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.25)
print(len(X_train), "digits to learn from,", len(X_test), "to be tested on")
nn.look.show_images(X_train[:20].reshape(-1, 8, 8), titles=y_train[:20])


# %%
def digits_network():
    return nn.Sequential(
        nn.Linear(64, 64, rng=0),
        nn.ReLU(),
        nn.Linear(64, 64, rng=1),
        nn.ReLU(),
        nn.Linear(64, 10, rng=2),
    )


def train(optimizer, epochs, batch_size=32, callbacks=()):
    """Train a fresh network; its history."""
    return nn.train.fit(
        digits_network(),
        (X_train, y_train),
        "cross_entropy",
        optimizer,
        epochs,
        batch_size=batch_size,
        callbacks=callbacks,
        rng=0,
        verbose=False,
    )


epochs = 3 if QUICK else 15
runs = {
    "SGD": train(lambda p: nn.optim.SGD(p, lr=0.02), epochs),
    "momentum": train(lambda p: nn.optim.SGD(p, lr=0.02, momentum=0.9), epochs),
    "RMSprop": train(lambda p: nn.optim.RMSprop(p, lr=0.002), epochs),
    "Adam": train(lambda p: nn.optim.Adam(p, lr=0.002), epochs),
}
losses = {name: history["loss"] for name, history in runs.items()}
nn.look.show_curves(losses, xlabel="epoch", ylabel="mean loss of the epoch", yscale="log")

# %% [markdown]
# ## The learning rate
#
# The one knob to turn first. We train for a few epochs at each of many rates. Too small: nothing
# has been learned yet. Too large: the loss stays where guessing is ($\log 10 \approx 2.3$), or
# beyond. The best is shortly before the cliff, and each optimizer has its own.

# %%
rates = 10.0 ** np.arange(-4, 0.51, 1 if QUICK else 0.5)
after = {"SGD": [], "Adam": []}
for rate in rates:
    for name, kind in (("SGD", nn.optim.SGD), ("Adam", nn.optim.Adam)):
        history = train(lambda p, kind=kind, rate=rate: kind(p, lr=rate), 1 if QUICK else 4)
        after[name].append(history["loss"][-1])
nn.look.show_curves(
    {name: (rates, losses) for name, losses in after.items()}, levels={"guessing": np.log(10)},
    xlabel="learning rate", ylabel="loss in the last epoch", xscale="log", yscale="log",
)  # fmt: skip

# %% [markdown]
# ## Batches
#
# A small batch gives many noisy updates an epoch, a large one gives few good ones. Counted in
# epochs the small batch wins. Counted in seconds it depends: one matrix product over 128 images
# takes far less time than 16 products over 8. (One epoch goes before the clock starts: the first
# use of a kernel compiles it.)

# %%


def timed(size, epochs):
    """Seconds since the start after each epoch, and the history."""
    train(nn.optim.Adam, 1, size)
    times = [time.perf_counter()]
    tick = [lambda _: times.append(time.perf_counter())]
    history = train(nn.optim.Adam, epochs, size, tick)
    return np.subtract(times[1:], times[0]), history


by_epoch, by_second = {}, {}
for size in (8, 32, 128, len(X_train)):
    seconds, history = timed(size, 3 if QUICK else 12)
    name = "batch of all" if size == len(X_train) else f"batch of {size}"
    by_epoch[name], by_second[name] = history["loss"], (seconds, history["loss"])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
nn.look.show_curves(by_epoch, axes=left, xlabel="epoch", ylabel="mean loss", yscale="log")
nn.look.show_curves(by_second, axes=right, xlabel="seconds")
plt.show()

# %% [markdown]
# ## All knobs set
#
# A wider network, Adam, batches of 32, and a learning rate that sinks to zero along half a
# cosine, so that the last steps are small ones. `Dropout` switches off a fifth of the neurons at
# random in each step of training, so that none can rely on a particular other; the next notebook
# measures what that is good for. A tenth of the digits to learn from is kept for *validation*: it
# shows how training goes, so that the test digits need to be looked at only once.

# %%
epochs = 6 if QUICK else 30
X_learn, X_valid, y_learn, y_valid = nn.data.train_test_split(X_train, y_train, 0.1)
model = nn.Sequential(
    nn.Linear(64, 128, rng=0),
    nn.ReLU(),
    nn.Dropout(0.2, rng=1),
    nn.Linear(128, 128, rng=2),
    nn.ReLU(),
    nn.Dropout(0.2, rng=3),
    nn.Linear(128, 10, rng=4),
)
optimizer = nn.optim.Adam(model.parameters(), lr=0.003)
schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
history = nn.train.fit(
    model,
    (X_learn, y_learn),
    "cross_entropy",
    optimizer,
    epochs,
    validation=(X_valid, y_valid),
    metrics=["accuracy"],
    callbacks=[nn.train.LearningRateScheduler(schedule)],
    rng=0,
)
history.plot()

# %% [markdown]
# Now the test. The digits that it gets wrong, with the answer and the truth. Some you might, too.

# %%
answers = nn.train.predict(model, X_test).argmax(1)
accuracy = float(np.mean(answers == y_test))
wrong = np.flatnonzero(answers != y_test)
print(f"{accuracy:.1%} of {len(y_test)} unseen digits; {len(wrong)} wrong")
nn.look.show_images(
    X_test[wrong[:8]].reshape(-1, 8, 8),
    titles=[f"{answers[i]}, not {y_test[i]}" for i in wrong[:8]],
)

# %% [markdown]
# ## What to take along
#
# * Layers need a nonlinearity between them, and weights of the right size.
# * Start with Adam at about 0.001, or SGD with momentum; then try learning rates by factors of 3.
# * Let the learning rate sink in the end.

# %%
sgd = heights["SGD"][-1]
ahead = min(sgd / heights[name][-1] for name in ("momentum", "RMSprop", "Adam"))
targets = {
    "XOR by the perceptron": (xor_scores["perceptron"], "<=", 0.75),
    "XOR by the network": (xor_scores["network"], ">=", 1.0),
    "valley: SGD's height over the worst of the others'": (ahead, ">=", 2.0),
    "digits, share of unseen ones right": (accuracy, ">=", 0.93 if QUICK else 0.97),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
