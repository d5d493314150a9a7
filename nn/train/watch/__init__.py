"""Watch and Timelapse: pages of a training run, by layer and by node of its graph."""

from nn.train.watch.callback import Watch
from nn.train.watch.timelapse import Timelapse

__all__ = ["Timelapse", "Watch"]
