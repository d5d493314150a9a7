"""The op tables. Importing them fills the dispatch table and gives Value its methods.

What is exported is what NumPy has no name for; everything else is reached through NumPy.
"""

from autograd.ops.algebra import (  # noqa: F401
    affine,
    einsum,
    factorizations,
    linalg,
    products,
    vector_norms,
)
from autograd.ops.arrays import (  # noqa: F401
    augmented,
    cumulative,
    diagonals,
    extrema,
    join,
    no_gradient,
    order,
    rearrange,
    reduce,
    shape,
    variance,
)
from autograd.ops.arrays.index import index_add as index_add
from autograd.ops.arrays.index import index_update as index_update
from autograd.ops.arrays.reduce import logsumexp as logsumexp
from autograd.ops.arrays.unfold import unfold as unfold
from autograd.ops.attention.attention import (
    scaled_dot_product_attention as scaled_dot_product_attention,
)
from autograd.ops.conv import im2col  # noqa: F401
from autograd.ops.conv.conv import conv1d as conv1d
from autograd.ops.conv.conv import conv2d as conv2d
from autograd.ops.conv.conv import conv3d as conv3d
from autograd.ops.conv.conv import conv_transpose1d as conv_transpose1d
from autograd.ops.conv.conv import conv_transpose2d as conv_transpose2d
from autograd.ops.conv.conv import conv_transpose3d as conv_transpose3d
from autograd.ops.elementwise import arithmetic, choices, transcendental  # noqa: F401
from autograd.ops.elementwise.activations import celu as celu
from autograd.ops.elementwise.activations import elu as elu
from autograd.ops.elementwise.activations import gelu as gelu
from autograd.ops.elementwise.activations import hardshrink as hardshrink
from autograd.ops.elementwise.activations import hardsigmoid as hardsigmoid
from autograd.ops.elementwise.activations import hardswish as hardswish
from autograd.ops.elementwise.activations import hardtanh as hardtanh
from autograd.ops.elementwise.activations import leaky_relu as leaky_relu
from autograd.ops.elementwise.activations import log_sigmoid as log_sigmoid
from autograd.ops.elementwise.activations import mish as mish
from autograd.ops.elementwise.activations import prelu as prelu
from autograd.ops.elementwise.activations import relu as relu
from autograd.ops.elementwise.activations import relu6 as relu6
from autograd.ops.elementwise.activations import selu as selu
from autograd.ops.elementwise.activations import sigmoid as sigmoid
from autograd.ops.elementwise.activations import silu as silu
from autograd.ops.elementwise.activations import softplus as softplus
from autograd.ops.elementwise.activations import softshrink as softshrink
from autograd.ops.elementwise.activations import softsign as softsign
from autograd.ops.elementwise.activations import tanhshrink as tanhshrink
from autograd.ops.elementwise.softmax import log_softmax as log_softmax
from autograd.ops.elementwise.softmax import softmax as softmax
from autograd.ops.elementwise.special import digamma as digamma
from autograd.ops.elementwise.special import erf as erf
from autograd.ops.elementwise.special import erfc as erfc
from autograd.ops.elementwise.special import lgamma as lgamma
from autograd.ops.elementwise.special import xlogy as xlogy
from autograd.ops.embeddings.embedding import embedding as embedding
from autograd.ops.images import grid_sample, resample  # noqa: F401
from autograd.ops.losses import binary_cross_entropy  # noqa: F401
from autograd.ops.losses.cross_entropy import cross_entropy as cross_entropy
from autograd.ops.losses.ctc import ctc_loss as ctc_loss
from autograd.ops.losses.nll_loss import nll_loss as nll_loss
from autograd.ops.normalization.batch_norm import batch_norm as batch_norm
from autograd.ops.normalization.group_norm import group_norm as group_norm
from autograd.ops.normalization.group_norm import instance_norm as instance_norm
from autograd.ops.normalization.layer_norm import layer_norm as layer_norm
from autograd.ops.normalization.layer_norm import rms_norm as rms_norm
from autograd.ops.pooling.avg_pool import adaptive_avg_pool1d as adaptive_avg_pool1d
from autograd.ops.pooling.avg_pool import adaptive_avg_pool2d as adaptive_avg_pool2d
from autograd.ops.pooling.avg_pool import adaptive_avg_pool3d as adaptive_avg_pool3d
from autograd.ops.pooling.avg_pool import avg_pool1d as avg_pool1d
from autograd.ops.pooling.avg_pool import avg_pool2d as avg_pool2d
from autograd.ops.pooling.avg_pool import avg_pool3d as avg_pool3d
from autograd.ops.pooling.max_pool import adaptive_max_pool1d as adaptive_max_pool1d
from autograd.ops.pooling.max_pool import adaptive_max_pool2d as adaptive_max_pool2d
from autograd.ops.pooling.max_pool import adaptive_max_pool3d as adaptive_max_pool3d
from autograd.ops.pooling.max_pool import max_pool1d as max_pool1d
from autograd.ops.pooling.max_pool import max_pool2d as max_pool2d
from autograd.ops.pooling.max_pool import max_pool3d as max_pool3d
from autograd.ops.pooling.unpooling import max_unpool1d as max_unpool1d
from autograd.ops.pooling.unpooling import max_unpool2d as max_unpool2d
from autograd.ops.pooling.unpooling import max_unpool3d as max_unpool3d
from autograd.ops.recurrent.gru import gru as gru
from autograd.ops.recurrent.gru import gru_scan as gru_scan
from autograd.ops.recurrent.lstm import lstm as lstm
from autograd.ops.recurrent.lstm import lstm_scan as lstm_scan
from autograd.ops.recurrent.rnn import rnn as rnn
from autograd.ops.recurrent.rnn import rnn_scan as rnn_scan
from autograd.ops.recurrent.scan import scan as scan
