"""Whole networks, ready to train."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.models.bert import BERT as BERT
from nn.models.char_lm import CharLM as CharLM
from nn.models.deep_belief import DBN as DBN
from nn.models.gpt import GPT as GPT
from nn.models.gpt import gpt2 as gpt2
from nn.models.lenet import LeNet5 as LeNet5
from nn.models.mlp import MLP as MLP
from nn.models.mlp import WideAndDeep as WideAndDeep
from nn.models.mobilenet import MobileNetV2 as MobileNetV2
from nn.models.mobilenet import MobileNetV3 as MobileNetV3
from nn.models.resnet import BasicBlock as BasicBlock
from nn.models.resnet import Bottleneck as Bottleneck
from nn.models.resnet import ResNet as ResNet
from nn.models.resnet import resnet18 as resnet18
from nn.models.resnet import resnet20 as resnet20
from nn.models.resnet import resnet34 as resnet34
from nn.models.resnet import resnet50 as resnet50
from nn.models.resnet import resnet101 as resnet101
from nn.models.sampling import sample as sample
from nn.models.seq2seq import Seq2Seq as Seq2Seq
from nn.models.unet import UNet as UNet
from nn.models.vae import VAE as VAE
from nn.models.vgg import VGG as VGG
from nn.models.vit import ViT as ViT
from nn.models.vit import vit_b_16 as vit_b_16

_INSTEAD = {  # torchvision's names of what one class makes
    "draw": "it is nn.models.sample",
    **{f"vgg{n}": f"write nn.models.VGG({n})" for n in (11, 13, 16, 19)},
    **{f"vgg{n}_bn": f"write nn.models.VGG({n}, batch_norm=True)" for n in (11, 13, 16, 19)},
    "mobilenet_v2": "write nn.models.MobileNetV2()",
    **{f"mobilenet_v3_{n}": f'write nn.models.MobileNetV3("{n}")' for n in ("small", "large")},
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.models", name, _INSTEAD.get(name))
