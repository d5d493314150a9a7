"""Keras's compile, fit, evaluate and predict, as methods of `Sequential`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array
from autograd.random import Rng
from nn.arguments import chosen
from nn.layers.container import Sequential
from nn.look.summary import input_of, summary
from nn.losses.by_name import LOSSES, loss_for
from nn.train.batches import as_loader, make_parameters, parts
from nn.train.choices import OPTIMIZERS, metrics_for, optimizer_for
from nn.train.evaluate import evaluate, predict
from nn.train.fit import fit
from nn.train.history import History


class _Settings(NamedTuple):
    loss: Any
    metrics: list[Any]


class Compiled(Sequential):
    """The methods that every Sequential has for training; see the end of this file.

    `compile` says how, `fit` trains on, `evaluate` measures and `predict` computes. Each is a few
    lines over the function of `nn.train` of that name.
    """

    _settings: _Settings | None = None
    _optimizer: Any = None
    _sample: tuple[Any, ...] = ()  # what it was called with in training, for `summary`

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Iterable[Any] = (),
        *,
        lr: float | None = None,
    ) -> None:
        """Say how to train: optimizer, loss and metrics as in `nn.train.fit`.

        Names are checked now; an optimizer given by name is made when `fit` is first called, and
        used by later calls.
        """
        if loss is None:
            raise ValueError(
                f"{type(self).__name__}.compile: loss is needed; choose from "
                f"{', '.join(sorted(LOSSES))}, or pass one of your own."
            )
        given = list(metrics) if not isinstance(metrics, str) else metrics
        metrics_for(given, loss_for(loss))
        if isinstance(optimizer, str):
            chosen("optimizer", optimizer, OPTIMIZERS)
        self._settings = _Settings(loss, list(given))
        self._optimizer = (optimizer, lr)

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_split: float | None = None,
        validation_data: Any = None,
        callbacks: Iterable[Any] = (),
        shuffle: bool = True,
        verbose: Any = "auto",
        rng: Rng = None,
    ) -> History:
        """Train on, as `nn.train.fit` does.

        Parameters
        ----------
        X, y : inputs and targets; or a DataLoader or Dataset as X alone.
        validation_split : share of the samples, the last ones, that is held out, 0 to 1.
        validation_data : (X, y) or a loader to measure on after each epoch, instead.
        epochs, batch_size, callbacks, shuffle, rng : as in `nn.train.fit`.
        verbose : 0 or False shows nothing.

        Examples
        --------
        >>> import nn, numpy as np
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> model = nn.Sequential(nn.Linear(3, 1, rng=0), nn.Sigmoid())
        >>> model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(X, X[:, 0] > 0, epochs=3, validation_split=0.2, verbose=0)
        >>> list(history.history)
        ['loss', 'accuracy', 'val_loss', 'val_accuracy']
        """
        who = f"{type(self).__name__}.fit"
        settings = self._compiled("fit")
        data: Any = X if y is None else (*_inputs(X), np.asarray(y))
        validation = validation_data
        if validation_split is not None:
            if validation is not None:
                raise ValueError(f"{who}: give validation_split or validation_data, not both.")
            data, validation = _split(who, data, validation_split)
        loader = as_loader(who, data, self, batch_size, shuffle, rng)
        self._sample = parts(loader.sample())[0]
        if isinstance(self._optimizer, tuple):
            make_parameters(self, loader)
            self._optimizer = optimizer_for(self._optimizer[0], self, self._optimizer[1])
        return fit(
            self,
            loader,
            settings.loss,
            self._optimizer,
            epochs,
            validation=validation,
            metrics=settings.metrics,
            callbacks=callbacks,
            verbose=verbose not in (0, False),
        )

    def evaluate(
        self, X: Any, y: Any = None, *, batch_size: int = 256, verbose: Any = "auto"
    ) -> list[Any]:
        """The loss and each metric on data, in the order of `compile`, as Keras returns them.

        Nothing is shown meanwhile, whatever Keras's `verbose` says.
        """
        settings = self._compiled("evaluate")
        data: Any = X if y is None else (*_inputs(X), np.asarray(y))
        found = evaluate(self, data, settings.loss, settings.metrics, batch_size=batch_size)
        return list(found.values())

    def predict(self, X: Any, *, batch_size: int = 256, verbose: Any = "auto") -> Array:
        """The outputs for X, in eval mode and without a graph; see `nn.train.predict`.

        Nothing is shown meanwhile, whatever Keras's `verbose` says.
        """
        return predict(self, X, batch_size=batch_size)

    def summary(self, *inputs: Any) -> None:
        """Print the layers, their outputs' shapes, parameters and costs; see `nn.summary`.

        Parameters
        ----------
        *inputs : what the model is called with, or its shape; by default the first sample of the
            last `fit`, or zeros where the first layer tells its number of features.

        Raises
        ------
        RuntimeError
            No inputs, `fit` was not called, and the first layer does not tell the input's shape.
        """
        inputs = inputs or self._sample
        if not inputs and (zeros := input_of(self)) is not None:
            inputs = (zeros,)
        if not inputs:
            raise RuntimeError(
                f"{type(self).__name__}.summary: the input's shape is not known before fit; give "
                "an input, such as summary(X[:1]), or its shape, such as summary((1, 3, 32, 32))."
            )
        sys.stdout.write(f"{summary(self, *inputs)}\n")

    def _compiled(self, what: str) -> _Settings:
        if self._settings is None:
            name = type(self).__name__
            raise RuntimeError(f"{name}.{what}: call compile(optimizer, loss, metrics) first.")
        return self._settings


def _inputs(X: Any) -> tuple[Any, ...]:
    return X if isinstance(X, tuple) else (np.asarray(X),)


def _split(who: str, data: Any, share: float) -> tuple[Any, Any]:
    """The first samples and the last ones, as Keras splits."""
    if not 0 < share < 1:
        raise ValueError(f"{who}: validation_split must be between 0 and 1, got {share}.")
    if not isinstance(data, tuple):
        data = (data,) if isinstance(data, np.ndarray) else data
    if not isinstance(data, tuple):
        raise TypeError(
            f"{who}: validation_split is for arrays; a {type(data).__name__} is split by "
            "nn.data.random_split, and goes in as validation_data."
        )
    n = len(data[0])
    cut = int(n * (1 - share))
    if not 0 < cut < n:
        raise ValueError(
            f"{who}: validation_split={share} of {n} samples leaves one side without any."
        )
    return tuple(part[:cut] for part in data), tuple(part[cut:] for part in data)


for _name, _member in vars(Compiled).items():
    if not _name.startswith("__"):
        setattr(Sequential, _name, _member)
