"""Datasets, data loading, augmentation and small built-in datasets."""

from nn.data import transforms
from nn.data.bptt import windows
from nn.data.collate import PadCollate, default_collate, pad_collate
from nn.data.csv_files import load_csv
from nn.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset
from nn.data.image_folder import ImageFolder
from nn.data.loader import DataLoader
from nn.data.mnist import load_fashion_mnist, load_mnist_5000
from nn.data.sampler import (
    BatchSampler,
    BucketBatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from nn.data.split import random_split, train_test_split
from nn.data.tables import load_breast_cancer, load_digits, load_wine
from nn.data.text import load_cmudict, load_topics
from nn.data.time_series import load_co2, load_sunspots

__all__ = [
    "BatchSampler",
    "BucketBatchSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "ImageFolder",
    "PadCollate",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "load_breast_cancer",
    "load_cmudict",
    "load_co2",
    "load_csv",
    "load_digits",
    "load_fashion_mnist",
    "load_mnist_5000",
    "load_sunspots",
    "load_topics",
    "load_wine",
    "pad_collate",
    "random_split",
    "train_test_split",
    "transforms",
    "windows",
]
