# %% [markdown]
# # Your own op and kernel
#
# A formula on paper is not yet an op that is fast. This notebook takes one all the way: written
# with NumPy, turned into an op with a derivative of its own, checked, drawn, and compiled. At each
# stage you see what the step brings, and two mistakes being caught. The next notebook makes a layer
# of it.
#
# **Data:** none. **Target:** the compiled op computes the same as the formula, to rounding; its
# derivatives pass the check to second order; both wrong ones are caught; it is five times as fast
# as op by op (not asked in quick mode).

# %%
import json
import os
import time

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
faster = took["op by op"][-1] / took["one op, compiled"][-1]
for name, values in took.items():
    print(f"{name:20} {1e3 * values[-1]:8.2f} ms for {lengths[-1]} steps")
nn.look.show_curves(
    {name: (lengths, 1e3 * np.array(values)) for name, values in took.items()},
    xlabel="steps", ylabel="forward and back, ms", xscale="log", yscale="log",
)  # fmt: skip

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
# ## What to take along
#
# * Begin with NumPy's functions: the derivative is free, and the drawing shows what you wrote.
# * A vjp is a formula of NumPy code. Check it to second order, and see the check fail once.
# * Compile where Python loops: a recurrence over hundreds of steps gains most, and one large
#   product nothing at all.
# * Keep the slow version. It defines the fast one, tests it, opens in drawings, and gives the
#   higher derivatives.

# %%
targets = {
    "derivatives right, checks passed of 4": (sum(right), ">=", 4),
    "wrong derivatives caught, of 2": (sum(wrong), ">=", 2),
    "three ways, largest difference": (apart, "<=", 1e-5),
}
if not QUICK:
    targets["compiled, times faster than op by op"] = (faster, ">=", 5)
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
