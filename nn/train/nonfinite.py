"""Which op made the loss NaN or infinite."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from autograd.node import Node
from nn.module import Module


def blame(loss: Any, model: Module) -> NoReturn:
    """Raise the error that names where a NaN or infinite loss comes from.

    Raises
    ------
    FloatingPointError
        Names the parameter that was not finite already, or (an `AnomalyError`, with a drawing)
        the op that made it, or was given it by the data.
    """
    node = origin(loss)
    if node.op is None:
        names = {id(p): name for name, p in model.named_parameters()}
        who = names.get(id(node), node.name or f"of shape {node._data.shape}")
        raise FloatingPointError(
            f"The parameter {who} is not finite: the update before made it so. Try a smaller "
            "learning rate, or clip the gradients."
        )
    from autograd.readers.detect_anomaly import check_forward

    check_forward(node)
    raise FloatingPointError(f"{node.op.name} was given infinities and passed them on.")


def origin(node: Node) -> Node:
    """Back from a node that is not finite to one that is so first, by way of NaN if there is any.

    None of the nodes that it was made from is NaN or infinite.
    """
    while True:
        inputs = [x for x in node.inputs if isinstance(x, Node)]
        before = [x for x in inputs if _any(np.isnan, x)] or [
            x for x in inputs if _any(np.isinf, x)
        ]
        if not before:
            return node
        node = before[0]


def _any(test: Any, node: Node) -> bool:
    data = node._data if isinstance(node._data, tuple) else (node._data,)
    return any(bool(test(a).any()) for a in map(np.asarray, data) if a.dtype.kind == "f")
