"""Data augmentation of whole batches, images in the layout (N, ..., H, W).

A transform is called as ``t(x)`` or ``t(x, y, ...)`` and returns the same number of arrays. Random
numbers come from `rng`. A DataLoader passes a new generator for each batch, so the same seed gives
the same result for any number of threads.
"""

from nn.data.transforms.base import Compose as Compose
from nn.data.transforms.base import Transform as Transform
from nn.data.transforms.geometry import RandomAffine as RandomAffine
from nn.data.transforms.geometry import RandomCrop as RandomCrop
from nn.data.transforms.geometry import RandomHorizontalFlip as RandomHorizontalFlip
from nn.data.transforms.geometry import RandomRotation as RandomRotation
from nn.data.transforms.geometry import RandomVerticalFlip as RandomVerticalFlip
from nn.data.transforms.mixing import MixUp as MixUp
from nn.data.transforms.pixels import Cutout as Cutout
from nn.data.transforms.pixels import GaussianNoise as GaussianNoise
from nn.data.transforms.pixels import Normalize as Normalize
