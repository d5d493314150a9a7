"""Watch: a live page of a training run."""

from nn.train.watch.callback import Watch

__all__ = ["Watch"]
