"""Weights from Keras: SimpleRNN, GRU in both of its conventions, LSTM; stacked, and read both ways.

Keras stores the matrices transposed, (I, G H) and (H, G H), with G = 1 of a SimpleRNN, the gates z, r, h of a GRU, and
i, f, c, o of an LSTM.  It has one bias, (G H,), which belongs to the input; only a GRU with `reset_after=True`, Keras's
default, has two, (2, 3 H).  Its GRU has h' = z * h + (1 - z) * h~, as ours.  Keras is not imported.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from gatecast.errors import InputError
from gatecast.nn.dropin import GRU
from gatecast.nn.foreign import CLASSES, GATES, CellKind, Convention, Layer, Nonlinearity, layer_of
from gatecast.nn.keras_layers import KerasLayer, check_layer, nonlinearity_of

ORDER: dict[CellKind, tuple[int, ...]] = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 1, 2, 3)}
REMEDY = "Give what layer.get_weights() gives, of one layer after another."


def load_keras(*layers: object, reset_after: bool | None = None, nonlinearity: Nonlinearity | None = None) -> Layer:
    """The layer of `gatecast.nn`, batch first, that computes what Keras layers on top of each other compute.

    Args:
        layers: each a built Keras layer (`GRU`, `LSTM`, `SimpleRNN`, or `Bidirectional` of one), or what its
            `get_weights()` gives.  A layer is asked whether its activations are those that torch has; arrays cannot
            be, so with them it is for you to know.
        reset_after: of GRUs; told from the bias where there is one.
        nonlinearity: of SimpleRNNs, `tanh` or `relu`; a layer tells it itself.

    Returns:
        The layer, in the weights' own precision.

    Raises:
        InputError: they are not recurrent layers of Keras's, differ in kind or size, or compute what torch's do not.
    """
    weights: dict[str, torch.Tensor] = {}
    forms: set[_Form] = set()
    for depth, layer in enumerate(layers):
        if isinstance(layer, KerasLayer):
            check_layer(layer)
        told = nonlinearity_of(layer) if isinstance(layer, KerasLayer) else nonlinearity
        arrays = layer.get_weights() if isinstance(layer, KerasLayer) else layer
        for way, part in zip(("", "_reverse"), _ways(arrays), strict=False):
            form = _form(part, told, said=reset_after)
            forms.add(form)
            weights |= _by_torchs_names(part, form, f"l{depth}{way}")
    if len(forms) != 1:
        found = ", ".join(sorted({CLASSES[form.cell] for form in forms})) or "nothing"
        raise InputError(
            f"layers on top of each other are of one kind and one convention here, got {found}: convert each alone."
        )
    form = forms.pop()
    return layer_of(weights, Convention(form.cell, form.nonlinearity, form.reset_after), REMEDY)


class _Form(NamedTuple):
    """Which cell arrays are of, where r acts in it, and the nonlinearity of an RNN."""

    cell: CellKind
    reset_after: bool = True
    nonlinearity: Nonlinearity | None = None


def gru_from_keras(weights: Sequence[np.ndarray], *, reset_after: bool | None = None) -> GRU:
    """A GRU, batch first, that computes what one Keras GRU computes; `load_keras` takes every kind.

    Args:
        weights: what `keras_layer.get_weights()` gives: kernel, recurrent kernel and, with biases, the bias.
        reset_after: the Keras layer's setting; told from the bias where there is one.

    Raises:
        InputError: the arrays are not those of a Keras GRU, or do not say which convention they follow.
    """
    layer = load_keras(weights, reset_after=reset_after, nonlinearity="tanh")
    if not isinstance(layer, GRU):
        raise InputError(f"a GRU was expected, but these are weights of {type(layer).__name__}: take load_keras.")
    return layer


def _ways(arrays: object) -> list[list[np.ndarray]]:
    """The arrays of the one way, or of both, as Bidirectional gives them."""
    if not isinstance(arrays, Sequence):
        raise InputError(f"a Keras layer or a list of its arrays was expected, got {type(arrays).__name__}. {REMEDY}")
    found = [np.asarray(array) for array in arrays]
    half = len(found) // 2
    return [found[:half], found[half:]] if len(found) in (4, 6) else [found]


def _form(arrays: list[np.ndarray], nonlinearity: Nonlinearity | None, *, said: bool | None) -> _Form:
    """What the arrays of one way of one layer are of."""
    shapes = [array.shape for array in arrays]
    fits = len(shapes) in (2, 3) and all(len(shape) == 2 and shape[0] for shape in shapes[:2])
    cell = GATES.get(shapes[1][1] // shapes[1][0]) if fits and shapes[1][1] % shapes[1][0] == 0 else None
    if cell is None or shapes[0][1] != shapes[1][1]:
        raise InputError(
            f"a Keras layer has a kernel (I, G H), a recurrent kernel (H, G H), with G = 1 of a SimpleRNN, 3 of a GRU "
            f"and 4 of an LSTM, and perhaps a bias, got {', '.join(map(str, shapes)) or 'nothing'}. {REMEDY}"
        )
    bias = shapes[2] if len(shapes) == 3 else None
    if cell == "gru":
        return _Form(cell, _reset_after(bias, shapes[1][0], said=said))
    if bias not in (None, (shapes[1][1],)):
        raise InputError(f"the bias of this Keras layer is {(shapes[1][1],)}, got {bias}. {REMEDY}")
    return _Form(cell, nonlinearity=nonlinearity if cell == "rnn" else None)


def _reset_after(bias: tuple[int, ...] | None, hidden_size: int, *, said: bool | None) -> bool:
    """Where r acts, from the shape of the bias or from what was said."""
    if bias is None:
        if said is None:
            raise InputError("a Keras GRU without biases does not show its convention: say reset_after=True or False.")
        return said
    found = {(2, 3 * hidden_size): True, (3 * hidden_size,): False}.get(bias)
    if found is None:
        raise InputError(
            f"the bias of a Keras GRU with {hidden_size} units is (2, {3 * hidden_size}) with reset_after=True or "
            f"({3 * hidden_size},) without, got {bias}."
        )
    if said not in (None, found):
        raise InputError(f"reset_after={said}, but a bias of the shape {bias} is of reset_after={found}.")
    return found


def _by_torchs_names(arrays: list[np.ndarray], form: _Form, place: str) -> Mapping[str, torch.Tensor]:
    """The arrays of one way of one layer, turned and in torch's order."""
    found = {f"weight_ih_{place}": arrays[0].T, f"weight_hh_{place}": arrays[1].T}
    if len(arrays) == 3:
        both = form.cell == "gru" and form.reset_after
        first, second = arrays[2] if both else (arrays[2], np.zeros_like(arrays[2]))
        found |= {f"bias_ih_{place}": first, f"bias_hh_{place}": second}
    return {name: torch.from_numpy(_in_torchs_order(array, ORDER[form.cell])) for name, array in found.items()}


def _in_torchs_order(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The rows of each gate, in another order of gates."""
    gates = np.split(array, len(order))
    return np.concatenate([gates[place] for place in order])
