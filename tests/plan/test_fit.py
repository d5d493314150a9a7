"""fit(..., compile=True) trains as fit does."""

import numpy as np
import pytest

import autograd
import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(44, 6)).astype(np.float32)
CLASSES = rng.integers(0, 4, 44)
Y = rng.normal(size=(44, 2)).astype(np.float32)
IMAGES = rng.normal(size=(20, 1, 6, 6)).astype(np.float32)
TEXT = rng.integers(0, 5, (30, 7))


class Carrying(nn.Module):
    """A recurrent model that takes its state and hands it on."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(6, 5, batch_first=True, rng=0), nn.Linear(5, 6, rng=1)

    def forward(self, x, state):
        h, state = self.rnn(x, state)
        return self.head(h), state


class Tagger(nn.Module):
    """Class scores for each position of a text, classes in axis 1."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(5, 4, rng=0), nn.Linear(4, 5, rng=1)

    def forward(self, x):
        return np.swapaxes(self.head(self.embedding(x)), 1, 2)


def mlp(*more, out=4):
    return nn.Sequential(nn.Linear(6, 8, rng=0), *more, nn.ReLU(), nn.Linear(8, out, rng=1))


def cnn():
    layers = nn.Conv2d(1, 3, 3, bias=False, rng=0), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(48, 4, rng=1))


class Clipped(nn.train.Callback):
    """Clips gradients before each update."""

    def on_gradients(self, state):
        nn.utils.clip_grad_norm_(state.model.parameters(), 0.1)


def ignoring(n):
    targets = CLASSES.copy()
    targets[::n] = -100
    return targets


RUNS = {
    "classes": (mlp, (X, CLASSES), "cross_entropy", {"metrics": ["accuracy"]}),
    "regression": (lambda: mlp(out=2), (X, Y), "mse", {"optimizer": "sgd"}),
    "dropout draws from the same stream": (
        lambda: mlp(nn.Dropout(0.5)), (X, CLASSES), "cross_entropy", {},
    ),
    "batch norm": (cnn, (IMAGES, CLASSES[:20]), "cross_entropy", {"optimizer": "rmsprop"}),
    "ignored targets": (mlp, (X, ignoring(3)), "cross_entropy", {}),
    "a target for each position": (Tagger, (TEXT, TEXT), "cross_entropy", {}),
    "class weights in the loss": (
        mlp, (X, CLASSES), nn.CrossEntropyLoss(weight=np.array([1, 2, 3, 4.0], np.float32)), {},
    ),
    "a sum": (mlp, (X, CLASSES), nn.CrossEntropyLoss(reduction="sum"), {"optimizer": "sgd"}),
    "accumulated": (mlp, (X, ignoring(4)), "cross_entropy", {"accumulate": 3}),
    "clipped": (mlp, (X, CLASSES), "cross_entropy", {"callbacks": [Clipped()]}),
    "a mean of one's own": (
        lambda: mlp(out=2), (X, Y), lambda out, t: np.mean(np.abs(out - t) ** 3), {},
    ),
    "validation": (mlp, (X, CLASSES), "cross_entropy", {"validation": (X[:9], CLASSES[:9])}),
}  # fmt: skip


def trained(make, data, loss, options, **more):
    autograd.seed(3)
    model = make()
    options = {"optimizer": "adam", "lr": 0.02, "batch_size": 8, "epochs": 3, **options, **more}
    history = nn.train.fit(model, data, loss, rng=0, verbose=False, **options)
    return history, model.state_dict()


@pytest.mark.parametrize("name", RUNS)
def test_a_compiled_run_is_an_eager_one(name):
    eager, weights = trained(*RUNS[name])
    compiled, found = trained(*RUNS[name], compile=True)
    assert eager.history.keys() == compiled.history.keys()
    for key, numbers in eager.history.items():
        np.testing.assert_allclose(compiled[key], numbers, rtol=2e-4, err_msg=key)
    for key, array in weights.items():
        np.testing.assert_allclose(found[key], array, rtol=2e-3, atol=2e-5, err_msg=key)


def test_a_recurrent_model_carries_its_state_on():
    sequence = rng.normal(size=(120, 6)).astype(np.float32)
    histories = [
        nn.train.fit(
            Carrying(), nn.data.windows(sequence, 3, 5), "mse", "sgd", lr=0.1, epochs=2, carry=True,
            verbose=False, **more
        )["loss"]
        for more in ({}, {"compile": True})
    ]  # fmt: skip
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-4)


def test_shapes_that_come_once_are_not_compiled(monkeypatch):
    compiled = []
    make = autograd.compile
    monkeypatch.setattr(autograd, "compile", lambda f: compiled.append(make(f)) or compiled[-1])
    trained(mlp, (X, CLASSES), "cross_entropy", {}, epochs=1, compile=True)  # 5 · 8 and 4 samples
    [one] = compiled
    assert len(one.plans) == 1
    trained(mlp, (X, CLASSES), "cross_entropy", {}, epochs=2, compile=True)
    assert len(compiled[1].plans) == 2


def test_keras_jit_compiles_the_steps(monkeypatch):
    compiled = []
    make = autograd.compile
    monkeypatch.setattr(autograd, "compile", lambda f: compiled.append(make(f)) or compiled[-1])
    model = mlp()
    model.compile("adam", "cross_entropy", jit=True)
    model.fit(X[:40], CLASSES[:40], batch_size=8, verbose=0)
    assert len(compiled[0].plans) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_weight": np.ones(44)}, "sample_weight"),
        ({"class_weight": {0: 2.0}}, "class_weight"),
        ({"callbacks": [nn.train.Watch()]}, "Watch"),
        ({"loss": lambda out, t: np.sum((out - t[:, None]) ** 2) / (t > 1).sum()}, "divide"),
        ({"loss": lambda out, t: np.nanmean(out**2)}, "nanmean"),
        ({"compile": 1}, "compile"),
    ],
)
def test_what_can_not_be_compiled_is_refused_by_name(options, message):
    options = {"loss": "cross_entropy", "compile": True, **options}
    with pytest.raises((ValueError, TypeError), match=message):
        nn.train.fit(mlp(), (X, CLASSES), batch_size=8, epochs=2, verbose=False, **options)


def test_an_infinite_loss_names_its_op_before_the_update():
    x = X[:32].copy()
    x[20] = np.inf
    model = mlp(out=2)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as caught:
        nn.train.fit(
            model, (x, Y[:32]), "mse", "sgd", lr=1e-3, batch_size=8, shuffle=False,
            verbose=False, compile=True,
        )  # fmt: skip
    assert "affine" in str(caught.value)
    assert "epoch 1, batch 3" in caught.value.__notes__[0]
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def test_a_compiled_run_resumes(tmp_path):
    whole, weights = trained(mlp, (X, CLASSES), "cross_entropy", {}, epochs=4, compile=True)
    file = tmp_path / "run.safetensors"
    for epochs in (2, 4):
        resumed, found = trained(
            mlp, (X, CLASSES), "cross_entropy", {}, epochs=epochs, compile=True, checkpoint=file
        )
    np.testing.assert_allclose(resumed["loss"], whole["loss"], rtol=1e-5)
    for key, array in weights.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-4, atol=1e-6)
