"""Module: a callable that owns parameters, buffers and other modules."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np

from autograd.node import Array, tick
from autograd.recording import is_recording
from autograd.tape import OPEN, current
from autograd.value import Value
from nn.arguments import flags
from nn.module.attributes import BUFFERS, VACANT, admitted, forget, kind_of, warn_of_hidden
from nn.module.hooks import Hooked
from nn.module.locate import blamed, locate
from nn.module.registered import Registered
from nn.module.state_dict import EXTRA, LoadReport, load_into, saved
from nn.parameter import Buffer, Parameter, plain

DTypeLike = Any
DEVICES = ("cpu", "cuda", "mps")  # that PyTorch's programs ask for
P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class _Forward(Protocol[P, R]):
    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class Scope:
    """One call of a module, noted on its outputs: what readers draw as a box.

    The call's nodes are those behind the outputs whose birth is at least `start`. `inner` is the
    scope that the output had before, that of a call within this one.
    """

    __slots__ = ("inner", "owner", "start")

    def __init__(self, owner: Module, start: int, inner: Scope | None) -> None:
        self.owner, self.start, self.inner = owner, start, inner


class Module(Hooked):
    """A callable that owns parameters, buffers and other modules.

    Subclasses assign them to attributes in ``__init__`` and define `forward`. Nothing is
    registered: parameters and modules are found among the attributes, in the order of their
    first assignment, when somebody asks.

    Attributes
    ----------
    training : bool. True until `eval` is called; Dropout and BatchNorm look at it.

    Examples
    --------
    >>> import nn, numpy as np
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope = nn.Parameter([2.0])
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(np.float32(3.0))
    Value([6.], dtype=float32, op='multiply')
    >>> [name for name, _ in line.named_parameters()]
    ['slope']
    """

    training: bool = True
    _make: Callable[..., None] | None = None
    _newer: tuple[str, ...] = ()  # entries that old checkpoints lack: they stay as they are

    # Keras's verbs, which nn.train binds: a module knows nothing of training
    compile: Callable[..., None]
    fit: Callable[..., Any]
    evaluate: Callable[..., list[Any] | dict[str, Any]]
    predict: Callable[..., Any]
    summary: Callable[..., None]
    save: Callable[..., None]
    save_weights: Callable[..., None]
    load_weights: Callable[..., None]

    def _no_forward(self, *args: Any, **kwargs: Any) -> Any:
        """What a call computes; for subclasses."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, ...).")

    forward: Callable[..., Any] = _no_forward

    def __call__(self: _Forward[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `forward`, and leave a `Scope` on every result that it recorded."""
        module: Any = self  # the annotation of self gives a call the signature of its forward
        start = tick() if is_recording() else None
        try:
            if module._hooks is None:
                y = module.forward(*args, **kwargs)
            else:
                y = module._hooks.run(module, args, kwargs)
        except Exception as first:
            error = blamed(first, module, args, kwargs)
            locate(error, module, args, kwargs)
            if error is first:
                raise
            raise error from first
        if start is not None:
            module._sign(y, start)
        return y  # type: ignore[no-any-return]

    def _sign(self, y: Any, start: int) -> None:
        if isinstance(y, Value):
            if y.op is not None and y.birth >= start:
                y.scope = Scope(self, start, y.scope)
        elif isinstance(y, (tuple, list)):
            for part in y:
                self._sign(part, start)
        elif isinstance(y, dict):
            for part in y.values():
                self._sign(part, start)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, admitted(self, name, value, Module))

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        forget(self, name)

    def make_later(self, make: Callable[..., None], shown: str) -> None:
        """For a constructor that lacks a size: have the first call make the parameters.

        Until then the module refuses to list or save its parameters.

        Parameters
        ----------
        make : ``make(module, *inputs)``, given what the first call is given, makes the parameters.
            If it or the call fails, the module stays as it was. A function of the module, not a
            closure over it, so that copies finish themselves; one that can be pickled, not a
            lambda, if the module is to be.
        shown : the arguments in the repr until then.

        Examples
        --------
        >>> import nn, numpy as np
        >>> class Scale(nn.Module):
        ...     def __init__(self, size=None):
        ...         if size is None:
        ...             self.make_later(lambda self, x: self.make_weight(x.shape[-1]), "None")
        ...         else:
        ...             self.make_weight(size)
        ...     def make_weight(self, size):
        ...         self.weight = nn.Parameter(np.ones(size))
        ...     def forward(self, x):
        ...         return x * self.weight
        >>> scale = Scale()
        >>> scale(np.ones(3, np.float32)).shape
        (3,)
        >>> scale.weight.shape
        (3,)
        """
        # the instance's own forward hides the class's, so that later calls cost nothing more
        vars(self).update(_make=make, _shown=shown, forward=self._first_forward)

    def __copy__(self) -> Self:
        """Another module with the same parameters, buffers and submodules."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        if BUFFERS in vars(self):
            vars(twin)[BUFFERS] = vars(self)[BUFFERS].copy()
        if self._hooks is not None:
            twin._hooks = self._hooks.copy()
        if self._make is not None:
            vars(twin)["forward"] = twin._first_forward
        return twin

    def _first_forward(self, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            make = vars(self).pop("_make")
            del vars(self)["forward"], vars(self)["_shown"]
            make(self, *args, **kwargs)
            return self.forward(*args, **kwargs)
        except Exception:
            vars(self).clear()
            vars(self).update(before)
            raise

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None leaves a place that takes parameters only."""
        self._check_name(name, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"register_parameter: {name!r} must be an nn.Parameter or None, not "
                f"{type(param).__name__}."
            )
        setattr(self, name, param)
        if param is None:
            vars(self)[VACANT] = {**vars(self).get(VACANT, {}), name: "parameter"}

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a buffer under a name."""
        self._check_name(name, "buffer")
        flags("register_buffer", persistent=persistent)
        if tensor is None:  # a place that takes arrays, which are buffers then
            vars(self)[BUFFERS] = {**vars(self).get(BUFFERS, {}), name: persistent}
        setattr(self, name, None if tensor is None else Buffer(tensor, persistent))

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: {name!r} must be a Module, not {type(module).__name__}.")
        self._check_name(name, "module")
        setattr(self, name, module)
        if module is None:
            vars(self)[VACANT] = {**vars(self).get(VACANT, {}), name: "module"}

    def register_module(self, name: str, module: Module | None) -> None:
        """Alias of `add_module`."""
        self.add_module(name, module)

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"encoder.layers.0"``; itself at ``""``.

        Raises
        ------
        AttributeError
            No such path, or something else than a module on it.
        """
        module = self
        for i, name in enumerate(target.split(".") if target else ()):
            child = vars(module).get(name)
            if not isinstance(child, Module):
                here = ".".join(target.split(".")[:i]) or type(self).__name__
                children = ", ".join(n for n, _ in module._own(Module)) or "none"
                raise AttributeError(
                    f"get_submodule({target!r}): {here} has no module {name!r}; it has {children}."
                )
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path such as ``"encoder.layers.0"``, in place of the one there.

        Parameters
        ----------
        target : the path.
        module : the module.
        strict : refuse a path at which there is none.

        Raises
        ------
        AttributeError
            No module on the way, or something else than a module at its end.

        Examples
        --------
        >>> import nn
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> net.set_submodule("1", nn.Tanh())
        >>> net[1]
        Tanh()
        """
        flags("set_submodule", strict=strict)
        if not isinstance(module, Module):
            raise TypeError(
                f"set_submodule({target!r}): module must be a Module, not {type(module).__name__}."
            )
        if not target:
            raise ValueError("set_submodule: target must not be empty.")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or vars(parent).get(name) is not None:
            parent.get_submodule(name)
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``"encoder.0.weight"``."""
        return self._get(target, "parameter", lambda m: m._own(Parameter))  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Array:
        """The buffer at a path such as ``"norm.running_mean"``, as a plain array."""
        return self._get(target, "buffer", lambda m: m._own_buffers())  # type: ignore[no-any-return]

    def _get(
        self, target: str, kind: str, own: Callable[[Module], Iterable[tuple[str, Any]]]
    ) -> Any:
        path, _, name = target.rpartition(".")
        found = dict(own(self.get_submodule(path)))
        if name not in found:
            raise AttributeError(
                f"get_{kind}({target!r}): {path or type(self).__name__} has no {kind} {name!r}; "
                f"it has {', '.join(found) or 'none'}."
            )
        return found[name]

    def _check_name(self, name: str, kind: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"The name of a {kind} must be a string, not {type(name).__name__}.")
        if not name or "." in name:
            raise ValueError(f"The name of a {kind} must be non-empty and without dots: {name!r}.")
        if hasattr(type(self), name):
            raise ValueError(
                f"{type(self).__name__} has an attribute {name!r} already; "
                f"give the {kind} another name."
            )
        if vars(self).get(name) is not None and kind_of(vars(self), name, Module) != kind:
            raise ValueError(
                f"{type(self).__name__} has an attribute {name!r} already, which is no {kind}; "
                "delete it first, or use another name."
            )

    def _made(self, path: str = "") -> Self:
        """Itself, where it has its parameters; else refused."""
        if self._make is not None:
            raise RuntimeError(
                f"{type(self).__name__}({vars(self)['_shown']})"
                + (f" at {path!r}" if path else "")
                + " has no parameters yet: a size is None, and the first input tells it. Call the "
                "model once, for example model(x[:1]), before you ask for its parameters."
            )
        return self

    def _own(self, kind: builtins.type) -> list[tuple[str, Any]]:
        return [(name, x) for name, x in vars(self).items() if isinstance(x, kind)]

    def _own_buffers(self, persistent_only: bool = False) -> list[tuple[str, Array]]:
        names: dict[str, bool] = vars(self).get(BUFFERS, {})
        own = [name for name in vars(self) if name in names and vars(self)[name] is not None]
        return [(n, vars(self)[n]) for n in own if names[n] or not persistent_only]

    def _registered(self, wanted: builtins.str) -> Registered:
        return Registered(
            self,
            wanted,
            lambda: [n for n in vars(self) if kind_of(vars(self), n, Module) == wanted],
        )

    @property
    def _parameters(self) -> Registered:
        """Its own parameters by name, as PyTorch's programs reach for them."""
        return self._registered("parameter")

    @property
    def _buffers(self) -> Registered:
        return self._registered("buffer")

    @property
    def _modules(self) -> Registered:
        return self._registered("module")

    def named_modules(
        self, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module and all submodules with their paths, parents first; a shared one once."""
        seen: set[int] = set()

        def walk(module: Module, path: str) -> Iterator[tuple[str, Module]]:
            if remove_duplicate:
                if id(module) in seen:
                    return
                seen.add(id(module))
            yield path, module
            for name, child in module._own(Module):
                yield from walk(child, join(path, name))

        return walk(self, prefix)

    def modules(self) -> Iterator[Module]:
        """The module and all submodules, parents first; a shared one once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Direct submodules; a shared one once."""
        seen: set[int] = set()
        for name, child in self._own(Module):
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """Direct submodules; a shared one once."""
        return (child for _, child in self.named_children())

    def _named(
        self,
        own: Callable[[Module], Iterable[tuple[str, Any]]],
        modules: Iterable[tuple[str, Module]],
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in modules:
            for name, x in own(module._made(path)):
                if id(x) not in seen:
                    if remove_duplicate:
                        seen.add(id(x))
                    yield join(path, name), x

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters with their paths, such as ``"0.weight"``; a shared one once.

        Parameters
        ----------
        prefix : put before every path.
        recurse : whether to include submodules.
        remove_duplicate : False lists a shared one under each of its paths.
        """
        modules = (
            list(self.named_modules(prefix, remove_duplicate)) if recurse else [(prefix, self)]
        )
        seen: set[int] = set()
        for path, p in self._named(lambda m: m._own(Parameter), modules, remove_duplicate):
            seen.add(id(p))
            yield path, p
        if recurse and seen:  # with none at all, an optimizer says so
            warn_of_hidden([module for _, module in modules], seen, Module)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Parameters of this module and its submodules; a shared one once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Array]]:
        """Buffers with their paths, as plain arrays."""
        modules = self.named_modules(prefix, remove_duplicate) if recurse else ((prefix, self),)
        return self._named(lambda m: m._own_buffers(), modules, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Array]:
        """Buffers of this module and its submodules."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call ``fn(module)`` on every submodule, then on this module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set `training` in this module and its submodules."""
        flags("train", mode=mode)
        self.training = mode
        for child in self.children():  # by its own method, which may keep a part of it frozen
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set `training` to False in this module and its submodules."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze (True) every parameter."""
        flags("requires_grad_", requires_grad=requires_grad)
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or to zero."""
        flags("zero_grad", set_to_none=set_to_none)
        for p in self.parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            elif OPEN[0] and current():
                p.grad = np.zeros(p.shape, p.dtype)
            else:
                p.grad.fill(0)

    def to(
        self,
        *args: DTypeLike,
        dtype: DTypeLike = None,
        device: builtins.str | None = None,
        non_blocking: bool = False,
    ) -> Self:
        """Convert every float parameter and buffer; gradients become None.

        Parameters
        ----------
        *args : a data type, or a device, or both.
        dtype : data type.
        device : ``"cpu"``, as PyTorch's programs have it: there is no other.
        non_blocking : of no effect.

        Examples
        --------
        >>> import nn, numpy as np
        >>> nn.Linear(2, 1).to("cpu").to(np.float64).weight.dtype
        dtype('float64')
        """
        for x in (*args, device):
            if isinstance(x, str) and x.partition(":")[0] in DEVICES:
                if x.partition(":")[0] != "cpu":
                    raise ValueError(f"to({x!r}): there is no other device than the CPU.")
            elif x is not None:
                dtype = x
        return self if dtype is None else self._converted(dtype)

    def _converted(self, dtype: DTypeLike) -> Self:
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"to(dtype): dtype must be a float type, not {dtype}.")
        parameters, epoch = list(self.parameters()), tick()
        for p in parameters:
            p._data, p.grad, p.seal, p.birth = p._data.astype(dtype), None, None, epoch
        for module in self.modules():
            for name, b in module._own_buffers():
                if b.dtype.kind == "f":
                    setattr(module, name, b.astype(dtype))
        return self

    def _own_state(self) -> list[tuple[str, Any]]:
        """What a state dict has of this module itself: Parameters and arrays."""
        return [*self._own(Parameter), *self._own_buffers(persistent_only=True)]

    def _own_modules(self) -> list[tuple[str, Module]]:
        return self._own(Module)

    def _has_own(self, method: str) -> bool:
        """Whether a subclass defines a method that Module refuses."""
        return getattr(type(self), method) is not getattr(Module, method)

    def _save_to_state_dict(
        self, destination: dict[builtins.str, Any], prefix: builtins.str, keep_vars: bool
    ) -> None:
        """Add what the module itself holds to a state dict; subclasses may add more."""
        for name, x in self._own_state():
            destination[prefix + name] = x if keep_vars else np.array(plain(x))
        if self._has_own("get_extra_state"):
            destination[prefix + EXTRA] = self.get_extra_state()

    def _load_from_state_dict(
        self, state_dict: dict[builtins.str, Any], prefix: builtins.str, *args: Any
    ) -> None:
        """Called before a state dict, a copy of the caller's, is loaded: subclasses may change it.

        The arguments are those of a hook of `register_load_state_dict_pre_hook`.
        """

    def state_dict(
        self,
        *,
        destination: dict[builtins.str, Any] | None = None,
        prefix: builtins.str = "",
        keep_vars: bool = False,
    ) -> dict[builtins.str, Any]:
        """Copies of all parameters and persistent buffers under their paths, as PyTorch names them.

        Parameters
        ----------
        destination : a dict to add to; a new one by default.
        prefix : put before every path, such as ``"encoder."``.
        keep_vars : the Parameters and arrays themselves, instead of copies.

        Examples
        --------
        >>> import nn
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> {key: array.shape for key, array in net.state_dict().items()}
        {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        state = {} if destination is None else destination
        saved(self, prefix, state, keep_vars)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadReport:
        """Write the arrays of a state dict into the parameters and buffers, in place.

        Parameters
        ----------
        state_dict : mapping of path to array_like.
        strict : whether every key must be on both sides. Shapes must always agree.

        Returns
        -------
        LoadReport : ``(missing_keys, unexpected_keys)``.

        Raises
        ------
        ValueError
            Lists all that is missing, unexpected or does not fit. Nothing has changed then.
        """
        return load_into(self, state_dict, strict)

    def get_extra_state(self) -> Any:
        """What a state dict is to hold besides arrays, under ``"_extra_state"``; for subclasses.

        Examples
        --------
        >>> import nn
        >>> class Tokens(nn.Module):
        ...     words = ("a", "b")
        ...     def get_extra_state(self):
        ...         return list(self.words)
        ...     def set_extra_state(self, state):
        ...         self.words = tuple(state)
        >>> Tokens().state_dict()
        {'_extra_state': ['a', 'b']}
        """
        raise RuntimeError(f"{type(self).__name__} defines no get_extra_state(self).")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` returned; for subclasses."""
        raise RuntimeError(f"{type(self).__name__} defines no set_extra_state(self, state).")

    def extra_repr(self) -> str:
        """The text between the brackets of the repr; for subclasses."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._own(Module)
        ]
        extra = self.extra_repr() if self._make is None else vars(self)["_shown"]
        if not lines:
            return f"{type(self).__name__}({extra})"
        if extra:
            lines.insert(0, extra)
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"

    def astype(self, dtype: DTypeLike) -> Self:
        """`to`, under NumPy's name."""
        return self.to(dtype)

    def double(self) -> Self:
        """Convert every float parameter and buffer to float64, as gradient checks want it."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Convert every float parameter and buffer to float32."""
        return self.to(np.float32)

    def half(self) -> Self:
        """Convert every float parameter and buffer to float16, which kernels may refuse."""
        return self.to(np.float16)

    def type(self, dst_type: DTypeLike) -> Self:
        """`to`, under another of PyTorch's names."""
        return self.to(dst_type)

    def cpu(self) -> Self:
        """Return the module: there is no other device."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Refused: there is no other device than the CPU."""
        return self.to("cuda")


def join(path: str, name: str) -> builtins.str:
    """Path of an attribute of the module at `path`."""
    return f"{path}.{name}" if path else name
