"""What a call refuses names its function and what it needs."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from nn import data, look, metrics, models, train
from nn.models.sampling import sample

X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    "model", [None, X, nn.Linear, "net"], ids=["None", "array", "class", "str"]
)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("fit", lambda m: train.fit(m, (X, X), "mse")),
        ("evaluate", lambda m: train.evaluate(m, (X, X), "mse")),
        ("predict", lambda m: train.predict(m, X)),
        ("fgsm", lambda m: look.fgsm(m, X, [0, 1], 0.1)),
        ("nn.look", lambda m: look.saliency(m, X)),
        ("nn.look", lambda m: look.attention_maps(m, X)),
        ("feature_maps", lambda m: look.feature_maps(m, X, "0")),
        ("grad_cam", lambda m: look.grad_cam(m, X, "0")),
        ("occlusion", lambda m: look.occlusion(m, X, 1)),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_is_no_model_is_refused_by_name(name, call, model):
    with pytest.raises(TypeError, match=rf"{name}: (the model comes first|Linear is a class)"):
        call(model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.ConfusionMatrix("a"), "ConfusionMatrix: num_classes must be an integer"),
        (lambda: metrics.F1(num_classes=-1), "F1: num_classes must be an integer >= 1"),
        (lambda: metrics.F1(np.ones(2)), "f1: average must be one of"),
        (lambda: metrics.TopKAccuracy("5"), "TopKAccuracy: k must be an integer >= 1"),
        (lambda: metrics.MeanAveragePrecision("a"), "iou_threshold must be a number"),
        (lambda: metrics.error_rate(None, ["a"]), "error_rate: predicted must be a list"),
        (lambda: metrics.r2_score(1.0, 1.0), "r2_score: outputs must have samples in axis 0"),
        (lambda: data.ConcatDataset(3), "ConcatDataset: datasets must be a list"),
        (lambda: data.RandomSampler(None), "RandomSampler: data_source must have a length"),
        (lambda: data.default_collate(3), "default_collate: samples must be a list, got int"),
        (lambda: train.EarlyStopping(3), "EarlyStopping: monitor must be the name"),
        (lambda: train.EarlyStopping(min_delta="a"), "EarlyStopping: min_delta must be a number"),
        (lambda: train.EarlyStopping(patience=1.5), "EarlyStopping: patience must be an integer"),
        (lambda: train.GradientClipping("a"), "GradientClipping: limit must be a number"),
        (lambda: train.GradientClipping(float("nan")), "GradientClipping: max_norm or max_value"),
        (lambda: train.ModelCheckpoint(None), "ModelCheckpoint: path must be the path of a file"),
        (lambda: train.CSVLogger(None), "A path must be text or a pathlib.Path, not None"),
        (lambda: look.fgsm(nn.Linear(3, 2), X, [0, 1], "a"), "fgsm: eps must be a number"),
        (
            lambda: look.integrated_gradients(nn.Linear(3, 2), X, 1, steps="a"),
            "integrated_gradients: steps must be a number",
        ),
        (lambda: models.ResNet(3), "ResNet: blocks must name at least one stage, got 3"),
        (lambda: models.ResNet(width="a"), "ResNet: width must be an integer >= 1"),
        (lambda: models.UNet(width=None), "UNet: width must be an integer >= 1"),
    ],
)
def test_wrong_settings_are_refused_by_name(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize(
    ("module", "name", "cure"),
    [
        (nn, "Dense", "nn.Linear"),
        (nn, "Conv2D", "nn.Conv2d"),
        (nn, "callbacks", "nn.train"),
        (nn, "DataLoader", "nn.data.DataLoader"),
        (train, "ReduceLROnPlateau", "LearningRateScheduler"),
        (train, "TerminateOnNaN", "stops at NaN"),
        (train, "Trainer", "nn.train.fit"),
        (data, "ToTensor", "nn.data.transforms"),
        (metrics, "AUROC", "nn.metrics.AUC"),
        (metrics, "F1Score", "nn.metrics.F1"),
    ],
)
def test_names_of_keras_and_lightning_say_what_is_written_here(module, name, cure):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': .*{cure}"):
        getattr(module, name)


def test_a_plateau_is_made_of_the_optimizer_by_the_scheduler():
    callback = train.LearningRateScheduler(nn.optim.lr_scheduler.ReduceLROnPlateau)
    train.fit(nn.Linear(3, 3), (X, X), "mse", callbacks=callback, verbose=False)
    assert callback.scheduler.mode == "min"


@pytest.mark.parametrize("temperature", [-1, np.nan, np.inf, "a", None])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises((TypeError, ValueError), match="sample: temperature must be"):
        sample([[0.0, 1.0]], temperature)


@pytest.mark.parametrize("row", [[np.nan, 1], [-np.inf, -np.inf], [np.inf, 0]])
def test_logits_of_which_none_is_the_largest_number_are_refused(row):
    for temperature in (0, 1):
        with pytest.raises(ValueError, match="sample: logits must have a finite largest"):
            sample([row], temperature)


def test_a_tiny_temperature_is_nearly_zero():
    for temperature in (0, 1e-310, 1e-5):
        assert sample([[1.0, 5.0, 2.0], [-np.inf, -4.0, -9.0]], temperature).tolist() == [1, 1]
