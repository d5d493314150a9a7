"""Normalization, softmax, cross-entropy, attention and embedding, forward and backward."""

from __future__ import annotations

from benchmarks.beside_torch import Shape, case
from benchmarks.case import Case

ROWS = ((32, 128), (768, 128), (8, 512, 768))
IMAGES = ((32, 16, 32, 32), (32, 64, 8, 8), (8, 64, 48, 48))
LOGITS = ((64, 10), (768, 512), (512, 8000))
HEADS = ((12, 4, 64, 32), (8, 8, 256, 64), (2, 8, 1024, 64))  # N, heads, T, E
TABLES = ((64, 128, (12, 64)), (10_000, 256, (32, 128)))  # rows, features, shape of the indices


def layer_norm(shape: Shape) -> Case:
    """Normalize over the last axis."""
    D = shape[-1:]
    return case(f"layer_norm {shape}", (shape, D, D), lambda F, x, w, b: F.layer_norm(x, D, w, b))


def rms_norm(shape: Shape) -> Case:
    """Normalize over the last axis."""
    D = shape[-1:]
    return case(f"rms_norm {shape}", (shape, D), lambda F, x, w: F.rms_norm(x, D, w))


def batch_norm(shape: Shape) -> Case:
    """Batch norm in training mode, without running statistics."""
    C = shape[1:2]
    name = "batch_norm2d" if len(shape) == 4 else "batch_norm1d"
    return case(
        f"{name} {shape}",
        (shape, C, C),
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    )


def group_norm(shape: Shape) -> Case:
    """Group norm with 8 groups."""
    C = shape[1:2]
    return case(f"group_norm {shape}", (shape, C, C), lambda F, x, w, b: F.group_norm(x, 8, w, b))


def softmax(shape: Shape, name: str, axis: int = -1) -> Case:
    """`softmax` or `log_softmax` along an axis."""
    return case(
        f"{name} {shape}" + (f" axis {axis}" if axis != -1 else ""),
        (shape,),
        lambda F, x: getattr(F, name)(x, axis),
    )


def cross_entropy(shape: Shape, **options: float) -> Case:
    """Mean cross-entropy with class indices."""
    return case(
        f"cross_entropy {shape}" + (" smoothed" if options else ""),
        (shape,),
        lambda F, t, x: F.cross_entropy(x, t, **options),
        (shape[1], shape[:1]),
    )


def attention(shape: Shape, causal: bool) -> Case:
    """Scaled dot-product attention."""
    return case(
        f"attention {shape}" + (" causal" if causal else ""),
        (shape, shape, shape),
        lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
    )


def embedding(rows: int, features: int, indices: Shape) -> Case:
    """Embedding lookup; its backward pass adds up gradients by row."""
    return case(
        f"embedding {indices} of ({rows}, {features})",
        ((rows, features),),
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
