"""Clipping, parameters as one vector, and padded or packed sequences: PyTorch's place."""

from nn.optim.clip import clip_grad_norm_, clip_grad_value_, get_total_norm
from nn.utils import rnn
from nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
