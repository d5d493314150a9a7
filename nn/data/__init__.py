"""Data sets and the batches made of them."""

from nn.data.dataset import Dataset, TensorDataset
from nn.data.datasets import load_digits
from nn.data.loader import DataLoader
from nn.data.split import train_test_split

__all__ = ["DataLoader", "Dataset", "TensorDataset", "load_digits", "train_test_split"]
