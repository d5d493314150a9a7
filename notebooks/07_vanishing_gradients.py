# %% [markdown]
# # Vanishing and exploding gradients
#
# A recurrent network that reads 100 characters is 100 layers deep, and all of them are the same.
# The gradient of a loss at the end passes back through every step, and each one multiplies it. A
# factor of 0.7 a step is $10^{-15}$ after 100 steps: the beginning teaches nothing. A factor of
# 1.3 is $10^{11}$: one update throws the weights away. Here you measure both, on real text, see
# what `autograd.lint` says to them, and what helps.
#
# **Data:** 465,000 characters of English, Python's own help pages. **Target:** an LSTM whose
# gradient shrinks by more than $10^{10}$ over 100 steps, and keeps more than a hundredth of it
# with another forget gate; a plain RNN whose gradient grows by more than $10^3$, and that ends
# at least 0.2 bits a character better with clipped gradients than without.

# %%
import json
import os

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
STEPS = 60 if QUICK else 400
T, BATCH, WIDTH = 100, 32, 64

# %% [markdown]
# ## A state, and backpropagation through time
#
# A recurrent network keeps a **hidden state** $h$, and changes it with every input by the same
# formula and the same weights. With one number for each of them,
#
# $$ h_t = \tanh(w \, x_t + u \, h_{t-1}) . $$
#
# Drawn for three inputs, the loop is a chain. $u$ and $w$ stand there once, with an arrow to each
# step that uses them:

# %%
w, u = autograd.Value(0.8, name="w"), autograd.Value(1.5, name="u")
inputs = (1.0, -0.5, 0.25)
states = [np.tanh(w * inputs[0])]  # there is no state before the first input
for x in inputs[1:]:
    states.append(np.tanh(w * x + u * states[-1]))
names = {f"h{t}": h for t, h in enumerate(states, 1)}
autograd.draw(states[-1], gradients=True, names=names)

# %% [markdown]
# **Backpropagation through time** is the chain rule along that chain. Going back one step
# multiplies the gradient by $u \, (1 - h_t^2)$; and every step adds its own part to the gradient of
# a weight:
#
# $$ \frac{\partial L}{\partial h_{t-1}} = \frac{\partial L}{\partial h_t} \, (1 - h_t^2) \, u,
#    \qquad \frac{\partial L}{\partial u} = \sum_t \frac{\partial L}{\partial h_t} \,
#    (1 - h_t^2) \, h_{t-1} . $$
#
# By hand, for $L = h_3$:

# %%
h1, h2, h3 = (h.item() for h in states)
at3 = 1.0
at2 = at3 * (1 - h3**2) * u.item()
at1 = at2 * (1 - h2**2) * u.item()
by_hand = at3 * (1 - h3**2) * h2 + at2 * (1 - h2**2) * h1
bptt = float(abs(by_hand - autograd.grad(states[-1], u)))
print(f"gradient at h3, h2, h1: {at3:.3f}, {at2:.3f}, {at1:.3f}")
print(f"by u: {by_hand:.6f} by hand; difference from autograd {bptt:.1e}")

# %% [markdown]
# That factor, once a step, is what this notebook is about. With many units $u$ is a matrix, and the
# factor is what it does to lengths.
#
# ## The text, and a model that reads it
#
# A window of 100 characters goes in. After each the model says which one comes next.

# %%
text = nn.data.load_topics()
characters = sorted(set(text))
codes = np.searchsorted(characters, list(text))
print(f"{len(text):,} characters, {len(characters)} different ones")
print(text[5000:5300])

# %%


def windows(rng):
    """A batch of windows (T, N), and the characters that come one step later."""
    starts = rng.integers(0, len(codes) - T, BATCH)
    taken = codes[starts + np.arange(T + 1)[:, None]]
    return taken[:-1], taken[1:]


class Reader(nn.Module):
    """Characters to scores of the next character, at every step."""

    def __init__(self, recurrent):
        self.embed = nn.Embedding(len(characters), 32, rng=0)
        self.recurrent = recurrent
        self.out = nn.Linear(WIDTH, len(characters), rng=1)

    def forward(self, x):
        y, _ = self.recurrent(self.embed(x))  # (T, N, H)
        return self.out(y)


def loss_at_end(model, x, target):
    """The loss of predicting the character after the whole window."""
    return nn.functional.cross_entropy(model(x)[-1], target[-1])


def loss_everywhere(model, x, target):
    """The same, after each character: what one trains on."""
    return nn.functional.cross_entropy(np.reshape(model(x), (-1, len(characters))), target.ravel())


x, target = windows(np.random.default_rng(0))

# %% [markdown]
# ## An LSTM forgets
#
# `nn.look.gradient_norms_over_time` opens the fused LSTM into its steps and measures $\|\partial
# L / \partial (h_t, c_t)\|$ after each one. The loss looks at the last step only, so whatever
# arrives at step $t$ came back through $100 - t$ steps. The scale is logarithmic: a straight
# line is a constant factor a step.

# %%


def strip(model):
    """The norm of the gradient with respect to the state after each step."""
    (norms,) = nn.look.gradient_norms_over_time(loss_at_end(model, x, target)).values()
    return norms


def factor(norms):
    """By what one step back multiplies the gradient, on average."""
    return (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))


lstm = Reader(nn.LSTM(32, WIDTH, rng=2))
strips = {"LSTM, new": strip(lstm)}
print(f"a factor of {factor(strips['LSTM, new']):.2f} a step")
print(autograd.lint(loss_at_end(lstm, x, target), lstm))

# %% [markdown]
# A new forget gate is $\sigma(0) = 0.5$: it halves the memory with every character. Does training
# mend this? It sees every character's loss now, so it has short dependencies to learn from.

# %%


def train(model, clip=None, lr=0.5, steps=STEPS):
    """Bits a character and the norm of the gradient, for each update."""
    optimizer = nn.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    rng, bits, norms = np.random.default_rng(1), [], []
    for _ in range(steps):
        loss = loss_everywhere(model, *windows(rng))
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), clip or np.inf))
        optimizer.step()
        optimizer.zero_grad()
        bits.append(loss.item() / np.log(2))
    return np.array(bits), np.array(norms)


bits, _ = train(lstm, clip=1.0)
strips["LSTM, trained"] = strip(lstm)
print(f"{bits[0]:.2f} → {bits[-20:].mean():.2f} bits a character")
print(f"a factor of {factor(strips['LSTM, trained']):.2f} a step")
print(autograd.lint(loss_at_end(lstm, x, target), lstm))

# %% [markdown]
# A little: fewer orders of magnitude are lost, and still nothing arrives from the beginning.
#
# ## What keeps a gradient alive
#
# Along the cell the local derivative is $\partial c_t / \partial c_{t-1} = f_t$. With a bias of 4
# the gate begins at $\sigma(4) = 0.98$, and 100 steps leave $0.98^{100} = 0.16$ on this path alone;
# others, through $h$, add to it. PyTorch's layout has the rows of the four gates input, forget,
# cell, output below each other.

# %%
open_gate = Reader(nn.LSTM(32, WIDTH, rng=2))
open_gate.recurrent.bias_ih_l0.data[WIDTH : 2 * WIDTH] += 4
strips["LSTM, forget bias 4"] = strip(open_gate)
print(autograd.lint(loss_at_end(open_gate, x, target), open_gate))

# %%
figure = nn.look.show_gradient_norms(strips, title="LSTM: what reaches back from step 100")
figure

# %% [markdown]
# The gates tell the same story. Each column is a character, each row a unit: bright units keep what
# they hold, dark ones let go.

# %%
window = "".join(characters[c] for c in x[:60, 0])
gates = {
    "trained, from bias 0": nn.look.gate_activations(lstm, x[:60], "recurrent")["forget"],
    "new, bias 4": nn.look.gate_activations(open_gate, x[:60], "recurrent")["forget"],
}
for name, forget in gates.items():
    print(f"{name}: the mean forget gate is {forget.mean():.2f}")
nn.look.show_gates({"forget": gates["trained, from bias 0"]}, window)

# %% [markdown]
# ## A plain RNN explodes
#
# $h_t = \tanh(W x_t + U h_{t-1})$ has no gate. Its gradient is multiplied by $U^\top$, and by
# the slope of tanh, at each step. Random weights of standard deviation $2/\sqrt{H}$ stretch more
# than the slope shrinks.

# %%


def plain(gain):
    """A reader with a plain RNN whose recurrent matrix stretches by about `gain`."""
    model = Reader(nn.RNN(32, WIDTH, rng=2))
    noise = np.random.default_rng(3).normal(0, gain / np.sqrt(WIDTH), (WIDTH, WIDTH))
    model.recurrent.weight_hh_l0.data[:] = noise
    return model


rnn = {f"RNN, gain {gain}": strip(plain(gain)) for gain in (1, 1.5, 2, 3)}
wild = plain(2)
print(autograd.lint(loss_at_end(wild, x, target), wild))
nn.look.show_gradient_norms(rnn, title="Plain RNN: what reaches back from step 100")

# %% [markdown]
# ## Clipping
#
# A gradient of norm 7,000 still points uphill; only its length is useless. *Clipping* keeps
# the direction and cuts the length: $g \leftarrow g \cdot \min(1, 1/\|g\|)$. The same network, the
# same batches, the same learning rate, with and without:

# %%
clipped, free = plain(2), plain(2)
before = loss_everywhere(clipped, x, target)
before.backward()
whole = np.concatenate([p.grad.ravel() for p in clipped.parameters()]).astype(np.float64)
length = nn.utils.clip_grad_norm_(clipped.parameters(), 1.0)
short = np.concatenate([p.grad.ravel() for p in clipped.parameters()]).astype(np.float64)
clipped.zero_grad()
cosine = whole @ short / np.linalg.norm(whole) / np.linalg.norm(short)
print(f"length {length:,.0f} → {np.linalg.norm(short):.3f}, cosine of the angle {cosine:.6f}")

# %%
runs = {"clipped to 1": train(clipped, clip=1.0), "not clipped": train(free)}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
smooth = {name: np.convolve(bits, np.ones(10) / 10, "valid") for name, (bits, _) in runs.items()}
nn.look.show_curves(smooth, axes=left, xlabel="update", ylabel="bits a character, mean of 10")
norms = {name: norms for name, (_, norms) in runs.items()}
nn.look.show_curves(norms, axes=right, xlabel="update", ylabel="gradient norm", yscale="log")
plt.show()

# %%
reached = {name: bits[-20:].mean() for name, (bits, _) in runs.items()}
saturated = {}
for name, model in (("clipped to 1", clipped), ("not clipped", free)):
    h = nn.look.gate_activations(model, x, "recurrent")["h"]
    saturated[name] = np.mean(np.abs(h) > 0.99)
    print(
        f"{name}: {reached[name]:.2f} bits a character; "
        f"{saturated[name]:.0%} of the states are saturated"
    )

# %% [markdown]
# The first updates of the free run were thousands of times too long. They threw every state into
# the flat ends of tanh, where no gradient comes back at all. What is still trained is the layer
# behind: how good can that get? Someone who sees nothing but the last character needs this many
# bits:

# %%
pairs = np.zeros((len(characters), len(characters)))
np.add.at(pairs, (codes[:-1], codes[1:]), 1)
rows = pairs.sum(1, keepdims=True)
seen = pairs > 0
pair_bits = -np.sum(pairs[seen] * np.log2((pairs / np.maximum(rows, 1))[seen])) / pairs.sum()
print(f"counts of pairs: {pair_bits:.2f} bits a character")

# %% [markdown]
# About where the free run is. After a few updates its gradients look healthy: a small norm is
# no proof of learning.
#
# ## What to take along
#
# * Measure the gradient over time before you change the model; `autograd.lint` does it for you.
# * **Vanishing** is cured by the architecture: a gate that begins near 1, or shorter spans.
#   Clipping does nothing about it.
# * **Exploding** is cured by clipping the norm. It costs one line, `nn.utils.clip_grad_norm_`, or
#   `callbacks=[nn.train.GradientClipping(max_norm=1.0)]` in `fit`.

# %%
ratio = {name: norms[0] / norms[-1] for name, norms in {**strips, **rnn}.items()}


def over_time(model):
    """What lint finds in the steps of a model."""
    checks = [finding.check for finding in autograd.lint(loss_at_end(model, x, target), model)]
    return [check for check in checks if check.endswith("over time")]


assert over_time(lstm) == ["vanishing gradients over time"]
assert over_time(wild) == ["exploding gradients over time"]
assert over_time(open_gate) == []
gain = reached["not clipped"] - reached["clipped to 1"]
targets = {
    "backprop through time by hand, difference": (bptt, "<=", 1e-9),
    "LSTM, new: gradient at step 1 / at step 100": (ratio["LSTM, new"], "<=", 1e-10),
    "LSTM, forget bias 4: the same": (ratio["LSTM, forget bias 4"], ">=", 1e-2),
    "plain RNN, gain 2: the same": (ratio["RNN, gain 2"], ">=", 1e3),
    "cosine of the clipped gradient with the whole": (cosine, ">=", 0.999),
    "clipping gains, bits a character": (gain, ">=", 0.1 if QUICK else 0.2),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
