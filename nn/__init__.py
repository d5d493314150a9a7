"""Neural networks on glassgrad's Values, under PyTorch's names."""

import importlib
from typing import Any

from nn import name_clash  # noqa: F401  # isort: skip - checks that `autograd` is ours: first
from autograd import __version__ as __version__
from autograd.spelling import refuse_name
from nn import data as data
from nn import functional as functional
from nn import init as init
from nn import look as look
from nn import metrics as metrics
from nn import models as models
from nn import onnx as onnx
from nn import optim as optim
from nn import train as train
from nn import utils as utils
from nn.files import Checkpoint as Checkpoint
from nn.files import load as load
from nn.files import save as save
from nn.layers.activation import CELU as CELU
from nn.layers.activation import ELU as ELU
from nn.layers.activation import GELU as GELU
from nn.layers.activation import GLU as GLU
from nn.layers.activation import SELU as SELU
from nn.layers.activation import Hardshrink as Hardshrink
from nn.layers.activation import Hardsigmoid as Hardsigmoid
from nn.layers.activation import Hardswish as Hardswish
from nn.layers.activation import Hardtanh as Hardtanh
from nn.layers.activation import LeakyReLU as LeakyReLU
from nn.layers.activation import LogSigmoid as LogSigmoid
from nn.layers.activation import LogSoftmax as LogSoftmax
from nn.layers.activation import Mish as Mish
from nn.layers.activation import PReLU as PReLU
from nn.layers.activation import ReLU as ReLU
from nn.layers.activation import ReLU6 as ReLU6
from nn.layers.activation import RReLU as RReLU
from nn.layers.activation import Sigmoid as Sigmoid
from nn.layers.activation import SiLU as SiLU
from nn.layers.activation import Softmax as Softmax
from nn.layers.activation import Softmax2d as Softmax2d
from nn.layers.activation import Softmin as Softmin
from nn.layers.activation import Softplus as Softplus
from nn.layers.activation import Softshrink as Softshrink
from nn.layers.activation import Softsign as Softsign
from nn.layers.activation import Tanh as Tanh
from nn.layers.activation import Tanhshrink as Tanhshrink
from nn.layers.activation import Threshold as Threshold
from nn.layers.adaptive_softmax import AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss
from nn.layers.attention import MultiheadAttention as MultiheadAttention
from nn.layers.batch_norm import BatchNorm1d as BatchNorm1d
from nn.layers.batch_norm import BatchNorm2d as BatchNorm2d
from nn.layers.batch_norm import BatchNorm3d as BatchNorm3d
from nn.layers.batch_norm import InstanceNorm1d as InstanceNorm1d
from nn.layers.batch_norm import InstanceNorm2d as InstanceNorm2d
from nn.layers.batch_norm import InstanceNorm3d as InstanceNorm3d
from nn.layers.container import ModuleDict as ModuleDict
from nn.layers.container import ModuleList as ModuleList
from nn.layers.container import Sequential as Sequential
from nn.layers.conv import Conv1d as Conv1d
from nn.layers.conv import Conv2d as Conv2d
from nn.layers.conv import Conv3d as Conv3d
from nn.layers.conv import ConvTranspose1d as ConvTranspose1d
from nn.layers.conv import ConvTranspose2d as ConvTranspose2d
from nn.layers.conv import ConvTranspose3d as ConvTranspose3d
from nn.layers.distance import CosineSimilarity as CosineSimilarity
from nn.layers.distance import PairwiseDistance as PairwiseDistance
from nn.layers.dropout import AlphaDropout as AlphaDropout
from nn.layers.dropout import Dropout as Dropout
from nn.layers.dropout import Dropout1d as Dropout1d
from nn.layers.dropout import Dropout2d as Dropout2d
from nn.layers.dropout import Dropout3d as Dropout3d
from nn.layers.dropout import FeatureAlphaDropout as FeatureAlphaDropout
from nn.layers.embedding import Embedding as Embedding
from nn.layers.embedding import EmbeddingBag as EmbeddingBag
from nn.layers.flatten import Flatten as Flatten
from nn.layers.flatten import Fold as Fold
from nn.layers.flatten import Unflatten as Unflatten
from nn.layers.flatten import Unfold as Unfold
from nn.layers.layer_norm import GroupNorm as GroupNorm
from nn.layers.layer_norm import LayerNorm as LayerNorm
from nn.layers.layer_norm import LocalResponseNorm as LocalResponseNorm
from nn.layers.layer_norm import RMSNorm as RMSNorm
from nn.layers.linear import Bilinear as Bilinear
from nn.layers.linear import Identity as Identity
from nn.layers.linear import Linear as Linear
from nn.layers.padding import CircularPad1d as CircularPad1d
from nn.layers.padding import CircularPad2d as CircularPad2d
from nn.layers.padding import CircularPad3d as CircularPad3d
from nn.layers.padding import ConstantPad1d as ConstantPad1d
from nn.layers.padding import ConstantPad2d as ConstantPad2d
from nn.layers.padding import ConstantPad3d as ConstantPad3d
from nn.layers.padding import ReflectionPad1d as ReflectionPad1d
from nn.layers.padding import ReflectionPad2d as ReflectionPad2d
from nn.layers.padding import ReflectionPad3d as ReflectionPad3d
from nn.layers.padding import ReplicationPad1d as ReplicationPad1d
from nn.layers.padding import ReplicationPad2d as ReplicationPad2d
from nn.layers.padding import ReplicationPad3d as ReplicationPad3d
from nn.layers.padding import ZeroPad1d as ZeroPad1d
from nn.layers.padding import ZeroPad2d as ZeroPad2d
from nn.layers.padding import ZeroPad3d as ZeroPad3d
from nn.layers.parameters import ParameterDict as ParameterDict
from nn.layers.parameters import ParameterList as ParameterList
from nn.layers.pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from nn.layers.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from nn.layers.pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from nn.layers.pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from nn.layers.pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from nn.layers.pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from nn.layers.pooling import AvgPool1d as AvgPool1d
from nn.layers.pooling import AvgPool2d as AvgPool2d
from nn.layers.pooling import AvgPool3d as AvgPool3d
from nn.layers.pooling import LPPool1d as LPPool1d
from nn.layers.pooling import LPPool2d as LPPool2d
from nn.layers.pooling import LPPool3d as LPPool3d
from nn.layers.pooling import MaxPool1d as MaxPool1d
from nn.layers.pooling import MaxPool2d as MaxPool2d
from nn.layers.pooling import MaxPool3d as MaxPool3d
from nn.layers.positions import PositionalEmbedding as PositionalEmbedding
from nn.layers.positions import PositionalEncoding as PositionalEncoding
from nn.layers.recurrent import GRU as GRU
from nn.layers.recurrent import LSTM as LSTM
from nn.layers.recurrent import RNN as RNN
from nn.layers.recurrent_cells import GRUCell as GRUCell
from nn.layers.recurrent_cells import LSTMCell as LSTMCell
from nn.layers.recurrent_cells import RNNCell as RNNCell
from nn.layers.resize import ChannelShuffle as ChannelShuffle
from nn.layers.resize import PixelShuffle as PixelShuffle
from nn.layers.resize import PixelUnshuffle as PixelUnshuffle
from nn.layers.resize import Upsample as Upsample
from nn.layers.resize import UpsamplingBilinear2d as UpsamplingBilinear2d
from nn.layers.resize import UpsamplingNearest2d as UpsamplingNearest2d
from nn.layers.transformer import Transformer as Transformer
from nn.layers.transformer import TransformerDecoder as TransformerDecoder
from nn.layers.transformer import TransformerEncoder as TransformerEncoder
from nn.layers.transformer_layers import TransformerDecoderLayer as TransformerDecoderLayer
from nn.layers.transformer_layers import TransformerEncoderLayer as TransformerEncoderLayer
from nn.layers.unpooling import MaxUnpool1d as MaxUnpool1d
from nn.layers.unpooling import MaxUnpool2d as MaxUnpool2d
from nn.layers.unpooling import MaxUnpool3d as MaxUnpool3d
from nn.look.summary import summary as summary
from nn.losses.binary import BCELoss as BCELoss
from nn.losses.binary import BCEWithLogitsLoss as BCEWithLogitsLoss
from nn.losses.binary import MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss
from nn.losses.binary import SoftMarginLoss as SoftMarginLoss
from nn.losses.classification import CrossEntropyLoss as CrossEntropyLoss
from nn.losses.classification import CTCLoss as CTCLoss
from nn.losses.classification import KLDivLoss as KLDivLoss
from nn.losses.classification import MultiLabelMarginLoss as MultiLabelMarginLoss
from nn.losses.classification import MultiMarginLoss as MultiMarginLoss
from nn.losses.classification import NLLLoss as NLLLoss
from nn.losses.margin import CosineEmbeddingLoss as CosineEmbeddingLoss
from nn.losses.margin import HingeEmbeddingLoss as HingeEmbeddingLoss
from nn.losses.margin import MarginRankingLoss as MarginRankingLoss
from nn.losses.margin import TripletMarginLoss as TripletMarginLoss
from nn.losses.margin import TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss
from nn.losses.regression import GaussianNLLLoss as GaussianNLLLoss
from nn.losses.regression import HuberLoss as HuberLoss
from nn.losses.regression import L1Loss as L1Loss
from nn.losses.regression import MSELoss as MSELoss
from nn.losses.regression import PoissonNLLLoss as PoissonNLLLoss
from nn.losses.regression import SmoothL1Loss as SmoothL1Loss
from nn.models.rbm import RBM as RBM
from nn.module import Module as Module
from nn.parameter import Buffer as Buffer
from nn.parameter import Parameter as Parameter

_LAZY = ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm")  # PyTorch's lazy layers
_SIZED = "the first input tells the size"
_KERAS = {
    "Dense": "write nn.Linear(None, 10), and the activation as a layer after it",
    "Conv1D": "write nn.Conv1d(None, 8, 3), of images (N, C, L)",
    "Conv2D": "write nn.Conv2d(None, 8, 3), of images (N, C, H, W)",
    "MaxPooling2D": "it is nn.MaxPool2d",
    "AveragePooling2D": "it is nn.AvgPool2d",
    "GlobalAveragePooling2D": "write nn.AdaptiveAvgPool2d(1), then nn.Flatten()",
    "BatchNormalization": "it is nn.BatchNorm1d, nn.BatchNorm2d or nn.BatchNorm3d",
    "LayerNormalization": "it is nn.LayerNorm",
    "Activation": "activations are layers, such as nn.ReLU()",
    "Input": "leave it out: nn.Linear(None, 10) takes its size from the first input",
    "callbacks": "they are in nn.train, such as nn.train.EarlyStopping",
    "layers": "they are in nn itself, such as nn.Linear",
    "load_model": "make the model by its code, then model.load_weights(path)",
}
_INSTEAD = {  # what PyTorch users type and earlier versions had -> what to write
    "LazyLinear": f"write nn.Linear(None, 10): {_SIZED}",
    **{f"Lazy{n}{d}d": f"write nn.{n}{d}d(None, ...): {_SIZED}" for n in _LAZY for d in (1, 2, 3)},
    "Scope": "it is nn.module.Scope",
    **{n: f"it is nn.utils.{n}" for n in ("clip_grad_norm_", "clip_grad_value_", "get_total_norm")},
    "rnn": "packed sequences are in nn.utils.rnn, as in PyTorch",
    "modules": "layers are in nn itself, such as nn.Conv2d; their base class is nn.Module",
    "parallel": "one process runs on the cores of one CPU: use the model itself",
    "DataParallel": "one process runs on the cores of one CPU: use the model itself",
    "SyncBatchNorm": "one process sees the whole batch: use nn.BatchNorm2d and its kin",
    "NLLLoss2d": "it is nn.NLLLoss, which takes maps, too",
    **{name: f"it is nn.data.{name}" for name in ("DataLoader", "Dataset", "TensorDataset")},
    **_KERAS,
}


def __dir__() -> list[str]:
    lent = {"Any", "importlib", "refuse_name", "_LAZY", "_SIZED", "_KERAS", "_INSTEAD"}
    return sorted(globals().keys() - lent)


def __getattr__(name: str) -> Any:
    if name == "sklearn":  # the one submodule that needs another package to be imported
        return importlib.import_module("nn.sklearn")
    refuse_name("nn", name, _INSTEAD.get(name))
