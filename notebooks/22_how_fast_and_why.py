# %% [markdown]
# # How fast, and why
#
# Two programs compute the same numbers, and one takes fifty times as long. Nearly always one of
# four things is the reason: Python's own cost for each operation; arithmetic that does not use the
# processor's width; memory that is read again and again; or cores that wait for each other. This
# notebook measures the first two on the machine that you sit at, and draws the roof over all of
# them; the next one is about fusing, threads and compiling.
#
# **Data:** none but this machine. **Target:** all variants of a product compute the same; the tile
# is at least 5 times as fast as the naive loop. All other times are facts, not targets: another
# machine has others.

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
# Other programs only ever make a run slower. So we take the **best** of several runs, and never the
# first, which may compile. To compare *libraries* that is not enough: two thread pools in one
# process get in each other's way. `benchmarks` gives each side a process of its own, compares their
# numbers first, lets them run in turn, and looks at **ratios** only.


# %%
def seconds(work, enough=0.02 if QUICK else 0.2, least=3):
    """The best time of a call, of at least `least` calls and `enough` seconds."""
    work()
    best, begin, calls = np.inf, time.perf_counter(), 0
    while calls < least or time.perf_counter() - begin < enough:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
        calls += 1
    return best


command = [sys.executable, "-m", "benchmarks", "op_chain", "--quick", "--busy", "--cases"]
command += ["200 ops", "--peers", "torch" if find_spec("torch") else ""]
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([*command, "--out", folder], cwd=ROOT, check=True, capture_output=True)
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

flat, slope = ways["recorded"][0], ways["recorded"][-1] / sizes[-1]
elbow = flat / slope
print(f"one small product: NumPy {1e6 * ways['NumPy'][0]:.2f} µs, recorded {1e6 * flat:.2f} µs,")
print(f"with its gradients {1e6 * ways['forward and back'][0]:.2f} µs; overhead and work are equal")
print(f"at about {elbow:,.0f} numbers")
nn.look.show_curves(
    {name: (sizes, 1e6 * np.array(times)) for name, times in ways.items()},
    xlabel="numbers in each array", ylabel="time, µs", xscale="log", yscale="log",
)  # fmt: skip

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


# %%
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


# %%
little = [x[:48, :48].tolist() for x in (A, B)]
products["Python's lists"] = 2.0 * 48**3 / seconds(lambda: in_python(*little))
measure("naive loop", lambda: naive(A, B, C), lambda: C)
measure("loops swapped", lambda: rowwise(A, B, C), lambda: C)
with_threads(1, lambda: measure("tile, 1 core", lambda: tiled(A, B), lambda: tiled(A, B)))
measure(f"tile, {CORES} cores", lambda: tiled(A, B), lambda: tiled(A, B))
measure("NumPy's BLAS", lambda: A @ B, lambda: A @ B)

print("largest relative error:", {name: f"{e:.0e}" for name, e in off.items()})
tile_gain = products["tile, 1 core"] / products["naive loop"]
print(f"the tile on one core is {tile_gain:.0f} times as fast as the naive loop")
nn.look.show_bars(
    {name: v / 1e9 for name, v in products.items()},
    captions=[f"{100 * v / FLOPS:.2g} % of peak" for v in products.values()],
    xscale="log", xlim=(None, FLOPS / 1e8), xlabel="GFLOP/s", ylabel=f"{N} × {N} × {N}",
)  # fmt: skip

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
for side in (64, 256) if QUICK else (64, 256, 1024):
    a, b = floats(side, side), floats(side, side)
    place(f"product of {side}", lambda a=a, b=b: tiled(a, b), 2 * side**3, a, b, a)
for name, x, w in (
    ("LeNet's first convolution", floats(64, 1, 28, 28), floats(6, 1, 5, 5)),
    ("convolution of 32 channels", floats(32, 32, 16, 16), floats(32, 32, 3, 3)),
):
    y = nn.functional.conv2d(x, w)
    flops, arrays = 2 * y.size * w[0].size, [np.asarray(part) for part in (x, w, y)]
    place(name, lambda x=x, w=w: nn.functional.conv2d(x, w), flops, *arrays)
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
# ## What to take along
#
# * Ask first which side of the elbow you are on. Small arrays: fewer ops. Large ones: better loops.
# * Arithmetic waits for memory. Use what you have fetched: neighbours, tiles.
# * The roof says what is possible, and which of the two, arithmetic or memory, is in the way.

# %%
targets = {
    "product, largest relative error of all variants": (max(off.values()), "<=", 1e-4),
    "tile on one core, times faster than naive": (tile_gain, ">=", 2 if QUICK else 5),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
