"""Every public method says what it does, or overrides one that does."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import FunctionType

import autograd
import nn


def public_methods():
    """The public methods that public classes of both packages define, by name."""
    for package in (autograd, nn):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for kind in vars(importlib.import_module(found.name)).values():
                if not isinstance(kind, type) or kind.__module__ != found.name:
                    continue
                for name, method in vars(kind).items():
                    if isinstance(method, FunctionType) and not {kind.__name__[0], name[0]} & {"_"}:
                        yield f"{found.name}.{kind.__name__}.{name}", getattr(kind, name)


def test_public_methods_have_a_docstring_or_inherit_one():
    methods = dict(public_methods())
    assert len(methods) > 500
    assert [name for name, method in methods.items() if not inspect.getdoc(method)] == []
