from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn

RNG = np.random.default_rng(0)
SHAPES = {1: (4, 6, 5), 2: (3, 6, 2, 4), 3: (2, 6, 2, 3, 2)}
X = {rank: RNG.normal(1, 2, shape).astype(np.float32) for rank, shape in SHAPES.items()}
CASES = [
    ("BatchNorm1d", (6,), {}, X[1]),
    ("BatchNorm1d", (6,), {"momentum": None}, X[1][..., 0]),
    ("BatchNorm2d", (6,), {"momentum": 0.3, "eps": 1e-3}, X[2]),
    ("BatchNorm2d", (6,), {"affine": False}, X[2]),
    ("BatchNorm3d", (6,), {"track_running_stats": False}, X[3]),
    ("LayerNorm", (4,), {}, X[2]),
    ("LayerNorm", ((2, 4),), {"bias": False}, X[2]),
    ("LayerNorm", (5,), {"elementwise_affine": False, "eps": 0.1}, X[1]),
    ("RMSNorm", (4,), {}, X[2]),
    ("RMSNorm", ((2, 4),), {"eps": 0.1, "elementwise_affine": False}, X[2]),
    ("GroupNorm", (3, 6), {}, X[2]),
    ("BatchNorm2d", (6,), {"bias": False}, X[2]),
    ("GroupNorm", (2, 6), {"bias": False}, X[1]),
    ("GroupNorm", (6, 6), {"affine": False}, X[1]),
]


def test_batch_norm_makes_mean_0_and_variance_1():
    y = nn.BatchNorm2d(6)(X[2]).data
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-4)


def test_running_statistics_reach_those_of_the_data():
    norm = nn.BatchNorm2d(6, momentum=None)
    for _ in range(3):
        norm(X[2])
    np.testing.assert_allclose(norm.running_mean, X[2].mean((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(norm.running_var, X[2].var((0, 2, 3), ddof=1), rtol=1e-4)
    assert norm.num_batches_tracked == 3


def test_eval_reads_the_running_statistics_and_leaves_them():
    norm = nn.BatchNorm2d(6).eval()
    np.testing.assert_allclose(norm(X[2]).data, X[2], rtol=1e-4)
    assert norm.num_batches_tracked == 0
    assert not norm.running_mean.any()


def test_a_refused_batch_changes_no_statistics():
    norm = nn.BatchNorm1d(6)
    with pytest.raises(ValueError, match="batch_norm"):
        norm(X[1][:1, :, 0])
    assert norm.num_batches_tracked == 0
    assert not norm.running_mean.any()


def test_state_dict_keys_are_pytorchs():
    assert list(nn.BatchNorm2d(3).state_dict()) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]
    assert list(nn.BatchNorm2d(3, affine=False, track_running_stats=False).state_dict()) == []
    assert list(nn.LayerNorm(3).state_dict()) == ["weight", "bias"]
    assert list(nn.GroupNorm(1, 3).state_dict()) == ["weight", "bias"]
    assert list(nn.RMSNorm(3).state_dict()) == ["weight"]


def test_statistics_come_back_from_a_state_dict():
    norm, copy = nn.BatchNorm1d(6), nn.BatchNorm1d(6)
    norm(X[1])
    copy.load_state_dict(norm.state_dict())
    np.testing.assert_array_equal(copy.eval()(X[1]).data, norm.eval()(X[1]).data)


def test_a_copy_of_the_state_stays_while_training_goes_on():
    norm = nn.BatchNorm1d(6)
    before = norm.state_dict()
    norm(X[1])
    assert not before["running_mean"].any()


def test_tracking_that_is_turned_off_later_freezes_the_statistics():
    norm = nn.BatchNorm1d(6)
    norm(X[1])
    before = norm.state_dict()
    norm.track_running_stats = False
    y = norm(X[1] + 5).data
    np.testing.assert_allclose(y.mean((0, 2)), 0, atol=1e-6)  # of the batch
    for key, array in norm.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    shifted = norm.eval()(X[1] + 5).data  # of the running statistics, as PyTorch
    assert (np.abs(shifted.mean((0, 2))) > 1).all()


def test_an_instance_norm_that_tracks_no_longer_leaves_its_statistics_alone():
    norm = nn.InstanceNorm1d(6, track_running_stats=True)
    norm(X[1])
    before = norm.running_mean.copy()
    norm.track_running_stats = False
    for training in (True, False):
        y = norm.train(training)(X[1] + 5)
        np.testing.assert_allclose(np.mean(y, 2), 0, atol=1e-6)
        np.testing.assert_array_equal(norm.running_mean, before)


def test_tracking_that_is_turned_on_later_finds_no_statistics():
    for name in ("BatchNorm1d", "InstanceNorm1d"):
        norm = getattr(nn, name)(6, track_running_stats=False)
        norm.track_running_stats = True
        for training in (True, False):
            y = norm.train(training)(X[1])
            assert np.abs(np.mean(y, axis=(0, 2))).max() < 1e-6


def test_settings_that_are_assigned_later_count():
    norm = nn.BatchNorm1d(6)
    norm.momentum, norm.eps = None, 1.0
    y = norm(X[1]).data
    np.testing.assert_allclose(norm.running_mean, X[1].mean((0, 2)), rtol=1e-5)
    var = X[1].var((0, 2))
    np.testing.assert_allclose(y.var((0, 2)), var / (var + 1), rtol=1e-4)
    drop = nn.Dropout(0.5)
    drop.p = 1.0
    assert not drop(np.ones(9)).any()
    drop.p = 2.0
    with pytest.raises(ValueError, match="p is a probability"):
        drop(np.ones(9))


def test_old_checkpoints_have_no_count_of_batches():
    norm = nn.Sequential(nn.BatchNorm1d(6))
    state = norm.state_dict()
    del state["0.num_batches_tracked"]
    state["0.running_mean"] += 3
    assert norm.load_state_dict(state).missing_keys == []
    assert (norm[0].running_mean == 3).all()
    del state["0.running_mean"]
    with pytest.raises(ValueError, match=r"missing: 0\.running_mean"):
        norm.load_state_dict(state)


def test_one_number_a_channel_has_no_statistics_in_eval_mode_either():
    norm = nn.BatchNorm1d(6, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="without running statistics eval mode too") as caught:
        norm(X[1][:1, :, 0])
    assert "training=False" not in str(caught.value)


def test_one_number_a_group_is_refused_where_the_batch_has_no_more():
    layer = nn.GroupNorm(2, 2)
    for shape in ((1, 2), (1, 2, 1, 1)):
        with pytest.raises(ValueError, match="a group needs more than one number"):
            layer(np.ones(shape, np.float32))
    assert not layer(np.ones((2, 2), np.float32)).data.any()  # as PyTorch


@pytest.mark.parametrize(("name", "args", "settings", "x"), CASES)
def test_normalisation_is_differentiated(name, args, settings, x):
    layer = getattr(nn, name)(*args, **settings).double()
    assert autograd.gradcheck(layer, x[:2].astype(float))


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "BatchNorm2d: num_features", lambda: nn.BatchNorm2d(0)),
        (ValueError, "BatchNorm2d: momentum", lambda: nn.BatchNorm2d(3, momentum=2)),
        (
            ValueError,
            r"BatchNorm2d: .*\(N, C, H, W\).*\(4, 6, 5\)",
            lambda: nn.BatchNorm2d(6)(X[1]),
        ),
        (ValueError, r"\(4, 6, 5\) has 6 .*num_features=5", lambda: nn.BatchNorm1d(5)(X[1])),
        (ValueError, r"LayerNorm: .*normalized_shape=\(3,\)", lambda: nn.LayerNorm(3)(X[1])),
        (ValueError, "RMSNorm: normalized_shape", lambda: nn.RMSNorm(())),
        (ValueError, "GroupNorm: num_channels=4 .*num_groups=3", lambda: nn.GroupNorm(3, 4)),
        (ValueError, r"GroupNorm: .*num_channels=4, got \(4, 6", lambda: nn.GroupNorm(2, 4)(X[1])),
    ],
)
def test_errors_name_the_layer_and_the_argument(error, text, make):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.torch
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("name", "args", "settings", "x"), CASES)
def test_is_what_torch_computes(name, args, settings, x, training):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs = getattr(torch.nn, name)(*args, **settings)
    for p in theirs.parameters():
        torch.nn.init.uniform_(p, 0.5, 1.5)
    theirs(torch.tensor(x + 1))
    ours = getattr(nn, name)(*args, **settings).train(training)
    theirs.train(training)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    v, t = autograd.Value(x), torch.tensor(x, requires_grad=True)
    y, z = ours(v), theirs(t)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=2e-5)
    np.sum(y**3).backward()
    (z**3).sum().backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-4, atol=2e-4)
    for key, p in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, key).grad, p.grad.numpy(), rtol=1e-4, atol=2e-4)
    for key, b in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], b.numpy(), rtol=1e-5, atol=1e-6)
    assert repr(ours) == repr(theirs)


INSTANCE = [
    ("InstanceNorm1d", {"affine": True}, X[1]),
    ("InstanceNorm1d", {"track_running_stats": True}, X[1]),
    ("InstanceNorm2d", {"track_running_stats": True, "affine": True, "momentum": 0.3}, X[2]),
    ("InstanceNorm2d", {"eps": 1e-2}, X[2][0]),
    ("InstanceNorm3d", {"affine": True}, X[3]),
]


@pytest.mark.parametrize(("name", "settings", "x"), INSTANCE)
def test_instances_are_normalised_each_for_itself(name, settings, x):
    rank = int(name[-2])
    y = getattr(nn, name)(6, **settings)(x)
    data = y.data if isinstance(y, autograd.Value) else y
    pixels = tuple(range(-rank, 0))
    np.testing.assert_allclose(data.mean(pixels), 0, atol=1e-5)
    np.testing.assert_allclose(data.var(pixels), 1, rtol=0.1)


def test_an_instance_of_one_pixel_has_no_variance():
    with pytest.raises(ValueError, match=r"instance_norm: .*\(4, 6, 1\)"):
        nn.InstanceNorm1d(6)(X[1][..., :1])


def test_local_response_looks_at_neighbouring_channels():
    x = X[2]
    y = nn.LocalResponseNorm(3, alpha=0.5, beta=0.7, k=2.0)(x)
    padded = np.pad(x**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    around = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    np.testing.assert_allclose(y, x / (2 + around / 6) ** 0.7, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: nn.BatchNorm1d(None), X[1]),
        (lambda: nn.BatchNorm2d(None, affine=False), X[2]),
        (lambda: nn.InstanceNorm2d(None, affine=True), X[2][0]),
        (lambda: nn.GroupNorm(3, None), X[2]),
    ],
)
def test_channels_are_taken_from_the_first_input(make, x):
    norm = make()
    with pytest.raises(RuntimeError, match="all the model once"):
        norm.state_dict()
    assert "None" in repr(norm)
    with pytest.raises((ValueError, IndexError)):
        norm(np.ones((), np.float32))
    norm(x)
    assert {v.shape for v in norm.state_dict().values()} <= {(6,), ()}
    assert repr(norm) == repr(
        type(norm)(*([3, 6] if isinstance(norm, nn.GroupNorm) else [6]), affine=norm.affine)
    )


def test_batch_norm_refuses_another_dtype():
    with pytest.raises(TypeError, match=r"BatchNorm2d: input is float64.*astype\(np.float32\)"):
        nn.BatchNorm2d(6)(X[2].astype(float))


def test_the_running_statistics_of_instance_norm_may_be_values():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    arrays = np.zeros(3), np.ones(3)
    values = tuple(autograd.Value(a.copy()) for a in arrays)
    for running in (arrays, values):
        nn.functional.instance_norm(x, *running)
    for a, v in zip(arrays, values, strict=True):
        np.testing.assert_array_equal(v.data, a)
    np.testing.assert_allclose(arrays[0], 0.1 * x.mean((0, 2)), rtol=1e-5)


@pytest.mark.parametrize(
    ("running", "error"),
    [
        ((np.zeros(3), None), ValueError),
        ((None, np.ones(3)), ValueError),
        ((np.zeros(1), np.ones(1)), ValueError),
        (([0.0] * 3, [1.0] * 3), TypeError),
    ],
)
def test_instance_norm_refuses_statistics_that_it_cannot_write(running, error):
    with pytest.raises(error, match=r"instance_norm: .*running"):
        nn.functional.instance_norm(np.ones((2, 3, 4), np.float32), *running)
