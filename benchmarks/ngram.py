"""Kneser-Ney n-gram model, the baseline for character language models."""

from __future__ import annotations

import math
from collections import Counter


class KneserNey:
    """Character n-gram model with interpolated modified Kneser-Ney smoothing.

    The highest order uses n-gram counts, lower orders the number of distinct contexts. Counts are
    discounted by Good-Turing estimates for 1, 2, and 3 or more; the discounted probability mass
    goes to the next lower order, and finally to a uniform distribution.

    Parameters
    ----------
    text : training text.
    alphabet : number of distinct characters.
    n : order of the model; contexts have n - 1 characters.

    References
    ----------
    Chen & Goodman, An empirical study of smoothing techniques for language modeling, 1999.

    Examples
    --------
    >>> model = KneserNey("abcabdabcabcacbd", alphabet=4, n=3)
    >>> model.probability("ab", "c") > model.probability("ab", "d")
    True
    >>> round(sum(model.probability("ab", c) for c in "abcd"), 9)
    1.0
    """

    def __init__(self, text: str, alphabet: int, n: int = 5) -> None:
        self.alphabet, self.n = alphabet, n
        grams = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        self.orders = [Order(grams)]  # highest order first
        for _ in range(n - 1):
            grams = Counter(gram[1:] for gram in grams)  # number of distinct contexts
            self.orders.append(Order(grams))

    def probability(self, context: str, character: str) -> float:
        """Probability of a character after a context of up to n - 1 characters."""
        p, left = 0.0, 1.0
        for order in self.orders[self.n - 1 - len(context) :]:
            total = order.totals.get(context)
            if total:
                p += left * order.discounted(context + character) / total
                left *= order.taken[context] / total
            context = context[1:]
        return p + left / self.alphabet

    def bits_per_character(self, text: str) -> float:
        """Cross-entropy of a text in bits per character."""
        n = self.n - 1
        surprise = sum(
            math.log2(self.probability(text[max(0, i - n) : i], c)) for i, c in enumerate(text)
        )
        return -surprise / len(text)


class Order:
    """Counts and discounts of one order."""

    def __init__(self, grams: Counter[str]) -> None:
        n = [0, *(sum(c == k for c in grams.values()) for k in (1, 2, 3, 4))]
        y = n[1] / max(n[1] + 2 * n[2], 1)
        self.discounts = [0.0] + [
            max(k - (k + 1) * y * n[k + 1] / n[k], 0.0) if n[k] and n[k + 1] else y
            for k in (1, 2, 3)
        ]
        self.grams = grams
        self.totals: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()  # floats
        for gram, c in grams.items():
            self.totals[gram[:-1]] += c
            self.taken[gram[:-1]] += self.discounts[min(c, 3)]  # type: ignore[assignment]

    def discounted(self, gram: str) -> float:
        """Discounted count of an n-gram."""
        c = self.grams.get(gram, 0)
        return c - self.discounts[min(c, 3)]
