# %% [markdown]
# # CTC: labels without places
#
# In speech we know *what* was said, but not *when*: which hundredth of a second belongs to which
# sound has not been written down. *Connectionist temporal classification* needs no such marks. It
# sums over all ways in which the labels could lie in time. Here we see how, and train a speaker of
# spellings: letters pass by like the frames of a recording, and phonemes come out.
#
# **Data:** CMUdict, words as sequences of letters and their phonemes. **Target:** a phoneme error
# rate of at most 12 % on words never seen (25 % in quick mode); beam search no worse than greedy
# decoding (by 1 % of the errors at most); and the loss equal to a sum over every path, to 6 digits.

# %%
import itertools
import json
import os

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))
autograd.seed(0)

# %% [markdown]
# ## Paths
#
# At each frame the network gives probabilities of all labels and of one more, the **blank** (–):
# "no news". A *path* names one of them for each frame. To read a path, merge repeats, then drop
# blanks:
#
# | path | reads |
# |---|---|
# | `K K – A T` | K A T |
# | `– K A A T` | K A T |
# | `K A – A T` | K A A T: the blank keeps two A apart |


# %%
def read(path, blank=0):
    """Merge repeats, then drop blanks."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


print(read([1, 1, 0, 2, 3]), read([0, 1, 2, 2, 3]), read([1, 2, 0, 2, 3]))

# %% [markdown]
# ## The loss
#
# The probability of the labels $y$ is that of all paths that read $y$, together:
#
# $$ p(y) = \sum_{\pi\,:\,\text{read}(\pi) = y} \; \prod_t p_t(\pi_t) \qquad L = -\log p(y) $$
#
# With 5 frames and 4 symbols there are $4^5 = 1024$ paths, which we can simply try. For 50 frames
# and 40 symbols there are more than atoms in the universe. But paths share beginnings, so that a
# table of frames × labels does: that is `nn.functional.ctc_loss`.

# %%
rng = np.random.default_rng(0)
log_p = np.asarray(nn.functional.log_softmax(rng.normal(size=(5, 4)), -1))
wanted = [1, 2, 2]
total = sum(
    np.exp(sum(log_p[t, symbol] for t, symbol in enumerate(path)))
    for path in itertools.product(range(4), repeat=5)
    if read(path) == wanted
)
by_paths = -np.log(total)
by_table = float(nn.functional.ctc_loss(log_p[:, None], [wanted], [5], [3], reduction="sum"))
print(f"every path: {by_paths:.9f}   table: {by_table:.9f}")
paths_differ = abs(by_paths - by_table)

# %% [markdown]
# Its gradient has a meaning. With respect to the scores before the softmax it is: what the network
# says, less how probable each symbol is at that frame *given that the path reads $y$*. Below, these
# given probabilities, for scores that say nothing yet and the labels 1, 2, 3: the labels already
# lie in order along the frames, with blanks between.

# %%
scores = autograd.Value(np.zeros((12, 1, 4)))
loss = nn.functional.ctc_loss(
    nn.functional.log_softmax(scores, -1), [[1, 2, 3]], [12], [3], reduction="sum"
)
loss.backward()
given = 0.25 - scores.grad[:, 0]
figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
image = axes.imshow(given.T, cmap="Blues", vmin=0, aspect="auto")
axes.set_yticks(range(4), ["–", "1", "2", "3"])
axes.set(xlabel="frame", ylabel="symbol", xticks=range(12))
figure.colorbar(image, label="probability, given 1 2 3")
plt.show()

# %% [markdown]
# ## Words as frames
#
# A letter gives two frames (X makes two sounds, K S, and CTC gives one label to a frame at most).
# So *cat* has 6 frames. The network must find out that TH is one sound, and that some letters are
# silent.

# %%
spoken = {}
for word, phonemes in nn.data.load_cmudict():
    if word.isascii() and word.isalpha():
        spoken.setdefault(word, [phoneme.rstrip("012") for phoneme in phonemes])
sounds = ["–", *sorted({phoneme for phonemes in spoken.values() for phoneme in phonemes})]
code = {phoneme: i for i, phoneme in enumerate(sounds)}


def fits(word):
    """Whether there are frames enough: one a label, and a blank between equal neighbours."""
    labels = spoken[word]
    repeats = sum(a == b for a, b in itertools.pairwise(labels))
    return 2 < len(word) < 13 and len(labels) + repeats <= 2 * len(word)


words = [word for word in spoken if fits(word)]
words = [words[i] for i in np.random.default_rng(0).permutation(len(words))]
test, train = words[:1000], words[1000 : 11_000 if QUICK else 61_000]


def batch(words):
    """Frames (N, T), their lengths, labels (N, S), their lengths."""
    frames = [
        np.array([2 * (ord(letter) - 97) + half for letter in word for half in (0, 1)])
        for word in words
    ]
    labels = [np.array([code[phoneme] for phoneme in spoken.get(word, ["AH"])]) for word in words]
    return *nn.data.pad_collate(frames), *nn.data.pad_collate(labels)


frames, lengths, labels, counts = batch(train[:3])
for i in range(3):
    print(
        train[i], frames[i, : lengths[i]].tolist(), "→", [sounds[k] for k in labels[i][: counts[i]]]
    )

# %% [markdown]
# ## The network
#
# A GRU in both directions over the frames, and at each frame a choice of 40 symbols. Unlike a
# decoder it writes all frames at once, and so is fast; but each frame decides without knowing what
# the others chose.

# %%


class Speller(nn.Module):
    """Log-probabilities of symbols at each frame."""

    def __init__(self, width):
        self.table = nn.Embedding(52, 32)
        self.layer = nn.GRU(32, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, len(sounds))

    def forward(self, frames, lengths):
        y, _ = self.layer(self.table(frames), lengths=lengths)  # (N, T, 2 H)
        return nn.functional.log_softmax(self.head(y), -1)


def loss_of(log_p, lengths, labels, counts):
    return nn.functional.ctc_loss(np.swapaxes(log_p, 0, 1), labels, lengths, counts)


net = Speller(64 if QUICK else 128)
print(sum(p.data.size for p in net.parameters()), "parameters")

# %% [markdown]
# ## Greedy decoding, and the yardstick
#
# Take the likeliest symbol of each frame and read the path. The **phoneme error rate** is the
# number of insertions, deletions and replacements, over the number of phonemes.

# %%


def hear(words):
    """Log-probabilities (T, N, symbols) of words, and how many frames each has."""
    frames, lengths, _, _ = batch(words)
    with autograd.no_grad():
        return np.swapaxes(np.asarray(net(frames, lengths)), 0, 1), lengths


def spelt(labels):
    return [[sounds[i] for i in one] for one in labels]


def greedy(log_p, lengths):
    return spelt(nn.functional.ctc_greedy_decode(log_p, lengths)[0])


def error_rate(said, words):
    return nn.metrics.error_rate(said, [spoken[word] for word in words])


# %% [markdown]
# ## Training
#
# Watch what happens first. The easy way to a lower loss is to say blank everywhere: the error rate
# stays near 100 %, since everything is deleted. Then sounds come up, one after the other.

# %%
epochs, size = (4, 64) if QUICK else (5, 64)
steps = epochs * (len(train) // size + 2)
optimizer = nn.optim.Adam(net.parameters(), lr=0.005)
scheduler = nn.optim.lr_scheduler.OneCycleLR(optimizer, 0.005, total_steps=steps)
sampler = nn.data.BucketBatchSampler([len(word) for word in train], size)
loader = nn.data.DataLoader(train, batch_sampler=sampler, collate_fn=batch, rng=0)
losses, rates, blanks = [], [], []
for epoch in range(epochs):
    for frames, lengths, labels, counts in loader:
        if len(losses) % 50 == 0:
            log_p, frames_of = hear(test[:200])
            rates.append((len(losses), error_rate(greedy(log_p, frames_of), test[:200])))
            silent = log_p.argmax(-1) == 0
            blanks.append(silent[np.arange(len(log_p))[:, None] < frames_of].mean())
        loss = loss_of(net(frames, lengths), lengths, labels, counts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: loss {np.mean(losses[-len(train) // size :]):.3f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
nn.look.show_curves({"": losses}, axes=left, xlabel="step", ylabel="CTC loss", yscale="log")
at, rate = np.array(rates).T
shares = {
    "phoneme error rate": (at, 100 * rate),
    "frames that say blank": (at, 100 * np.array(blanks)),
}
nn.look.show_curves(shares, axes=right, xlabel="step", ylabel="%", ylim=(0, None))
plt.show()

# %% [markdown]
# ## When it speaks
#
# Probabilities at each frame, for words from the test. Sounds are short peaks, and between them the
# blank rules: CTC pays nothing for saying a thing twice. Where a peak lies, nobody told it.

# %%
figure, panels = plt.subplots(3, 1, figsize=(9, 6.6), layout="constrained")
for axes, word in zip(panels, [word for word in test if len(word) > 7][:3], strict=True):
    log_p, n = hear([word])
    p = np.exp(log_p[:, 0])
    axes.plot(p[:, 0], color="0.7", ls="--", label="– (blank)")
    for symbol in dict.fromkeys(i for i in p.argmax(-1) if i):
        axes.plot(p[:, symbol], "o-", ms=3, label=sounds[symbol])
    axes.set_xticks(range(len(p)), [letter for letter in word for _ in (0, 1)])
    axes.set(
        title=f"{word}: {' '.join(greedy(log_p, n)[0])}", ylabel="probability", ylim=(-0.03, 1.03)
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
panels[-1].set_xlabel("frame, and the letter it comes from")
plt.show()

# %% [markdown]
# ## Beam search
#
# The likeliest path need not give the likeliest *reading*: many middling paths with the same
# reading may win together. *Prefix beam search* keeps readings instead of paths. For each it adds
# up two probabilities: of the paths that end in a blank, and of those that end in its last label.
# They must be kept apart, since only after a blank does the same label count again.

# %%
# two frames, where blank is the likeliest at each, and yet "K" is the likeliest reading
example = np.log([[[0.55, 0.45]], [[0.55, 0.45]]])
for decode in (nn.functional.ctc_greedy_decode, nn.functional.ctc_beam_decode):
    labels, log_p = decode(example)
    print(f"{decode.__name__:18} says {labels[0]!s:4} p = {np.exp(log_p[0]):.4f}")

# %%
tried = test[: 300 if QUICK else 1000]
log_p, lengths = hear(tried)
by_greedy = greedy(log_p, lengths)
by_beam = spelt(nn.functional.ctc_beam_decode(log_p, lengths, beam=8, symbols=6)[0])
greedy_rate, beam_rate = error_rate(by_greedy, tried), error_rate(by_beam, tried)
whole = np.mean([said == spoken[word] for said, word in zip(by_beam, tried, strict=True)])
print(f"greedy: {greedy_rate:.2%} of phonemes wrong; beam search: {beam_rate:.2%}")
print(f"{whole:.1%} of unseen words perfect\n")
for word, said in zip(tried[:10], by_beam, strict=False):
    right = spoken[word]
    print(f"{word:14} {' '.join(said):30} {'' if said == right else '✗ ' + ' '.join(right)}")

# %% [markdown]
# Here the gain is small: the network is sure of itself at most frames, so that the best path is
# nearly always the best reading. Where a language model has a say in which readings are kept, the
# beam earns more.
#
# ## What to take along
#
# * CTC trains on labels without places, by summing over all of them. Everything is differentiable.
# * Its labels are short peaks with blanks between them.
# * Labels must come in the order of the frames, and no more of them than frames. Where order may
#   change, as in translation, take an encoder and a decoder with attention.

# %%
targets = {
    "loss, difference from the sum over every path": (paths_differ, "<=", 1e-6),
    "phoneme error rate, beam search": (beam_rate, "<=", 0.25 if QUICK else 0.12),
    "errors of beam search / of greedy decoding": (beam_rate / greedy_rate, "<=", 1.01),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
