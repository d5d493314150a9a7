from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from nn import look
from nn.train import fit

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def digits():
    """Real digits, 8 × 8, from 0 to 1; the last hundred are for looking."""
    sklearn = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    found = sklearn.load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    images = (found.images[order, None] / 16).astype(np.float32)
    return images, found.target[order]


@pytest.fixture(scope="module")
def net(digits):
    """A small network that reads them."""
    x, y = digits
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, rng=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2, rng=4),
        nn.Linear(256, 10, rng=2),
    )
    fit(model, (x[:-100], y[:-100]), "cross_entropy", lr=3e-3, epochs=6, rng=0, verbose=False)
    model.zero_grad()
    return model


@pytest.fixture
def seen(digits):
    return digits[0][-100:], digits[1][-100:]


def accuracy(model, x, y):
    return np.mean(nn.train.predict(model, x).argmax(1) == y)


def scores(model, x, classes):
    return nn.train.predict(model, x)[np.arange(len(x)), classes]


def test_feature_maps_are_what_the_layer_computes(net, seen):
    x, _ = seen
    maps = look.feature_maps(net, x, "3")
    by_hand = nn.Sequential(*(net[i] for i in range(4)))(x)
    np.testing.assert_allclose(maps, by_hand.data, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(look.feature_maps(net, x, net[4]), np.maximum(maps, 0))


def test_looking_leaves_the_model_as_it_was(net, seen):
    x, y = seen
    net.train()
    state = net.state_dict()
    with autograd.no_grad():
        look.saliency(net, x)
        look.grad_cam(net, x, "4")
        look.fgsm(net, x, y, 0.1)
    look.feature_maps(net, x, "0")
    assert all(m.training for m in net.modules())
    assert all(p.grad is None for p in net.parameters())
    assert all(m._hooks is None or not m._hooks.after for m in net.modules())
    for key, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[key])


def test_filters_are_copies_of_the_weights(net):
    found = look.filters(net[3])
    np.testing.assert_array_equal(found, net[3].weight.data)
    found[:] = 0
    assert np.any(net[3].weight.data)
    up = nn.ConvTranspose2d(3, 5, 2, rng=0)
    np.testing.assert_array_equal(look.filters(up)[4, 2], up.weight.data[2, 4])


def test_saliency_is_the_slope_of_the_score(net, seen):
    x, y = seen
    found = look.saliency(net, x[:4], y[:4])
    h = 2e-3  # small, because the score has kinks
    for k, (i, j) in enumerate([(2, 3), (4, 4), (3, 5), (5, 2)]):
        there, back = x[:4].copy(), x[:4].copy()
        there[k, 0, i, j] += h
        back[k, 0, i, j] -= h
        rise = scores(net, there, y[:4])[k] - scores(net, back, y[:4])[k]
        assert found[k, 0, i, j] == pytest.approx(abs(rise) / (2 * h), rel=0.3, abs=0.05)


def test_integrated_gradients_add_up_to_the_score(net, seen):
    x, y = seen
    found, delta = look.integrated_gradients(net, x, y, steps=100, return_delta=True)
    gain = scores(net, x, y) - scores(net, np.zeros_like(x), y)
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), gain, atol=0.02 * np.abs(gain).max())
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)) - gain, delta, atol=1e-3)
    assert np.all(found[x == 0] == 0)


def test_integrated_gradients_of_a_smooth_model_are_complete_from_any_baseline():
    model = nn.Sequential(nn.Linear(4, 6, rng=0), nn.Tanh(), nn.Linear(6, 1, rng=1)).double()
    x, b = np.random.default_rng(0).normal(size=(2, 5, 4))
    found, delta = look.integrated_gradients(model, x, baseline=b, return_delta=True)
    np.testing.assert_allclose(found.sum(1), (model(x) - model(b)).data[:, 0], rtol=1e-10)
    np.testing.assert_allclose(delta, 0, atol=1e-12)


def test_grad_cam_is_the_formula(net, seen):
    x, y = seen
    coarse = look.grad_cam(net, x[:3], "4", y[:3], upsample=False)
    maps = look.feature_maps(net, x[:3], "4")
    leaf = autograd.Value(maps)
    net.eval()
    out = net[7](net[5](leaf))
    slopes = autograd.grad(np.sum(out[np.arange(3), y[:3]]), leaf)
    by_hand = np.maximum((slopes.mean((2, 3), keepdims=True) * maps).sum(1), 0)
    np.testing.assert_allclose(coarse, by_hand, rtol=1e-4, atol=1e-6)
    fine = look.grad_cam(net, x[:3], "4", y[:3])
    assert fine.shape == (3, 8, 8)
    wanted = nn.functional.interpolate(coarse[:, None], size=(8, 8), mode="bilinear")
    np.testing.assert_allclose(fine, np.asarray(wanted)[:, 0], rtol=1e-5)


@pytest.mark.parametrize("upsample", [True, False])
def test_grad_cam_finds_the_half_that_decides(upsample):
    model = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(16, 2, bias=False)
    )
    model[0].weight.data[:] = 1
    model[2].weight.data[:] = 1
    x = np.zeros((1, 1, 4, 4), np.float32)
    x[..., :2] = 1
    (found,) = look.grad_cam(model, x, "0", 1, upsample=upsample)
    assert found[:, 0].min() > 0
    assert np.all(found[:, 3] == 0)


def test_occlusion_is_the_fall_of_the_score(net, seen):
    x, y = seen
    found = look.occlusion(net, x[:2], y[:2], size=(8, 8), value=0.5)
    fall = scores(net, x[:2], y[:2]) - scores(net, np.full_like(x[:2], 0.5), y[:2])
    np.testing.assert_allclose(found, np.broadcast_to(fall[:, None, None], (2, 8, 8)), rtol=1e-4)
    one = look.occlusion(net, x[:2], y[:2], size=2, stride=2)
    covered = x[:2].copy()
    covered[:, :, 2:4, 4:6] = 0
    fall = scores(net, x[:2], y[:2]) - scores(net, covered, y[:2])
    np.testing.assert_allclose(one[:, 3, 5], fall, rtol=1e-3, atol=1e-5)


def test_occlusion_covers_every_pixel_in_batches_of_any_size(net, seen):
    x, _ = seen
    small = look.occlusion(net, x[:2], size=3, stride=2, batch_size=5)
    np.testing.assert_allclose(small, look.occlusion(net, x[:2], size=3, stride=2), atol=1e-4)
    assert np.all(np.any(small != 0, axis=0)[-1])


def test_attacks_fool_the_model_within_eps(net, seen):
    x, y = seen
    clean = accuracy(net, x, y)
    assert clean > 0.9
    for eps in (0.05, 0.15):
        once = look.fgsm(net, x, y, eps)
        often = look.pgd(net, x, y, eps, rng=0)
        for found in (once, often):
            assert np.abs(found - x).max() <= eps + 1e-6
            assert found.min() >= 0
            assert found.max() <= 1
            assert found.dtype == x.dtype
    assert accuracy(net, once, y) < clean - 0.2
    assert accuracy(net, often, y) <= accuracy(net, once, y)
    random = np.clip(x + 0.15 * np.sign(np.random.default_rng(0).normal(size=x.shape)), 0, 1)
    assert accuracy(net, random.astype(np.float32), y) > accuracy(net, once, y) + 0.2


def test_a_targeted_attack_reaches_its_class(net, seen):
    x, y = seen
    wanted = (y + 1) % 10
    found = look.pgd(net, x, wanted, 0.3, steps=20, targeted=True, rng=0)
    assert accuracy(net, found, wanted) > accuracy(net, x, wanted) + 0.3
    loss = nn.CrossEntropyLoss()
    once = look.fgsm(net, x, wanted, 0.02, targeted=True)
    assert loss(net.eval()(once), wanted) < loss(net(x), wanted)


def test_an_attack_of_size_zero_changes_nothing(net, seen):
    x, y = seen
    np.testing.assert_array_equal(look.fgsm(net, x, y, 0), x)
    np.testing.assert_array_equal(look.pgd(net, x, y, 0, rng=0), x)


def test_targets_are_by_default_what_the_model_chooses(net, seen):
    x, _ = seen
    chosen = nn.train.predict(net, x).argmax(1)
    np.testing.assert_array_equal(look.saliency(net, x), look.saliency(net, x, chosen))
    np.testing.assert_array_equal(look.saliency(net, x[:3], 4), look.saliency(net, x[:3], [4] * 3))


def bad(call, error, words):
    return pytest.param(call, error, words, id=words)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        bad(lambda m, x: look.saliency(m, x.astype(int)), TypeError, "must be a float array"),
        bad(lambda m, x: look.saliency(m, x[:0]), ValueError, "samples in axis 0"),
        bad(lambda m, x: look.saliency(m, x, 10), ValueError, "between 0 and 9"),
        bad(lambda m, x: look.saliency(m, x, [1, 2]), ValueError, "one for each sample"),
        bad(lambda m, x: look.saliency(m[0], x), ValueError, "scores"),
        bad(lambda m, x: look.integrated_gradients(m, x, steps=0), ValueError, "steps"),
        bad(lambda m, x: look.integrated_gradients(m, x, baseline=x[0, 0, 0, :3]), ValueError,
            "baseline"),
        bad(lambda m, x: look.grad_cam(m, x[:, 0], "0"), ValueError, "images"),
        bad(lambda m, x: look.grad_cam(m, x, "7"), ValueError, "feature maps"),
        bad(lambda m, x: look.grad_cam(m, x, nn.ReLU()), ValueError, "its path"),
        bad(lambda m, x: look.feature_maps(m, x, "nowhere"), AttributeError, "nowhere"),
        bad(lambda m, x: look.feature_maps(nn.GRU(8, 2), x[:, 0], ""), TypeError, "tuple"),
        bad(lambda m, x: look.filters(nn.Linear(2, 2)), TypeError, "convolution"),
        bad(lambda m, x: look.filters(nn.ConvTranspose2d(2, 2, 3, groups=2)), TypeError, "groups"),
        bad(lambda m, x: look.saliency(m, x * np.full(1, 1e39)), ValueError, "are infinite"),
        bad(lambda m, x: look.saliency(m, np.ma.masked_greater(x, 0)), TypeError, "mask"),
        bad(lambda m, x: look.fgsm(m, x, [0] * 5, 0.1, targeted="no"), TypeError, "targeted"),
        bad(lambda m, x: look.pgd(m, x, [0] * 5, 0.1, random_start=1), TypeError, "random_start"),
        bad(lambda m, x: look.occlusion(m, x, size=9), ValueError, "size"),
        bad(lambda m, x: look.occlusion(m, x, size=2.5), ValueError, "size"),
        bad(lambda m, x: look.occlusion(m, x, stride=0), ValueError, "stride"),
        bad(lambda m, x: look.fgsm(m, x, np.zeros(3, int), 0.1), ValueError, "one entry a sample"),
        bad(lambda m, x: look.fgsm(m, x, np.zeros(5, int), -1), ValueError, "eps"),
        bad(lambda m, x: look.fgsm(m, x * 3, np.zeros(5, int), 0.1), ValueError, "outside"),
        bad(lambda m, x: look.pgd(m, x, np.zeros(5, int), 0.1, clip=(1, 0)), ValueError, "low"),
        bad(lambda m, x: look.pgd(m, x, np.zeros(5, int), 0.1, steps=0), ValueError, "steps"),
        bad(lambda m, x: look.pgd(m, x, np.zeros(5, int), 0.1, step_size=-1), ValueError,
            "step_size"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(net, seen, call, error, words):
    with pytest.raises(error, match=words):
        call(net, seen[0][:5])


def test_a_layer_that_is_called_twice_is_refused():
    class Twice(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(1, 1, 3, padding=1, rng=0)

        def forward(self, x):
            return self.conv(self.conv(x))

    with pytest.raises(ValueError, match="called 2 times"):
        look.feature_maps(Twice(), np.ones((1, 1, 4, 4), np.float32), "conv")


def test_a_layer_that_the_score_does_not_need_is_refused():
    class Aside(nn.Module):
        def __init__(self):
            self.conv, self.fc = nn.Conv2d(1, 1, 3, padding=1, rng=0), nn.Linear(16, 2, rng=0)

        def forward(self, x):
            self.conv(x)
            return self.fc(np.reshape(x, (-1, 16)))

    with pytest.raises(ValueError, match="does not depend"):
        look.grad_cam(Aside(), np.ones((1, 1, 4, 4), np.float32), "conv")
