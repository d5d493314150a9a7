"""ScaleAndShift: a module whose weight is 1 and whose bias is 0 at first."""

from __future__ import annotations

import numpy as np

from nn.module import Module, Parameter


class ScaleAndShift(Module):
    """What normalizations share: a weight and a bias, either of which may be None."""

    weight: Parameter | None

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        for name, p in self._made()._own(Parameter):
            p.data = np.full_like(p.data, name == "weight")
