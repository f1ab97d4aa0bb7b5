"""The C structs of `csrc/arguments.h` and `csrc/packing.h`: raw pointers, and strides counted in floats."""

from ctypes import Structure, c_int64, c_void_p
from typing import Any, ClassVar

from torch import Tensor

Fields = list[tuple[str, Any]]


class Sequence(Structure):
    """A sequence and where its results go."""

    alive: list[Tensor]  # what the addresses point to and nobody else holds

    _fields_: ClassVar[Fields] = [
        ("steps", c_int64),
        ("batch", c_int64),
        ("input", c_int64),
        ("hidden", c_int64),
        ("threads", c_int64),
        ("x", c_void_p),
        ("x_step", c_int64),
        ("x_row", c_int64),
        ("x_feature", c_int64),
        ("out", c_void_p),
        ("out_step", c_int64),
        ("out_row", c_int64),
        ("first", c_void_p * 2),
        ("first_row", c_int64 * 2),
        ("last", c_void_p * 2),
        ("saved", c_void_p),
        ("rows", c_void_p),
        ("starts", c_void_p),
    ]


class Gradients(Structure):
    """Gradients in and out, beside the sequence they belong to."""

    _fields_: ClassVar[Fields] = [
        ("out", c_void_p),
        ("out_step", c_int64),
        ("out_row", c_int64),
        ("last", c_void_p * 2),
        ("x", c_void_p),
        ("x_step", c_int64),
        ("first", c_void_p * 2),
        ("W", c_void_p),
        ("U", c_void_p),
        ("b", c_void_p),
        ("c", c_void_p),
    ]


class Prepared(Structure):
    """A step of one layer of a stack."""

    _fields_: ClassVar[Fields] = [("sequence", Sequence), ("pack", c_void_p), ("layers", c_int64)]


class RawWeights(Structure):
    """Weights as torch.nn keeps them."""

    _fields_: ClassVar[Fields] = [
        ("W", c_void_p),
        ("U", c_void_p),
        ("b", c_void_p),
        ("c", c_void_p),
        ("input", c_int64),
        ("hidden", c_int64),
    ]
