"""LaTeX formulas as MathML, which browsers show without a library."""

from __future__ import annotations

import functools
import re

_TAGS = re.compile("<[^>]*>")
_LETTER_TAG = r'<mi mathvariant="normal">(?:[^<&]|&#x0005F;)</mi>'
_NAMES = re.compile(rf"{_LETTER_TAG}(?:{_LETTER_TAG}|<mn>[^<]*</mn>)+")
_PATHS = re.compile(r"\\mathrm\{((?:\w|\\_)+(?:\.(?:\w|\\_)+)+)\}")
_FUNCTIONS = re.compile(r"\\operatorname\{((?:\w|\\_)*\\_(?:\w|\\_)*)\}")
_SUBSCRIPTS = re.compile(r"_\{(\w+)\}_\{(\w+)\}")
_LONG = r"<mi>[^<&]{2,}</mi>|<mtext>[^<]*</mtext>"
_BEFORE = re.compile(rf"(</m(?:i|n|sub|sup|frac|text)>)(?={_LONG}|<m(?:sub|sup)>(?:{_LONG}))")
_AFTER = re.compile(rf"({_LONG})(?=<m(?:i|n|sub|sup|frac|text)>)")
_SPACE = '<mspace width="0.2em"/>'


@functools.lru_cache(4096)
def mathml(tex: str) -> str:
    """A formula as a math element, each name as one identifier, not a row of letters.

    Examples
    --------
    >>> from autograd.viz.mathml import mathml
    >>> print(mathml("x"))
    <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>
    """
    from latex2mathml.converter import convert

    plain = _PATHS.sub(lambda found: r"\text{" + found[1].replace(r"\_", "_") + "}", tex)
    plain = _SUBSCRIPTS.sub(r"_{\1,\2}", plain)  # result 0 of v₁ is v₁,₀
    written = convert(_FUNCTIONS.sub(r"\\mathrm{\1}", plain))
    return _NAMES.sub(lambda found: f"<mi>{_TAGS.sub('', found[0])}</mi>", written)


def row(tex: str) -> str:
    """The content of the math element, to put into another one; names stand apart."""
    inside = _TAGS.sub("", mathml(tex), count=1).removesuffix("</math>")
    return _AFTER.sub(rf"\1{_SPACE}", _BEFORE.sub(rf"\1{_SPACE}", inside))
