"""Interpreting trained models: feature maps, attributions, attention, adversarial examples.

Functions return arrays; those that begin with ``show_`` draw arrays with matplotlib.
"""

from nn.look.adversarial import fgsm as fgsm
from nn.look.adversarial import pgd as pgd
from nn.look.attention import attention_maps as attention_maps
from nn.look.attribution import integrated_gradients as integrated_gradients
from nn.look.attribution import saliency as saliency
from nn.look.gates import gate_activations as gate_activations
from nn.look.grad_cam import grad_cam as grad_cam
from nn.look.maps import feature_maps as feature_maps
from nn.look.maps import filters as filters
from nn.look.occlusion import occlusion as occlusion
from nn.look.over_time import gradient_norms_over_time as gradient_norms_over_time
from nn.look.plots.charts import show_bars as show_bars
from nn.look.plots.charts import show_confusion as show_confusion
from nn.look.plots.charts import show_curves as show_curves
from nn.look.plots.images import show_adversarial as show_adversarial
from nn.look.plots.images import show_attribution as show_attribution
from nn.look.plots.images import show_boxes as show_boxes
from nn.look.plots.images import show_images as show_images
from nn.look.plots.images import show_maps as show_maps
from nn.look.plots.sequences import show_attention as show_attention
from nn.look.plots.sequences import show_gates as show_gates
from nn.look.plots.sequences import show_gradient_norms as show_gradient_norms
from nn.look.plots.sequences import show_text as show_text
