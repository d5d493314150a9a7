"""summary: output shapes, parameters, multiply-adds and memory of a model's modules."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.engine import topological
from autograd.node import Array, tick
from autograd.op import SELECT
from autograd.printable import printable
from autograd.viz.units import amount
from nn.layers.activation import ReLU, Sigmoid, Tanh
from nn.layers.container import Sequential
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.flatten import Flatten
from nn.layers.linear import Identity, Linear
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.look.gates import values
from nn.look.running import called, looking
from nn.module import Module, Parameter, evaluating

Shape = tuple[int, ...]


class Row(NamedTuple):
    """One module, with all that is within it."""

    path: str
    kind: str
    output: tuple[Shape, ...]  # of each array that its last call returned; none if not called
    parameters: int
    trainable: int
    multiply_adds: int | None  # None where it holds an op of which nothing is known
    kept: int

    @property
    def depth(self) -> int:
        """How deep within the model; 0 is the model itself."""
        return self.path.count(".") + 1 if self.path else 0

    @property
    def label(self) -> str:
        """Its own name and its kind."""
        return f"{self.path.rpartition('.')[2]}: {self.kind}" if self.path else self.kind


class Cost(NamedTuple):
    """The cost of one node, and when it was recorded."""

    birth: int
    flops: tuple[float, float] | None  # forward, backward
    kept: int


class Summary:
    """The rows of `nn.summary`; printed, a table.

    Attributes
    ----------
    rows : list of Row, the model itself first: `path`, `kind`, `output` (shapes), `parameters`,
        `trainable`, `multiply_adds`, `kept` (bytes).
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __str__(self) -> str:
        """The table."""
        cells = [("layer", "output", "parameters", "multiply-adds", "kept")]
        cells += [
            (
                "  " * row.depth + row.label,
                ", ".join(str(shape) for shape in row.output) or "–",
                f"{row.parameters:,}",
                "unknown" if row.multiply_adds is None else f"{row.multiply_adds:,}",
                _bytes(row.kept),
            )
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for line in cells:
            left = [cell.ljust(width) for cell, width in zip(line[:2], widths, strict=False)]
            right = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
            lines.append("  ".join(left + right))
        whole = self.rows[0]
        frozen = whole.parameters - whole.trainable
        note = f"{whole.parameters:,} parameters"
        note += f", {frozen:,} of them frozen" if frozen else ""
        rule = "-" * len(lines[0])
        return printable("\n".join([lines[0], rule, *lines[1:], rule, note]))

    __repr__ = __str__


def summary(model: Module, *inputs: Any, input_size: Any = None, dtypes: Any = None) -> Summary:
    """Output shapes, parameters, multiply-adds and memory of each module of a model.

    The model runs once, in eval mode. A row counts all that happens while its module runs, calls of
    modules within it included.

    Parameters
    ----------
    model : Module.
    *inputs : arrays to call it with, of any batch size; or, in place of each, its shape as a tuple
        of integers, such as (1, 3, 32, 32).
    input_size : a shape, or a list of shapes, another way to give them.
    dtypes : the dtype of each shape's zeros; by default that of the first parameter, float32 if
        there is none.

    Returns
    -------
    Summary : prints a table of the layers' names, the shapes of their outputs, their parameters
        (one that several modules share counts in each), multiply-adds (half the floating-point
        operations, counted as in `autograd.profile`), and the memory that a training step of all
        parameters keeps for the backward pass, without inputs and parameters.

    Raises
    ------
    TypeError
        No Module, or no inputs.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> nn.summary(net, np.zeros((10, 4), np.float32))
    layer        output   parameters  multiply-adds   kept
    ------------------------------------------------------
    Sequential   (10, 2)          58            570  720 B
      0: Linear  (10, 8)          40            360  320 B
      1: ReLU    (10, 8)           0             40  320 B
      2: Linear  (10, 2)          18            170   80 B
    ------------------------------------------------------
    58 parameters
    >>> nn.summary(net, (10, 4)).rows[0].output
    ((10, 2),)
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module, not {type(model).__name__}.")
    inputs = _made(model, inputs, input_size, dtypes)
    if not inputs:
        raise TypeError(
            "summary: give what the model is called with, such as np.zeros((1, 3, 32, 32), "
            "np.float32), or its shape, (1, 3, 32, 32)."
        )
    from autograd.readers.profile import work
    from autograd.readers.profile.replay import arrays

    calls: dict[int, list[tuple[int, int]]] = defaultdict(list)  # when each module ran
    outputs: dict[int, tuple[Shape, ...]] = {}
    begun: list[int] = []

    def before(module: Module, args: Any) -> None:
        begun.append(tick())

    def after(module: Module, args: Any, y: Any) -> None:
        calls[id(module)].append((begun.pop(), tick()))
        outputs[id(module)] = tuple(part.shape for part in values(y))

    if any(module._make is not None for module in model.modules()):
        with evaluating(model):
            model(*inputs)
    with looking(model), _all_tracked(model), contextlib.ExitStack() as hooks:
        for module in model.modules():
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(after))
        roots = list(values(called(model, inputs)))
        order, leaves, _ = topological(roots)
        memory = work.Memory(list(leaves))
        costs = [
            Cost(v.birth, work.flops(v, arrays(v), [False] * len(v.inputs)), memory.kept(v))
            for v in order
            if v.op is not SELECT
        ]
    rows = []
    for path, module in model.named_modules():
        own = [cost for cost in costs if _within(cost.birth, calls[id(module)])]
        known = [cost.flops[0] for cost in own if cost.flops is not None]
        sizes = [(p.size, p.requires_grad) for p in module.parameters()]
        rows.append(
            Row(
                path,
                type(module).__name__,
                outputs.get(id(module), ()),
                sum(size for size, _ in sizes),
                sum(size for size, trainable in sizes if trainable),
                round(sum(known) / 2) if len(known) == len(own) else None,
                sum(cost.kept for cost in own),
            )
        )
    return Summary(rows)


def _made(model: Module, inputs: Any, input_size: Any, dtypes: Any) -> tuple[Any, ...]:
    """The inputs, with zeros in place of shapes."""
    if input_size is not None:
        inputs = (*inputs, *((input_size,) if _is_shape(input_size) else input_size))
    elif len(inputs) == 1 and isinstance(inputs[0], list) and all(map(_is_shape, inputs[0])):
        inputs = tuple(inputs[0])  # torchinfo's [(1, 3), (1, 4)]
    given = iter(dtypes or ())
    default = next((p.dtype for m in model.modules() for _, p in m._own(Parameter)), np.float32)
    return tuple(np.zeros(x, next(given, default)) if _is_shape(x) else x for x in inputs)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x) and bool(x)


def input_of(model: Module) -> Array | None:
    """One sample of zeros, where the first layer with parameters tells its shape."""
    for module in model.modules():
        own = vars(module)
        if isinstance(module, Embedding):
            return np.zeros((1, 1), np.int64)
        if isinstance(module, Linear) and "in_features" in own:
            return np.zeros((1, module.in_features), module.weight.dtype)
        if isinstance(module, (RNN, LSTM, GRU)) and "input_size" in own:
            return np.zeros((1, 1, module.input_size), module.all_weights[0][0].dtype)
        if not isinstance(module, (Sequential, Flatten, Dropout, Identity, ReLU, Tanh, Sigmoid)):
            return None  # it may change the shape
    return None


@contextlib.contextmanager
def _all_tracked(model: Module) -> Iterator[None]:
    """Within, frozen parameters are recorded, too."""
    frozen = [p for p in model.parameters() if not p.requires_grad]
    try:
        for p in frozen:
            p.requires_grad = True
        yield
    finally:
        for p in frozen:
            p.requires_grad = False


def _within(birth: int, spans: list[tuple[int, int]]) -> bool:
    return any(begin <= birth < end for begin, end in spans)


def _bytes(n: int) -> str:
    """Bytes, with three digits."""
    return f"{amount(n)}B" if n >= 1000 else f"{n} B"
