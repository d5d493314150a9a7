"""A checkpoint's names, fitted to a module: without the prefixes that wrappers put before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from nn.module import Module


class Loaded(NamedTuple):
    """What `load` wrote into a module.

    Attributes
    ----------
    missing_keys : names of the module that the file lacks.
    unexpected_keys : names of the file that the module lacks.
    mapped_keys : name in the file -> name in the module, where they differ by a prefix.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]
    mapped_keys: dict[str, str]

    def __str__(self) -> str:
        lines = [f"mapped: {old} -> {new}" for old, new in self.mapped_keys.items()]
        lines += [f"missing: {key}" for key in self.missing_keys]
        lines += [f"unexpected: {key}" for key in self.unexpected_keys]
        return "\n".join(lines) or "all names fit as they are"


def write_into(module: Module, state: Mapping[str, Any], strict: bool) -> Loaded:
    """Load a state into a module under the module's names."""
    mapped = without_prefix(state, module.state_dict(keep_vars=True))
    named = {mapped.get(name, name): array for name, array in state.items()}
    if len(named) < len(state):
        twice = [f"{old} and {new}" for old, new in mapped.items() if new in state]
        raise ValueError(
            f"This state dict has the same name twice: {', '.join(twice)}. Give the prefix of "
            "the part to load: nn.load(path, prefix, into=model)."
        )
    return Loaded(*module.load_state_dict(named, strict), mapped)


def without_prefix(names: Collection[str], own: Collection[str]) -> dict[str, str]:
    """The names that change, and to what, if the prefix is taken off that hides most of one's own.

    ``module.``, ``_orig_mod.``, ``transformer.`` and the like need not be known. The names beside
    that prefix lose what they share with it: of ``module.transformer.`` they lose ``module.``.
    """
    hidden = Counter(
        name[: i + 1]
        for name in names
        for i, sign in enumerate(name)
        if sign == "." and name[i + 1 :] in own
    )
    if not hidden:
        return {}
    (best, most), *others = hidden.most_common(2)
    if most <= sum(name in own for name in names):
        return {}
    if others and others[0][1] == most:
        raise ValueError(
            f"The names fit without {best!r}, and as well without {others[0][0]!r}. Give the "
            "prefix of the part to load: nn.load(path, prefix, into=model)."
        )
    parts = [best[: i + 1] for i, sign in enumerate(best) if sign == "."]
    mapped = {}
    for name in names:
        for prefix in reversed(parts):
            if name.startswith(prefix):
                mapped[name] = name[len(prefix) :]
                break
    return mapped
