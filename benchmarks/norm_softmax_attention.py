"""Normalisation, softmax, cross-entropy, attention and embedding: forward and backward."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case
from benchmarks.recurrent import Norms

ROWS = ((32, 128), (768, 128), (8, 512, 768))
IMAGES = ((32, 16, 32, 32), (32, 64, 8, 8), (8, 64, 48, 48))
LOGITS = ((64, 10), (768, 512), (512, 8000))
HEADS = ((12, 4, 64, 32), (8, 8, 256, 64), (2, 8, 1024, 64))  # N, heads, T, E
TABLES = ((64, 128, (12, 64)), (10_000, 256, (32, 128)))  # rows, features, indices

Shape = tuple[int, ...]
Work = Callable[[], Any]


def data(*shapes: Shape, seed: int = 0) -> list[Any]:
    """Normal float32 arrays, the same for every side."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def integers(high: int, shape: Shape) -> Any:
    """Integers from 0 to high - 1, the same for every side."""
    import numpy as np

    return np.random.default_rng(1).integers(0, high, shape)


def ours(shapes: tuple[Shape, ...], out: Shape, chosen: Any, call: Callable[..., Any]) -> Work:
    """Forward and backward in glassgrad; `call` gets the package, integers and the leaves."""
    import autograd

    *arrays, g = data(*shapes, out)
    leaves = [autograd.Value(a) for a in arrays]
    given = (autograd,) if chosen is None else (autograd, integers(*chosen))

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = call(*given, *leaves)
        y.backward(g) if out else y.backward()
        return Norms(y.data, *[leaf.grad for leaf in leaves])

    return work


def torchs(shapes: tuple[Shape, ...], out: Shape, chosen: Any, call: Callable[..., Any]) -> Work:
    """The same in PyTorch; `call` gets torch.nn.functional."""
    import torch

    *arrays, g = data(*shapes, out)
    leaves = [torch.from_numpy(a).requires_grad_() for a in arrays]
    g = torch.as_tensor(g)
    F = torch.nn.functional
    given = (F,) if chosen is None else (F, torch.from_numpy(integers(*chosen)))

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = call(*given, *leaves)
        y.backward(g) if out else y.backward()
        return Norms(y.detach(), *[leaf.grad for leaf in leaves])

    return work


def case(
    name: str,
    shapes: tuple[Shape, ...],
    out: Shape,
    call: Callable[..., Any],
    chosen: tuple[int, Shape] | None = None,
) -> Case:
    """A row: leaves of these shapes, an output, and a call that reads the same on both sides."""
    sides = {OURS: ours, "torch": torchs}
    return Case(
        f"{name}, f+b",
        {side: functools.partial(f, shapes, out, chosen, call) for side, f in sides.items()},
    )


def layer_norm(shape: Shape) -> Case:
    """Over the last axis."""
    D = shape[-1:]
    return case(
        f"layer_norm {shape}", (shape, D, D), shape, lambda F, x, w, b: F.layer_norm(x, D, w, b)
    )


def rms_norm(shape: Shape) -> Case:
    """Over the last axis."""
    D = shape[-1:]
    return case(f"rms_norm {shape}", (shape, D), shape, lambda F, x, w: F.rms_norm(x, D, w))


def batch_norm(shape: Shape) -> Case:
    """In training, without running statistics."""
    C = shape[1:2]
    name = "batch_norm2d" if len(shape) == 4 else "batch_norm1d"
    return case(
        f"{name} {shape}",
        (shape, C, C),
        shape,
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    )


def group_norm(shape: Shape) -> Case:
    """In 8 groups."""
    C = shape[1:2]
    return case(
        f"group_norm {shape}", (shape, C, C), shape, lambda F, x, w, b: F.group_norm(x, 8, w, b)
    )


def softmax(shape: Shape, name: str, axis: int = -1) -> Case:
    """`softmax` or `log_softmax` along an axis."""
    return case(
        f"{name} {shape}" + (f" axis {axis}" if axis != -1 else ""),
        (shape,),
        shape,
        lambda F, x: getattr(F, name)(x, axis),
    )


def cross_entropy(shape: Shape, **options: float) -> Case:
    """The mean over class numbers."""
    return case(
        f"cross_entropy {shape}" + (" smoothed" if options else ""),
        (shape,),
        (),
        lambda F, t, x: F.cross_entropy(x, t, **options),
        (shape[1], shape[:1]),
    )


def attention(shape: Shape, causal: bool) -> Case:
    """Scaled dot products of heads."""
    return case(
        f"attention {shape}" + (" causal" if causal else ""),
        (shape, shape, shape),
        shape,
        lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
    )


def embedding(rows: int, features: int, indices: Shape) -> Case:
    """Rows of a table, and their sums."""
    return case(
        f"embedding {indices} of ({rows}, {features})",
        ((rows, features),),
        (*indices, features),
        lambda F, t, w: F.embedding(t, w),
        (rows, indices),
    )


CASES = (
    *map(layer_norm, ROWS),
    *map(rms_norm, ROWS),
    *map(batch_norm, (*IMAGES, (128, 512))),
    *map(group_norm, IMAGES),
    *(softmax(shape, "softmax") for shape in (*LOGITS, (12, 4, 64, 64))),
    softmax((32, 64, 32, 32), "softmax", 1),
    *(softmax(shape, "log_softmax") for shape in LOGITS),
    *map(cross_entropy, LOGITS),
    cross_entropy(LOGITS[1], label_smoothing=0.1),
    *(attention(shape, causal) for shape in HEADS for causal in (False, True)),
    *(embedding(*table) for table in TABLES),
)
