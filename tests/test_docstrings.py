"""Public methods have a docstring, unless they override one that has.

ruff's D102 would ask overrides for one too.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_every_method_that_is_no_override_has_a_docstring(package):
    bare = []
    for module in pkgutil.walk_packages([package], f"{package}."):
        for cls in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(cls) or cls.__module__ != module.name or cls.__name__[0] == "_":
                continue
            for name, x in vars(cls).items():
                function = getattr(x, "fget", None) or getattr(x, "__func__", x)
                defined_here = inspect.isfunction(function) and function.__name__ == name
                overrides = any(hasattr(base, name) for base in cls.__mro__[1:])
                if defined_here and name[0] != "_" and not function.__doc__ and not overrides:
                    bare.append(f"{module.name}.{cls.__name__}.{name}")
    assert bare == []
