"""Datasets, data loading, augmentation and small built-in datasets."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.data import transforms as transforms
from nn.data.bptt import windows as windows
from nn.data.collate import PadCollate as PadCollate
from nn.data.collate import default_collate as default_collate
from nn.data.collate import default_convert as default_convert
from nn.data.collate import pad_collate as pad_collate
from nn.data.csv_files import load_csv as load_csv
from nn.data.dataset import ConcatDataset as ConcatDataset
from nn.data.dataset import Dataset as Dataset
from nn.data.dataset import IterableDataset as IterableDataset
from nn.data.dataset import Subset as Subset
from nn.data.dataset import TensorDataset as TensorDataset
from nn.data.dataset import get_worker_info as get_worker_info
from nn.data.image_folder import ImageFolder as ImageFolder
from nn.data.loader import DataLoader as DataLoader
from nn.data.mnist import load_fashion_mnist as load_fashion_mnist
from nn.data.mnist import load_mnist_5000 as load_mnist_5000
from nn.data.sampler import BatchSampler as BatchSampler
from nn.data.sampler import BucketBatchSampler as BucketBatchSampler
from nn.data.sampler import RandomSampler as RandomSampler
from nn.data.sampler import Sampler as Sampler
from nn.data.sampler import SequentialSampler as SequentialSampler
from nn.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from nn.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from nn.data.split import random_split as random_split
from nn.data.split import train_test_split as train_test_split
from nn.data.tables import load_breast_cancer as load_breast_cancer
from nn.data.tables import load_digits as load_digits
from nn.data.tables import load_wine as load_wine
from nn.data.text import load_cmudict as load_cmudict
from nn.data.text import load_topics as load_topics
from nn.data.time_series import load_co2 as load_co2
from nn.data.time_series import load_sunspots as load_sunspots

_TORCHVISION = ("ToTensor", "Resize", "CenterCrop", "ColorJitter")
_INSTEAD = {
    "MNIST": "it is nn.data.load_mnist_5000, or nn.data.load_fashion_mnist",
    "DistributedSampler": "one process runs on the cores of one CPU: leave it out",
    **dict.fromkeys(_TORCHVISION, "transforms are in nn.data.transforms, for batches"),
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.data", name, _INSTEAD.get(name))
