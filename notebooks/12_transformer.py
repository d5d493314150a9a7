# %% [markdown]
# # The Transformer
#
# A recurrent network hands what it knows from step to step. A Transformer lets every place look at
# every other directly. First we build self-attention from a plain average, in four small steps.
# Then a small GPT reads the text of notebook 09, and races an LSTM against the clock. Last, the
# same blocks look at pictures.
#
# **Data:** the help pages in Python's standard library; scikit-learn's digits. **Target:** the GPT
# needs at most 2.4 bits per character on unseen pages (4.0 in quick mode), the Vision Transformer
# names 95 % of unseen digits (80 %). Whether the GPT beats the LSTM in equal time, you will see.

# %%
import json
import math
import os
import time

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)
softmax = nn.functional.softmax

# %% [markdown]
# ## Self-attention, step 1: an average
#
# Eight places, each with a vector of 4 numbers. The simplest way to let each place know about those
# before it is their mean. A mean is a product with a matrix whose rows sum to 1, and zeros above
# the diagonal keep the future out.

# %%
rng = np.random.default_rng(1)
T, C = 8, 4
x = rng.normal(size=(T, C))
mean = np.tril(np.ones((T, T)))
mean /= mean.sum(1, keepdims=True)
print("row 3 is the mean of the first four:", np.allclose((mean @ x)[3], x[:4].mean(0)))

# %% [markdown]
# ## Step 2: weights that depend on what is there
#
# Not all that went before matters alike. So every place asks a **question** $q$ and offers a
# **key** $k$, both made from its vector by a matrix that is learned. Where they point the same way,
# their product is large:
#
# $$ s_{ij} = \frac{q_i \cdot k_j}{\sqrt{C}} $$
#
# The root keeps the scores from growing with $C$: a sum of $C$ products of unit variance has
# variance $C$, and a softmax of large scores is all on one place, where gradients vanish.

# %%
w_q, w_k, w_v = rng.normal(size=(3, C, C))
q, k = x @ w_q, x @ w_k
scores = q @ k.T / np.sqrt(C)

# %% [markdown]
# ## Step 3: no look into the future, and rows that sum to 1
#
# A score of −∞ becomes a weight of 0.

# %%
future = np.triu(np.ones((T, T), bool), 1)
masked = np.where(future, -np.inf, scores)
weights = np.asarray(softmax(masked, -1))

figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
size = np.abs(scores).max()
for axes, matrix, title, look, name in (
    (panels[0], mean, "an average", {"cmap": "Blues"}, "weight"),
    (panels[1], masked, "masked", {"cmap": "RdBu_r", "vmin": -size, "vmax": size}, "score"),
    (panels[2], weights, "attention", {"cmap": "Blues"}, "weight"),
):
    image = axes.imshow(matrix, **look)
    axes.set(title=title, xlabel="place looked at", xticks=range(T), yticks=range(T))
    figure.colorbar(image, ax=axes, shrink=0.8, label=name)
panels[0].set_ylabel("place that looks")
plt.show()

# %% [markdown]
# ## Step 4: what is handed over
#
# Weights mix **values** $v$, a third product, so that what a place is found by and what it tells
# may differ. Several such looks side by side, each with its own matrices, are the **heads**. All of
# this is one fused op in `nn`, and gives the same:

# %%
v = x @ w_v
by_hand = weights @ v
fused = nn.functional.scaled_dot_product_attention(
    q[None, None], k[None, None], v[None, None], is_causal=True
)
difference = np.abs(np.asarray(fused)[0, 0] - by_hand).max()
print("largest difference:", difference)

# %% [markdown]
# ## Attention does not know where it is
#
# Shuffle the places, and (without the mask) the results are shuffled alike: nothing in the formula
# tells first from last. So a vector for each **position** is added to the input.

# %%


def attend(x):
    return np.asarray(softmax((x @ w_q) @ (x @ w_k).T / np.sqrt(C), -1)) @ (x @ w_v)


order = rng.permutation(T)
print("shuffled in, shuffled out:", np.allclose(attend(x[order]), attend(x)[order]))

# %% [markdown]
# ## The block
#
# Look around, then think about it, and each time *add* what came out to what was there:
#
# $$ x \leftarrow x + \text{attention}(\text{norm}(x)) \qquad
#    x \leftarrow x + \text{MLP}(\text{norm}(x)) $$
#
# The sums leave a straight road for gradients, from the loss to the first layer. `nn.models.GPT` is
# a stack of such blocks over characters and positions. One of its blocks, drawn from top to bottom.
# The two lines at the side are the road:

# %%
tiny = nn.models.GPT(5, block_size=3, n_layer=1, n_head=1, n_embd=4, rng=0)
given = autograd.Value(rng.normal(size=(1, 3, 4)).astype(np.float32), name="x")
autograd.draw(tiny.h[0](given), depth=1, direction="TB")

# %% [markdown]
# ## The text, and two readers
#
# The same text and the same split as in notebook 09. The GPT sees windows of 128 characters (64 in
# quick mode). The LSTM reads on and on, and carries its state.

# %%
text = nn.data.load_topics()
cut = len(text) * 9 // 10
alphabet = sorted(set(text))
number = {character: i for i, character in enumerate(alphabet)}
tokens = np.array([number[character] for character in text])
unseen = tokens[cut : cut + (5_000 if QUICK else 20_000)]
L = 64 if QUICK else 128
V = len(alphabet)

gpt = nn.models.GPT(
    V, block_size=L, n_layer=1 if QUICK else 3, n_head=4, n_embd=64 if QUICK else 96, rng=0
)
lstm = nn.models.CharLM(V, hidden_size=96 if QUICK else 256, kind="LSTM", dropout=0.1, rng=0)
for name, net in (("GPT", gpt), ("LSTM", lstm)):
    print(f"{name:4}: {sum(p.data.size for p in net.parameters()):,} parameters")

# %% [markdown]
# A fair test gives both the same characters to predict, and the GPT some to look back on: its
# windows overlap by half, and only the second half of each counts. To save time both read the first
# 20,000 unseen characters only (5,000 in quick mode), so these bits are not those of notebook 09.

# %%


def gpt_bits():
    starts = np.arange(0, len(unseen) - L - 1, L // 2)
    windows = np.stack([unseen[i : i + L + 1] for i in starts])
    logits = nn.train.predict(gpt, windows[:, :-1], batch_size=32)[:, L // 2 :]
    return gpt.loss(logits, windows[:, L // 2 + 1 :]).item() / math.log(2)


def lstm_bits():
    data = nn.data.windows(unseen, 1, 500)
    return nn.train.evaluate(lstm, data, lstm.loss, carry=True)["loss"] / math.log(2)


# %% [markdown]
# ## The race
#
# Both run on the same machine, one after the other, and the clock counts the processor's seconds,
# of all cores, spent in training. The number of steps is fixed beforehand, so that the results are
# the same wherever you run this; the seconds are those of your machine.

# %%


def schedule(optimizer, rate, steps):
    return nn.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1, pct_start=0.15)


def race(net, batches, optimizer, rate, steps, bits, every):
    """[(seconds, bits per character), …] while it learns."""
    scheduler, curve, seconds, state = schedule(optimizer, rate, steps), [], 0.0, None
    net.train()
    for step, (x, y) in zip(range(1, steps + 1), batches, strict=False):
        started = time.process_time()
        if net is lstm:
            logits, state = net(x, state)
            state = tuple(part.detach() for part in state)
        else:
            logits = net(x)
        loss = net.loss(logits, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        seconds += time.process_time() - started
        if step % every == 0 or step == steps:
            curve.append((seconds, bits()))
    return np.array(curve)


# %%
def random_windows(rng):
    """Batches of 16 windows from anywhere in the training text."""
    while True:
        starts = rng.integers(0, cut - L - 1, 16)
        rows = np.stack([tokens[i : i + L + 1] for i in starts])
        yield rows[:, :-1], rows[:, 1:]


def strips():
    """The training text in 32 strips, window after window, again and again."""
    while True:
        yield from nn.data.windows(tokens[:cut], 32, 64)


# %%
steps = 250 if QUICK else 1100
adamw = nn.optim.AdamW(gpt.parameter_groups(0.1), lr=0.004, betas=(0.9, 0.98))
gpt_curve = race(
    gpt, random_windows(np.random.default_rng(0)), adamw, 0.004, steps, gpt_bits, steps // 8
)
steps = 60 if QUICK else 1000
adam = nn.optim.Adam(lstm.parameters(), lr=0.006)
lstm_curve = race(lstm, strips(), adam, 0.006, steps, lstm_bits, steps // 8)

# %%
race_curves = {"GPT": gpt_curve, "LSTM": lstm_curve}
both = min(curve[-1, 0] for curve in race_curves.values())
at_both = {name: np.interp(both, *curve.T) for name, curve in race_curves.items()}
winner = min(at_both, key=at_both.get)
print(f"after {both:.0f} seconds each: " + ", ".join(f"{n} {b:.3f}" for n, b in at_both.items()))
print(f"The {winner} is ahead at equal time.")
nn.look.show_curves(
    {name: tuple(curve.T) for name, curve in race_curves.items()},
    xlabel="processor seconds of training", ylabel="bits per character, unseen pages",
)  # fmt: skip

# %% [markdown]
# A Transformer gains from width: on many processors, all places of a long window are computed at
# once, where an LSTM must wait for each step. On two cores there is little to gain, and with half a
# million characters little to learn from. What you see is this size, not the last word.
#
# ## Where the heads look
#
# The weights of the last block's four heads, on a line of unseen text. Row by row: which places fed
# the prediction of the next character.

# %%
line = text[cut + 300 : cut + 328]
ids = np.array([[number[character] for character in line]])
(*_, last) = nn.look.attention_maps(gpt, ids).values()  # of each block (1, heads, T, T)
nn.look.show_attention(last[0], line)

# %% [markdown]
# ## It writes

# %%
start = [number[character] for character in "The following "]
for temperature in (0.5, 0.9):
    written = gpt.generate(start, 150 if QUICK else 250, temperature=temperature, rng=0)
    print(f"--- temperature {temperature}\n" + "".join(alphabet[i] for i in written) + "\n")

# %% [markdown]
# ## A picture is a sequence of patches
#
# Nothing in a Transformer is about text. Cut an 8 × 8 digit into 16 patches of 2 × 2, make each a
# vector by one matrix, add a position, and let the patches look at each other (without a mask:
# there is no future). One place more, the **class token**, has no patch of its own. It looks at
# all the others, and from what it finds the answer is read: a **Vision Transformer** (Dosovitskiy
# et al., 2021). `nn.models.ViT` has torchvision's names and shapes, so that its checkpoints load.

# %%
images, digits = nn.data.load_digits()
images = images.reshape(-1, 1, 8, 8)
images = (images - images.mean()) / images.std()
patches = images[0].reshape(4, 2, 4, 2).swapaxes(1, 2).reshape(16, 4)
X, X_test, y, y_test = nn.data.train_test_split(images, digits, test_size=0.2)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 2.4), width_ratios=(1, 3), layout="constrained"
)
left.imshow(images[0, 0], cmap="gray_r")
left.set(xlabel="column", ylabel="row")
right.imshow(patches.T, cmap="gray_r")
right.set(xlabel="patch", ylabel="pixel of the patch", xticks=range(16), yticks=range(4))
plt.show()

# %%
epochs, size = 10 if QUICK else 30, 64
vit = nn.models.ViT(8, 2, 2, 4, 64, 128, dropout=0.1, num_classes=10, in_channels=1, rng=0)
history = nn.train.fit(
    vit,
    (X, y),
    "cross_entropy",
    lambda parameters: nn.optim.AdamW(parameters, lr=0.006, weight_decay=0.5),
    epochs,
    batch_size=size,
    validation=(X_test, y_test),
    metrics=["accuracy"],
    callbacks=[
        nn.train.LearningRateScheduler(
            lambda optimizer: schedule(optimizer, 0.006, epochs * -(-len(X) // size)), every="step"
        )
    ],
    rng=0,
    verbose=False,
)
accuracy = history["val_accuracy"][-1]
print(f"{accuracy:.1%} of {len(y_test)} unseen digits")

# %%
nn.look.show_curves(
    {"training": history["accuracy"], "unseen": history["val_accuracy"]},
    xlabel="epoch", ylabel="accuracy",
)  # fmt: skip

# %% [markdown]
# ## What to take along
#
# * Attention is an average whose weights are computed from what is averaged.
# * It does not know order; positions must be added.
# * A block adds what it found to what it had: the sum is the road of gradients.
# * The same block reads text and looks at pictures. What a convolution knows in advance, that near
#   pixels belong together, it has to learn.

# %%
targets = {
    "attention by hand and fused, largest difference": (difference, "<=", 1e-6),
    "GPT, bits per character on unseen pages": (gpt_curve[-1, 1], "<=", 4.0 if QUICK else 2.4),
    "ViT, accuracy on unseen digits": (accuracy, ">=", 0.8 if QUICK else 0.95),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
