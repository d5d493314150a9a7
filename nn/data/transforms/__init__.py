"""Augmentation of whole batches of NumPy arrays, images in the layout (N, ..., H, W).

Every transform is called as ``t(x)``, or ``t(x, y, ...)``, and hands back as many parts. `rng` says
where its random numbers come from; a DataLoader passes one generator a batch, so that the same seed
gives the same images at any number of threads.
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
