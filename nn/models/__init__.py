"""Whole networks, ready to train."""

from nn.models.char_lm import CharLM
from nn.models.deep_belief import DBN
from nn.models.gpt import GPT
from nn.models.lenet import LeNet5
from nn.models.mlp import MLP, WideAndDeep
from nn.models.resnet import BasicBlock, ResNet, resnet20
from nn.models.sampling import sample
from nn.models.seq2seq import Seq2Seq
from nn.models.unet import UNet
from nn.models.vae import VAE
from nn.models.vit import ViT

__all__ = [
    "DBN",
    "GPT",
    "MLP",
    "VAE",
    "BasicBlock",
    "CharLM",
    "LeNet5",
    "ResNet",
    "Seq2Seq",
    "UNet",
    "ViT",
    "WideAndDeep",
    "resnet20",
    "sample",
]
