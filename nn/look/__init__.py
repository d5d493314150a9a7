"""Interpreting trained models: feature maps, attributions, attention, adversarial examples.

Functions return arrays; those that begin with ``show_`` draw arrays with matplotlib.
"""

from nn.look.adversarial import fgsm, pgd
from nn.look.attention import attention_maps
from nn.look.attribution import integrated_gradients, saliency
from nn.look.gates import gate_activations
from nn.look.grad_cam import grad_cam
from nn.look.maps import feature_maps, filters
from nn.look.occlusion import occlusion
from nn.look.over_time import gradient_norms_over_time
from nn.look.plots.charts import show_bars, show_confusion, show_curves
from nn.look.plots.images import (
    show_adversarial,
    show_attribution,
    show_boxes,
    show_images,
    show_maps,
)
from nn.look.plots.sequences import show_attention, show_gates, show_gradient_norms, show_text

__all__ = [
    "attention_maps",
    "feature_maps",
    "fgsm",
    "filters",
    "gate_activations",
    "grad_cam",
    "gradient_norms_over_time",
    "integrated_gradients",
    "occlusion",
    "pgd",
    "saliency",
    "show_adversarial",
    "show_attention",
    "show_attribution",
    "show_bars",
    "show_boxes",
    "show_confusion",
    "show_curves",
    "show_gates",
    "show_gradient_norms",
    "show_images",
    "show_maps",
    "show_text",
]
