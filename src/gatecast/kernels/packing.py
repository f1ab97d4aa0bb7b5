"""Weights in the order in which the inner loops read them."""

from ctypes import CDLL, byref, c_int64, c_void_p
from typing import Any

from torch import Tensor

from gatecast.cells.equations import Weights
from gatecast.kernels.library import library
from gatecast.kernels.registry import Kernel
from gatecast.kernels.spare import room
from gatecast.kernels.structs import RawWeights


def pack_weights(kernel: Kernel, weights: Weights, hidden: int, *, keep: bool) -> Tensor:
    """The weights in the order of the inner loops; those of the backward pass too if they will be needed."""
    features = weights.W.shape[1]
    held = [weight if weight is None or weight.is_contiguous() else weight.detach().contiguous() for weight in weights]
    raw = RawWeights(*(pointer(weight) for weight in held[:4]), features, hidden)
    pack = room(pack_size(kernel, features, hidden, keep=keep))
    function_of(kernel, "pack")(byref(raw), c_void_p(pack.data_ptr()), c_int64(keep))
    return pack


def pack_size(kernel: Kernel, features: int, hidden: int, *, keep: bool) -> int:
    """How many floats the weights take in the order of the inner loops."""
    return int(function_of(kernel, "pack_size")(c_int64(features), c_int64(hidden), c_int64(keep)))


def pointer(tensor: Tensor | None) -> int | None:
    """The address of a tensor; None for no tensor, and for one without numbers."""
    return None if tensor is None else tensor.data_ptr() or None


def function_of(kernel: Kernel, what: str) -> Any:  # noqa: ANN401 - of ctypes
    """A function of a kernel."""
    return getattr(loaded(), f"{kernel.name}_{what}")


def loaded() -> CDLL:
    """The library; whoever has a `Kernel` knows that there is one."""
    found = library()
    if isinstance(found, str):
        raise RuntimeError(found)  # noqa: TRY004 - it is a reason, not a wrong type
    return found
