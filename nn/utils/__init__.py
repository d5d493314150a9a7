"""Clipping, parameters as one vector, and padded or packed sequences: PyTorch's place."""

from nn.utils import rnn as rnn
from nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from nn.utils.clip_grad import get_total_norm as get_total_norm
from nn.utils.vectors import parameters_to_vector as parameters_to_vector
from nn.utils.vectors import vector_to_parameters as vector_to_parameters
