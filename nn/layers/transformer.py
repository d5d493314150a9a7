"""Transformer encoder, decoder, and both together."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags
from nn.layers.container import ModuleList
from nn.layers.layer_norm import LayerNorm
from nn.layers.transformer_layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)
from nn.module import Module


class TransformerEncoder(Module):
    """A stack of encoder layers.

    Parameters
    ----------
    encoder_layer : copied num_layers times, first weights included.
    num_layers : number of layers.
    norm : applied to the last output, optional.
    enable_nested_tensor, mask_check : accepted as in PyTorch, without effect.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> encoder = nn.TransformerEncoder(layer, 3)
    >>> encoder(np.ones((2, 5, 8), np.float32), is_causal=True).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        flags(
            "TransformerEncoder", enable_nested_tensor=enable_nested_tensor, mask_check=mask_check
        )
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool | None = None,
    ) -> Value:
        """Pass the input through all layers, each with the same masks."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, _causal(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """A stack of decoder layers.

    Parameters
    ----------
    decoder_layer : copied num_layers times, first weights included.
    num_layers : number of layers.
    norm : applied to the last output, optional.

    Examples
    --------
    >>> import nn, numpy as np
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 3)
    >>> target, memory = np.ones((5, 2, 8), np.float32), np.ones((7, 2, 8), np.float32)
    >>> decoder(target, memory, tgt_is_causal=True).shape
    (5, 2, 8)
    """

    def __init__(
        self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None
    ) -> None:
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Value:
        """Pass the target through all layers, each with the same memory and masks."""
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                memory_key_padding_mask, _causal(tgt_is_causal), memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


def _causal(given: bool | None) -> bool:
    """None, PyTorch's default, stands for False."""
    return False if given is None else given


def _copies(who: str, layer: Module, n: int) -> ModuleList:
    """Copies of a layer that draw from the generator of the original, not each from a copy."""
    count(who, "num_layers", n)
    rngs = [vars(m)["rng"] for m in layer.modules() if vars(m).get("rng") is not None]
    return ModuleList(copy.deepcopy(layer, {id(rng): rng for rng in rngs}) for _ in range(n))


class Transformer(Module):
    """Encoder-decoder Transformer.

    Parameters
    ----------
    d_model : E, features of inputs and output.
    nhead : heads of each attention, a divisor of E.
    num_encoder_layers, num_decoder_layers : numbers of layers.
    dim_feedforward, dropout, activation : as in `TransformerEncoderLayer`.
    custom_encoder, custom_decoder : modules in place of those made here.
    layer_norm_eps, batch_first, norm_first, bias : as in `TransformerEncoderLayer`.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    encoder, decoder : TransformerEncoder and TransformerDecoder, each with a norm at its end. All
        matrices are Xavier-uniform at first.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> source, target = np.ones((3, 7, 8), np.float32), np.ones((3, 5, 8), np.float32)
    >>> net(source, target, tgt_is_causal=True).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = functional.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        flags("Transformer", batch_first=batch_first, norm_first=norm_first, bias=bias)
        rng = None if rng is None else as_generator(rng)
        settings: tuple[Any, ...] = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias,
        )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        self.encoder = custom_encoder
        if self.encoder is None:
            layer = TransformerEncoderLayer(*settings, dtype=dtype, rng=rng)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.decoder = custom_decoder
        if self.decoder is None:
            other = TransformerDecoderLayer(*settings, dtype=dtype, rng=rng)
            self.decoder = TransformerDecoder(other, num_decoder_layers, norm())
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p, generator=rng)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Value:
        """Encode a source (S, N, E) and decode a target (T, N, E) with it."""
        for name, x in (("src", src), ("tgt", tgt)):
            shape = np.shape(x)
            if len(shape) not in (2, 3) or shape[-1] != self.d_model:
                axes = "(N, T, E)" if self.batch_first else "(T, N, E)"
                raise ValueError(
                    f"Transformer: {name} must be {axes} or (T, E) with E = d_model="
                    f"{self.d_model}, got {shape}."
                )
        masks = src_mask, src_key_padding_mask, src_is_causal
        memory = self.encoder(src, *masks)  # type: ignore[misc]
        return self.decoder(  # type: ignore[misc]
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, *, dtype: Any = np.float32
    ) -> np.ndarray[Any, Any]:
        """The causal mask (sz, sz): 0 where position i may attend, j <= i, and -inf elsewhere.

        ``is_causal=True`` does the same, faster.

        Examples
        --------
        >>> import nn
        >>> nn.Transformer.generate_square_subsequent_mask(2)
        array([[  0., -inf],
               [  0.,   0.]], dtype=float32)
        """
        count("generate_square_subsequent_mask", "sz", sz)
        return np.triu(np.full((sz, sz), -np.inf, dtype), 1)
