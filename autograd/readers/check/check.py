"""check: a model, its data, loss and optimizer, looked at before a training run."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from autograd.printable import printable
from autograd.readers.check import data as of_data
from autograd.readers.check import learning as of_learning
from autograd.readers.check import mixing, structure
from autograd.readers.check.case import Case, Copies, undisturbed
from autograd.readers.check.report import Diagnosis
from autograd.readers.check.samples import Samples, read
from autograd.readers.lint import lint as of_graphs
from autograd.readers.lint.finding import Finding
from autograd.readers.lint.report import Seen
from autograd.readers.lint.training import coverage
from autograd.recording import enable_grad

COUNT = len(of_graphs.CHECKS) + len(structure.CHECKS) + len(mixing.CHECKS) + 10
"""Those of graphs, six of data, three of learning, and coverage."""


def check(
    model: Any,
    data: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Any = None,
    *,
    validation: Any = None,
    steps: int = 150,
) -> Diagnosis:
    """Look for what keeps a network from learning, before it is trained.

    Everything runs on copies: the model, the optimizer, its state, the data, and the default random
    generators are afterwards as they were.

    - The graph of one batch goes through `lint`'s checks, and through more: affine maps in a row,
      results used without their graph, step functions, a negated loss.
    - By vjp, exactly: each output depends on its own sample only; where the targets are the inputs
      one step later, on no later step.
    - The data: numbers that are not finite, scales, labels in order, duplicates, a column that
      tells the target, training against validation.
    - Training: the loss at the start against the best constant prediction, a few samples learnt by
      heart against what free outputs reach, and the same with the optimizer's settings.

    Parameters
    ----------
    model : Module
        Called as ``model(*inputs)``.
    data : arrays (x, y) with samples along axis 0, or an iterable of batches (x, y)
        The last part is the target; a single array is its own. Up to 4096 samples are read.
    loss : callable
        ``loss(outputs, target)`` returns one number, the smaller the better.
    optimizer : Optimizer or sequence of them, optional
        What trains the model.
    validation : like `data`, optional
        Held-out data, to compare with.
    steps : int
        Updates in each short training; a network that learns a few samples sooner stops sooner.

    Returns
    -------
    Diagnosis : a list of findings, each with what it saw, why it matters, what to do and its node;
        `measured`, `html()` and `save(path)`, a page with the graph, in which each finding that
        has a node leads to it.

    Raises
    ------
    TypeError
        `model` is no module, `data` an iterator, or the loss no single number.
    ValueError
        Data without samples.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 4)).astype(np.float32)
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> layers = [nn.Linear(4, 16, rng=0), nn.ReLU(), nn.Linear(16, 2, rng=1), nn.Softmax(1)]
    >>> model = nn.Sequential(*layers)
    >>> optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    >>> found = autograd.check(model, (x, y), nn.functional.cross_entropy, optimizer)
    >>> [finding.check for finding in found]
    ['softmax before cross_entropy']
    >>> print(found[0].fix)
    pass the logits to the loss; apply softmax only for predictions
    """
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"check: model must be a Module, not {type(model).__name__}.")
    if not callable(loss):
        raise TypeError(
            f"check: loss must be a function of outputs and targets, not {type(loss).__name__}."
        )
    if steps < 10:
        raise ValueError(f"check: steps must be at least 10 to see a change, got {steps}.")
    optimizers = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    optimizers = [o for o in optimizers if o is not None]
    with undisturbed(), enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dtype = next((p.dtype for p in model.parameters()), None)
        samples = read("data", data, dtype)
        held_out = None if validation is None else read("validation", validation, dtype)
        measured: dict[str, str] = {}
        found = list(coverage(model, optimizers, head_only=True)) if optimizers else []
        found += of_data.not_finite(samples)
        case = Case(Copies(*copy.deepcopy((model, loss, optimizers))), samples)
        seen = Seen(case)
        try:
            for finding in _findings(case, held_out, steps, measured):
                found.append(finding)
        except RuntimeError as error:
            if "after this op used it" not in str(error) and "released" not in str(error):
                raise
            found.append(_kept_graph(error))
    diagnosis = Diagnosis(found, COUNT, type(model).__name__, seen)
    diagnosis.measured = measured
    return diagnosis


def _findings(
    case: Case, validation: Samples | None, steps: int, measured: dict[str, str]
) -> Iterator[Finding]:
    samples = case.samples
    if not case.root.requires_grad:
        yield _disconnected(case)
        return
    yield from of_graphs.graph_findings(case)
    for look in (*structure.CHECKS, *mixing.CHECKS):
        yield from look(case)
    yield from of_data.label_order(samples)
    yield from of_data.scales(case, samples)
    yield from of_data.duplicates(samples)
    yield from of_data.tells_alone(samples)
    yield from of_data.against_validation(samples, validation)
    yield from of_learning.loss_at_the_start(case, measured)
    learning = of_learning.Learning(case, steps)
    yield from of_learning.overfits(case, learning, measured)
    yield from of_learning.learning_rate(case, learning, measured)


def _kept_graph(error: RuntimeError) -> Finding:
    return Finding(
        "a graph is kept from step to step",
        "the model or the loss",
        printable(f"the second step failed: {error}"),
        "the model keeps a Value of the step before, such as a hidden state, so each step is "
        "differentiated through all earlier ones",
        "keep numbers, not Values: self.h = h.data; a state for a new batch begins at 0",
    )


def _disconnected(case: Case) -> Finding:
    trainable = of_learning.trainable(case.model)
    if not trainable:
        saw, fix = "no parameter requires a gradient", "requires_grad = True where it is to learn"
    else:
        saw = "the loss requires no gradient, though parameters do"
        fix = "compute it of the Values themselves, without .data, no_grad() or a NumPy round trip"
    return Finding("nothing to learn", "the loss", saw, "backward() has nowhere to go", fix)
