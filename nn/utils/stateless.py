"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.value import Value
from nn.arguments import flags
from nn.module import Module
from nn.module.derived import recipe_of
from nn.parameter import Parameter

_ABSENT = object()


def functional_call(
    module: Module,
    parameters_and_buffers: Any,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers, which it forgets afterwards.

    Parameters
    ----------
    module : Module.
    parameters_and_buffers : mapping of path to Value or array, or several mappings. What is not
        given is the module's own. A buffer that the call changes, such as a running mean, is
        changed in the mapping.
    args, kwargs : what to call the module with; one argument needs no tuple.
    tie_weights : whether what is given for one path of a shared parameter holds for the others.
    strict : whether every parameter and buffer must be given.

    Returns
    -------
    What the module returns.

    Raises
    ------
    ValueError
        A path that the module does not have; a tied parameter given twice; with `strict`, one that
        is missing.

    Examples
    --------
    Gradients of all parameters, as functions of them:

    >>> import nn, numpy as np
    >>> from autograd import value_and_grad
    >>> from nn.utils.stateless import functional_call
    >>> net, x = nn.Linear(2, 1), np.ones((3, 2), np.float32)
    >>> def loss(parameters):
    ...     return np.sum(functional_call(net, parameters, x))
    >>> _, slopes = value_and_grad(loss)(net.state_dict())
    >>> slopes["weight"]
    array([[3., 3.]], dtype=float32)
    """
    flags("functional_call", tie_weights=tie_weights, strict=strict)
    dicts = parameters_and_buffers
    dicts = [dicts] if isinstance(dicts, Mapping) else list(dicts)
    given: dict[str, Any] = {}
    for each in dicts:
        given.update(each)
    places = _places(module)
    unknown = [path for path in given if path not in places]
    missing = [path for path in places if path not in given and not places[path][2]]
    if unknown or (strict and missing):
        lines = [f"  unknown: {path}" for path in unknown]
        lines += [f"  missing: {path}" for path in missing if strict]
        raise ValueError(
            f"functional_call: these do not fit {type(module).__name__}.\n" + "\n".join(lines)
        )
    if tie_weights:
        given = _tied(places, given)
    put = {path: x if isinstance(x, Value) else np.asarray(x) for path, x in given.items()}
    before = {path: places[path][0].get(places[path][1], _ABSENT) for path in put}
    try:
        for path, new in put.items():
            own, name, _ = places[path]
            own[name] = new
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for path, old in before.items():
            own, name, _ = places[path]
            for each in dicts:
                if path in each and own[name] is not put[path]:  # a buffer that the call changed
                    each[path] = own[name]
            if old is _ABSENT:
                del own[name]
            else:
                own[name] = old


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str, bool]]:
    """Path -> the attributes that it stands in, its name there, and whether it is computed."""
    places: dict[str, tuple[dict[str, Any], str, bool]] = {}
    for path, each in module.named_modules(remove_duplicate=False):
        own, prefix = vars(each._made(path)), f"{path}." if path else ""
        names = [name for name, _ in (*each._own(Parameter), *each._own_buffers())]
        places.update((prefix + name, (own, name, False)) for name in names)
        computed = [name for name in own.get("_derived", {}) if recipe_of(each, name)]
        places.update((prefix + name, (own, name, True)) for name in computed)
    return places


def _tied(
    places: Mapping[str, tuple[dict[str, Any], str, bool]], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What is given, for every path of a shared parameter."""
    paths: dict[int, list[str]] = {}
    for path, (own, name, computed) in places.items():
        if not computed:
            paths.setdefault(id(own[name]), []).append(path)
    whole = dict(given)
    for same in paths.values():
        new: Sequence[str] = [path for path in same if path in given]
        if any(given[path] is not given[new[0]] for path in new):
            raise ValueError(
                f"functional_call: {', '.join(new)} are one parameter, and were given two values; "
                "tie_weights=False lets them differ."
            )
        whole.update((path, given[new[0]]) for path in same if new)
    return whole
