"""Symbol: the LaTeX that vjps write about themselves."""

from __future__ import annotations

import numpy as np
import pytest

from autograd.symbol import ATOM, Symbol, as_symbol, number

A, B, C = (Symbol(name, 2.0) for name in "abc")


@pytest.mark.parametrize(
    ("expression", "tex"),
    [
        (lambda: A + B, "a + b"),
        (lambda: A - (B - C), r"a - \left(b - c\right)"),
        (lambda: (A - B) - C, "a - b - c"),
        (lambda: (A + B) * C, r"\left(a + b\right) \, c"),
        (lambda: A * B + C, r"a \, b + c"),
        (lambda: A / (B + C), r"\frac{a}{b + c}"),
        (lambda: (A / B) * C, r"\frac{a}{b} \, c"),
        (lambda: -A, "-a"),
        (lambda: -(A + B), r"-\left(a + b\right)"),
        (lambda: A * -B, r"a \, \left(-b\right)"),
        (lambda: A**2, "a^{2}"),
        (lambda: (A + B) ** C, r"\left(a + b\right)^{c}"),
        (lambda: (A**B) ** C, r"\left(a^{b}\right)^{c}"),
        (lambda: (-A) ** 2, r"\left(-a\right)^{2}"),
        (lambda: np.sin(A), r"\sin a"),
        (lambda: np.sin(A * B), r"\sin \left(a \, b\right)"),
        (lambda: np.square(np.sin(A)), r"\left(\sin a\right)^2"),
        (lambda: np.exp(A + B), "e^{a + b}"),
        (lambda: np.exp(A) ** 2, r"\left(e^{a}\right)^{2}"),
        (lambda: np.log(A) * B, r"\log a \, b"),
        (lambda: 2 * A, r"2 \, a"),
        (lambda: np.float64(2) * A, r"2 \, a"),
        (lambda: A * 0.5, r"a \, 0.5"),
        (lambda: np.maximum(A, 0), r"\max(a, 0)"),
        (lambda: A > 0, "a > 0"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_brackets_are_where_mathematics_wants_them(expression, tex):
    assert expression().tex == tex


def test_a_symbol_computes_along():
    y = np.exp(Symbol("a", 1.0)) * 2
    assert y.data == pytest.approx(2 * np.e)


def test_a_symbol_has_the_shape_of_what_it_stands_for():
    s = Symbol("a", np.zeros((2, 3), np.float32))
    assert (s.shape, s.ndim, s.size, s.dtype, len(s)) == ((2, 3), 2, 6, np.float32, 2)
    assert s.T.shape == (3, 2)
    assert s.astype(np.float64).dtype == np.float64
    assert s.astype(np.float64).tex == "a"


def test_where_writes_cases():
    tex = np.where(A > 0, A, B).tex
    assert tex == r"\begin{cases} a & a > 0 \\ b & \text{otherwise} \end{cases}"


@pytest.mark.parametrize(("condition", "tex"), [(True, "a"), (False, "b")])
def test_where_with_a_constant_condition_is_its_branch(condition, tex):
    assert np.where(condition, A, B).tex == tex


@pytest.mark.parametrize(
    ("x", "tex"),
    [
        (2, "2"),
        (2.0, "2"),
        (0.5, "0.5"),
        (-1.5, "-1.5"),
        (1e-9, r"1 \cdot 10^{-9}"),
        (2.5e20, r"2.5 \cdot 10^{20}"),
        (np.pi, "3.142"),
        (np.inf, r"\infty"),
        (-np.inf, r"-\infty"),
        (np.nan, r"\mathrm{nan}"),
    ],
    ids=str,
)
def test_numbers_are_written_with_four_digits(x, tex):
    assert number(x) == tex


def test_an_array_of_one_number_is_written_as_the_number():
    assert as_symbol(np.full((2, 2), 3.0)).tex == "3"
    assert as_symbol(np.array([1.0, 2.0])).tex == r"\mathbf{c}"
    assert as_symbol(np.zeros((0,))).tex == r"\mathbf{c}"


def test_a_negative_number_binds_like_a_sum():
    assert as_symbol(-2.0).rank == 1
    assert as_symbol(2.0).rank == ATOM


def test_a_symbol_stays_itself():
    assert as_symbol(A) is A


def test_a_function_without_a_row_raises_and_is_named():
    with pytest.raises(TypeError, match=r"numpy\.fft\.fft"):
        np.fft.fft(A)


def test_equality_writes_a_formula_so_symbols_do_not_hash():
    assert (A == B).tex == "a = b"
    with pytest.raises(TypeError, match="unhashable"):
        hash(A)
