"""checked: refuse what is no model."""

from __future__ import annotations

from typing import Any

from nn.module.module import Module


def checked(who: str, model: Any) -> Module:
    """The model.

    Raises
    ------
    TypeError
        Something else, such as data, a class that was not called, or a module of PyTorch.

    Examples
    --------
    >>> checked("fit", [1, 2])
    Traceback (most recent call last):
    ...
    TypeError: fit: the model comes first, an nn.Module, not a list.
    """
    if isinstance(model, Module):
        return model
    if isinstance(model, type) and issubclass(model, Module):
        raise TypeError(
            f"{who}: {model.__name__} is a class; make a model of it: {model.__name__}()."
        )
    kind = f"{type(model).__module__}.{type(model).__name__}".removeprefix("builtins.")
    raise TypeError(f"{who}: the model comes first, an nn.Module, not a {kind}.")
