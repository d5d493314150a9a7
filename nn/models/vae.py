"""Variational autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import no_grad
from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.models.mlp import MLP
from nn.module import Module
from nn.parameter import plain


class VAE(Module):
    r"""Variational autoencoder with a Gaussian latent code z.

    .. math:: \text{loss} = -\mathbb E_{z \sim q(z|x)} \log p(x|z)
        + \tfrac12 \textstyle\sum (μ^2 + σ^2 - \log σ^2 - 1)

    Parameters
    ----------
    n_inputs : V, numbers from 0 to 1 that each sample has.
    hidden : units of the hidden layer on either side.
    latent : Z, size of a code.
    rng : generator, seed or None for the default; for the first weights and the draws of z.

    Input (N, V). Output: logits of the inputs, (N, V), and mean and log variance of the codes,
    (N, Z) each.

    References
    ----------
    Kingma & Welling, Auto-encoding variational Bayes, 2013.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.VAE(64, hidden=32, latent=2, rng=0)
    >>> x = np.zeros((5, 64), np.float32)
    >>> logits, mean, log_variance = net(x)
    >>> logits.shape, mean.shape, net.loss(x).shape, net.sample(3).shape
    ((5, 64), (5, 2), (), (3, 64))
    """

    def __init__(
        self, n_inputs: int, hidden: int = 256, latent: int = 16, *, rng: Rng = None
    ) -> None:
        self.rng = None if rng is None else as_generator(rng)
        self.latent = latent
        self.encoder = MLP(n_inputs, hidden, 2 * latent, rng=self.rng)
        self.decoder = MLP(latent, hidden, n_inputs, rng=self.rng)

    def forward(self, x: Any) -> tuple[Value, Value, Value]:
        """Logits of a reconstruction, and the codes' mean and log variance.

        In evaluation the code is the mean, in training it is drawn.
        """
        codes: Any = np.split(self.encoder(x), 2, axis=-1)
        mean, log_variance = codes
        z = mean
        if self.training:
            noise = as_generator(self.rng).standard_normal(mean.shape).astype(mean.dtype)
            z = mean + np.exp(log_variance / 2) * noise
        return self.decoder(z), mean, log_variance

    def loss(self, x: Any) -> Value:
        """Negative evidence lower bound on log p(x), in nats, averaged over the samples."""
        logits, mean, log_variance = self(x)
        wrong = functional.binary_cross_entropy_with_logits(logits, plain(x), reduction="sum")
        distance = 0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1)
        return (wrong + distance) / len(x)

    def sample(self, n: int) -> Array:
        """Probabilities of inputs, (n, V), decoded from sampled codes."""
        z = as_generator(self.rng).standard_normal((n, self.latent)).astype(np.float32)
        with no_grad():
            return plain(functional.sigmoid(self.decoder(z)))
