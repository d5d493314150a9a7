# %% [markdown]
# # How fast, and why
#
# Two programs compute the same numbers, and one takes fifty times as long. Nearly always one of
# four things is the reason: Python's own cost for each operation; arithmetic that does not use the
# processor's width; memory that is read again and again; or cores that wait for each other. Here
# each is measured on its own, on the machine that you sit at, and in the end you can read the
# project's benchmark table and say of each row *why*.
#
# **Data:** none but this machine. **Target:** all variants compute the same (to the bit where they
# claim it, at any number of threads); the fused LSTM at least 3 times, the tile at least 5 times as
# fast as the naive version. All other times are facts, not targets: another machine has others.

# %%
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import Value
from autograd.kernels.jit import jit
from nn.optim.adam import adam as adam_rule
from nn.optim.rules import apply

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
ROOT = Path(autograd.__file__).parents[1]
CORES = autograd.get_num_threads()
autograd.seed(0)
rng = np.random.default_rng(0)


def floats(*shape):
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)


# %% [markdown]
# ## How to measure
#
# Other programs only ever make a run slower. So inside this notebook we take the **best** of
# several runs, and never the first, which may compile. For a comparison of *libraries* that is not
# enough: two thread pools in one process get in each other's way. `benchmarks` gives each side a
# process of its own, compares their numbers before it times anything, lets them run in turn, and
# then looks at **ratios** only.


# %%
def seconds(work, enough=0.02 if QUICK else 0.2, least=3):
    """The best time of a call, over at least so many calls and so many seconds."""
    work()
    best, begin, calls = np.inf, time.perf_counter(), 0
    while calls < least or time.perf_counter() - begin < enough:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
        calls += 1
    return best


peers = [name for name in ("torch",) if find_spec(name)]
with tempfile.TemporaryDirectory() as folder:
    command = [sys.executable, "-m", "benchmarks", "op_chain", "--quick", "--cases", "200 ops"]
    command += ["--peers", ",".join(peers), "--out", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    run = json.loads((Path(folder) / "results.json").read_text())
print(run["machine"]["processor"], "·", CORES, "cores")
chain = run["results"][0]
for side, measured in chain["sides"].items():
    print(f"{chain['case']}: {side} {1e3 * measured['median']:.2f} ms")

# %% [markdown]
# ## Two numbers of a machine
#
# The same run has measured what the machine can do at its best: how many floating-point operations
# a second (multiply-adds on registers alone, all cores), and how many bytes a second it can copy.

# %%
FLOPS, BYTES = run["peaks"]["flops"], run["peaks"]["bytes"]
print(f"{FLOPS / 1e9:.0f} GFLOP/s, {BYTES / 1e9:.0f} GB/s")
print(f"while one float32 comes in from a copy's stream, {4 * FLOPS / BYTES:.0f} operations fit")

# %% [markdown]
# (While something else uses the machine, both come out too low; then a share "of the peak" may even
# exceed 100 %.)
#
# Remember the second line. Arithmetic is cheap; it is *feeding* it that costs.
#
# ## What an op costs: two regimes
#
# One product of two arrays, from 1 number to millions: NumPy's alone, recorded in a graph, and
# differentiated as well.

# %%
sizes = [4**k for k in range(10 if QUICK else 12)]
ways = {"NumPy": [], "recorded": [], "forward and back": []}
for n in sizes:
    a, b, ones = floats(n), floats(n), np.ones(n, np.float32)
    x, w = Value(a), Value(b)

    def there_and_back(x=x, w=w, ones=ones):
        x.grad = w.grad = None
        (x * w).backward(ones)

    ways["NumPy"].append(seconds(lambda a=a, b=b: a * b))
    ways["recorded"].append(seconds(lambda x=x, w=w: x * w))
    ways["forward and back"].append(seconds(there_and_back))

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, times in ways.items():
    axes.loglog(sizes, 1e6 * np.array(times), "o-", ms=3, label=name)
flat, slope = ways["recorded"][0], ways["recorded"][-1] / sizes[-1]
elbow = flat / slope
axes.axvline(elbow, color="0.6", ls="--", lw=1)
axes.text(elbow * 0.8, axes.get_ylim()[1] * 0.6, "overhead", ha="right", va="top", color="0.4")
axes.text(elbow * 1.25, axes.get_ylim()[1] * 0.6, "work", ha="left", va="top", color="0.4")
axes.set(xlabel="numbers in each array", ylabel="time, µs")
figure.legend(loc="outside right upper", frameon=False)
plt.show()
print(f"one small product: NumPy {1e6 * ways['NumPy'][0]:.2f} µs, recorded {1e6 * flat:.2f} µs,")
print(f"with its gradients {1e6 * ways['forward and back'][0]:.2f} µs; overhead and work are equal")
print(f"at about {elbow:,.0f} numbers")

# %% [markdown]
# On the left the time does not depend on the size: it is Python, and the bookkeeping of the graph.
# On the right it grows with the size, and Python does not matter. A network with layers of 64 units
# lives on the left: there you win by **fewer ops**. One with large products lives on the right:
# there you win by **better loops**.
#
# ## A product of matrices, five times
#
# $c_{ij} = \sum_k a_{ik} b_{kj}$ takes $2n^3$ operations on $3n^2$ numbers, so there is a lot to do
# for each number that is fetched. Whether you get to do it is a question of order.


# %%
@jit
def naive(a, b, c):
    """As the formula says: for each number of c a walk down a column of b."""
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            total = np.float32(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            c[i, j] = total


@jit
def rowwise(a, b, c):
    """The two inner loops swapped: whole rows of b, one after the other in memory."""
    for i in range(c.shape[0]):
        row = c[i]
        for j in range(row.size):
            row[j] = 0
        for k in range(a.shape[1]):
            factor, other = a[i, k], b[k]
            for j in range(row.size):
                row[j] += factor * other[j]


def in_python(a, b):
    return [
        [sum(p * q for p, q in zip(r, s, strict=True)) for s in zip(*b, strict=True)] for r in a
    ]


def with_threads(n, work):
    autograd.set_num_threads(n)
    try:
        return work()
    finally:
        autograd.set_num_threads(CORES)


def tiled(a, b):
    with autograd.no_grad():
        return np.asarray(Value(a) @ Value(b))


N = 250 if QUICK else 500
A, B, C = floats(N, N), floats(N, N), np.empty((N, N), np.float32)
exact = A.astype(np.float64) @ B.astype(np.float64)
products, off = {}, {}


def measure(name, work, result, n=N, **how):
    products[name] = 2.0 * n**3 / seconds(work, **how)
    off[name] = float(np.abs(result() / exact - 1).max())


little = [x[:48, :48].tolist() for x in (A, B)]
products["Python's lists"] = 2.0 * 48**3 / seconds(lambda: in_python(*little))
measure("naive loop", lambda: naive(A, B, C), lambda: C)
measure("loops swapped", lambda: rowwise(A, B, C), lambda: C)
with_threads(1, lambda: measure("tile, 1 core", lambda: tiled(A, B), lambda: tiled(A, B)))
measure(f"tile, {CORES} cores", lambda: tiled(A, B), lambda: tiled(A, B))
measure("NumPy's BLAS", lambda: A @ B, lambda: A @ B)

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
bars = axes.barh(list(products), [v / 1e9 for v in products.values()], color="tab:blue")
shares = [f"{100 * v / FLOPS:.2g} % of peak" for v in products.values()]
axes.bar_label(bars, shares, padding=4, bbox={"fc": "white", "ec": "none", "pad": 0.5})
axes.axvline(FLOPS / 1e9, color="tab:red", lw=1, ls="--", label="peak, all cores", zorder=0)
axes.set(xscale="log", xlabel="GFLOP/s", ylabel=f"{N} × {N} × {N}")
axes.set_xlim(right=FLOPS / 1e9 * 30)
axes.invert_yaxis()
figure.legend(loc="outside upper right", frameon=False)
plt.show()
print("largest relative error:", {name: f"{e:.0e}" for name, e in off.items()})
tile_gain = products["tile, 1 core"] / products["naive loop"]
print(f"the tile on one core is {tile_gain:.0f} times as fast as the naive loop")

# %% [markdown]
# * **Naive.** A step down a column of $b$ is a step of a whole row in memory. Each fetches 64 bytes
#   and uses 4. And the sum waits for itself: one addition after the other.
# * **Swapped.** Neighbours in memory are used together, so the compiler takes 8 or 16 at once. But
#   each multiply-add still loads $b$, and loads and stores $c$.
# * **Tile.** A block of $c$, say 8 × 32, stays in *registers*. For each $k$ it loads 8 + 32 numbers
#   and does 8 · 32 multiply-adds: six for each number loaded, in place of a third of one. $b$ is
#   packed into strips first, so that they come in one stream and stay in cache.
# * **Cores.** Each takes some of the rows. BLAS does about the same, in assembly. (On a machine
#   with other work to do it can fall far behind: its threads wait for each other in a busy loop.)
#
# ## Why one kernel for a whole LSTM
#
# A step of a small LSTM is a handful of small ops, each on the left side of the first picture. Here
# it is in NumPy's words, as tight as it gets: the products with the inputs in one go for all steps,
# one product for all four gates. Beside it the fused scan, which is one op for the whole sequence.

# %%
T, batch, features, H = (30 if QUICK else 100), 8, 16, 32
steps, nothing = floats(T, batch, features), np.zeros((batch, H), np.float32)
shapes = ((4 * H, features), (4 * H, H), 4 * H, 4 * H)
weights = [rng.normal(0, 0.2, shape).astype(np.float32) for shape in shapes]


def by_ops(x, h, c, w, u, b, d):
    ys, u = [], u.T
    for from_x in x @ w.T + (b + d):
        i, f, g, o = np.split(from_x + h @ u, 4, axis=-1)
        c = autograd.sigmoid(f) * c + autograd.sigmoid(i) * np.tanh(g)
        h = autograd.sigmoid(o) * np.tanh(c)
        ys.append(h)
    return np.stack(ys), h, c


def loss_of(f, leaves):
    y, _, _ = f(steps, nothing, nothing, *leaves)
    return np.sum(y**2)


def lstm(f):
    """The loss, and the gradients of all weights."""
    leaves = [Value(w) for w in weights]
    loss = loss_of(f, leaves)
    loss.backward()
    return [loss.data, *(w.grad for w in leaves)]


forms = {"op by op": by_ops, "fused": autograd.lstm_scan}
lstm_time, profiles = {}, {}
for name, f in forms.items():
    leaves = [Value(w) for w in weights]
    lstm_time[name] = seconds(lambda f=f: lstm(f))
    profiles[name] = autograd.profile(lambda f=f, leaves=leaves: loss_of(f, leaves), repeat=3)
    print(f"{name:9} {len(profiles[name].costs):5} nodes, {1e3 * lstm_time[name]:7.2f} ms")
slow, fast = (lstm(f) for f in forms.values())
lstm_off = max(
    float(np.abs(x - y).max() / np.abs(x).max()) for x, y in zip(slow, fast, strict=True)
)
fusion = lstm_time["op by op"] / lstm_time["fused"]
print(f"fused {fusion:.0f} times as fast; largest relative difference {lstm_off:.0e}")
print(profiles["op by op"].text(by="op", limit=6))

# %% [markdown]
# The time goes into *having* ops, not into what they compute. And there is a second gain, which
# shows with wide layers: the kernel packs the recurrent weights once a sequence and keeps them in
# cache over all steps.
#
# ## How often is memory read?
#
# One step of Adam is 13 operations on each number, and none of them is hard. Written with NumPy,
# each is a pass over memory. The same *rule*, a Python function, can be run in three ways: on whole
# arrays; on pieces so small that they stay in cache; and compiled into one loop, which reads and
# writes each number once. It promises the same bits.

# %%
n = 2**20 if QUICK else 2**22
p, g, m, v = (floats(n) for _ in range(4))
beta1, beta2, lr = 0.9, 0.999, 1e-3
constants = (0, 0, 1, beta1, 1 - beta1, beta2, 1 - beta2, (1 - beta2) ** 0.5, 1e-8, lr)
exactly = tuple(np.float32(c) for c in constants)

three = {
    "whole arrays": lambda p, m, v: adam_rule(exactly, p, g, m, v),
    "pieces in cache": lambda p, m, v: apply(adam_rule, constants, p, g, (m, v), False),
    "one compiled loop": lambda p, m, v: apply(adam_rule, constants, p, g, (m, v), True),
}
after, adam_time = {}, {}
for name, step in three.items():
    state = [x.copy() for x in (p, m, v)]
    step(*state)
    after[name] = [x.tobytes() for x in state]
    adam_time[name] = with_threads(1, lambda step=step, state=state: seconds(lambda: step(*state)))
adam_same = len({tuple(bits) for bits in after.values()}) == 1

moved = 7 * 4 * n  # p, m, v read and written, g read
figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
bars = axes.barh(list(adam_time), [1e9 * t / n for t in adam_time.values()], color="tab:blue")
axes.bar_label(bars, fmt="%.2f", padding=3)
axes.margins(x=0.12)
axes.set(xlabel="ns a number, one core", ylabel="Adam's step")
axes.invert_yaxis()
plt.show()
speed = moved / adam_time["one compiled loop"] / 1e9
print(f"same bits: {adam_same}; the loop moves {speed:.1f} GB/s with one core")

# %% [markdown]
# The compiled loop is no cleverer than the others. It goes to memory 7 times for each number, where
# whole arrays go about 30 times, for results that nobody asked for in between. This is what
# **fusing** means, and why the activations (GELU, softmax, normalisation) have kernels too.
#
# ## Two cores, the same bits
#
# Sums of floats depend on their order:

# %%
x = rng.normal(size=100_001).astype(np.float32)
whole, halves = x.cumsum()[-1], x[:50_000].cumsum()[-1] + x[50_000:].cumsum()[-1]
print(f"one after the other {whole:.6f}, in two halves {halves:.6f}")

# %% [markdown]
# So if each thread summed its share, the result would depend on their number, and a run could not
# be repeated on another machine. The rule here: a thread takes whole *outputs* (rows of a product,
# sequences of a batch), never a part of a sum; or sums blocks of a fixed size, which are added up
# in order. Does it hold? All gradients of a LeNet and of an LSTM, at one, two and three threads:

# %%
images, labels = floats(32, 1, 28, 28), rng.integers(0, 10, 32)
lenet = nn.models.LeNet5(rng=0)


def lenet_loss():
    return nn.functional.cross_entropy(lenet(images), labels)


def all_gradients():
    lenet.zero_grad()
    lenet_loss().backward()
    found = [p.grad for p in lenet.parameters()] + lstm(autograd.lstm_scan)
    return [part.tobytes() for part in (*found, tiled(A, B))]


bits = [with_threads(k, all_gradients) for k in (1, 2, 3)]
threads_same = bits[0] == bits[1] == bits[2]
print("the same bits:", threads_same)
for name, work in (("LeNet, forward", lenet_loss), (f"product of {N}", lambda: tiled(A, B))):
    alone, together = (with_threads(k, lambda work=work: seconds(work)) for k in (1, CORES))
    print(f"{name}: 1 thread {1e3 * alone:.2f} ms, {CORES} threads {1e3 * together:.2f} ms")

# %% [markdown]
# To wake a thread costs 5 to 50 µs. Small work is left to one: the pool is only asked where there
# are about 100 µs to share.
#
# ## Compiling is part of your time
#
# A kernel is compiled when it is first called, and kept on disk. In a new process with an empty
# cache, and in another one after it:

# %%
FIRST = """
import time
times = [time.process_time()]
import numpy as np; times.append(time.process_time())
import autograd; times.append(time.process_time())
x = autograd.Value(np.ones((256, 256), np.float32))
x @ x; times.append(time.process_time())
x @ x; times.append(time.process_time())
print(*np.diff(times))
"""
NAMES = ("import numpy", "import autograd", "first product", "second product")
first_calls = {}
with tempfile.TemporaryDirectory() as folder:
    where = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(ROOT)}
    for state in ("empty cache", "kept on disk"):
        done = subprocess.run(
            [sys.executable, "-c", FIRST], env=where, check=True, capture_output=True, text=True
        )
        first_calls[state] = [1e3 * float(t) for t in done.stdout.split()]

figure, axes = plt.subplots(figsize=(7, 2), layout="constrained")
left = np.zeros(2)
for name, parts in zip(NAMES, zip(*first_calls.values(), strict=True), strict=True):
    axes.barh(list(first_calls), parts, left=left, label=name)
    left += parts
axes.set(xlabel="processor time, ms", ylabel="new process")
axes.invert_yaxis()
figure.legend(loc="outside right upper", frameon=False)
plt.show()
for state, parts in first_calls.items():
    print(f"{state:12}", ", ".join(f"{n} {t:.0f} ms" for n, t in zip(NAMES, parts, strict=True)))

# %% [markdown]
# `import autograd` does not load Numba, the first kernel does: that is most of what is left of the
# first product once its code is on disk. `glassgrad warmup` compiles all kernels beforehand.
#
# ## Where does LeNet's time go?
#
# `autograd.profile` runs a step as it is, then each of its nodes again on the inputs it had. The
# drawing shows heat: the redder, the longer.

# %%
found = autograd.profile(lenet_loss, repeat=3 if QUICK else 10)
print(found.text(limit=12))
found.drawing(depth=1, direction="TB")

# %% [markdown]
# ## The roofline
#
# An op that does $f$ operations and moves $m$ bytes takes at least $f / \text{peak}$ and at least
# $m / \text{bandwidth}$ seconds. So what it can reach depends on its **intensity** $f / m$:
#
# $$ \text{FLOP/s} \le \min(\text{peak},\ \text{intensity} \times \text{bandwidth}) $$
#
# A slope, and a flat roof. Below the slope no better arithmetic helps; under the roof no faster
# memory. Bytes are counted as if each input and result moved once; what stays in cache can lie
# *above* the slope.

# %%
points = {}


def place(name, work, flops, *arrays):
    moved = sum(x.nbytes for x in arrays)
    points[name] = (flops / moved, flops / seconds(work) / 1e9)


n = 2**20
big = [Value(floats(n), requires_grad=False) for _ in range(3)]
place("sum of two arrays", lambda: big[0] + big[1], n, *(x.data for x in big))
state = [floats(n) for _ in range(3)]
gradient = floats(n)


def adam():
    apply(adam_rule, constants, state[0], gradient, state[1:], True)


place("Adam's step", adam, 13 * n, *state, *state, gradient)
for side in (64, 256) if QUICK else (64, 256, 1024):
    a, b = floats(side, side), floats(side, side)
    place(f"product of {side}", lambda a=a, b=b: tiled(a, b), 2 * side**3, a, b, a)
for name, x, w in (
    ("LeNet's first convolution", floats(64, 1, 28, 28), floats(6, 1, 5, 5)),
    ("convolution of 32 channels", floats(32, 32, 16, 16), floats(32, 32, 3, 3)),
):
    y = nn.functional.conv2d(x, w)
    place(
        name,
        lambda x=x, w=w: nn.functional.conv2d(x, w),
        2 * y.size * w[0].size,
        *(np.asarray(part) for part in (x, w, y)),
    )
layer = nn.LSTM(28, 128, rng=0)
sequence = floats(28, 64, 28)
with autograd.no_grad():
    outputs = np.asarray(layer(sequence)[0])
    own = [p.data for p in layer.parameters()]
    work = 28 * 64 * (2 * 4 * 128 * (28 + 128) + 10 * 128)
    place("LSTM of 128 units", lambda: layer(sequence), work, sequence, outputs, *own)

figure, axes = plt.subplots(figsize=(9, 4.4), layout="constrained")
intensity = np.logspace(-1.5, 3, 200)
axes.loglog(intensity, np.minimum(FLOPS, intensity * BYTES) / 1e9, color="0.3", label="the roof")
for (name, (x, y)), marker in zip(points.items(), "osD^v<>PX", strict=False):
    axes.plot(x, y, marker, ms=8, label=name)
axes.set(xlabel="intensity, operations a byte", ylabel="GFLOP/s")
figure.legend(loc="outside right upper", frameon=False)
plt.show()
for name, (x, y) in points.items():
    roof = min(FLOPS, x * BYTES) / 1e9
    print(f"{name:28} {x:7.2f} FLOP/byte {y:8.2f} GFLOP/s, {y / roof:.0%} of its roof")

# %% [markdown]
# Large products and convolutions lie under the flat roof, elementwise work on the slope. LeNet's
# first convolution has one channel: 25 multiply-adds for a result leave little to keep in
# registers. The product of 64 lies low because its time is the left side of our first picture.
#
# ## Reading the table
#
# This is the README's table. With what you have seen, go through it row by row:

# %%
text = (ROOT / "README.md").read_text(encoding="utf-8")
section = text.partition("## How fast")[2].partition("\n## ")[0]
print("\n".join(line for line in section.splitlines() if line.startswith("|")))

# %% [markdown]
# * **Small ops.** The left regime. One class, one call path for each number of inputs, no closures:
#   a node costs a microsecond, while PyTorch's dispatcher has more to decide.
# * **RNN and GRU.** The largest ratios, and the reason is on the other side: what you saw as *op by
#   op*. PyTorch's processor version of both walks through time in single operations. Its LSTM has a
#   fused kernel, and there the ratio is small.
# * **Convolution.** Both are near the roof; what is won is not copying patches into a matrix first.
#   Look at *least*: where it is below 1, PyTorch is ahead.
# * **Training steps.** All of it together. With MLP-784 and GPT the large products are most of the
#   time, both sides are near the machine's peak, and nobody can win much.
#
# Run it yourself: `python -m benchmarks --setup-peers DIR`, then
# `python -m benchmarks recurrent --peers-dir DIR`.
#
# ## What to take along
#
# * Ask first which side of the elbow you are on. Small arrays: fewer ops. Large ones: better loops.
# * Arithmetic waits for memory. Use what you have fetched: neighbours, tiles, one fused pass.
# * A loop over time costs its ops, not its arithmetic.
# * Speed-ups that change the numbers are not speed-ups. Compare first, then time.

# %%
targets = {
    "product, largest relative error of all variants": (max(off.values()), "<=", 1e-4),
    "LSTM, fused against op by op, relative": (lstm_off, "<=", 1e-4),
    "Adam, three ways, the same bits (1 = yes)": (int(adam_same), ">=", 1),
    "1, 2 and 3 threads, the same bits (1 = yes)": (int(threads_same), ">=", 1),
    "fused LSTM, times faster than op by op": (fusion, ">=", 1.5 if QUICK else 3),
    "tile on one core, times faster than naive": (tile_gain, ">=", 2 if QUICK else 5),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
