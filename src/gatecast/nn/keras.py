"""GRU weights from Keras, in both of its conventions.

Keras stores the matrices transposed, (I, 3 H) and (H, 3 H), with the gates in the order z, r, h.  With its default,
`reset_after=True`, the bias is (2, 3 H): one for the input and one for the state.  With `reset_after=False` it is
(3 H,) and belongs to the input.  Its h' = z * h + (1 - z) * h~ is ours.
"""

from collections.abc import Sequence

import numpy as np
import torch

from gatecast.errors import InputError
from gatecast.nn.dropin import GRU


def gru_from_keras(weights: Sequence[np.ndarray], *, reset_after: bool | None = None) -> GRU:
    """A one-layer GRU, batch first, that computes what a Keras GRU computes.

    Args:
        weights: what `keras_layer.get_weights()` gives: kernel, recurrent kernel and, with biases, the bias.
        reset_after: the Keras layer's setting; told from the bias where there is one.

    Returns:
        The layer, in the weights' own precision.

    Raises:
        InputError: the arrays are not those of a Keras GRU, or do not say which convention they follow.
    """
    kernel, recurrent = _matrices(weights)
    bias = np.asarray(weights[2]) if len(weights) == 3 else None
    form = _convention(bias, recurrent.shape[0], said=reset_after)
    layer = GRU(kernel.shape[0], recurrent.shape[0], bias=bias is not None, batch_first=True, reset_after=form).to(
        torch.from_numpy(kernel).dtype
    )
    arrays = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T}
    if bias is not None:
        first, second = bias if form else (bias, np.zeros_like(bias))
        arrays |= {"bias_ih_l0": first, "bias_hh_l0": second}
    layer.load_state_dict({name: torch.from_numpy(_in_our_order(array)) for name, array in arrays.items()})
    return layer


def _matrices(weights: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    shapes = [np.shape(array) for array in weights]
    fits = len(shapes) in (2, 3) and all(len(shape) == 2 for shape in shapes[:2])
    if not fits or shapes[1][1] != 3 * shapes[1][0] or shapes[0][1] != shapes[1][1]:
        raise InputError(
            f"a Keras GRU has a kernel (I, 3 H), a recurrent kernel (H, 3 H) and perhaps a bias, got "
            f"{', '.join(map(str, shapes)) or 'nothing'}. Give what layer.get_weights() gives."
        )
    return np.asarray(weights[0]), np.asarray(weights[1])


def _convention(bias: np.ndarray | None, hidden_size: int, *, said: bool | None) -> bool:
    """Where r acts, from the shape of the bias or from what was said."""
    if bias is None:
        if said is None:
            raise InputError("a Keras GRU without biases does not show its convention: say reset_after=True or False.")
        return said
    found = {(2, 3 * hidden_size): True, (3 * hidden_size,): False}.get(bias.shape)
    if found is None:
        raise InputError(
            f"the bias of a Keras GRU with {hidden_size} units is (2, {3 * hidden_size}) with reset_after=True or "
            f"({3 * hidden_size},) without, got {bias.shape}."
        )
    if said not in (None, found):
        raise InputError(f"reset_after={said}, but a bias of the shape {bias.shape} is of reset_after={found}.")
    return found


def _in_our_order(array: np.ndarray) -> np.ndarray:
    """Rows of z, r, h as r, z, n."""
    z, r, n = np.split(array, 3)
    return np.concatenate([r, z, n])
