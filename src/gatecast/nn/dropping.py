"""Dropout that holds still over time: one mask for a whole sequence, of what is read or of the weights.

What is kept is divided by the share that is kept, so that every number stays as large as it was on average.
"""

from copy import copy
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import dropout

from gatecast.nn.stacking import Layer


def lock_dropout(
    x: Float[Tensor, "time batch features"], share: float, *, training: bool
) -> Float[Tensor, "time batch features"]:
    """Drop features, the same at every step; each sequence of the batch has a mask of its own.

    Y. Gal & Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", NeurIPS
    2016, arXiv 1512.05287, without their mask of h within the recurrence; S. Merity et al. 2018 (below) call it locked.
    """
    if not training or not share:
        return x
    return x * dropout(x.new_ones(x.shape[1:]), share)


def drop_weights(layer: Layer, share: float, *, training: bool) -> Layer:
    """The layer with entries of its recurrent matrices dropped, as a shallow copy; gradients reach the layer's weights.

    One mask serves all steps and all sequences, so that the same kernels run.  S. Merity, N. S. Keskar & R. Socher,
    "Regularizing and optimizing LSTM language models", ICLR 2018, arXiv 1708.02182, section 2 (DropConnect on U).
    """
    if not training or not share:
        return layer
    twin: Any = copy(layer)
    recurrent = {name: dropout(weight, share) for name, weight in layer.named_parameters() if "weight_hh" in name}
    twin._parameters = twin._parameters | recurrent  # noqa: SLF001 - torch.nn's own dictionary
    return twin
