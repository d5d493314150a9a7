"""Whole networks, ready to train."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.models.char_lm import CharLM as CharLM
from nn.models.deep_belief import DBN as DBN
from nn.models.gpt import GPT as GPT
from nn.models.lenet import LeNet5 as LeNet5
from nn.models.mlp import MLP as MLP
from nn.models.mlp import WideAndDeep as WideAndDeep
from nn.models.resnet import BasicBlock as BasicBlock
from nn.models.resnet import ResNet as ResNet
from nn.models.resnet import resnet20 as resnet20
from nn.models.sampling import sample as sample
from nn.models.seq2seq import Seq2Seq as Seq2Seq
from nn.models.unet import UNet as UNet
from nn.models.vae import VAE as VAE
from nn.models.vit import ViT as ViT


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.models", name, "it is nn.models.sample" if name == "draw" else None)
