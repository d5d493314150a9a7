"""`glassgrad check`: run a script up to its first updates, and check its model."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autograd.files import located
from nn.commands.play import executed
from nn.commands.refusal import Refusal

NAME = "check"
SUMMARY = "look for what keeps a script's model from learning"
DESCRIPTION = (
    "Run a Python script up to its first updates, find its model, data, loss and optimizer among "
    "its global names, and check them. Example: glassgrad check train.py --data x,y --loss "
    "criterion. The exit status is 1 if there are findings. All other arguments, and all after --, "
    "are the script's."
)

UPDATES = 8
"""Backward passes after which the script has shown how it trains."""

MODELS = ("model", "net", "network")
LOSSES = ("loss_fn", "criterion", "loss_function", "loss_of", "objective", "loss")
TRAINING = ("train_loader", "loader", "batches", "train_data", "data", "train")
VALIDATION = ("val_loader", "valid_loader", "validation_loader", "val_data", "validation", "val")
PAIRS = (("x", "y"), ("X", "y"), ("x", "t"), ("inputs", "targets"), ("images", "labels"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.allow_abbrev = False  # --o may be an option of the script
    parser.add_argument("script", metavar="SCRIPT.py")
    parser.add_argument("--model", metavar="NAME", help="global name of the model")
    parser.add_argument("--data", metavar="NAME", help="of a loader, or of arrays: x,y")
    parser.add_argument("--validation", metavar="NAME", help="the same, of held-out data")
    parser.add_argument(
        "--loss",
        metavar="NAME",
        help="of the function of outputs and targets: the script's, or one of nn.functional",
    )
    parser.add_argument("--optimizer", metavar="NAME", help="of one, or of several: a,b")
    parser.add_argument("--out", metavar="PAGE.html", help="write a page too")
    parser.set_defaults(passed_on=[])


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return the exit status."""
    import autograd
    from autograd import passes
    from autograd.readers.lint.training import Leftovers

    script = located(arguments.script)
    if not script.is_file():
        raise Refusal(f"there is no script {arguments.script!r}.")
    out = None if arguments.out is None else _page(arguments.out)
    seen = _Seen(Leftovers)
    try:
        with passes.observe(seen.begins):
            names: Mapping[str, Any] = executed(script, arguments.passed_on)
    except _Enough:
        names = seen.names
    model = _model(names, arguments.model)
    optimizers = _optimizers(names, arguments.optimizer)
    data = _data(names, arguments.data, TRAINING, ("", "_train"), "data")
    held_out = _data(names, arguments.validation, VALIDATION, ("_val", "_valid"), "")
    loss = _loss(names, arguments.loss)
    model, loss, optimizers = seen.as_before(model, loss, optimizers)
    try:
        found = autograd.check(model, data, loss, optimizers, validation=held_out)
    except (TypeError, ValueError) as error:
        raise Refusal(f"{script.name}: {error}") from error
    found[:0] = seen.findings()
    print(found)
    if out is not None:
        try:
            print(f"Wrote {found.save(out)}.")
        except OSError as error:
            raise Refusal(f"can't write {out}: {error}") from error
    return 1 if found else 0


class _Enough(BaseException):
    """Ends the script: it has made its first updates."""


class _Seen:
    """What the script's first backward passes began with."""

    def __init__(self, leftovers: Any) -> None:
        self.make, self.leftovers = leftovers, dict[int, Any]()
        self.first: dict[int, Any] = {}
        self.names: Mapping[str, Any] = {}
        self.count = 0

    def begins(self, begun: Any) -> None:
        """Called as a backward pass begins."""
        if not begun.deposits:
            return
        from autograd.viz.trace import Trace

        self.names = vars(sys.modules["__main__"])
        for leftover in self.leftovers.values():
            leftover.look()
        for key, leaf in Trace(list(begun.roots)).leaves.items():
            if leaf.requires_grad and key not in self.leftovers:
                self.leftovers[key] = self.make(leaf)
                self.first[key] = leaf._data.copy()
        self.count += 1
        if self.count > UPDATES:
            raise _Enough

    def findings(self) -> Iterator[Any]:
        """What the script's own steps do wrong."""
        from autograd.readers.lint.training import missing_zero_grad

        return missing_zero_grad(list(self.leftovers.values()), min(self.count, UPDATES))

    def as_before(self, model: Any, loss: Any, optimizers: list[Any]) -> tuple[Any, Any, list[Any]]:
        """Copies with the weights before the first update."""
        own = dict(model.named_parameters())
        model, loss, optimizers = copy.deepcopy((model, loss, optimizers))
        for path, p in model.named_parameters():
            if id(own[path]) in self.first:
                p.data = self.first[id(own[path])]
            p.grad = None
        for optimizer in optimizers:
            optimizer.state.clear()
            for group in optimizer.param_groups:
                group["lr"] = group.get("initial_lr", group["lr"])
        return model, loss, optimizers


def _page(given: str) -> Path:
    out = located(given).absolute()  # the script may change the directory
    if out.suffix.lower() != ".html" or not out.parent.is_dir():
        raise Refusal(f"--out {given!r} must end in .html and be in an existing directory.")
    return out


def _named(names: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in names:
        raise Refusal(f"the script has no global {name!r} for --{what}.")
    return names[name]


def _model(names: Mapping[str, Any], given: str | None) -> Any:
    from nn.losses.loss import Loss
    from nn.module import Module

    if given is not None:
        return _named(names, given, "model")
    modules = {
        name: x
        for name, x in names.items()
        if isinstance(x, Module) and not isinstance(x, Loss) and [*x.parameters()]
    }
    parts = {id(part) for x in modules.values() for part in x.modules() if part is not x}
    whole = {name: x for name, x in modules.items() if id(x) not in parts}
    chosen = [whole[name] for name in MODELS if name in whole] or list(whole.values())
    if len({id(x) for x in chosen}) != 1:
        raise Refusal(
            f"say which is the model, --model NAME: {', '.join(whole)}."
            if whole
            else "the script has no global Module; it must bind its model to a global name."
        )
    return chosen[0]


def _optimizers(names: Mapping[str, Any], given: str | None) -> list[Any]:
    from nn.optim.optimizer import Optimizer

    if given is not None:
        return [_named(names, name, "optimizer") for name in given.split(",")]
    found = {id(x): x for x in names.values() if isinstance(x, Optimizer)}
    return list(found.values())


def _data(
    names: Mapping[str, Any],
    given: str | None,
    loaders: tuple[str, ...],
    ends: tuple[str, ...],
    needed: str,
) -> Any:
    """A loader, or a tuple of arrays."""
    import numpy as np

    if given is not None:
        parts = tuple(_named(names, name, needed or "validation") for name in given.split(","))
        return parts if len(parts) > 1 else parts[0]
    for name in loaders:
        if name in names and hasattr(names[name], "__iter__") and not callable(names[name]):
            return names[name]
    for end in reversed(ends):
        for pair in PAIRS:
            both = tuple(names.get(name + end) for name in pair)
            if all(isinstance(x, np.ndarray) for x in both):
                return both
    if needed:
        raise Refusal(
            "say which are the data, --data LOADER, or --data x,y for arrays with samples along "
            "axis 0."
        )
    return None


def _loss(names: Mapping[str, Any], given: str | None) -> Any:
    import nn
    from nn.losses.loss import Loss

    if given is not None:
        own = getattr(nn.functional, given, None)
        return own if own and given not in names else _named(names, given, "loss")
    modules = {id(x): x for x in names.values() if isinstance(x, Loss)}
    if len(modules) == 1:
        return next(iter(modules.values()))
    for name in LOSSES:
        if callable(names.get(name)):
            return names[name]
    raise Refusal(
        "say which is the loss, --loss NAME: a function of outputs and targets, the script's or "
        "one of nn.functional, such as cross_entropy."
    )
