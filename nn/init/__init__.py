"""Parameter initialization, under PyTorch's names.

Each function fills a leaf Value in place and returns it. It writes through `.data`, so that a graph
recorded with the old values notices. The random ones take PyTorch's `generator` or, by another
name, `rng`: a numpy.random.Generator, a seed, or None for the default generator.
"""

from nn.init.distributions import constant_ as constant_
from nn.init.distributions import normal_ as normal_
from nn.init.distributions import ones_ as ones_
from nn.init.distributions import trunc_normal_ as trunc_normal_
from nn.init.distributions import uniform_ as uniform_
from nn.init.distributions import zeros_ as zeros_
from nn.init.patterns import dirac_ as dirac_
from nn.init.patterns import eye_ as eye_
from nn.init.patterns import orthogonal_ as orthogonal_
from nn.init.patterns import sparse_ as sparse_
from nn.init.scaled import calculate_gain as calculate_gain
from nn.init.scaled import fans as fans
from nn.init.scaled import kaiming_normal_ as kaiming_normal_
from nn.init.scaled import kaiming_uniform_ as kaiming_uniform_
from nn.init.scaled import xavier_normal_ as xavier_normal_
from nn.init.scaled import xavier_uniform_ as xavier_uniform_
