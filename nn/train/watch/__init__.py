"""Watch: a page that follows a training run."""

from nn.train.watch.callback import Watch

__all__ = ["Watch"]
