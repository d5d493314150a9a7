"""fit: the training loop."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

from autograd.random import Rng
from nn.arguments import count, flags
from nn.losses.by_name import loss_for
from nn.metrics.metric import samples_in
from nn.module import Module, checked
from nn.train.batches import (
    Batches,
    Loader,
    Steps,
    as_loader,
    detached,
    make_parameters,
    number_of,
)
from nn.train.callback import Hooks, listed
from nn.train.choices import metrics_for, optimizer_for
from nn.train.evaluate import measured
from nn.train.history import History
from nn.train.interrupt import Interrupt
from nn.train.objective import Objective
from nn.train.progress import progress_for
from nn.train.replay import Replay
from nn.train.resume import Resume
from nn.train.state import State
from nn.train.step import replayed, stepped


def fit(
    model: Module,
    data: Any,
    loss: Any,
    optimizer: Any = "adam",
    epochs: int = 1,
    *,
    validation: Any = None,
    metrics: Iterable[Any] | None = (),
    callbacks: Any = (),
    batch_size: int = 32,
    shuffle: bool = True,
    lr: float | None = None,
    accumulate: int = 1,
    carry: bool = False,
    rng: Rng = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    validation_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_freq: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    compile: bool = False,
    verbose: bool | None = None,
) -> History:
    """Train a model.

    Parameters
    ----------
    model : Module.
    data : arrays ``(X, y)``, or several inputs and the target last; one array that is its own
        target; a DataLoader, a Dataset or an IterableDataset of such tuples; PyTorch's DataLoader;
        or a generator of batches, with `steps_per_epoch`. Float arrays are converted to the dtype
        of the model's parameters.
    loss : a name, a loss module, or a function of outputs and target that returns their mean loss.
        Batches count by what that mean is over: elements, or class indices that are not ignored,
        times their weights; for means of other forms, samples; for several means that are added
        up, the mean of what they are over. A batch in which nothing counts is
        passed over. The loss of a module with reduction="sum" is shown for each sample.
        Names: "mse", "mae", "huber", "smooth_l1", "binary_cross_entropy" (of probabilities),
        "binary_cross_entropy_with_logits", "cross_entropy" (of logits), "nll", and Keras's
        "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy" (of
        probabilities).
    optimizer : a name of `nn.optim` in small letters, an Optimizer, or a function of the
        parameters that makes one.
    epochs : passes over the data, in all.
    validation : data to measure the model on after each epoch.
    metrics : names ("accuracy", "f1", "r2", "top_3_accuracy" …), `nn.metrics.Metric`s, or functions
        of outputs and target. They are added up during the epoch, while the model changes. Those
        of classes take a single score as a logit if the loss does.
    callbacks : `Callback`s, or functions that are called with the `State` after each epoch.
    batch_size, shuffle, rng : of the loader, where data is not one.
    lr : learning rate of an optimizer that is given by its name.
    accumulate : batches whose gradients are added up for one update. Losses that are means come
        out as those of one large batch.
    carry : the model is called as ``model(*inputs, state)`` and returns ``(outputs, state)``; the
        state, cut off from its graph, goes to the next batch: truncated backpropagation through
        time. None starts each epoch. `nn.data.windows` cuts a long sequence for it.
    sample_weight : (N,), one weight for each sample of arrays: the loss is Σ w ℓ over the number
        of samples, as Keras has it. Metrics do not look at it.
    class_weight : dict of class index to weight, 1 where there is none; a sample has that of its
        target, times its own. The validation does not look at it.
    validation_weight : weights of the samples of `validation`.
    initial_epoch : epochs that count as done, so that ``epochs - initial_epoch`` follow.
    steps_per_epoch : batches of an epoch; the next one goes on in the data where it ended.
    validation_freq : epochs from one validation to the next.
    checkpoint : file to which everything is saved after each epoch, safetensors. If it is there
        already, the run resumes from it, bit for bit. Its folder is made.
    checkpoint_every : updates of the optimizer after which it is saved, too.
    compile : run forward, loss and backward as one compiled function (`autograd.compile`), from the
        second batch of a shape on. It pays for small steps; the first compilation takes seconds. A
        loss whose mean is over a number that is not known beforehand, weights of samples or classes
        and callbacks that look at the graph are refused.
    verbose : True or None shows progress, False doesn't.

    Returns
    -------
    History : loss and metrics of every epoch.

    Raises
    ------
    ValueError, TypeError
        Data, names or numbers that don't fit; a model or loss that can't be compiled.
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
    checked("fit", model)
    flags("fit", shuffle=shuffle, carry=carry, compile=compile)
    epochs = count("fit", "epochs", epochs, 1)
    accumulate = count("fit", "accumulate", accumulate, 1)
    if checkpoint is None and checkpoint_every is not None:
        raise ValueError("fit: checkpoint_every is of a checkpoint; give its path as checkpoint.")
    begin = count("fit", "initial_epoch", initial_epoch)
    every = count("fit", "validation_freq", validation_freq, 1)
    criterion = loss_for(loss)
    all_batches = as_loader("fit", data, model, batch_size, shuffle, rng, sample_weight)
    loader: Loader = all_batches
    if steps_per_epoch is not None:
        loader = Steps("fit", all_batches, steps_per_epoch)
    if carry and getattr(all_batches, "shuffle", False):
        raise ValueError(
            "fit: carry hands the state of a batch to the one that follows it, so the batches must "
            "keep their order; give shuffle=False, or nn.data.windows."
        )
    held_out = None
    if validation is not None:
        held_out = as_loader(
            "fit, validation", validation, model, max(batch_size, 256), weights=validation_weight
        )
    _refuse_once(loader, held_out, epochs - begin, every, checkpoint is not None)
    make_parameters(model, loader, carry, sample_weight is not None)
    optimizer = optimizer_for(optimizer, model, lr)
    own = metrics_for(metrics)
    objective = Objective(criterion, own, carry, sample_weight is not None, class_weight)
    state = State(model, optimizer, criterion, loader, epochs, own, History())
    state.has_validation = held_out is not None
    state.epoch = state.done = begin
    state.accumulate = accumulate
    resume = [] if checkpoint is None else [Resume(checkpoint, checkpoint_every)]
    hooks = Hooks([*listed(callbacks), *progress_for(verbose), *resume])
    state.callbacks, state.more_names = hooks.given, hooks.add_names
    replay = _replay(model, objective, hooks) if compile else None
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
                trained = _train_epoch(state, hooks, objective, interrupt, replay)
                if state.interrupted or not trained:
                    break
                validate = held_out if (state.done + 1) % every == 0 else None
                _end_epoch(state, hooks, objective, validate, validation_weight is not None)
                _heed(state, interrupt)
        finally:
            for hook in hooks.train_end:
                hook(state)
            _heed(state, interrupt)
    return state.history


def _refuse_once(loader: Loader, held_out: Any, epochs: int, every: int, saved: bool) -> None:
    """Refuse what can be read only once where it is needed again, or can't be resumed."""
    if isinstance(loader, Batches) and epochs > 1:
        raise ValueError(
            f"fit: a {type(loader.source).__name__} can be read once, not for {epochs} epochs; "
            "give steps_per_epoch, or an object whose __iter__ begins anew."
        )
    if isinstance(held_out, Batches) and epochs > every:
        raise ValueError(
            f"fit: the validation is a {type(held_out.source).__name__}, which can be read once, "
            "not after each epoch; give an object whose __iter__ begins anew."
        )
    inner = loader.loader if isinstance(loader, Steps) else loader
    if saved and isinstance(inner, Batches):
        raise TypeError(
            f"fit: a run on a {type(inner.source).__name__} can't be resumed, which checkpoint is "
            "for; give arrays or an nn.data.DataLoader, or a ModelCheckpoint as callback."
        )


def _heed(state: State, interrupt: Interrupt) -> None:
    """Stop if Ctrl-C was pressed."""
    if interrupt.asked:
        state.stop = state.interrupted = state.history.interrupted = True


def _replay(model: Module, objective: Objective, hooks: Hooks) -> Replay:
    """The compiled steps of the run."""
    if hooks.loss:
        names = ", ".join(type(getattr(hook, "__self__", hook)).__name__ for hook in hooks.loss)
        raise ValueError(
            f"fit: with compile=True there is no graph for {names} to look at in on_loss; leave "
            "one of them out."
        )
    return Replay(model, objective)


def _train_epoch(
    state: State, hooks: Hooks, objective: Objective, interrupt: Interrupt, replay: Replay | None
) -> bool:
    """Train on the batches of an epoch that are not done yet, unless the run is stopped.

    Returns whether there was any.
    """
    state.epoch = state.done + 1
    state.model.train()
    if not state.resumed:
        state.samples, state.total, state.counted, state.carried = 0, 0.0, 0.0, None
        for metric in state.metrics:
            metric.reset()
    for hook in hooks.epoch_begin:
        hook(state)
    first, state.resumed = state.resumed, 0
    batches, i = number_of(state.loader), first
    state.pending = 0.0
    for i, batch in enumerate(state.loader, first + 1):
        found = replayed(state, objective, batch, i, replay) if replay else None
        if found is None:
            found = stepped(state, hooks, objective, batch, i, replay)
        if state.pending and (i % state.accumulate == 0 or i == batches):
            _update(state, hooks, objective)
        state.total += found.total
        state.counted += found.counted
        state.samples += samples_in(found.target)
        state.position = i
        for metric in state.metrics:
            metric.update(detached(found.outputs), found.target)
        _heed(state, interrupt)
        for hook in hooks.step_end:
            hook(state)
        if state.stop:
            break
    if state.pending and state.stop:  # an update that is not finished is dropped
        state.optimizer.zero_grad()
    elif state.pending:  # where the number of batches was not known
        _update(state, hooks, objective)
    if not state.stop and i < (state.loader.steps if isinstance(state.loader, Steps) else 1):
        if not i and not len(state.history):
            raise ValueError("fit: the data has no batch.")
        warnings.warn(f"fit: the data ran out in epoch {state.epoch}; training ends.", stacklevel=3)
        state.stop = True
    return i > 0


def _update(state: State, hooks: Hooks, objective: Objective) -> None:
    """Update the parameters with the gradients added up so far."""
    if state.accumulate > 1 and not objective.is_sum:
        _divide_gradients(state.optimizer, state.pending)
    state.pending = 0.0
    for hook in hooks.gradients:
        hook(state)
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.step += 1


def _end_epoch(
    state: State, hooks: Hooks, objective: Objective, held_out: Loader | None, weighted: bool
) -> None:
    """Validate, and note down what the epoch came to."""
    if not state.counted:
        raise ValueError(
            "fit: no target of the data counts: all are ignored, or have the weight 0."
        )
    state.logs = state.running()
    if held_out is not None:
        fresh = [metric.fresh() for metric in state.metrics]
        of_held_out = Objective(objective.criterion, fresh, objective.carry, weighted)
        found = measured(state.model, held_out, of_held_out)
        state.logs.update({f"val_{name}": x for name, x in found.items()})
    state.done += 1
    state.history.append(state.logs, state.done)
    state.position = 0
    for hook in hooks.epoch_end:
        hook(state)


def _divide_gradients(optimizer: Any, n: float) -> None:
    """Make sums over what counts into means."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.grad /= n
