"""Clipping, normalized and other parametrized weights, packed sequences: PyTorch's place."""

from nn.utils import parametrizations as parametrizations
from nn.utils import parametrize as parametrize
from nn.utils import rnn as rnn
from nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from nn.utils.clip_grad import get_total_norm as get_total_norm
from nn.utils.normalized_weights import remove_spectral_norm as remove_spectral_norm
from nn.utils.normalized_weights import remove_weight_norm as remove_weight_norm
from nn.utils.normalized_weights import spectral_norm as spectral_norm
from nn.utils.normalized_weights import weight_norm as weight_norm
from nn.utils.vectors import parameters_to_vector as parameters_to_vector
from nn.utils.vectors import vector_to_parameters as vector_to_parameters
