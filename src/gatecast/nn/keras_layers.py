"""What a Keras layer says of itself, beside its arrays: whether torch has a layer that computes the same."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from gatecast.errors import InputError
from gatecast.nn.foreign import Nonlinearity

KINDS = ("SimpleRNN", "GRU", "LSTM")
NONLINEARITIES: Mapping[str, Nonlinearity] = {"tanh": "tanh", "relu": "relu"}


@runtime_checkable
class KerasLayer(Protocol):
    """A layer of Keras's."""

    def get_weights(self) -> list[np.ndarray]:
        """Its arrays, in Keras's order."""
        ...

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        ...


def check_layer(layer: KerasLayer) -> None:
    """Refuse a layer that no layer of torch's is like.

    Raises:
        InputError: it is of another class, not built yet, or its activations, its direction or the way in which two
            directions are merged are none of torch's.
    """
    kind, config = type(layer).__name__, layer.get_config()
    if kind not in (*KINDS, "Bidirectional"):
        raise InputError(f"weights come from a Keras {', '.join(KINDS)} or a Bidirectional of one, got {kind}.")
    if not layer.get_weights():
        raise InputError(f"the Keras layer {config.get('name')} has no weights yet: call it once, or build it.")
    if kind != "Bidirectional":
        _check_alone(kind, config, backwards=False)
        return
    if config["merge_mode"] != "concat":
        raise InputError(
            f"merge_mode={config['merge_mode']!r} adds up what both ways say, and torch puts it side by side: convert "
            f"forward_layer and backward_layer alone, and merge what they say."
        )
    for part, backwards in (("layer", False), ("backward_layer", True)):
        _check_alone(config[part]["class_name"], config[part]["config"], backwards=backwards)


def _check_alone(kind: str, config: Mapping[str, Any], *, backwards: bool) -> None:
    if kind not in KINDS:
        raise InputError(f"a Bidirectional of {kind} is none of a Keras {', '.join(KINDS)}.")
    allowed = tuple(NONLINEARITIES) if kind == "SimpleRNN" else ("tanh",)
    if config["activation"] not in allowed:
        raise InputError(
            f"{config['name']} has activation={config['activation']!r}, but torch's layer has {' or '.join(allowed)} "
            f"alone. Train again with activation={allowed[0]!r}."
        )
    if config.get("recurrent_activation", "sigmoid") != "sigmoid":
        raise InputError(
            f"{config['name']} has recurrent_activation={config['recurrent_activation']!r}, but the gates of torch's "
            f"layer are sigmoids. Train again with recurrent_activation='sigmoid'."
        )
    if config["go_backwards"] != backwards:
        raise InputError(
            f"{config['name']} reads {'backwards' if config['go_backwards'] else 'forwards'}, where the other way was "
            f"expected: turn its input around in time, and build it with go_backwards={backwards}."
        )


def nonlinearity_of(layer: KerasLayer) -> Nonlinearity | None:
    """What a SimpleRNN, or two of them, say."""
    config = layer.get_config()
    return NONLINEARITIES.get((config["layer"]["config"] if "layer" in config else config)["activation"])
