"""Formulas as one line of readable Unicode, from the LaTeX that the ops write.

The reader is a small recursive-descent parser. It keeps the precedence of each piece, so that a
fraction on one line gets the brackets that its bar made unnecessary.
"""

from __future__ import annotations

import re
import unicodedata

LIST, SUM, QUOTIENT, PRODUCT, POWER, ATOM = range(6)
Piece = tuple[str, int]
"""A text, and its precedence."""

_TOKENS = re.compile(r"\\[a-zA-Z]+\*?|\\.|\d+(?:\.\d+)?|[^\W\d_]+|\s+|.", re.DOTALL)
_SUPER = str.maketrans("0123456789+-−nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿᵀ")
_SUB = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_ACCENTS = {r"\bar": "\u0304", r"\hat": "\u0302", r"\tilde": "\u0303", r"\dot": "\u0307"}
_LETTERS = (
    "alpha α, beta β, gamma γ, delta δ, epsilon ε, zeta ζ, eta η, theta θ, kappa κ, lambda λ, "
    "mu μ, nu ν, xi ξ, pi π, rho ρ, sigma σ, tau τ, phi φ, chi χ, psi ψ, omega ω, Gamma Γ, "
    "Delta Δ, Theta Θ, Lambda Λ, Xi Ξ, Pi Π, Sigma Σ, Phi Φ, Psi Ψ, Omega Ω"
)
_SYMBOLS = {
    **{"\\" + pair[:-2]: pair[-1] for pair in _LETTERS.split(", ")},
    r"\infty": "∞",
    r"\partial": "∂",
    r"\top": "ᵀ",
    r"\nabla": "∇",
    r"\ell": "ℓ",
    r"\ldots": "…",
    r"\dots": "…",
    r"\cdots": "…",
}
_RELATIONS = {
    r"\le": "≤",
    r"\leq": "≤",
    r"\ge": "≥",
    r"\geq": "≥",
    r"\ne": "≠",
    r"\neq": "≠",
    r"\in": "in",
    r"\leftarrow": "←",
    r"\to": "→",
    r"\mapsto": "→",
    r"\mid": "|",
    r"\approx": "≈",
    r"\sim": "~",
    r"\wedge": "and",
    r"\land": "and",
    r"\vee": "or",
    r"\lor": "or",
    "=": "=",
    "<": "<",
    ">": ">",
    ":": ":",
    r"\lt": "<",
    r"\gt": ">",
}
_TIMES = {
    r"\,": " · ",
    r"\odot": " · ",
    r"\cdot": "·",
    r"\times": " × ",
    r"\otimes": " × ",
    r"\ast": " * ",
    r"\star": " * ",
    "*": " * ",
    r"\circ": " ∘ ",
    r"\bmod": " mod ",
    "/": " / ",
}
_BIG = {r"\sum": "Σ", r"\prod": "Π", r"\int": "∫"}
_FUNCTION_NAMES = (
    "sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth log ln lg exp "
    "max min sup inf det ker dim gcd deg arg lim Pr"
)
_FUNCTIONS = frozenset("\\" + name for name in _FUNCTION_NAMES.split())
_WORDS = frozenset(
    (r"\mathrm", r"\text", r"\mathbf", r"\mathit", r"\mathsf", r"\textrm", r"\mathcal", r"\mathbb")
)
_SPACES = frozenset((r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", "~"))
_OPENING = {"(": ")", "[": "]", r"\{": r"\}", "|": "|", r"\lfloor": r"\rfloor"}
_OPENING |= {r"\lceil": r"\rceil", r"\|": r"\|", r"\langle": r"\rangle"}
_ROUND = {r"\lfloor": "floor", r"\lceil": "ceil"}
_ENDS = frozenset((*_OPENING.values(), "}", "&", r"\\", r"\end", r"\right", ",", ";", ""))
_DEEPEST = 60


def readable(tex: str) -> str:
    r"""One line of Unicode text for a formula of the LaTeX subset that ops write.

    Brackets are added where precedence needs them; a function's argument is always in brackets.

    Parameters
    ----------
    tex : the formula. Unknown commands are kept without their backslashes.

    Examples
    --------
    >>> from autograd.viz.text import readable
    >>> readable(r"-\frac{\bar y \, y}{2 \, b}")
    '−ȳ · y / (2 · b)'
    >>> readable(r"\begin{cases} \bar y & a > 0 \\ 0 & \text{otherwise} \end{cases}")
    'ȳ if a > 0 else 0'
    >>> readable(r"\bar y b^\top"), readable(r"e^{-a^2}")
    ('ȳ bᵀ', 'exp(−a²)')
    """
    depth = deepest = 0
    for mark in re.findall(r"[{}]|\\left|\\right|\\begin|\\end", tex):
        depth += 1 if mark in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        return "…"
    return _Reader(tex).whole()


def literal(name: str) -> str:
    r"""LaTeX that shows a name literally, whatever its characters.

    Examples
    --------
    >>> from autograd.viz.text import literal
    >>> literal("x"), literal("w_1")
    ('x', '\\mathrm{w\\_1}')
    """
    if len(name) == 1 and name.isalpha() and name != "e":  # e is Euler's number
        return name
    special = {"\\": r"\backslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    safe = "".join(special.get(c, "\\" + c if c in "{}$&#%_" else c) for c in name)
    return rf"\mathrm{{{safe}}}"


def _wrap(piece: Piece, rank: int) -> str:
    text, own = piece
    return text if own >= rank else f"({text})"


class _Reader:
    """Parses a list of tokens from left to right; each method takes one kind of phrase."""

    def __init__(self, tex: str) -> None:
        self.tokens = _TOKENS.findall(tex)
        self.at = 0

    def peek(self) -> str:
        """The next token that is not a space, without consuming it; "" at the end."""
        while self.at < len(self.tokens) and (
            self.tokens[self.at].isspace() or self.tokens[self.at] in _SPACES
        ):
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        found = self.peek() == token
        self.at += found
        return found

    def whole(self) -> str:
        parts = []
        while self.peek():
            before = self.at
            text, _ = self.list()
            if text:
                parts.append(text)
            if self.at == before:  # a closing mark that nothing opened
                mark = self.take().lstrip("\\")
                parts += [mark] if mark not in ("", "end", "right") else []
        return " ".join(parts)

    def list(self) -> Piece:
        """Relations between sums, separated by commas."""
        parts = [self.relation()]
        marks = []
        while self.peek() in (",", ";"):
            marks.append(self.take())
            self.skip(r"\,")
            parts.append(self.relation())
        if len(parts) == 1:
            return parts[0]
        text = parts[0][0]
        for mark, part in zip(marks, parts[1:], strict=True):
            text += f"{mark} {part[0]}"
        return text, LIST

    def relation(self) -> Piece:
        first = self.sum()
        if self.peek() not in _RELATIONS:
            return first
        text = _wrap(first, SUM)
        while self.peek() in _RELATIONS:
            text += f" {_RELATIONS[self.take()]} {_wrap(self.sum(), SUM)}"
        return text.strip(), LIST

    def sum(self) -> Piece:
        if self.skip(r"\neg"):
            return f"not {_wrap(self.sum(), SUM)}", LIST
        if self.skip("-"):
            text, rank = f"−{_wrap(self.product(), QUOTIENT)}", SUM
        else:
            self.skip("+")
            text, rank = self.product()
        while (sign := self.peek()) in ("+", "-", r"\pm"):
            self.take()
            term = _wrap(self.product(), QUOTIENT)
            text = f"{_wrap((text, rank), SUM)} {'−' if sign == '-' else sign.strip('pm')} {term}"
            rank = SUM
        return text, rank

    def product(self) -> Piece:
        factors: list[Piece] = []
        marks: list[str] = []
        while True:
            token = self.peek()
            if token in _TIMES and factors:
                mark = _TIMES[self.take()]
                if self.peek() in _ENDS or self.peek() in _RELATIONS:
                    break  # a space before the end
            elif token in _ENDS or token in _RELATIONS or token in ("+", "-", r"\pm", r"\neg"):
                if not (token in ("-", "+") and marks and len(marks) == len(factors)):
                    break
                mark = ""
            else:
                mark = " "
            if factors and mark:
                marks.append(mark)
            if self.peek() in ("-", "+"):
                self.take()
                factors.append(("−" + _wrap(self.factor(), ATOM), SUM))
            else:
                factors.append(self.factor())
        if not factors:
            return "", ATOM
        if len(factors) == 1:
            return factors[0]
        steep = any(m in (" / ", " mod ") for m in marks)
        spelled = []
        for k, piece in enumerate(factors):
            ends_plainly = k == len(factors) - 1 and all(m in (" · ", "·") for m in marks)
            spelled.append(_wrap(piece, POWER if steep else QUOTIENT if ends_plainly else PRODUCT))
        text = spelled[0]
        for mark, part in zip(marks, spelled[1:], strict=True):
            text += mark + part
        return text, QUOTIENT if steep else PRODUCT

    def factor(self) -> Piece:
        """An atom with its scripts, or a function with its argument."""
        token = self.take()
        if token in _FUNCTIONS or token == r"\operatorname":
            name = self.word() if token == r"\operatorname" else token[1:]
            return self.call(name + self.subscript())
        if token in _BIG:
            return self.call(_BIG[token] + self.subscript())
        if token in _SYMBOLS and token != r"\top":
            name = _SYMBOLS[token] + self.subscript()
            if self.peek() == "(" or self.tokens[self.at : self.at + 2] == [r"\left", "("]:
                return self.call(name)
            if token == r"\partial":
                return f"{name}{_wrap(self.factor(), ATOM)}", ATOM
            return self.scripts((name, ATOM), token)
        return self.scripts(self.atom(token), token)

    def call(self, name: str) -> Piece:
        power = ""
        if self.skip("^"):
            power = _raised(*self.script())
        if self.peek() in _ENDS or self.peek() in _RELATIONS or self.peek() in _TIMES:
            return name + power, ATOM
        inner = self.bracketed()
        if inner is None:
            return f"{name}{power}({self.factor()[0]})", ATOM
        return self.scripts((f"{name}{power}({inner[0]})", ATOM), name)

    def bracketed(self) -> Piece | None:
        """The content of round brackets, if they are next."""
        if self.peek() == "(":
            self.take()
            inner = self.list()
            self.skip(")")
            return inner
        if self.tokens[self.at : self.at + 2] == [r"\left", "("]:
            self.take()
            self.take()
            inner = self.list()
            if self.skip(r"\right"):
                self.take()
            return inner
        return None

    def scripts(self, base: Piece, token: str) -> Piece:
        while True:
            if self.tokens[self.at : self.at + 2] == [r"\left", "["]:  # a place in an array
                self.take()
                base = (_wrap(base, ATOM) + self.delimited(self.take(), True)[0], ATOM)
                continue
            mark = self.peek()
            if mark not in ("^", "_", "'"):
                return base
            self.take()
            if mark == "'":
                base = (_wrap(base, ATOM) + "′", ATOM)
                continue
            text, rank = self.script()
            if mark == "_":
                base = (_wrap(base, ATOM) + _lowered(text), ATOM)
            elif token == "e" and base[0] == "e":
                base = (f"exp({text})", ATOM)
            else:
                base = (_wrap(base, ATOM) + _raised(text, rank), POWER)

    def subscript(self) -> str:
        return _lowered(self.script()[0]) if self.skip("_") else ""

    def script(self) -> Piece:
        """The argument of ^ or _: a group, or one token."""
        return self.group() if self.peek() == "{" else self.atom(self.take())

    def group(self) -> Piece:
        """The content of braces."""
        if not self.skip("{"):
            return self.factor() if self.peek() else ("", ATOM)
        if self.peek() in _TIMES:  # a lone operator, such as _{\cdot}
            inner: Piece = (_TIMES[self.take()].strip(), ATOM)
        else:
            inner = self.list()
        while self.peek() not in ("}", ""):
            inner = (f"{inner[0]}{self.take().lstrip(chr(92))}", LIST)
        self.skip("}")
        return inner

    def word(self) -> str:
        """The content of braces, literally."""
        if not self.skip("{"):
            return self.take()
        depth, letters = 1, []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token == "{") - (token == "}")
            if not depth:
                break
            if token in ("{", "}"):
                continue
            letters.append(_PLAIN.get(token, token.lstrip("\\")))
        return "".join(letters)

    def atom(self, token: str) -> Piece:
        if token == "{":
            self.at -= 1
            return self.group()
        if token in _WORDS:
            return _name(self.word(), token), ATOM
        if token in _ACCENTS:
            inner = self.script()
            if len(inner[0]) == 1:
                return unicodedata.normalize("NFC", inner[0] + _ACCENTS[token]), ATOM
            return f"{token[1:]}({inner[0]})", ATOM
        if token in (r"\frac", r"\tfrac", r"\dfrac"):
            above, below = self.group(), self.group()
            return f"{_wrap(above, PRODUCT)} / {_wrap(below, POWER)}", QUOTIENT
        if token == r"\sqrt":
            return self.root(), ATOM
        if token == r"\begin":
            return self.environment()
        if token == r"\left":
            return self.delimited(self.take(), True)
        if token in _OPENING:
            return self.delimited(token, False)
        if token in _BIG:
            return _BIG[token], ATOM
        if token in _SYMBOLS:
            return _SYMBOLS[token], ATOM
        if token == r"\operatorname":
            return self.word(), ATOM
        return _PLAIN.get(token, token.lstrip("\\").replace("-", "−")), ATOM

    def root(self) -> str:
        degree = ""
        if self.skip("["):
            while self.peek() not in ("]", ""):
                degree += self.take()
            self.skip("]")
        text, rank = self.group()
        simple = rank == ATOM and (text.isalnum() or len(text) == 1)
        return (
            f"{degree.translate(_SUPER)}√{text}"
            if simple
            else (f"{degree.translate(_SUPER)}√({text})")
        )

    def delimited(self, opening: str, sized: bool) -> Piece:
        closing = _OPENING.get(opening, ")")
        inner = self.list()
        while self.peek() not in ((r"\right", "") if sized else (closing, "}", "")):
            inner = (f"{inner[0]} {self.take().lstrip(chr(92))}", LIST)
        if sized:
            if self.skip(r"\right"):
                self.take()
        else:
            self.skip(closing)
        if opening in _ROUND:
            return f"{_ROUND[opening]}({inner[0]})", ATOM
        if opening in ("|", r"\|"):
            mark = "|" if opening == "|" else "‖"
            return f"{mark}{inner[0]}{mark}", ATOM
        if opening in ("[", r"\{"):
            return f"{opening[-1]}{inner[0]}{closing[-1]}", ATOM
        return inner

    def environment(self) -> Piece:
        """Cases as conditional expressions; the rows of any other environment."""
        kind = self.word()
        rows: list[list[Piece]] = [[]]
        while (token := self.peek()) and token != r"\end":
            if token == r"\\":
                self.take()
                rows.append([])
            elif token == "&":
                self.take()
            else:
                before = self.at
                rows[-1].append(self.list())
                if self.at == before:
                    self.take()
        if self.skip(r"\end"):
            self.word()
        rows = [row for row in rows if row]
        if kind != "cases":
            return "[" + "; ".join(", ".join(p[0] for p in row) for row in rows) + "]", ATOM
        parts = []
        for k, row in enumerate(rows):
            last = k == len(rows) - 1
            value = row[0][0] if last else _wrap(row[0], SUM)
            condition = row[1][0] if len(row) > 1 else "otherwise"
            parts.append(value if condition == "otherwise" else f"{value} if {condition}")
        return " else ".join(parts), LIST


_PLAIN = {
    r"\backslash": "\\",
    r"\textbackslash": "\\",
    r"\textasciitilde": "~",
    r"\textasciicircum": "^",
}


def _name(word: str, token: str) -> str:
    """A name; in quotes if its characters could be read as part of the formula."""
    if token in (r"\text", r"\textrm") or re.fullmatch(r"[\w.\[\]]+", word):
        return word
    return f"“{word}”"


def _raised(text: str, rank: int) -> str:
    small = text.translate(_SUPER)
    if text in ("ᵀ", "T") or re.fullmatch(r"[−-]?\d+|n", text):
        return small
    return f"^{_wrap((text, rank), ATOM)}"


def _lowered(text: str) -> str:
    text = re.sub(r"(?<!,)\s*:\s*", ":", text)  # a slice
    if re.fullmatch(r"[−-]?\d+", text):
        return text.translate(_SUB)
    return f"[{text}]" if not text.isalnum() else f"_{text}"
