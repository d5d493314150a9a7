"""fit: the training loop."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.random import Rng
from nn.arguments import count
from nn.data.loader import DataLoader
from nn.losses.by_name import loss_for
from nn.module import Module
from nn.train.batches import as_loader, detached, make_parameters, parts
from nn.train.callback import Hooks
from nn.train.choices import metrics_for, optimizer_for
from nn.train.evaluate import measured
from nn.train.history import History
from nn.train.interrupt import Interrupt
from nn.train.nonfinite import blame
from nn.train.progress import progress_for
from nn.train.resume import Resume
from nn.train.state import State


def fit(
    model: Module,
    data: Any,
    loss: Any,
    optimizer: Any = "adam",
    epochs: int = 1,
    *,
    validation: Any = None,
    metrics: Iterable[Any] = (),
    callbacks: Iterable[Any] = (),
    batch_size: int = 32,
    shuffle: bool = True,
    lr: float | None = None,
    accumulate: int = 1,
    carry: bool = False,
    rng: Rng = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    verbose: bool | None = None,
) -> History:
    """Train a model.

    Parameters
    ----------
    model : Module.
    data : arrays ``(X, y)``, or several inputs and the target last; one array that is its own
        target; a DataLoader or a Dataset of such tuples. Float arrays are converted to the dtype of
        the model's parameters.
    loss : a name, a loss module, or a function of outputs and target that returns their mean loss.
        Names: "mse", "mae", "huber", "smooth_l1", "binary_cross_entropy" (of probabilities),
        "binary_cross_entropy_with_logits", "cross_entropy" (of logits), "nll", and Keras's
        "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy" (of
        probabilities).
    optimizer : a name of `nn.optim` in small letters, an Optimizer, or a function of the
        parameters that makes one.
    epochs : passes over the data, in all.
    validation : data to measure the model on after each epoch.
    metrics : names ("accuracy", "f1", "r2" …), `nn.metrics.Metric`s, or functions of outputs and
        target. They are added up during the epoch, while the model changes.
    callbacks : `Callback`s, or functions that are called with the `State` after each epoch.
    batch_size, shuffle, rng : of the loader, where data is not one.
    lr : learning rate of an optimizer that is given by its name.
    accumulate : batches whose gradients are added up for one update. Losses that are means come
        out as those of one large batch.
    carry : the model is called as ``model(*inputs, state)`` and returns ``(outputs, state)``; the
        state, cut off from its graph, goes to the next batch: truncated backpropagation through
        time. None starts each epoch. `nn.data.windows` cuts a long sequence for it.
    checkpoint : file to which everything is saved after each epoch, safetensors. If it is there
        already, the run resumes from it, bit for bit.
    checkpoint_every : updates of the optimizer after which it is saved, too.
    verbose : True or None shows progress, False doesn't.

    Returns
    -------
    History : loss and metrics of every epoch.

    Raises
    ------
    ValueError, TypeError
        Data, names or numbers that don't fit.
    FloatingPointError
        The loss was NaN or infinite; names the first op that produced it.

    Ctrl-C ends training after the step; a second one ends it at once.

    Examples
    --------
    >>> import nn, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)
    >>> net = nn.Sequential(nn.Linear(2, 32, rng=0), nn.Tanh(), nn.Linear(32, 2, rng=1))
    >>> history = nn.train.fit(
    ...     net, (X, y), "cross_entropy", lr=0.03, epochs=30, metrics=["accuracy"], rng=0,
    ...     verbose=False,
    ... )
    >>> history["accuracy"][-1] > 0.95
    True
    """
    epochs = count("fit", "epochs", epochs, 1)
    accumulate = count("fit", "accumulate", accumulate, 1)
    criterion = loss_for(loss)
    loader = as_loader("fit", data, model, batch_size, shuffle, rng)
    held_out = None
    if validation is not None:
        held_out = as_loader("fit, validation", validation, model, max(batch_size, 256))
    make_parameters(model, loader)
    optimizer = optimizer_for(optimizer, model, lr)
    own = metrics_for(metrics, criterion)
    state = State(model, optimizer, criterion, loader, epochs, own, History())
    state.has_validation = held_out is not None
    resume = [] if checkpoint is None else [Resume(checkpoint, checkpoint_every)]
    hooks = Hooks([*callbacks, *progress_for(verbose), *resume])
    state.callbacks = hooks.given
    for callback in hooks.callbacks:
        callback.prepare(state)
    for saved in resume:
        saved.load(state)
    optimizer.zero_grad()
    with Interrupt() as interrupt:
        try:
            for hook in hooks.train_begin:
                hook(state)
            while state.done < epochs and not state.stop:
                _train_epoch(state, hooks, interrupt, accumulate, carry)
                if state.interrupted:
                    break
                _end_epoch(state, hooks, held_out, carry)
        finally:
            for hook in hooks.train_end:
                hook(state)
    return state.history


def _train_epoch(
    state: State, hooks: Hooks, interrupt: Interrupt, accumulate: int, carry: bool
) -> None:
    """Train on the batches of an epoch that are not done yet, unless the run is stopped."""
    state.epoch = state.done + 1
    state.model.train()
    if not state.resumed:
        state.samples, state.total, state.carried = 0, 0.0, None
        for metric in state.metrics:
            metric.reset()
    for hook in hooks.epoch_begin:
        hook(state)
    first, state.resumed = state.resumed, 0
    batches = len(state.loader)
    pending = 0  # samples whose gradients wait for an update
    for i, batch in enumerate(state.loader, first + 1):
        outputs, target, number = _forward(state, batch, i, carry)
        for hook in hooks.loss:
            hook(state)
        n = len(target)
        if accumulate == 1:
            state.loss.backward()
        else:
            state.loss.backward(np.asarray(n, state.loss.dtype))
            pending += n
        if i % accumulate == 0 or i == batches:
            if accumulate > 1:
                _divide_gradients(state.optimizer, pending)
                pending = 0
            for hook in hooks.gradients:
                hook(state)
            state.optimizer.step()
            state.optimizer.zero_grad()
            state.step += 1
        state.total += number * n
        state.samples += n
        state.position = i
        for metric in state.metrics:
            metric.update(outputs.data, target)
        for hook in hooks.step_end:
            hook(state)
        if interrupt.asked:
            state.stop = state.interrupted = state.history.interrupted = True
        if state.stop:
            break


def _forward(state: State, batch: Any, i: int, carry: bool) -> tuple[Any, Any, float]:
    """The outputs for a batch, its target and its loss; an error where that is not finite."""
    inputs, target = parts(batch)
    if carry:
        outputs, carried = state.model(*inputs, state.carried)
        state.carried = detached(carried)
    else:
        outputs = state.model(*inputs)
    loss = state.criterion(outputs, target)
    number = _number(loss)
    state.batch, state.outputs, state.loss = batch, outputs, loss
    if not math.isfinite(number):
        try:
            blame(loss, state.model)
        except FloatingPointError as error:
            error.add_note(f"fit: the loss is {number} in epoch {state.epoch}, batch {i}.")
            raise
    return outputs, target, number


def _end_epoch(state: State, hooks: Hooks, held_out: DataLoader | None, carry: bool) -> None:
    """Validate, and note down what the epoch came to."""
    state.logs = state.running()
    if held_out is not None:
        fresh = [metric.fresh() for metric in state.metrics]
        found = measured(state.model, held_out, state.criterion, fresh, carry)
        state.logs.update({f"val_{name}": x for name, x in found.items()})
    state.history.append(state.logs)
    state.done += 1
    state.position = 0
    for hook in hooks.epoch_end:
        hook(state)


def _number(loss: Any) -> float:
    """The loss as a float."""
    if getattr(loss, "shape", None) != () or getattr(loss, "op", None) is None:
        raise ValueError(
            f"fit: the loss must return one recorded number, a Value of shape (), not {loss!r}. "
            "Does the model have parameters, and does the loss reduce to their mean?"
        )
    return float(loss.item())


def _divide_gradients(optimizer: Any, n: int) -> None:
    """Make sums over samples into means."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.grad /= n
