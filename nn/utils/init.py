"""skip_init: a module whose first numbers do not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from autograd.random import default_generator
from nn.module import Module

P = ParamSpec("P")
M = TypeVar("M", bound=Module)


def skip_init(module_cls: Callable[P, M], *args: P.args, **kwargs: P.kwargs) -> M:
    """Make a module whose parameters will be overwritten, for PyTorch's programs.

    PyTorch leaves them uninitialized. Here they have the constructor's numbers, but the default
    generator does not advance, so that what follows is the same.

    Parameters
    ----------
    module_cls : subclass of Module.
    *args, **kwargs : those of its constructor.

    Examples
    --------
    >>> import nn
    >>> nn.utils.skip_init(nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise TypeError(f"skip_init: module_cls must be a class of modules, got {module_cls!r}.")
    generator = default_generator().bit_generator
    before = generator.state
    try:
        return module_cls(*args, **kwargs)  # type: ignore[return-value]
    finally:
        generator.state = before
