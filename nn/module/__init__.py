"""Module, and what it is made of: parameters, buffers, hooks, state dicts."""

from nn.module.checked import checked as checked
from nn.module.evaluating import evaluating as evaluating
from nn.module.module import Module as Module
from nn.module.module import Scope as Scope
from nn.module.module import join as join
from nn.module.state_dict import LoadReport as LoadReport
from nn.parameter import Buffer as Buffer
from nn.parameter import Parameter as Parameter
