"""Names of other programs' checkpoints: prefixes that wrappers leave."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from nn.files.names import without_prefix


def net(rng=0):
    return nn.Sequential({"body": nn.Linear(3, 4, rng=rng), "head": nn.Linear(4, 2, rng=rng)})


def prefixed(prefix, module):
    return {prefix + name: x for name, x in module.state_dict().items()}


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "net.0.anything.", ""])
def test_a_prefix_is_found_and_taken_off(prefix, tmp_path):
    one, other = net(), net(1)
    nn.save(prefixed(prefix, one), tmp_path / "net")
    report = nn.load(tmp_path / "net", into=other)
    assert (report.missing_keys, report.unexpected_keys) == ([], [])
    names = [*one.state_dict()] if prefix else []
    assert report.mapped_keys == {prefix + name: name for name in names}
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_names_beside_the_prefix_lose_what_they_share_with_it():
    own = ["wte.weight", "ln_f.weight"]
    names = ["module.transformer.wte.weight", "module.transformer.ln_f.weight", "module.head.bias"]
    assert without_prefix(names, own) == {
        "module.transformer.wte.weight": "wte.weight",
        "module.transformer.ln_f.weight": "ln_f.weight",
        "module.head.bias": "head.bias",
    }


def test_names_that_fit_as_they_are_stay():
    own = ["encoder.weight", "weight"]
    assert without_prefix(["encoder.weight", "weight"], own) == {}
    assert without_prefix(["a.b"], []) == {}


def test_two_parts_that_fit_alike_are_refused_until_one_is_named():
    layer, pair = nn.Linear(2, 2), {}
    for name in ("encoder_q.", "encoder_k."):
        pair |= prefixed(name, nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"without 'encoder_q\.', and as well without 'encoder_k"):
        nn.load(pair, into=layer)
    assert nn.load(pair, "encoder_k.", into=layer) == ([], [], {})
    np.testing.assert_array_equal(layer.weight.data, pair["encoder_k.weight"])


def test_a_name_that_comes_twice_is_refused():
    state = prefixed("module.", net()) | {"body.weight": np.zeros((4, 3), np.float32)}
    with pytest.raises(ValueError, match=r"twice: module\.body\.weight and body\.weight"):
        nn.load(state, into=net())


def test_what_is_missing_unexpected_or_misfits_changes_nothing():
    module = net()
    before = module.state_dict()
    state = prefixed("module.", net(1))
    del state["module.head.bias"]
    state["module.extra"] = np.zeros(2)
    with pytest.raises(ValueError, match=r"(?s)missing: head\.bias.*unexpected: extra"):
        nn.load(state, into=module)
    for name, x in module.state_dict().items():
        np.testing.assert_array_equal(x, before[name])
    report = nn.load(state, into=module, strict=False)
    assert (report.missing_keys, report.unexpected_keys) == (["head.bias"], ["extra"])
    assert "mapped: module.body.bias -> body.bias\n" in str(report)
    assert str(report).endswith("missing: head.bias\nunexpected: extra")


def test_a_report_of_nothing_says_so():
    assert str(nn.load(net().state_dict(), into=net())) == "all names fit as they are"


def test_wrong_calls_are_refused(tmp_path):
    with pytest.raises(TypeError, match="into must be a Module, not str"):
        nn.load(tmp_path / "a", into="model")
    with pytest.raises(TypeError, match="a state dict is loaded into a module only"):
        nn.load({"w": np.ones(1)})
    with pytest.raises(ValueError, match=r"This state dict has no name that starts with 'x\.'"):
        nn.load(net().state_dict(), "x.", into=net())
