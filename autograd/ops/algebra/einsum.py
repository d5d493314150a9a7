"""Einstein's summation: one row that is closed under differentiation."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.machine.sum_axes import FEW
from autograd.ops.algebra.products import array, constant
from autograd.ops.arrays.no_gradient import plain
from autograd.ops.samples import A, case, cases
from autograd.sequence_op import SequenceOp
from autograd.symbol import Symbol


def explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """The subscripts with an arrow, and with a letter for every axis that an ellipsis stands for.

    Examples
    --------
    >>> explicit("...ij,jk", [3, 2])
    'aij,jk->aik'
    """
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"einsum: the subscripts {subscripts!r} name {len(terms)} operands, got {len(ndims)}."
        )
    counts = [n - len(t) + 3 if "..." in t else 0 for t, n in zip(terms, ndims, strict=True)]
    fresh = [c for c in string.ascii_letters if c not in subscripts][: max(0, *counts)]
    stands_for = "".join(fresh)
    if stands_for and arrow and "..." not in out:
        raise ValueError(f"einsum: the output of {subscripts!r} needs the ellipsis of its inputs.")
    if not arrow:
        once = sorted(c for c in set(left) - set(".,") if left.count(c) == 1)
        out = stands_for + "".join(once)
    terms = [
        t.replace("...", stands_for[len(stands_for) - n :] if n > 0 else "")
        for t, n in zip(terms, counts, strict=True)
    ]
    return f"{','.join(terms)}->{out.replace('...', stands_for)}"


def _einsum(xs: Sequence[Any], subscripts: str, optimize: Any = False) -> Any:
    """Sum of products over the letters that the output lacks; subscripts are explicit."""
    if any(0 in x.shape for x in xs):
        _check_diagonals(xs, subscripts)
    dtype = np.result_type(*xs)
    wide = _wide(xs, subscripts, optimize) if dtype.char in "ef" else dtype
    if wide == dtype:
        return np.einsum(subscripts, *xs, optimize=optimize)
    y = np.einsum(subscripts, *[x.astype(wide) for x in xs], optimize=optimize)
    return np.asarray(y, dtype)


def _wide(xs: Sequence[Any], subscripts: str, optimize: Any) -> Any:
    """The dtype to add up float16 or float32 in: einsum adds one number after the other.

    BLAS, which `optimize` may call, adds in blocks, but not where a matrix meets a vector.
    """
    if np.result_type(*xs) == np.float16:
        return np.float32
    left, out = subscripts.split("->")
    pairs = zip(left.split(","), xs, strict=True)
    sizes = {c: n for term, x in pairs for c, n in zip(term, x.shape, strict=True) if n > 1}
    summed = math.prod(n for c, n in sizes.items() if c not in out)
    if summed <= FEW or (optimize and math.prod(sizes.values()) > FEW * sum(x.size for x in xs)):
        return np.float32
    return np.float64


def _check_diagonals(xs: Sequence[Any], subscripts: str) -> None:
    """ValueError where a letter names axes of 0 and n: NumPy answers with memory not its own."""
    for term, x in zip(subscripts.split("->")[0].split(","), xs, strict=True):
        for letter in set(term):
            sizes = {n for c, n in zip(term, x.shape, strict=True) if c == letter}
            if len(sizes) > 1:
                raise ValueError(f"the axes {letter!r} of {term!r} differ in x {x.shape}.")


def _einsum_grad(i: int, g: Any, xs: Sequence[Any], subscripts: str, optimize: Any) -> Any:
    """The gradient for operand i: g takes the place of that operand, whose letters come out.

    A letter that occurs twice in the operand gets a new letter and an identity matrix that ties
    the two; one that occurs nowhere else was summed away, so its axis is broadcast back.
    """
    left, out = subscripts.split("->")
    terms = left.split(",")
    x = xs[i]
    fresh = (c for c in string.ascii_letters if c not in subscripts)
    operands = [(out, g)] + [pair for k, pair in enumerate(zip(terms, xs, strict=True)) if k != i]
    target = ""
    for c, n in zip(terms[i], x.shape, strict=True):
        if c in target:
            twin = next(fresh)
            operands.append((c + twin, constant("I", np.eye(n, dtype=x.dtype), g)))
            c = twin
        target += c
    known = {c for term, _ in operands for c in term}
    sizes = dict(zip(target, x.shape, strict=True))
    kept = "".join(c for c in target if c in known and sizes[c] != 1)
    path = optimize if isinstance(optimize, (bool, str)) else True  # a path fits no other product
    gx = einsum_row.call(
        [operand for _, operand in operands],
        f"{','.join(term for term, _ in operands)}->{kept}",
        path,
    )
    if kept != target:
        found = dict(zip(kept, gx.shape, strict=True))
        gx = np.reshape(gx, tuple(found.get(c, 1) for c in target))
    return gx if gx.shape == x.shape else np.broadcast_to(gx, x.shape)


def _einsum_vjp(
    g: Any, needs: Sequence[bool], y: Any, xs: Sequence[Any], subscripts: str, optimize: Any
) -> list[Any]:
    return [
        _einsum_grad(i, g, xs, subscripts, optimize) if need else None
        for i, need in enumerate(needs)
    ]


def _tex(symbols: Sequence[Symbol], subscripts: str, optimize: Any) -> str:
    r"""Index notation, such as \sum_{j} a_{ij} b_{jk}."""
    left, out = subscripts.split("->")
    factors = [
        f"{{{s:9}}}_{{{term}}}" if term else f"{s:2}"
        for s, term in zip(symbols, left.split(","), strict=True)
    ]
    summed = "".join(dict.fromkeys(c for c in left if c != "," and c not in out))
    return (rf"\sum_{{{summed}}} " if summed else "") + r" \, ".join(factors)


einsum_row = SequenceOp(_einsum, _tex, _einsum_vjp, rank=1)


def einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """Einstein's summation convention, as numpy.einsum."""
    if not isinstance(subscripts, str):
        raise TypeError(
            "einsum: takes the subscripts as a string first, such as 'ij,jk->ik'; lists of axis "
            "numbers between the operands are not supported on a Value."
        )
    xs = [array(x) for x in operands]
    return einsum_row.call(xs, explicit(subscripts, [x.ndim for x in xs]), optimize)


OPS[np.einsum] = einsum
plain(np.einsum_path)

# What tests sample
cases(
    "einsum",
    case([A(2, 3), A(3, 2)], "ij,jk->ik"),
    case([A(3, 3)], "ii->i"),
    case([A(3, 3)], "ii->"),
    case([A(2, 3)], "ij->"),
    case([A(2, 3)], "ij->ji"),
    case([A(2, 3, 2)], "iji->j"),
    case([A(1, 3), A(2, 3)], "ij,ij->i"),
    case([A(2, 2, 3), A(2, 3, 2)], "bij,bjk->bik", True),
    case([A(2), A(3), A(2, 3)], "i,j,ij->"),
    case([A(), A(2)], ",i->i"),
    case([A(2), A(2)], "i,i->i"),
)
