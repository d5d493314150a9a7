"""Characters predicted from the n - 1 before them: the yardstick for language models."""

from __future__ import annotations

import math
from collections import Counter


class KneserNey:
    """Modified Kneser-Ney smoothing, interpolated: all orders from 1 to n at once.

    The highest order counts how often a context was followed by a character, the lower ones in how
    many contexts; each count is discounted by what Good and Turing's estimate says for 1, 2 and
    more, and what is taken away goes to the order below, at last to all characters alike.

    Parameters
    ----------
    text : what to count.
    alphabet : how many characters there are.
    n : the order; 5 looks at four characters.

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
        self.orders = [Order(grams)]  # from the highest down
        for _ in range(n - 1):
            grams = Counter(gram[1:] for gram in grams)  # in how many contexts
            self.orders.append(Order(grams))

    def probability(self, context: str, character: str) -> float:
        """Of a character after a context of n - 1 characters or fewer."""
        p, left = 0.0, 1.0
        for order in self.orders[self.n - 1 - len(context) :]:
            total = order.totals.get(context)
            if total:
                p += left * order.discounted(context + character) / total
                left *= order.taken[context] / total
            context = context[1:]
        return p + left / self.alphabet

    def bits_per_character(self, text: str) -> float:
        """Mean surprise at a text's characters."""
        n = self.n - 1
        surprise = sum(
            math.log2(self.probability(text[max(0, i - n) : i], c)) for i, c in enumerate(text)
        )
        return -surprise / len(text)


class Order:
    """The counts of one order, and what is taken off them."""

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
        """The count of a gram less what is taken off."""
        c = self.grams.get(gram, 0)
        return c - self.discounts[min(c, 3)]
