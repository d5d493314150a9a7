# %% [markdown]
# # How fast: fusing, threads, compiling
#
# The last notebook looked at one op. Here are the four things that make a whole training step fast:
# fewer ops, fewer passes over memory, more cores, and code that is compiled already. In the end you
# can read the project's benchmark table and say of each row *why*.
#
# **Data:** none but this machine. **Target:** all variants compute the same (to the bit where they
# claim it, at any number of threads); the fused LSTM is at least 3 times as fast as op by op. All
# other times are facts, not targets.

# %%
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import autograd
import nn
from autograd import Value
from nn.functional import sigmoid
from nn.optim.adam import adam as adam_rule
from nn.optim.rules import apply

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
ROOT = Path(autograd.__file__).parents[1]
CORES = autograd.get_num_threads()
autograd.seed(0)
rng = np.random.default_rng(0)


def floats(*shape):
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)


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


def with_threads(n, work):
    autograd.set_num_threads(n)
    try:
        return work()
    finally:
        autograd.set_num_threads(CORES)


# %% [markdown]
# ## Why one kernel for a whole LSTM
#
# A step of a small LSTM is a handful of small ops, each of them mostly Python's overhead. Here
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
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
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
lstm_off = max(np.abs(x - y).max() / np.abs(x).max() for x, y in zip(slow, fast, strict=True))
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
# writes each number once. All three give the same bits.

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
speed = moved / adam_time["one compiled loop"] / 1e9
print(f"same bits: {adam_same}; the loop moves {speed:.1f} GB/s with one core")
nn.look.show_bars(
    {name: 1e9 * t / n for name, t in adam_time.items()},
    xlabel="ns a number, one core", ylabel="Adam's step",
)  # fmt: skip

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
N = 250 if QUICK else 500
A, B = floats(N, N), floats(N, N)


def product():
    with autograd.no_grad():
        return np.asarray(Value(A) @ Value(B))


images, labels = floats(32, 1, 28, 28), rng.integers(0, 10, 32)
lenet = nn.models.LeNet5(rng=0)


def lenet_loss():
    return nn.functional.cross_entropy(lenet(images), labels)


def all_gradients():
    lenet.zero_grad()
    lenet_loss().backward()
    found = [p.grad for p in lenet.parameters()] + lstm(autograd.lstm_scan)
    return [part.tobytes() for part in (*found, product())]


bits = [with_threads(k, all_gradients) for k in (1, 2, 3)]
threads_same = bits[0] == bits[1] == bits[2]
print("the same bits:", threads_same)
for name, work in (("LeNet, forward", lenet_loss), (f"product of {N}", product)):
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

for state, parts in first_calls.items():
    print(f"{state:12}", ", ".join(f"{n} {t:.0f} ms" for n, t in zip(NAMES, parts, strict=True)))

# %% [markdown]
# `import autograd` does not load Numba, the first kernel does: that is most of what is left of the
# first product once its code is on disk. `glassgrad warmup` compiles all kernels beforehand.
#
# ## One function for a whole step
#
# A step of the small network below is some fifty ops: forward, backward, and Adam's. Most of the
# time goes, again, into *having* ops. `autograd.compile` records a step once, as the graph that you
# know from the drawings, and writes what it computes as one Python file: elementwise ops of one
# shape in common loops, products, and calls of kernels. Numba compiles that file.


# %%
def small_network():
    layers = [nn.Linear(64, 64, rng=1), nn.ReLU(), nn.Linear(64, 10, rng=2)]
    model = nn.Sequential(*layers)
    optimizer = nn.optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


eager, compiled = small_network(), autograd.compile(small_network())
samples = [(floats(32, 64), rng.integers(0, 10, 32)) for _ in range(20)]
start = time.perf_counter()
losses = [(compiled(x, y).item(), eager(x, y).item()) for x, y in samples]
print(f"20 steps of each, the first one compiling: {time.perf_counter() - start:.1f} s")
compiled_off = max(abs(a - b) / b for a, b in losses)
step_time = {
    name: seconds(lambda f=f: f(*samples[0]))
    for name, f in (("eager", eager), ("compiled", compiled))
}
for name, t in step_time.items():
    print(f"{name:9} {1e6 * t:6.0f} us a step")
plan = compiled.plan(*samples[0])
print(plan, f"{plan.asked:,} bytes of results in {plan.bytes:,}", sep="\n")

# %% [markdown]
# The file is there to be read. Here are its last lines, which call the loops, two kernels that are
# better than loops, and the optimizer's own step:

# %%
print(plan.source[plan.source.index("def run") :])

# %% [markdown]
# `autograd.profile` times each step of the file, `autograd.draw` draws them: one box a step, with
# the ops that it computes together. `autograd.play` steps through them beside the source. Below it
# is the memory over time: a result lies there from the step that writes it to the last that reads
# it, so that others can take its place.

# %%
print(autograd.profile(plan, repeat=3 if QUICK else 20))
autograd.play(plan)

# %% [markdown]
# What the step depended on (the modes of layers, closed-over numbers, shapes) is compared before
# each call; where something has changed it is recorded anew. Where kernels take most of the time,
# as in convolutions and recurrent scans, there is little to gain: `profile` shows which it is.
#
# ## Where does LeNet's time go?
#
# `autograd.profile` runs a step as it is, then each of its nodes again on the inputs it had. The
# drawing shows heat: the redder, the longer.

# %%
found = autograd.profile(lenet_loss, repeat=3 if QUICK else 10)
print(found.text(limit=12))
found.drawing(depth=1, direction="TB")
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
# * A loop over time costs its ops, not its arithmetic: one fused op for the whole loop.
# * Memory is what a large elementwise step waits for: one compiled pass reads each number once.
# * Threads share outputs, never a sum, so that their number does not change a bit.
# * Speed-ups that change the numbers are not speed-ups. Compare first, then time.

# %%
targets = {
    "LSTM, fused against op by op, relative": (lstm_off, "<=", 1e-4),
    "Adam, three ways, the same bits (1 = yes)": (int(adam_same), ">=", 1),
    "1, 2 and 3 threads, the same bits (1 = yes)": (int(threads_same), ">=", 1),
    "compiled step against eager, losses, relative": (compiled_off, "<=", 1e-4),
    "fused LSTM, times faster than op by op": (fusion, ">=", 1.5 if QUICK else 3),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
