"""ViT: a Transformer on image patches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import init
from nn.arguments import count
from nn.layers.activation import GELU
from nn.layers.attention import MultiheadAttention
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.module import Module, Parameter

EPS = 1e-6
"""Of the norms, as torchvision has it."""


class EncoderBlock(Module):
    """Pre-norm block: self-attention and a feed-forward network, each with a residual."""

    def __init__(
        self,
        E: int,
        num_heads: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        rng: Rng,
    ) -> None:
        self.ln_1 = LayerNorm(E, EPS)
        self.self_attention = MultiheadAttention(
            E, num_heads, attention_dropout, batch_first=True, rng=rng
        )
        self.dropout = Dropout(dropout, rng=rng)
        self.ln_2 = LayerNorm(E, EPS)
        inner, outer = Linear(E, mlp_dim, rng=rng), Linear(mlp_dim, E, rng=rng)
        for layer in (inner, outer):
            init.xavier_uniform_(layer.weight, generator=rng)
            if layer.bias is not None:
                init.normal_(layer.bias, std=1e-6, generator=rng)
        self.mlp = Sequential(
            inner, GELU(), Dropout(dropout, rng=rng), outer, Dropout(dropout, rng=rng)
        )

    def forward(self, x: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        y = self.ln_1(x)
        x = x + self.dropout(self.self_attention(y, y, y, None, False)[0])
        return x + self.mlp(self.ln_2(x))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take over the names of torchvision's first checkpoints."""
        for old, new in (("linear_1", "0"), ("linear_2", "3")):
            for p in ("weight", "bias"):
                if (key := f"{prefix}mlp.{old}.{p}") in state_dict:
                    state_dict[f"{prefix}mlp.{new}.{p}"] = state_dict.pop(key)


class Encoder(Module):
    """Positions, blocks, a norm."""

    def __init__(
        self,
        T: int,
        E: int,
        num_layers: int,
        num_heads: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        rng: Rng,
    ) -> None:
        self.pos_embedding = Parameter(np.zeros((1, T, E)))
        init.normal_(self.pos_embedding, std=0.02, generator=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.layers = Sequential(
            {
                f"encoder_layer_{i}": EncoderBlock(
                    E, num_heads, mlp_dim, dropout, attention_dropout, rng
                )
                for i in range(num_layers)
            }
        )
        self.ln = LayerNorm(E, EPS)

    def forward(self, x: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        return self.ln(self.layers(self.dropout(x + self.pos_embedding)))


class ViT(Module):
    """Vision Transformer: patch embeddings, pre-norm blocks, and a class token.

    Arguments, and names, shapes and first values of parameters are those of torchvision's
    `VisionTransformer`, whose checkpoints load.

    Parameters
    ----------
    image_size : height and width of the images, a multiple of patch_size.
    patch_size : height and width P of a patch.
    num_layers, num_heads : number of blocks, and of heads of each.
    hidden_dim : E, embedding size, a multiple of num_heads.
    mlp_dim : features within a block's network.
    dropout : probability of zero for the embedded patches and in the blocks.
    attention_dropout : probability of zero for weights of attention.
    num_classes : number of classes.
    in_channels : C of the images.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    conv_proj : Conv2d, which makes a vector of each patch; normal at first, cut off at ±2, with
        standard deviation 1 / √(C P²) before the cut.
    class_token : Parameter, (1, 1, E), 0 at first: prepended to the patches.
    encoder : its `pos_embedding`, (1, 1 + (image_size / P)², E), is normal with standard deviation
        0.02 at first; `layers` are the blocks.
    heads : ends in the Linear `head`, 0 at first: all classes are alike.

    Input (N, C, image_size, image_size), output: logits, (N, num_classes).

    References
    ----------
    Dosovitskiy et al., An image is worth 16 × 16 words: Transformers for image recognition at
    scale, 2021.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.ViT(8, 2, 2, 4, 32, 64, num_classes=10, in_channels=1, rng=0)
    >>> net(np.ones((3, 1, 8, 8), np.float32)).shape
    (3, 10)
    >>> net.encoder.pos_embedding.shape
    (1, 17, 32)
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        *,
        in_channels: int = 3,
        rng: Rng = None,
    ) -> None:
        sizes = {
            "image_size": image_size, "patch_size": patch_size, "num_layers": num_layers,
            "num_heads": num_heads, "hidden_dim": hidden_dim, "mlp_dim": mlp_dim,
            "num_classes": num_classes, "in_channels": in_channels,
        }  # fmt: skip
        for name, size in sizes.items():
            count("ViT", name, size, 1)
        for whole, part in (("image_size", "patch_size"), ("hidden_dim", "num_heads")):
            if sizes[whole] % sizes[part]:
                raise ValueError(
                    f"ViT: {whole}={sizes[whole]} must be a multiple of {part}={sizes[part]}."
                )
        rng = None if rng is None else as_generator(rng)
        self.image_size, self.patch_size, self.in_channels = image_size, patch_size, in_channels
        self.class_token = Parameter(np.zeros((1, 1, hidden_dim)))
        self.conv_proj = Conv2d(in_channels, hidden_dim, patch_size, patch_size, rng=rng)
        places = 1 + (image_size // patch_size) ** 2
        self.encoder = Encoder(
            places, hidden_dim, num_layers, num_heads, mlp_dim, dropout, attention_dropout, rng
        )
        head = Linear(hidden_dim, num_classes, rng=rng)
        self.heads = Sequential({"head": head})
        init.trunc_normal_(
            self.conv_proj.weight, std=1 / math.sqrt(in_channels * patch_size**2), generator=rng
        )
        for zero in (self.conv_proj.bias, head.weight, head.bias):
            if zero is not None:
                init.zeros_(zero)

    def forward(self, x: Any) -> Value:
        """Logits of images."""
        wanted = (self.in_channels, self.image_size, self.image_size)
        shape = np.shape(x)
        if len(shape) != 4 or shape[1:] != wanted:
            raise ValueError(
                f"ViT: images must be (N, C, H, W) with (C, H, W) = {wanted}, got {shape}."
            )
        patches: Any = self.conv_proj(x)  # (N, E, H / P, W / P)
        N, E = patches.shape[:2]
        patches = np.swapaxes(np.reshape(patches, (N, E, -1)), 1, 2)
        token = np.broadcast_to(self.class_token, (N, 1, E))
        y = self.encoder(np.concatenate([token, patches], axis=1))  # (N, 1 + places, E)
        return self.heads(y[:, 0])


def vit_b_16(num_classes: int = 1000, image_size: int = 224, *, rng: Rng = None) -> ViT:
    """ViT-B/16, torchvision's `vit_b_16`: 86,567,656 parameters.

    Parameters
    ----------
    num_classes : number of classes.
    image_size : height and width of the images; a checkpoint has embeddings of 224 / 16 places.
    rng : generator, seed or None for the default.

    Examples
    --------
    >>> import nn
    >>> net = nn.models.vit_b_16(num_classes=10)  # logits (N, 10) of images (N, 3, 224, 224)
    """
    return ViT(image_size, 16, 12, 12, 768, 3072, num_classes=num_classes, rng=rng)
