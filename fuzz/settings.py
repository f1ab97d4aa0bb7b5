"""Settings: any TOML file, record of a run or `name=value` is understood or refused, and keeps its meaning.

The first byte chooses how the rest is read: `ROADS`, by its place in the alphabet.
"""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from fuzz.places import BytesMutation, folder, words
from gatecast.errors import GatecastError
from gatecast.tuning.placing import as_toml
from gatecast.workflow.options import FitOptions, build_options
from gatecast.workflow.runs import RUN, read_record


def one(data: bytes) -> None:
    """Read the settings, write what was understood, and read that.

    Raises:
        AssertionError: what was written is read as something else, or refused.
    """
    road = tuple(ROADS.values())[(data[0] - ord("a")) % len(ROADS)] if data else _toml
    try:
        options = road(data[1:])
    except GatecastError:
        return
    written = as_toml(options).encode()
    assert _toml(written) == options, written
    encoded = msgspec.json.encode(options)
    assert msgspec.json.decode(encoded, type=FitOptions) == options, encoded


def _toml(data: bytes) -> FitOptions:
    path = folder("settings") / "fit.toml"
    path.write_bytes(data)
    return build_options({}, path)


def _record(data: bytes) -> FitOptions:
    (folder("settings") / RUN).write_bytes(data)
    return read_record(folder("settings")).asked


def _said(data: bytes) -> FitOptions:
    """Lines of `name=value`, as `--set` takes them."""
    pairs = (line.partition("=") for line in data.decode(errors="replace").split("\n"))
    return build_options({name: value for name, _, value in pairs})


ROADS: Mapping[str, Callable[[bytes], FitOptions]] = MappingProxyType({"a": _toml, "b": _record, "c": _said})


def mutate(change_bytes: BytesMutation, data: bytes, most: int, seed: int) -> bytes:
    """Half of the time any bytes; else names, values and lines change as wholes."""
    draw = random.Random(seed)  # noqa: S311 - inputs, not secrets
    if len(data) < 2 or draw.random() < 0.5:
        return change_bytes(data, most)
    end, between = (b",", b":") if data[1:2] == b"{" else (b"\n", b"=")
    lines = [line.split(between) for line in data[1:].split(end)]
    for _ in range(draw.randint(1, 3)):
        draw.choice((_part, _part, _line))(draw, lines)
    return (data[:1] + end.join(between.join(line) for line in lines))[:most]


def _part(draw: random.Random, lines: list[list[bytes]]) -> None:
    """A name or a value becomes one of the dictionary, or that of another line."""
    line = draw.choice(lines)
    place = draw.randrange(len(line))
    line[place] = draw.choice((draw.choice(words("settings")), draw.choice(draw.choice(lines)), b""))


def _line(draw: random.Random, lines: list[list[bytes]]) -> None:
    """A line goes, comes twice, or a new one comes."""
    place = draw.randrange(len(lines))
    new = [draw.choice(words("settings")), draw.choice(words("settings"))]
    line = draw.choice((lines[place], new))
    if draw.random() < 0.4 and len(lines) > 1:
        del lines[place]
    else:
        lines.insert(place, list(line))
