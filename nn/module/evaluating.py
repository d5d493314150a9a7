"""evaluating: a model in eval mode, and no graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from autograd.recording import no_grad
from nn.module.module import Module


@contextlib.contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Eval mode and no graph within; every module's own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
