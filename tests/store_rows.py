"""Rows for the tests of stores, and all that a store holds."""

import struct

from gatecast.server.store import Entry, Row, StateStore


def row(number: int, series: str = "a", y: float | None = 0.5) -> Row:
    return Row(series, number, (y,), {})


def entry(*numbers: int) -> Entry:
    return Entry([row(number) for number in numbers])


def everything(store: StateStore, after: int = 0) -> list[tuple[int, Row]]:
    return [found for piece in store.replay(after) for found in piece]


def bits(found: list[tuple[int, Row]]) -> list[object]:
    """What can be compared to the last bit: -0.0 is not 0.0."""
    return [
        (at, series, time, [exact(value) for value in y], {k: exact(v) for k, v in x.items()})
        for at, (series, time, y, x) in found
    ]


def exact(value: float | str | None) -> object:
    return struct.pack("<d", value) if isinstance(value, float) else value
