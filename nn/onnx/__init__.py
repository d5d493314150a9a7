"""Models of other programs: ONNX files as Modules, and Modules as ONNX files."""

from nn.onnx.load import load as load
from nn.onnx.module import OnnxModule as OnnxModule
from nn.onnx.table import Unsupported as Unsupported
