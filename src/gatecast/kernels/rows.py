"""The C struct of `csrc/rows.cpp`, and the two functions that take it."""

from collections.abc import Callable
from ctypes import CDLL, PyDLL, Structure, c_int64, c_void_p
from typing import Any, ClassVar, NamedTuple

from gatecast.kernels.library import library

SIZES = (
    "channels", "numbers", "words", "targets", "futures", "calendar", "season", "flags", "since", "lookback",
    "whole", "width", "shown", "every", "named", "inputs", "parts", "layers", "hidden",
)  # fmt: skip
KEPT = (
    "count", "unseen", "last", "when", "centre", "scale", "filled", "fast", "slow", "spread", "recent", "history",
    "raw", "output",
)  # fmt: skip
MANY = 256  # rows, from which on others may run meanwhile


class RowsJob(Structure):
    """Sizes, addresses of what is kept of the series, and those of one call."""

    _fields_: ClassVar[list[tuple[str, Any]]] = [
        *((name, c_int64) for name in SIZES),
        ("number_places", c_void_p),
        ("word_places", c_void_p),
        ("fast_share", c_void_p),
        ("slow_share", c_void_p),
        ("fast_shares", c_int64),
        ("slow_shares", c_int64),
        ("logarithms", c_void_p),
        ("logarithms_known", c_int64),
        *((name, c_void_p) for name in KEPT),
        ("state", c_void_p * 2),
        ("name", c_void_p),
        ("n", c_int64),
        *((name, c_void_p) for name in ("slots", "times", "calendar_rows", "values", "calendar_table", "row", "x")),
        ("before", c_void_p * 2),
        ("after", c_void_p * 2),
        ("due", c_void_p),
    ]


class RowsFunctions(NamedTuple):
    """`advance(address)` makes rows and fetches states, and says how many are due; `keep(address)` puts states back."""

    advance: Callable[[int], int]
    keep: Callable[[int], None]


def rows_functions() -> tuple[RowsFunctions, RowsFunctions] | None:
    """The functions for few rows and for many, if there are kernels here; many give up Python's lock meanwhile."""
    found = library()
    if isinstance(found, str):
        return None
    return _functions(PyDLL(found._name)), _functions(found)  # noqa: SLF001 - of ctypes


def _functions(loaded: CDLL) -> RowsFunctions:
    loaded.rows_advance.argtypes, loaded.rows_advance.restype = [c_void_p], c_int64
    loaded.rows_keep.argtypes, loaded.rows_keep.restype = [c_void_p], None
    return RowsFunctions(loaded.rows_advance, loaded.rows_keep)
