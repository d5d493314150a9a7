"""Every function, layer, loss and optimizer beside PyTorch's, over random settings.

The rule of agreement stands in `comparison.py`; ``TORCH_RANDOM_SEED=7`` draws other settings. A
failure names function, seed, index and dtype: ``outcome(name, dtype, index)`` repeats it.
"""

from __future__ import annotations

import warnings

import array_cases
import function_cases
import layer_cases
import numpy as np
import optimizer_cases
import pytest
from comparison import COMPARED, REFUSED, SEED, Case, Draw, disagreement, torch

import nn

pytestmark = pytest.mark.torch
GENERATORS = {
    f"{module}.{name}": generator
    for module, family in {
        "np": array_cases,
        "functional": function_cases,
        "nn": layer_cases,
        "optim": optimizer_cases,
    }.items()
    for name, generator in family.GENERATORS.items()
}
SETTINGS = 6  # of each function and dtype
DTYPES = (np.float32, np.float64)


def described(x):
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{list(x.shape)}"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k}: {described(v)}" for k, v in x.items()) + "}"
    if isinstance(x, tuple | list):
        return "(" + ", ".join(map(described, x)) + ")"
    return repr(x)


def outcome(name, dtype, index):
    """How many quantities of a setting were compared, and None or what is wrong."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        short = name.partition(".")[2]
        case = GENERATORS[name](Draw(name, index, dtype), short)
        counted, wrong = disagreement(short, case, dtype, index)
    where = f"{name}, {dtype.__name__}, seed {SEED}, index {index}"
    settings = described((case.args, case.keywords, case.text))
    return counted, wrong and (wrong[0], f"{where}: {wrong[0]}: {wrong[1]}; settings {settings}")


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", GENERATORS)
def test_random_settings_agree_with_torch(name, dtype):
    """Each of some settings, of which PyTorch may refuse a few."""
    outcomes = [outcome(name, dtype, index) for index in range(SETTINGS)]
    refused = [text for _, wrong in outcomes if wrong for kind, text in [wrong] if kind == REFUSED]
    wrong = [text for _, wrong in outcomes if wrong for kind, text in [wrong] if kind != REFUSED]
    assert not wrong, "\n\n".join(wrong)
    assert len(refused) < SETTINGS / 2, "\n\n".join(refused)
    COMPARED[f"{name} {dtype.__name__}"] = sum(counted for counted, _ in outcomes)


def test_every_name_of_torch_that_we_have_is_compared():
    functions = {n for n in dir(nn.functional) if callable(getattr(nn.functional, n))}
    layers = {n for n in dir(nn) if isinstance(getattr(nn, n), type)}
    compared = {name.rpartition(".")[2] for name in GENERATORS}
    shared = functions & set(dir(torch.nn.functional)) | layers & set(dir(torch.nn))
    assert shared - compared == set(NOT_COMPARED)


NOT_COMPARED = {
    **dict.fromkeys(("Buffer", "Module", "Parameter"), "hold no computation"),
    **dict.fromkeys(("ModuleDict", "ModuleList", "ParameterDict", "ParameterList"), "containers"),
    "Sequential": "a container",
    "gumbel_softmax": "random, by another generator",
}


WRONG = {  # the first quantity that is wrong: our function, PyTorch's
    "output": (lambda x: 1.0001 * x, lambda x: x),
    "gradient of input 0": (lambda x: x * x.data, lambda x: x * x),
    "second order of input 0": (lambda x: 1.5 * x * x * x.data - 0.5 * x.data**3, lambda x: x**3),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("what", WRONG)
def test_the_comparer_finds_a_wrong_number(what, dtype):
    ours, theirs = WRONG[what]
    draw = Draw("a function", 0, dtype)
    case = Case(ours, theirs, (draw.real(3, 4, scale=1),))
    assert disagreement("a function", case, dtype, 0)[1][0] == what


def test_twenty_thousand_quantities_were_compared():
    if len(COMPARED) < len(GENERATORS) * len(DTYPES):
        pytest.skip("counts only where all of this file ran in one process, and agreed")
    assert sum(COMPARED.values()) >= 20_000
