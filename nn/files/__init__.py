"""States of models and of runs, in files."""

from nn.files.checkpoint import Checkpoint as Checkpoint
from nn.files.safetensors import load as load
from nn.files.safetensors import save as save
