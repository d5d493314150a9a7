"""The models: each learns something small, and does what its text says."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name
from nn.models import (
    GPT,
    MLP,
    VAE,
    CharLM,
    LeNet5,
    ResNet,
    Seq2Seq,
    UNet,
    WideAndDeep,
    resnet20,
    sample,
)
from nn.parameter import plain

SONG = "the quick brown fox jumps over the lazy dog. "
LETTERS = sorted(set(SONG))
TEXT = np.array([LETTERS.index(c) for c in SONG * 12])


def descend(parameters, loss_of, steps, lr):
    """The loss after steps of Adam, whose learning rate falls to 0."""
    optimizer = nn.optim.Adam(parameters, lr=lr)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def letters(tokens):
    return "".join(LETTERS[i] for i in tokens)


def squares(n, size, rng):
    """Images with a bright square on the left or the right half, and which."""
    X = rng.normal(0, 0.3, (n, 1, size, size)).astype(np.float32)
    y = rng.integers(2, size=n)
    for image, side in zip(X, y, strict=True):
        top, left = rng.integers(size // 2), side * size // 2 + rng.integers(size // 4)
        image[0, top : top + size // 4, left : left + size // 4] += 2
    return X, y


@pytest.mark.trains
@pytest.mark.parametrize(
    "make",
    [
        lambda: LeNet5(2, rng=0),
        lambda: ResNet((1, 1), 2, in_channels=1, width=8, rng=0),
        lambda: nn.Sequential(nn.Flatten(), MLP(784, 32, 2, dropout=0.1, rng=0)),
    ],
    ids=["LeNet5", "ResNet", "MLP"],
)
def test_classifiers_learn_where_a_square_is(make, rng):
    X, y = squares(80, 28, rng)
    net = make()
    assert descend(net.parameters(), lambda _: F.cross_entropy(net(X), y), 30, 0.01) < 0.3


def test_resnets_shrink_at_every_stage_but_the_first():
    net = resnet20(in_channels=1, rng=0)
    x = np.ones((1, 1, 16, 16), np.float32)
    shapes = []
    for stage in (net.layer1, net.layer2, net.layer3):
        stage.register_forward_hook(lambda module, args, y: shapes.append(y.shape))
    net(x)
    assert shapes == [(1, 16, 16, 16), (1, 32, 8, 8), (1, 64, 4, 4)]


@pytest.mark.trains
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_character_model_learns_a_song_and_sings_on(kind):
    net = CharLM(len(LETTERS), 48, kind=kind, embedding_dim=16, rng=0)
    x, y = TEXT[:-1].reshape(7, -1), TEXT[1:].reshape(7, -1)
    loss = descend(net.parameters(), lambda _: net.loss(net(x)[0], y), 60, 0.02)
    assert loss < 0.3
    start = [LETTERS.index(c) for c in "the quick"]
    assert letters(net.generate(start, 15, temperature=0)) == SONG[:24]


def test_a_character_model_goes_on_from_the_state_it_returned():
    net = CharLM(9, 16, num_layers=2, rng=0)
    tokens = np.random.default_rng(0).integers(9, size=(2, 10))
    whole, _ = net(tokens)
    first, state = net(tokens[:, :4])
    rest, _ = net(tokens[:, 4:], state)
    np.testing.assert_allclose(np.concatenate([first.data, rest.data], 1), whole.data, atol=1e-6)


@pytest.mark.trains
def test_a_character_model_trains_with_fit_and_a_carried_state():
    net = CharLM(len(LETTERS), 32, embedding_dim=16, rng=0)
    data = nn.data.windows(TEXT, 4, 16)
    history = nn.train.fit(net, data, net.loss, lr=0.02, epochs=12, carry=True, verbose=False)
    assert history["loss"][-1] < 1.5 < history["loss"][0]


@pytest.mark.trains
def test_a_gpt_learns_a_song_and_sings_on():
    net = GPT(len(LETTERS), block_size=32, n_layer=2, n_head=2, n_embd=32, rng=0)
    starts = np.random.default_rng(0).integers(len(TEXT) - 33, size=(110, 8))
    windows = starts[:, :, None] + np.arange(33)

    def loss_of(step):
        part = TEXT[windows[step]]
        return net.loss(net(part[:, :-1]), part[:, 1:])

    assert descend(net.parameters(), loss_of, 110, 0.01) < 0.6
    start = [LETTERS.index(c) for c in SONG[:20]]
    assert letters(net.generate(start, 45, temperature=0)) == (SONG * 2)[:65]


def test_a_gpt_sees_nothing_of_what_comes_later():
    net = GPT(7, block_size=8, n_layer=2, n_head=2, n_embd=16, rng=0)
    tokens = np.array([[1, 2, 3, 4, 5]])
    changed = np.array([[1, 2, 3, 6, 0]])
    np.testing.assert_allclose(net(tokens).data[:, :3], net(changed).data[:, :3], atol=1e-6)
    with pytest.raises(ValueError, match="block_size=8"):
        net(np.zeros((1, 9), int))


def test_a_gpts_first_guess_is_that_all_tokens_are_alike():
    net = GPT(50, block_size=8, n_layer=4, n_head=2, n_embd=32, rng=0)
    tokens = np.random.default_rng(0).integers(50, size=(16, 9))
    assert net.loss(net(tokens[:, :-1]), tokens[:, 1:]).item() == pytest.approx(
        np.log(50), rel=0.02
    )
    spread = net.h[0].mlp.c_proj.weight.data.std()
    assert spread == pytest.approx(0.02 / np.sqrt(8), rel=0.1)
    decayed, spared = net.parameter_groups(0.1)
    assert len(decayed["params"]) + len(spared["params"]) == len(list(net.parameters()))


def test_generating_repeats_with_its_seed_and_leaves_the_mode():
    net = GPT(20, block_size=8, n_layer=1, n_head=1, n_embd=8, dropout=0.5, rng=0)
    a, b, c = (net.generate([1], 30, rng=seed) for seed in (0, 0, 1))
    assert (a == b).all()
    assert (a != c).any()
    assert net.training


def test_draws_have_the_softmaxs_frequencies():
    logits = np.array([0.0, 1.0, 2.0, 3.0])
    many = np.tile(logits, (20_000, 1))
    for temperature in (1.0, 0.5):
        p = np.exp(logits / temperature)
        seen = np.bincount(sample(many, temperature, rng=0), minlength=4) / len(many)
        np.testing.assert_allclose(seen, p / p.sum(), atol=0.01)
    assert set(sample(many, top_k=2, rng=0)) == {2, 3}
    assert set(sample(many, temperature=0)) == {3}
    with pytest.raises(ValueError, match="temperature"):
        sample(many, -1.0)
    with pytest.raises(ValueError, match="top_k"):
        sample(many, top_k=0)


def reversals(n, rng):
    """Sources of letters 3 to 9, and the same backwards between bos and eos."""
    source = rng.integers(3, 10, size=(n, 5))
    ends = np.ones((n, 1), int)
    return source, np.concatenate([ends, source[:, ::-1], 2 * ends], axis=1)


@pytest.fixture(scope="module")
def reverser():
    rng = np.random.default_rng(0)
    net = Seq2Seq(10, 10, hidden_size=48, embedding_dim=24, rng=0)

    def loss_of(step):
        source, target = reversals(64, rng)
        logits = net(source, target, teacher_forcing=0.5 if step % 8 == 0 else 1.0)
        return F.cross_entropy(logits.reshape(-1, 10), target[:, 1:].reshape(-1))

    assert descend(net.parameters(), loss_of, 260, 0.01) < 0.1
    return net


@pytest.mark.trains
def test_a_translator_learns_to_reverse(reverser):
    source, _ = reversals(50, np.random.default_rng(1))
    wanted = source[:, ::-1].tolist()
    for beam in (1, 3):
        found = reverser.translate(source, max_length=8, beam=beam)
        assert sum(a == b for a, b in zip(found, wanted, strict=True)) > 45


def test_told_steps_are_the_same_at_once_and_one_by_one(reverser):
    source, target = reversals(4, np.random.default_rng(2))
    lengths = [5, 3, 4, 1]
    whole = reverser(source, target, lengths)
    memory, state = reverser.encode(source, lengths)
    for t in range(target.shape[1] - 1):
        logits, state = reverser.decode(target[:, t : t + 1], memory, state)
        np.testing.assert_allclose(logits.data[:, 0], whole.data[:, t], atol=1e-5)


def test_what_lies_behind_a_sources_end_changes_nothing(reverser):
    source, target = reversals(2, np.random.default_rng(3))
    other = source.copy()
    other[:, 3:] = 9
    a, b = (reverser(s, target, [3, 3]).data for s in (source, other))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_wide_enough_beam_finds_the_likeliest_target():
    net = Seq2Seq(5, 4, hidden_size=6, embedding_dim=4, rng=3)
    source = np.array([[3, 4, 3]])
    memory, first = net.encode(source)

    def log_p(target):
        before = np.array([[1, *target[:-1]]])
        logits = net.decode(before, memory, first)[0]
        rows = plain(F.log_softmax(logits, -1))[0]
        return sum(rows[t, token] for t, token in enumerate(target))

    def targets(length):
        grids = np.meshgrid(*[[0, 1, 3]] * length, indexing="ij")
        return np.stack(grids, -1).reshape(-1, length).tolist() if length else [[]]

    ended = [[*t, 2] for n in range(3) for t in targets(n)]
    best = max(ended + targets(3), key=log_p)
    (found,) = net.translate(source, max_length=3, beam=64)
    assert found == [token for token in best if token != 2]


@pytest.mark.parametrize(("beam", "penalty"), [(1, 0.0), (3, 0.0), (4, 0.7), (12, 0.0)])
def test_sources_of_varying_length_are_translated_at_once_as_one_by_one(beam, penalty):
    rng = np.random.default_rng(4)
    net = Seq2Seq(10, 8, hidden_size=12, embedding_dim=6, num_layers=2, rng=2)
    for p in net.parameters():
        p.data *= 5  # far from all alike, so that ways end at different steps
    source, lengths = rng.integers(3, 10, size=(9, 6)), rng.integers(1, 7, size=9)
    found = net.translate(source, 7, lengths, beam, penalty)
    alone = [
        net.translate(row[None, :n], 7, beam=beam, length_penalty=penalty)[0]
        for row, n in zip(source, lengths, strict=True)
    ]
    assert found == alone
    assert len({len(tokens) for tokens in found}) > 2
    assert net.translate(source[:0]) == []


def test_a_translators_attention_is_what_it_writes_by(reverser):
    source, target = reversals(3, np.random.default_rng(5))
    lengths = [5, 3, 4]
    weights = reverser.attention(source, target, lengths)
    assert weights.shape == (3, 6, 5)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert (weights[1, :, 3:] == 0).all()
    (outputs, _), state = reverser.encode(source, lengths)
    h, _ = reverser.decoder(reverser.target_table(target[:, :-1]), state)
    joined = np.tanh(reverser.join(np.concatenate([h, weights @ outputs], axis=-1)))
    logits = reverser(source, target, lengths)
    np.testing.assert_allclose(reverser.head(joined).data, logits.data, atol=1e-5)
    with pytest.raises(ValueError, match=r"target must be \(N, T \+ 1\)"):
        reverser.attention(source, target[0])


@pytest.mark.trains
def test_a_wide_part_remembers_and_a_deep_part_generalises(rng):
    crosses, values = rng.integers(40, size=(200, 2)), rng.integers(5, size=(200, 2))
    numbers = rng.normal(size=(200, 1)).astype(np.float32)
    y = (np.isin(crosses, range(8)).any(1) | (values[:, 0] > 2)).astype(np.float32)
    net = WideAndDeep(40, (5, 5), 1, hidden=(16,), embedding_dim=4, rng=0)

    def loss_of(_):
        logits = net(crosses, values, numbers)[:, 0]
        return F.binary_cross_entropy_with_logits(logits, y)

    assert descend(net.parameters(), loss_of, 80, 0.05) < 0.3
    assert net.wide.weight.data[:8].mean() != 0
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        net(crosses, values[:, :1], numbers)
    with pytest.raises(ValueError, match=r"\(N, 1\)"):
        net(crosses, values)


@pytest.mark.trains
def test_an_autoencoder_draws_what_it_has_seen(rng):
    bars = np.kron(np.eye(3), np.ones((1, 4))).astype(np.float32)  # three bars of four pixels
    X = bars[rng.integers(3, size=256)]
    net = VAE(12, hidden=32, latent=2, rng=0)
    assert descend(net.parameters(), lambda _: net.loss(X), 250, 0.01) < 3
    drawn = net.sample(100) > 0.5
    assert (drawn[:, None] == bars.astype(bool)).all(-1).any(1).mean() > 0.8


def test_an_autoencoders_loss_is_the_bound_of_the_paper():
    net = VAE(4, hidden=8, latent=2, rng=0).eval()
    x = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    logits, mean, log_variance = (plain(v) for v in net(x))
    p = 1 / (1 + np.exp(-logits))
    wrong = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum()
    distance = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum()
    assert net.loss(x).item() == pytest.approx((wrong + distance) / 3, rel=1e-5)


def test_a_unet_finds_which_pixels_belong_to_a_square(rng):
    X, _ = squares(16, 16, rng)
    y = (X[:, 0] > 1).astype(int)
    net = UNet(1, 2, width=4, depth=2, rng=0)
    assert descend(net.parameters(), lambda _: F.cross_entropy(net(X), y), 40, 0.02) < 0.1
    with pytest.raises(ValueError, match="multiples of 4"):
        net(np.ones((1, 1, 6, 8), np.float32))


def test_detail_of_a_unet_goes_across_by_join_and_by_it_alone(rng):
    class WithoutSkips(UNet):
        def join(self, level, x):
            return super().join(np.zeros_like(level.data), x)

    X = rng.normal(size=(2, 1, 8, 8)).astype(np.float32)
    for kind, differs in ((UNet, True), (WithoutSkips, False)):
        net = kind(1, 2, width=4, depth=2, rng=0).eval()
        for p in net.grow.parameters():  # nothing comes up from the bottom
            p.data[...] = 0
        first, second = plain(net(X))
        assert np.any(first != second) == differs


@pytest.mark.parametrize(
    "make",
    [
        lambda: CharLM(9, 8, kind="RNN"),
        lambda: CharLM(9, 8).generate([], 3),
        lambda: GPT(9, n_embd=30, n_head=4),
        lambda: GPT(9, n_layer=1).generate([[1]], 3),
        lambda: MLP(3),
        lambda: MLP(3, None, 2),
        lambda: ResNet(()),
        lambda: Seq2Seq(5, 5, eos=5),
        lambda: Seq2Seq(5, 5)(np.zeros((2, 3), int), np.zeros((3, 3), int)),
        lambda: UNet(depth=0),
    ],
)
def test_models_refuse_what_cannot_be(make):
    with pytest.raises(ValueError, match=r"must|give"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: LeNet5(rng=rng), lambda rng: ResNet((1,), rng=rng),
        lambda rng: CharLM(9, 8, rng=rng), lambda rng: GPT(9, n_layer=1, rng=rng),
        lambda rng: Seq2Seq(9, 9, 8, rng=rng), lambda rng: VAE(9, 8, 2, rng=rng),
        lambda rng: UNet(width=4, rng=rng), lambda rng: WideAndDeep(9, (3,), rng=rng),
    ],
    ids=["LeNet5", "ResNet", "CharLM", "GPT", "Seq2Seq", "VAE", "UNet", "WideAndDeep"],
)  # fmt: skip
def test_a_seed_makes_the_same_weights_again_whatever_the_default_does(make):
    autograd.seed(1)
    a = make(5).state_dict()
    autograd.seed(2)
    b = make(5).state_dict()
    autograd.seed(None)
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)
