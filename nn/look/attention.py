"""attention_maps: the attention weights of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Node
from autograd.viz.labels import call_labels
from autograd.viz.trace import Trace
from nn.layers.attention import MultiheadAttention
from nn.look.gates import values
from nn.look.running import Array, called, looking
from nn.module import Module


def attention_maps(model: Module, x: Any) -> dict[str, Array]:
    r"""The weights of every attention layer of a model, for one input, in eval mode.

    .. math:: \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt E} + M\right)

    The fused kernel never stores them: they are read from its reference, as which the kernel is
    expanded in the recorded graph.

    Parameters
    ----------
    model : Module that uses `scaled_dot_product_attention`, itself or through its layers.
    x : the model's input; a tuple of several.

    Returns
    -------
    dict, path of the module -> array, (..., L, S); for nn's layers (N, heads, L, S). Each row
        sums to 1, or is 0 where a query may attend to nothing. In the order of the model.

    Raises
    ------
    ValueError
        The recorded graph has no attention.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> class Look(nn.Module):
    ...     def __init__(self):
    ...         self.query = nn.Linear(4, 4, rng=0)
    ...     def forward(self, x):
    ...         q = self.query(x)
    ...         return nn.functional.scaled_dot_product_attention(q, x, x, is_causal=True)
    >>> maps = nn.look.attention_maps(Look(), np.ones((1, 3, 4), np.float32))
    >>> maps["Look"][0].round(2)
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.5 , 0.  ],
           [0.33, 0.33, 0.33]], dtype=float32)
    """
    with looking(model):
        trace = Trace([*values(called(model, x))], open_kernels=True)
    labels = call_labels([call for call in trace.calls.values() if call])
    fused = {id(v): y for v, y in trace.opened if v.op.name == "attention"}
    found: dict[str, Array] = {}
    for v in trace.order:
        call = trace.calls[id(v)]
        if id(v) in fused:
            weights = fused[id(v)].inputs[0]  # the reference ends with weights @ value
            call = call.parent if call is not None else None
        elif v.op.name == "softmax" and call and isinstance(call.owner, MultiheadAttention):
            weights = v  # composed, where the layer was asked for its weights
        else:
            continue
        name = labels[id(call)] if call is not None else type(model).__name__
        unique, k = name, 1
        while unique in found:
            k += 1
            unique = f"{name} ({k})"
        found[unique] = np.array(weights._data if isinstance(weights, Node) else weights)
    if not found:
        raise ValueError(
            f"attention_maps: {type(model).__name__} recorded no attention: none of its layers "
            "calls scaled_dot_product_attention, or all it is given is frozen."
        )
    return found
