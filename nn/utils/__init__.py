"""Clipping, computed weights, fusion, packed sequences and more: PyTorch's place."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.utils import parametrizations as parametrizations
from nn.utils import parametrize as parametrize
from nn.utils import prune as prune
from nn.utils import rnn as rnn
from nn.utils import stateless as stateless
from nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from nn.utils.clip_grad import get_total_norm as get_total_norm
from nn.utils.fusion import fuse_conv_bn_eval as fuse_conv_bn_eval
from nn.utils.fusion import fuse_conv_bn_weights as fuse_conv_bn_weights
from nn.utils.fusion import fuse_linear_bn_eval as fuse_linear_bn_eval
from nn.utils.fusion import fuse_linear_bn_weights as fuse_linear_bn_weights
from nn.utils.init import skip_init as skip_init
from nn.utils.normalized_weights import remove_spectral_norm as remove_spectral_norm
from nn.utils.normalized_weights import remove_weight_norm as remove_weight_norm
from nn.utils.normalized_weights import spectral_norm as spectral_norm
from nn.utils.normalized_weights import weight_norm as weight_norm
from nn.utils.vectors import parameters_to_vector as parameters_to_vector
from nn.utils.vectors import vector_to_parameters as vector_to_parameters

_INSTEAD = {
    "clip_grad_norm": "it is nn.utils.clip_grad_norm_",
    "data": "it is nn.data",
    "functional_call": "it is nn.utils.stateless.functional_call",
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.utils", name, _INSTEAD.get(name))
