"""Names that users of other packages type, and what to write here instead."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NoReturn


def refuse_name(module: str, name: str, write: str | None) -> NoReturn:
    """Raise for a name that a package lacks, from its ``__getattr__``; `write` is what to do.

    Raises
    ------
    AttributeError
        For ``module.name``.
    ImportError
        For ``from module import name``: Python would drop the text of an AttributeError.
    """
    text = f"module {module!r} has no attribute {name!r}" + (f": {write}." if write else ".")
    if write and sys._getframe(2).f_code.co_name == "_handle_fromlist":
        raise ImportError(text, name=name)
    raise AttributeError(text, name=name)


class Instead:
    """A missing attribute, whose AttributeError says what to write instead.

    Unlike ``__getattr__`` it does not slow other attributes down; `hasattr` is False.
    """

    def __init__(self, write: str, verb: str = "Write") -> None:
        self.write, self.verb = write, verb
        self.__doc__ = f"PyTorch's name; here {verb.lower()} {write}."

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, v: object | None, owner: type | None = None) -> Any:
        return self if v is None else self.refuse(v)

    def refuse(self, v: object) -> NoReturn:
        """Raise the AttributeError."""
        raise AttributeError(
            f"A {type(v).__name__} has no attribute {self.name!r}; it has NumPy's names. "
            f"{self.verb} {self.write}."
        )

    def __repr__(self) -> str:
        return f"<here {self.write}>"


class TorchSpelling:
    """Names of PyTorch's tensor methods that Value lacks.

    Examples
    --------
    >>> from autograd import Value
    >>> Value([1.0, 2.0]).unsqueeze(0)
    Traceback (most recent call last):
    AttributeError: A Value has no attribute 'unsqueeze'; it has NumPy's names. Write np.expand_dims(v, axis).
    """  # noqa: E501 - the doctest compares the whole line

    __slots__ = ()

    # shape
    view = Instead("v.reshape(shape)")
    view_as = Instead("v.reshape(other.shape)")
    reshape_as = Instead("v.reshape(other.shape)")
    unsqueeze = Instead("np.expand_dims(v, axis)")
    unflatten = Instead("v.reshape(shape)")
    permute = Instead("v.transpose(axes)")
    t = Instead("v.T")
    mT = Instead("v.swapaxes(-1, -2)")  # noqa: N815 - PyTorch's name
    expand = Instead("np.broadcast_to(v, shape)")
    expand_as = Instead("np.broadcast_to(v, other.shape)")
    contiguous = Instead("it: every Value is contiguous enough", "Delete")
    dim = Instead("v.ndim")
    numel = Instead("v.size")
    nelement = Instead("v.size")
    chunk = Instead("np.split(v, parts, axis)")
    split = Instead("np.split(v, indices, axis)")
    unbind = Instead("tuple(v), or np.moveaxis(v, axis, 0) and then tuple")
    flip = Instead("np.flip(v, axis)")
    roll = Instead("np.roll(v, shift, axis)")
    tril = Instead("np.tril(v)")
    triu = Instead("np.triu(v)")

    # arithmetic
    abs = Instead("np.abs(v)")
    add = Instead("v + x")
    sub = Instead("v - x")
    mul = Instead("v * x")
    div = Instead("v / x")
    neg = Instead("-v")
    pow = Instead("v ** n")
    square = Instead("np.square(v)")
    rsqrt = Instead("1 / np.sqrt(v)")
    sign = Instead("np.sign(v)")
    clamp = Instead("v.clip(low, high)")
    matmul = Instead("v @ w")
    mm = Instead("v @ w")
    bmm = Instead("v @ w")
    mv = Instead("v @ w")
    norm = Instead("np.linalg.norm(v)")
    logsumexp = Instead("autograd.logsumexp(v, axis)")
    softmax = Instead("nn.functional.softmax(v, dim)")
    log_softmax = Instead("nn.functional.log_softmax(v, dim)")
    amax = Instead("v.max(axis)")
    amin = Instead("v.min(axis)")
    sort = Instead("np.sort(v, axis)")
    topk = Instead("np.sort(v)[..., ::-1][..., :k], or v.argsort() for the indices")
    gather = Instead("np.take_along_axis(v, indices, axis)")
    index_select = Instead("np.take(v, indices, axis)")
    masked_fill = Instead("np.where(mask, value, v)")
    masked_select = Instead("v[mask]")
    scatter = Instead("autograd.index_update(v, index, new)")
    scatter_add = Instead("autograd.index_add(v, index, new)")
    index_add = Instead("autograd.index_add(v, index, new)")
    eq = Instead("v == x")
    ne = Instead("v != x")
    gt = Instead("v > x")
    ge = Instead("v >= x")
    lt = Instead("v < x")
    le = Instead("v <= x")

    # in place
    add_ = Instead("v.data += x")
    sub_ = Instead("v.data -= x")
    mul_ = Instead("v.data *= x")
    div_ = Instead("v.data /= x")
    copy_ = Instead("v.data = x")
    zero_ = Instead("v.data = np.zeros(v.shape)")
    fill_ = Instead("v.data = np.full(v.shape, x)")
    clamp_ = Instead("v.data = v.data.clip(low, high)")
    normal_ = Instead("nn.init.normal_(v, mean, std)")
    uniform_ = Instead("nn.init.uniform_(v, low, high)")
    masked_fill_ = Instead("v = np.where(mask, value, v)")
    detach_ = Instead("v = v.detach()")

    # dtypes and devices
    numpy = Instead("v.data")
    tolist = Instead("v.data.tolist()")
    clone = Instead("v.copy()")
    float = Instead("v.astype(np.float32)")
    double = Instead("v.astype(np.float64)")
    half = Instead("v.astype(np.float16)")
    long = Instead("v.data.astype(np.int64)")
    int = Instead("v.data.astype(np.int32)")
    bool = Instead("v != 0")
    type = Instead("v.astype(dtype)")
    type_as = Instead("v.astype(dtype)")
    to = Instead("v.astype(dtype); the CPU is the only device")
    cpu = Instead("it: the CPU is the only device", "Delete")
    cuda = Instead("it: the CPU is the only device", "Delete")
    device = Instead("it: the CPU is the only device", "Delete")
    new_zeros = Instead("np.zeros(shape, v.dtype)")
    new_ones = Instead("np.ones(shape, v.dtype)")
    new_full = Instead("np.full(shape, x, v.dtype)")
    new_tensor = Instead("np.array(x, v.dtype)")

    # the graph
    grad_fn = Instead("v.op")
    is_leaf = Instead("v.op is None")
    retain_grad = Instead("loss.backward(retain_graph=True), which gives every Value its .grad")
    register_hook = Instead(
        "to v.grad after backward(), or use module.register_full_backward_hook, or see every "
        "gradient by the watch= of autograd.grad"
    )

    def __dir__(self) -> Iterable[str]:
        kind = self.__class__
        return [n for n in super().__dir__() if not isinstance(getattr(kind, n, None), Instead)]
