"""The rows of the table, by concept; importing this enters them all."""

from nn.onnx.ops import activations as activations
from nn.onnx.ops import algebra as algebra
from nn.onnx.ops import arithmetic as arithmetic
from nn.onnx.ops import attention as attention
from nn.onnx.ops import constants as constants
from nn.onnx.ops import control as control
from nn.onnx.ops import conv as conv
from nn.onnx.ops import images as images
from nn.onnx.ops import indexing as indexing
from nn.onnx.ops import losses as losses
from nn.onnx.ops import normalization as normalization
from nn.onnx.ops import pooling as pooling
from nn.onnx.ops import quantized as quantized
from nn.onnx.ops import recurrent as recurrent
from nn.onnx.ops import reductions as reductions
from nn.onnx.ops import sequences as sequences
from nn.onnx.ops import shapes as shapes
from nn.onnx.ops import signal as signal
