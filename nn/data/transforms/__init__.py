"""Data augmentation of whole batches, images in the layout (N, ..., H, W).

A transform is called as ``t(x)`` or ``t(x, y, ...)`` and returns the same number of arrays. Random
numbers come from `rng`. A DataLoader passes a new generator for each batch, so the same seed gives
the same result for any number of threads.
"""

from nn.data.transforms.base import Compose, Transform
from nn.data.transforms.geometry import (
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
)
from nn.data.transforms.mixing import MixUp
from nn.data.transforms.pixels import Cutout, GaussianNoise, Normalize

__all__ = [
    "Compose",
    "Cutout",
    "GaussianNoise",
    "MixUp",
    "Normalize",
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Transform",
]
