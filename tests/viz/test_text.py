"""autograd.viz.text: LaTeX of the ops as one line of Unicode."""

from __future__ import annotations

import pytest

from autograd.kernel_op import KernelOp
from autograd.op import ROWS
from autograd.viz.names import shortened, visible
from autograd.viz.text import literal, readable


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\bar y \, b", "ȳ · b"),
        (r"\bar y b^\top", "ȳ bᵀ"),
        (r"-\frac{\bar y \, y}{b}", "−ȳ · y / b"),
        (r"\frac{a}{2 \, b}", "a / (2 · b)"),
        (r"\frac{a + b}{c}", "(a + b) / c"),
        (r"\frac{a}{\frac{b}{c}}", "a / (b / c)"),
        (r"\frac{a}{b} \, c", "(a / b) · c"),
        (r"a - \left(b - c\right)", "a − (b − c)"),
        (r"\left(-a\right)^2", "(−a)²"),
        (r"a^{b - 1}", "a^(b − 1)"),
        (r"a^{-1}", "a⁻¹"),
        (r"e^{-a^2}", "exp(−a²)"),
        (r"\sqrt{a}", "√a"),
        (r"\sqrt{1 - a^2}", "√(1 − a²)"),
        (r"\sqrt[3]{a}", "³√a"),
        (r"\sin a \, b", "sin(a) · b"),
        (r"\log \sigma(a)", "log(σ(a))"),
        (r"\log_{10} a", "log₁₀(a)"),
        (r"\sum \left(\bar y \, y\right)", "Σ(ȳ · y)"),
        (r"\operatorname{leaky\_relu} a", "leaky_relu(a)"),
        (r"\left|a\right| > 0.5", "|a| > 0.5"),
        (r"\left\lfloor \frac{a}{b} \right\rfloor", "floor(a / b)"),
        (r"\left(a > 0\right) \wedge \left(a < 6\right)", "(a > 0) and (a < 6)"),
        (r"\Phi\left(a\right)^\top", "Φ(a)ᵀ"),
        (r"a_{\ldots,\,:-1}", "a[…, :−1]"),
        (r"\bar y\left[1 \leftarrow 0\right]", "ȳ[1 ← 0]"),
        (r"1.2 \cdot 10^{-5} \, a", "1.2·10⁻⁵ · a"),
    ],
)
def test_brackets_stand_where_precedence_needs_them(tex, text):
    assert readable(tex) == text


def test_cases_read_as_conditional_expressions():
    tex = (
        r"\begin{cases} a & a > b \\ \begin{cases} \frac{a}{2} & a = b \\ 0 & \text{otherwise} "
        r"\end{cases} & \text{otherwise} \end{cases}"
    )
    assert readable(tex) == "a if a > b else a / 2 if a = b else 0"


def test_a_choice_within_a_product_is_bracketed():
    tex = r"\bar y \, \begin{cases} 0 & b = 0 \\ \log a & \text{otherwise} \end{cases}"
    assert readable(tex) == "ȳ · (0 if b = 0 else log(a))"


@pytest.mark.parametrize(
    "op", [r for r in ROWS if not isinstance(r, KernelOp)], ids=lambda r: r.name
)
def test_every_row_of_the_table_reads_without_a_backslash(op):
    for i in range(op.arity):
        text = readable(op.formula(i))
        assert text
        assert not set(text) & set("\\{}&")
        assert text.count("(") == text.count(")")


@pytest.mark.parametrize(
    "tex", ["", "}", "{", r"\left(", r"\frac{a", r"\begin{cases} a", "^", "&", r"\x"]
)
def test_broken_latex_raises_nothing(tex):
    assert "\\" not in readable(tex)


def test_very_deep_nesting_ends_in_an_ellipsis():
    assert readable("{" * 5000 + "}" * 5000) == "…"


@pytest.mark.parametrize(
    "name", ["w_1", "<b>&", "a^2~", "50%", "back\\slash", "{x}", "$#", "two words"]
)
def test_a_name_comes_through_latex_as_it_is(name):
    assert readable(literal(name)).strip("“”") == name


def test_a_name_that_looks_like_a_formula_is_quoted():
    assert readable(rf"{literal('a + b')} \, c") == "“a + b” · c"


def test_what_can_not_be_seen_is_spelled_out():
    assert visible("a\n\x00\u202eé") == r"a\n\x00\u202eé"


def test_a_long_name_loses_its_middle():
    assert shortened("abcdefghij", 5) == "ab…ij"
