"""Keras's compile, fit, evaluate, predict and save, as methods of every `Module`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from autograd.random import Rng
from nn.arguments import chosen, flags, reals
from nn.files import load, save
from nn.look.summary import input_of, summary
from nn.losses.by_name import LOSSES, loss_for
from nn.metrics.metric import Metric
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.train.batches import as_array, as_loader, make_parameters, parts
from nn.train.choices import OPTIMIZERS, metrics_for, optimizer_for
from nn.train.destination import destination
from nn.train.evaluate import evaluate, predict
from nn.train.fit import fit
from nn.train.history import History


class _Plan:
    """What `compile` was given, and what belongs to the runs since."""

    def __init__(
        self, optimizer: Any, lr: float | None, loss: Any, metrics: list[Any], jit: bool
    ) -> None:
        self.optimizer, self.lr, self.loss, self.metrics = optimizer, lr, loss, metrics
        self.jit = jit
        self.made: Any = None  # the optimizer, from the first fit on
        self.sample: tuple[Any, ...] = ()  # what the model was called with, for `summary`

    def add_parameters(self, model: Module) -> None:
        """Train parameters that are new or no longer frozen, too."""
        known = {id(p) for group in self.made.param_groups for p in group["params"]}
        more = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
        if more:
            self.made.add_param_group({"params": more})


class Compiled(Module):
    """The methods that every Module has for training; see the end of this file.

    `compile` says how, `fit` trains on, `evaluate` measures and `predict` computes. Each is a few
    lines over the function of `nn.train` of that name.
    """

    _plan: _Plan | None = None

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Iterable[Any] | None = (),
        *,
        lr: float | None = None,
        jit: bool = False,
    ) -> None:
        """Say how to train: optimizer, loss and metrics as in `nn.train.fit`.

        With `jit`, Keras's `jit_compile`, `fit` runs its steps as compiled functions. Names are
        checked now; an optimizer given by name is made when `fit` is first called, and used by
        later calls.
        """
        if loss is None:
            raise ValueError(
                f"{type(self).__name__}.compile: loss is needed; choose from "
                f"{', '.join(sorted(LOSSES))}, or pass one of your own."
            )
        flags(f"{type(self).__name__}.compile", jit=jit)
        given = metrics if isinstance(metrics, str) else list(metrics or ())
        metrics_for(given)
        loss_for(loss)
        if isinstance(optimizer, str):
            chosen("optimizer", optimizer, OPTIMIZERS)
        self._plan = _Plan(optimizer, lr, loss, list(given), jit)

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int | None = 32,
        validation_split: float | None = None,
        validation_data: Any = None,
        callbacks: Any = (),
        shuffle: bool = True,
        verbose: Any = "auto",
        rng: Rng = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_freq: int = 1,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
    ) -> History:
        """Train on, as `nn.train.fit` does.

        Parameters
        ----------
        X, y : inputs and targets, several inputs as a tuple; or a DataLoader, a Dataset or a
            generator of batches as X alone.
        validation_split : share of the samples, the last ones, that is held out, 0 to 1.
        validation_data : (X, y), (X, y, sample_weight) or a loader to measure on after each epoch,
            instead.
        verbose : 0 or False shows nothing.
        epochs, batch_size, callbacks, shuffle, rng, sample_weight, class_weight, initial_epoch,
        steps_per_epoch, validation_freq, checkpoint, checkpoint_every
            As in `nn.train.fit`.

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
        plan = self._compiled("fit")
        inputs = (X,) if y is None else _inputs(X, y)
        data: Any = X if y is None else (*inputs, y)
        validation, weights = _held_out(validation_data, 0 if y is None else len(inputs))
        if validation_split:
            if validation is not None:
                raise ValueError(f"{who}: give validation_split or validation_data, not both.")
            if sample_weight is None:
                data, validation = _split(who, self, data, validation_split)
            else:
                first, last = _split(who, self, (*data, sample_weight), validation_split)
                (*data, sample_weight), (*validation, weights) = first, last
                data, validation = tuple(data), tuple(validation)
        size = 32 if batch_size is None else batch_size
        loader: Any = as_loader(who, data, self, size, shuffle, rng)
        plan.sample = parts(loader.sample())[0]
        if plan.made is None:
            make_parameters(self, loader)
            plan.made = optimizer_for(plan.optimizer, self, plan.lr)
        elif not isinstance(plan.optimizer, Optimizer):
            plan.add_parameters(self)
        return fit(
            self,
            data if sample_weight is not None else loader,
            plan.loss,
            plan.made,
            epochs,
            validation=validation,
            metrics=plan.metrics,
            callbacks=callbacks,
            batch_size=size,
            shuffle=shuffle,
            rng=rng,
            sample_weight=sample_weight,
            class_weight=class_weight,
            validation_weight=weights,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_freq=validation_freq,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            compile=plan.jit,
            verbose=verbose not in (0, False),
        )

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        batch_size: int | None = 256,
        verbose: Any = "auto",
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> list[Any] | dict[str, Any]:
        """The loss and each metric on data, in the order of `compile`, as Keras returns them.

        A list, or a dict by their names with `return_dict`. Nothing is shown meanwhile, whatever
        Keras's `verbose` says.
        """
        plan = self._compiled("evaluate")
        data: Any = X if y is None else (*_inputs(X, y), y)
        found = evaluate(
            self,
            data,
            plan.loss,
            [m.fresh() if isinstance(m, Metric) else m for m in plan.metrics],  # fit's go on
            batch_size=256 if batch_size is None else batch_size,
            sample_weight=sample_weight,
        )
        return found if return_dict else list(found.values())

    def predict(self, X: Any, *, batch_size: int | None = 256, verbose: Any = "auto") -> Any:
        """The outputs for X, in eval mode and without a graph; see `nn.train.predict`.

        Nothing is shown meanwhile, whatever Keras's `verbose` says.
        """
        return predict(self, X, batch_size=256 if batch_size is None else batch_size)

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
        sample = inputs or (self._plan.sample if self._plan is not None else ())
        if not sample and (zeros := input_of(self)) is not None:
            sample = (zeros,)
        if not sample:
            raise RuntimeError(
                f"{type(self).__name__}.summary: the input's shape is not known before fit; give "
                "an input, such as summary(X[:1]), or its shape, such as summary((1, 3, 32, 32))."
            )
        if sys.stdout is not None:
            sys.stdout.write(f"{summary(self, *sample)}\n")

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write parameters and buffers as a safetensors file, as `nn.save` does.

        The class of the model, its optimizer and what `compile` was given are not in it: make the
        model by its code, then `load_weights`. `fit` resumes a run from its `checkpoint`.

        Parameters
        ----------
        path : the file, such as "model.safetensors". Its folder is made.

        Raises
        ------
        ValueError
            The name of another format, such as Keras's.
        """
        save(self, _weights_file(f"{type(self).__name__}.save_weights", path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """The same as `save_weights`: parameters and buffers, no code and no optimizer."""
        save(self, _weights_file(f"{type(self).__name__}.save", path))

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Read parameters and buffers from a file that `save_weights` or `nn.save` wrote.

        Raises
        ------
        ValueError
            A file that can't be read, or other names or shapes. Nothing has changed then.
        """
        self.load_state_dict(load(path))

    def _compiled(self, what: str) -> _Plan:
        if self._plan is None:
            name = type(self).__name__
            raise RuntimeError(f"{name}.{what}: call compile(optimizer, loss, metrics) first.")
        return self._plan


def _inputs(X: Any, y: Any) -> tuple[Any, ...]:
    """The inputs as a tuple; Keras's list of one array for each input is one, too."""
    if (
        isinstance(X, list)
        and len(X) not in (0, len(y))
        and all(hasattr(x, "__array__") and np.shape(x)[:1] == (len(y),) for x in X)
    ):
        return tuple(X)
    return X if isinstance(X, tuple) else (X,)


def _held_out(given: Any, inputs: int) -> tuple[Any, Any]:
    """Keras's validation_data, (X, y) or (X, y, sample_weight), as data and weights."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        return given, None
    X, y, *weights = given
    if isinstance(X, (tuple, list)) and not (isinstance(given, list) and isinstance(X, tuple)):
        return (*_inputs(X, y), y), (weights[0] if weights else None)
    if weights and inputs == 1:  # not two inputs and the target
        return (X, y), weights[0]
    return given, None


def _split(who: str, model: Module, data: Any, share: float) -> tuple[Any, Any]:
    """The first samples and the last ones, as Keras splits."""
    reals(who, validation_split=share)
    if not 0 < share < 1:
        raise ValueError(f"{who}: validation_split must be between 0 and 1, got {share}.")
    if not isinstance(data, tuple):
        data = (data,) if hasattr(data, "__array__") else data
    if not isinstance(data, tuple):
        raise TypeError(
            f"{who}: validation_split is for arrays; a {type(data).__name__} is split by "
            "nn.data.random_split, and goes in as validation_data."
        )
    data = tuple(as_array(who, i, part, model) for i, part in enumerate(data))
    n = len(data[0])
    cut = int(n * (1 - share))
    if not 0 < cut < n:
        raise ValueError(
            f"{who}: validation_split={share} of {n} samples leaves one side without any."
        )
    return tuple(part[:cut] for part in data), tuple(part[cut:] for part in data)


def _weights_file(who: str, path: str | os.PathLike[str]) -> Path:
    file = destination(who, path)
    if file.suffix in (".h5", ".hdf5", ".keras", ".pt", ".pth", ".pkl", ".npz"):
        raise ValueError(
            f"{who}: the file is safetensors, parameters and buffers; {file.name!r} names another "
            f"format. Call it {file.name.split('.')[0]}.safetensors."
        )
    return file


for _name, _member in vars(Compiled).items():
    if not _name.startswith("__"):
        setattr(Module, _name, _member)
