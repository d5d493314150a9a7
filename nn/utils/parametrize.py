"""Parametrizations: a parameter that is computed from others by modules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd.node import Array, tick
from autograd.recording import no_grad
from autograd.value import Value
from nn.arguments import flags
from nn.layers.container import ModuleDict, ModuleList
from nn.module import Buffer, Module, Parameter
from nn.module.derived import class_before, derive, recipe_of, restore
from nn.parameter import plain

_cache: ContextVar[dict[tuple[Module, str], Any] | None] = ContextVar("parametrized", default=None)


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within, a parametrized tensor is computed once, however often it is read.

    It is computed anew where a parameter behind it was written to, or the module's mode changed.

    Examples
    --------
    >>> import nn
    >>> from nn.utils import parametrizations, parametrize
    >>> cell = parametrizations.orthogonal(nn.RNNCell(3, 3), "weight_hh")
    >>> with parametrize.cached():
    ...     cell.weight_hh is cell.weight_hh
    True
    """
    token = _cache.set(_cache.get() if _cache.get() is not None else {})
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and what it is computed from; made by registering.

    Parameters
    ----------
    modules : the parametrizations, in the order in which they are applied.
    original : Parameter, or array of a buffer.
    unsafe : whether the shape and dtype may change, unchecked.

    Attributes
    ----------
    original : what is learned, the same Parameter as before; or original0, original1, ... where
        the `right_inverse` of the first parametrization returns a sequence.
    """

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList: give one parametrization or more.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = plain(original)
        with no_grad():
            new: Any = Value(before, requires_grad=False)
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):  # it begins with what is there
                        new = module.right_inverse(new)
        parts = _arrays(new, modules[0])
        self.is_tensor = not isinstance(parts, list)
        self.ntensors = len(parts) if isinstance(parts, list) else 1
        if not isinstance(parts, list):
            if parts.dtype != before.dtype:
                raise ValueError(
                    f"right_inverse returned {parts.dtype} for a tensor of {before.dtype}; one "
                    "tensor keeps its dtype."
                )
            if isinstance(original, Parameter):
                overwrite(original, parts)
                self.original: Any = original
            else:
                self.original = Buffer(parts)
        else:
            for i, part in enumerate(parts):
                if isinstance(original, Parameter):
                    owned: Any = Parameter(part, original.requires_grad, dtype=part.dtype)
                else:
                    owned = Buffer(part)
                setattr(self, f"original{i}", owned)
        if not unsafe:
            try:
                with no_grad():
                    _check(self(), before, "parametrization")
            except Exception:
                if isinstance(original, Parameter):
                    overwrite(original, before)
                raise

    def originals(self) -> list[Any]:
        """What the tensor is computed from."""
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def forward(self) -> Any:
        """Compute the tensor."""
        first, *others = self
        y = first(*self.originals())
        for module in others:
            y = module(y)
        return y

    def right_inverse(self, value: Any) -> None:
        """Write into the originals what makes the tensor this value.

        Raises
        ------
        RuntimeError
            A parametrization without `right_inverse`.
        ValueError
            It returned another number, shape or dtype of arrays. Nothing has changed then.
        """
        owned = self.originals()
        array = np.asarray(plain(value))
        if array.dtype.kind in "fiub":  # as a Parameter's .data takes numbers
            array = array.astype(plain(owned[0]).dtype)
        with no_grad():
            new: Any = Value(array, requires_grad=False)
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"{type(module).__name__} defines no right_inverse(self, value), so its "
                        "tensor can't be assigned to; write into parametrizations.<name>.original."
                    )
                new = module.right_inverse(new)
        parts = _arrays(new, self[0])
        arrays = parts if isinstance(parts, list) else [parts]
        if isinstance(parts, list) == self.is_tensor or len(arrays) != len(owned):
            raise ValueError(
                f"right_inverse returned {len(arrays)} arrays, {len(owned)} are expected."
            )
        for x, array in zip(owned, arrays, strict=True):
            if plain(x).dtype != array.dtype or (plain(x).shape != array.shape and not self.unsafe):
                raise ValueError(
                    f"right_inverse returned {array.shape} {array.dtype} for an original of "
                    f"{plain(x).shape} {plain(x).dtype}."
                )
        for i, (x, array) in enumerate(zip(owned, arrays, strict=True)):
            if isinstance(x, Parameter):
                overwrite(x, array)
            else:
                setattr(self, "original" if self.is_tensor else f"original{i}", array)


class _Parametrized:
    """The recipe of a tensor with parametrizations."""

    prefix = "Parametrized"

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Any) -> Any:
        parametrizations, cache = module.parametrizations[self.name], _cache.get()
        if cache is None:
            return parametrizations()
        births = tuple([p.birth for p in parametrizations.parameters()])
        stamp, key = (births, parametrizations.training), (module, self.name)
        if key not in cache or cache[key][0] != stamp:
            cache[key] = (stamp, parametrizations())
        return cache[key][1]

    def assign(self, module: Any, value: Any) -> None:
        module.parametrizations[self.name].right_inverse(value)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Have a parameter or buffer of a module computed by a parametrization whenever it is read.

    Parameters
    ----------
    module : Module.
    tensor_name : name of a parameter or buffer. It may be parametrized already: then the new
        parametrization is applied after the others.
    parametrization : Module whose forward takes and returns a Value of one shape and dtype. With
        a method ``right_inverse(value)`` the tensor can be assigned to and begins with the value
        that it has; where that returns a sequence, forward takes as many arguments, and the
        optimizer has to be given the new parameters.
    unsafe : whether shape and dtype may change, unchecked.

    Returns
    -------
    Module : the module, whose class is now a subclass with a property of the tensor's name. It is
        copied, pickled and saved like any other; its state dict has PyTorch's keys.

    Raises
    ------
    ValueError
        No such tensor; a parametrization that changes shape or dtype. Nothing has changed then.
    TypeError
        A parametrization that is no Module, or returns no array.

    Examples
    --------
    A symmetric weight:

    >>> import nn, numpy as np
    >>> from nn.utils import parametrize
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return np.triu(x) + np.triu(x, 1).T
    ...     def right_inverse(self, a):
    ...         return np.triu(a)
    >>> layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool(np.all(layer.weight.data == layer.weight.data.T))
    True
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original']
    """
    flags("register_parametrization", unsafe=unsafe)
    who = "register_parametrization"
    if not isinstance(module, Module):
        raise TypeError(f"{who}: module must be a Module, not {type(module).__name__}.")
    if not isinstance(parametrization, Module):
        raise TypeError(
            f"{who}: parametrization must be a Module with forward(self, x), not "
            f"{getattr(parametrization, '__name__', type(parametrization).__name__)}."
        )
    flags(who, unsafe=unsafe)
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        mine = _held(module)
        if not unsafe:
            with no_grad():
                before: Any = getattr(module, tensor_name)
                after = parametrization(before)
                _check(after, plain(before), "parametrization")
                if hasattr(parametrization, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        back = parametrization.right_inverse(after)
                        _check(back, plain(before), "parametrization's right_inverse")
        mine[tensor_name].append(parametrization)
        mine[tensor_name].unsafe |= unsafe
        return module
    original = tensor_of(who, module, tensor_name)
    made = ParametrizationList([parametrization], original, unsafe)
    derive(module, tensor_name, _Parametrized(tensor_name))
    _hold(module, {**_held(module), tensor_name: made})
    return module


def _held(module: Module) -> dict[str, Any]:
    held = vars(module).get("parametrizations")
    return dict(held.items()) if isinstance(held, ModuleDict) else {}


def _hold(module: Module, held: dict[str, Any]) -> None:
    """Give a module these lists, in a new ModuleDict: a shallow copy of it has the old one."""
    vars(module).pop("parametrizations", None)
    if held:
        vars(module)["parametrizations"] = ModuleDict(held)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of a module has parametrizations; without a name, whether any has."""
    held = _held(module)
    return bool(held) if tensor_name is None else tensor_name in held


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make a parametrized tensor a parameter or buffer of its own again.

    Parameters
    ----------
    module, tensor_name : as given to `register_parametrization`.
    leave_parametrized : whether it keeps the value that the parametrizations give; else it gets
        that of the original, if it has only one. A single original stays the same Parameter, which
        an optimizer has already.

    Returns
    -------
    Module : the module.

    Raises
    ------
    ValueError
        It is not parametrized; it has several originals and `leave_parametrized` is False.
    """
    flags("remove_parametrizations", leave_parametrized=leave_parametrized)
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"remove_parametrizations: {type(module).__name__} has no parametrization of "
            f"{tensor_name!r}."
        )
    made = _held(module)[tensor_name]
    originals = made.originals()
    if not (leave_parametrized or made.is_tensor):
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is computed from {made.ntensors} tensors, "
            "so there is no original to leave; use leave_parametrized=True."
        )
    with no_grad():
        value: Any = plain(getattr(module, tensor_name)) if leave_parametrized else None
    left: Any = originals[0]
    if not made.is_tensor:
        learned = any(isinstance(x, Parameter) for x in originals)
        tracked = any(isinstance(x, Parameter) and x.requires_grad for x in originals)
        left = Parameter(value, tracked, dtype=value.dtype) if learned else Buffer(value)
    elif not isinstance(left, Parameter):
        left = Buffer(left if value is None else value)
    elif value is not None:
        overwrite(left, value)
    _hold(module, {name: x for name, x in _held(module).items() if name != tensor_name})
    restore(module, tensor_name, left)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of a module without its parametrizations."""
    return class_before(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Parametrize another module like this one, with the same parametrizations and originals.

    Parameters
    ----------
    from_module, to_module : Modules.
    tensor_name : the tensor; by default all that are parametrized.

    Returns
    -------
    Module : `to_module`.
    """
    if not is_parametrized(from_module):
        return to_module
    held = _held(from_module)
    for name in held if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            value = plain(getattr(from_module, name))
            to_module.register_parameter(name, Parameter(value, dtype=value.dtype))
        for parametrization in held[name]:
            register_parametrization(to_module, name, parametrization)
        mine = _held(to_module)[name]
        for key, x in (*held[name]._own(Parameter), *held[name]._own_buffers()):
            setattr(mine, key, x)
    return to_module


def tensor_of(who: str, module: Module, name: str) -> Any:
    """The parameter or buffer of this name; refused if there is none, or a recipe in its place."""
    own = {**dict(module._made()._own(Parameter)), **dict(module._own_buffers())}
    if name not in own:
        why = "is computed already" if recipe_of(module, name) else "is no parameter or buffer"
        raise ValueError(
            f"{who}: {name!r} of {type(module).__name__} {why}; it has {', '.join(own) or 'none'}."
        )
    return own[name]


def array_of(who: str, module: Module, name: str) -> Array:
    """The array of a parameter or buffer, or of what a parametrization makes of it."""
    if not is_parametrized(module, name):
        return plain(tensor_of(who, module, name))
    with no_grad():
        return plain(getattr(module, name))


def parameter_of(who: str, module: Module, name: str) -> Parameter:
    """The parameter of this name; refused if there is none."""
    found = tensor_of(who, module, name)
    if not isinstance(found, Parameter):
        raise ValueError(f"{who}: {name!r} of {type(module).__name__} is a buffer, no parameter.")
    return found


def overwrite(p: Parameter, array: Any) -> None:
    """Give a Parameter a new array, of any shape; recorded graphs notice."""
    if p.shape != array.shape:
        p.grad = None
    p._data, p.seal, p.birth = np.array(array), None, tick()


def _arrays(found: Any, module: Module) -> Any:
    """What a right_inverse returned: an array, or a list of arrays."""
    if isinstance(found, (Value, np.ndarray)):
        return np.array(plain(found))
    if isinstance(found, (tuple, list)) and all(isinstance(x, (Value, np.ndarray)) for x in found):
        return [np.array(plain(x)) for x in found]
    raise TypeError(
        f"{type(module).__name__}.right_inverse must return a Value, or a tuple or list of them, "
        f"not {type(found).__name__}."
    )


def _check(found: Any, wanted: Any, what: str) -> None:
    """Refuse what is no array of the shape and dtype of the tensor."""
    if not isinstance(found, (Value, np.ndarray)):
        raise TypeError(f"The {what} must return a Value, not {type(found).__name__}.")
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise ValueError(
            f"The {what} made {found.shape} {found.dtype} of {wanted.shape} {wanted.dtype}; it "
            "may not change shape or dtype, unless unsafe=True."
        )
