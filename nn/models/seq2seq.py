"""Sequence-to-sequence model: recurrent encoder and decoder with attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.ops import scaled_dot_product_attention
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count
from nn.functional.dropout import probability
from nn.layers.embedding import Embedding
from nn.layers.linear import Linear
from nn.layers.recurrent import GRU
from nn.module import Module, evaluating
from nn.parameter import plain


class Seq2Seq(Module):
    r"""GRU encoder and decoder with dot-product attention.

    .. math:: h_t = \operatorname{GRU}(y_{t-1}, h_{t-1}) \qquad
        c_t = \operatorname{attention}(h_t, s) \qquad
        p(y_t) = \operatorname{softmax} W \tanh\left(V [h_t; c_t]\right)

    Parameters
    ----------
    source_vocabulary, target_vocabulary : number of tokens of each side.
    hidden_size : H, size of both states.
    embedding_dim : size of a token's embedding.
    num_layers : of each GRU.
    bos, eos : tokens that begin and end every target.
    rng : generator, seed or None for the default; for the first weights and teacher forcing.

    Inputs: source, integers (N, S), and target, integers (N, T + 1) from bos to eos. Output: logits
    of target[:, 1:], (N, T, target_vocabulary).

    References
    ----------
    Sutskever, Vinyals & Le, Sequence to sequence learning with neural networks, 2014; Luong, Pham &
    Manning, Effective approaches to attention-based neural machine translation, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.Seq2Seq(10, 12, hidden_size=16)
    >>> source, target = np.full((2, 5), 3), np.array([[1, 7, 8, 2], [1, 9, 2, 0]])
    >>> net(source, target, lengths=[5, 4]).shape
    (2, 3, 12)
    >>> len(net.translate(source, max_length=6))
    2
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        hidden_size: int = 128,
        embedding_dim: int = 64,
        num_layers: int = 1,
        bos: int = 1,
        eos: int = 2,
        *,
        rng: Rng = None,
    ) -> None:
        self.target_vocabulary = count("Seq2Seq", "target_vocabulary", target_vocabulary, 1)
        for name, token in (("bos", bos), ("eos", eos)):
            if not 0 <= token < target_vocabulary:
                raise ValueError(
                    f"Seq2Seq: {name}={token} must be a token from 0 to {target_vocabulary - 1}."
                )
        self.rng = None if rng is None else as_generator(rng)
        self.bos, self.eos, E, H = bos, eos, embedding_dim, hidden_size
        rng = self.rng
        self.source_table = Embedding(source_vocabulary, E, rng=rng)
        self.encoder = GRU(E, H, num_layers, batch_first=True, rng=rng)
        self.target_table = Embedding(target_vocabulary, E, rng=rng)
        self.decoder = GRU(E, H, num_layers, batch_first=True, rng=rng)
        self.join = Linear(2 * H, H, rng=rng)
        self.head = Linear(H, target_vocabulary, rng=rng)

    def forward(
        self, source: Any, target: Any, lengths: Any = None, teacher_forcing: float = 1.0
    ) -> Any:
        """Logits of the target.

        Parameters
        ----------
        source : integers (N, S).
        target : integers (N, T + 1), from bos on.
        lengths : (N,), number of tokens of each source; all by default.
        teacher_forcing : probability that a step is given the true previous token instead of the
            model's most likely one. With 1 all steps are computed at once.
        """
        probability("Seq2Seq", teacher_forcing, "teacher_forcing")
        target = self._target(source, target)
        memory, state = self.encode(source, lengths)
        if teacher_forcing == 1:
            return self.decode(target[:, :-1], memory, state)[0]
        rng = as_generator(self.rng)
        steps, before = [], target[:, :1]
        for t in range(1, target.shape[1]):
            logits, state = self.decode(before, memory, state)
            steps.append(logits)
            told = rng.random() < teacher_forcing
            before = target[:, t : t + 1] if told else plain(logits).argmax(-1)
        return np.concatenate(steps, axis=1)

    def _target(self, source: Any, target: Any) -> Array:
        """A target, checked."""
        tokens: Array = np.asarray(target)
        if tokens.ndim != 2 or tokens.shape[1] < 2 or len(tokens) != len(source):
            raise ValueError(
                f"Seq2Seq: target must be (N, T + 1) with T >= 1 for source {np.shape(source)}, "
                f"got {tokens.shape}."
            )
        return tokens

    def encode(self, source: Any, lengths: Any = None) -> tuple[tuple[Any, Any], Any]:
        """Encode a source: outputs, their mask, and the state."""
        outputs, state = self.encoder(self.source_table(source), lengths=lengths)
        mask = None
        if lengths is not None:
            mask = np.arange(outputs.shape[1]) < np.asarray(lengths)[:, None, None]  # (N, 1, S)
        return (outputs, mask), state

    def decode(self, before: Any, memory: tuple[Any, Any], state: Any) -> tuple[Value, Value]:
        """Logits of the tokens that follow those `before`, (N, T), and the state after them."""
        h, state = self.decoder(self.target_table(before), state)  # (N, T, H)
        outputs, mask = memory
        found = scaled_dot_product_attention(h, outputs, outputs, mask)
        joined = np.tanh(self.join(np.concatenate([h, found], axis=-1)))
        return self.head(joined), state

    def attention(self, source: Any, target: Any, lengths: Any = None) -> Array:
        r"""Attention weights over the source, for each token of a target.

        .. math:: \alpha_{ts} = \operatorname{softmax}_s \frac{h_t \cdot s_s}{\sqrt H}

        Parameters
        ----------
        source, target, lengths : as in a call.

        Returns
        -------
        array, (N, T, S) : the weights for target[:, 1:]; each row adds up to 1.

        Examples
        --------
        >>> import nn, numpy as np
        >>> net = nn.models.Seq2Seq(10, 12, hidden_size=16, rng=0)
        >>> weights = net.attention([[3, 4, 5]], [[1, 7, 8, 2]])
        >>> weights.shape, weights.sum(-1).round(4).tolist()
        ((1, 3, 3), [[1.0, 1.0, 1.0]])
        """
        target = self._target(source, target)
        with evaluating(self):
            (outputs, mask), state = self.encode(np.asarray(source), lengths)
            h, _ = self.decoder(self.target_table(target[:, :-1]), state)
            scores = plain(h) @ plain(outputs).swapaxes(1, 2) / math.sqrt(h.shape[-1])
            if mask is not None:
                scores = np.where(mask, scores, -np.inf)
            weights: Array = plain(functional.softmax(scores, -1))
            return weights

    def translate(
        self,
        source: Any,
        max_length: int = 100,
        lengths: Any = None,
        beam: int = 1,
        length_penalty: float = 0.0,
    ) -> list[list[int]]:
        """Translate a batch of sources by beam search; targets come without bos and eos.

        Parameters
        ----------
        source : integers (N, S).
        max_length : maximum number of tokens of a target.
        lengths : (N,), number of tokens of each source; all by default.
        beam : beam width; 1 is greedy decoding.
        length_penalty : log-probabilities are divided by the length to this power; above 0 favors
            longer targets.

        Returns
        -------
        list of N lists.
        """
        count("Seq2Seq.translate", "beam", beam, 1)
        count("Seq2Seq.translate", "max_length", max_length, 1)
        source = np.asarray(source)
        if not len(source):
            return []
        with evaluating(self):
            (outputs, mask), state = self.encode(source, lengths)
            outputs, state = plain(outputs), plain(state)
            owner = np.arange(len(source))  # which source each way belongs to
            ways, scores = np.full((len(source), 1), self.bos), np.zeros(len(source))
            ended: list[list[tuple[float, list[int]]]] = [[] for _ in source]
            for t in range(1, max_length + 1):
                memory = outputs[owner], None if mask is None else mask[owner]
                logits, after = self.decode(ways[:, -1:], memory, state)
                step = plain(functional.log_softmax(logits, -1))[:, 0].astype(np.float64)
                way, token, scores = _best(scores[:, None] + step, owner, beam)
                owner, state = owner[way], plain(after)[:, way]
                ways = np.concatenate([ways[way], token[:, None]], axis=1)
                over = token == self.eos
                for i, score, tokens in zip(owner[over], scores[over], ways[over], strict=True):
                    ended[i].append((score / t**length_penalty, tokens[1:-1].tolist()))
                done = np.array([len(found) >= beam for found in ended])
                left = ~over & ~done[owner]
                owner, ways, scores, state = owner[left], ways[left], scores[left], state[:, left]
                if not len(ways):
                    break
            for i, score, tokens in zip(owner, scores, ways, strict=True):
                ended[i].append((score / max_length**length_penalty, tokens[1:].tolist()))
        return [max(found)[1] for found in ended]


def _best(totals: Array, owner: Array, beam: int) -> tuple[Array, Array, Array]:
    """Of each owner's ways, rows of scores (M, V): its best continuations, (way, token, score)."""
    tokens = np.argsort(-totals, axis=1, kind="stable")[:, :beam]
    scores = np.take_along_axis(totals, tokens, 1).reshape(-1)
    owners = np.repeat(owner, tokens.shape[1])
    order = np.lexsort((-scores, owners))
    owners = owners[order]
    rank = np.arange(len(owners)) - np.searchsorted(owners, owners)  # within its owner's
    best = order[rank < beam]
    return best // tokens.shape[1], tokens.reshape(-1)[best], scores[best]
