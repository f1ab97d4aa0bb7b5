"""Where the inputs of a target lie while they are read, and the words that its inputs are made of."""

import ast
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).parent

BytesMutation: TypeAlias = Callable[[bytes, int], bytes]  # libFuzzer's own: the bytes before, and how many at most


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="gatecast-fuzz-")


def folder(target: str) -> Path:
    """A folder of this process for one target, which goes when the process ends."""
    place = Path(_temporary().name) / target
    place.mkdir(exist_ok=True)
    return place


def corpus(target: str) -> list[Path]:
    """The inputs that are kept of a target."""
    return sorted((HERE / "corpus" / target).iterdir())


@cache
def words(target: str) -> tuple[bytes, ...]:
    """The words of a target's dictionary, which libFuzzer reads too."""
    lines = (HERE / "dictionaries" / f"{target}.txt").read_text(encoding="ascii").splitlines()
    return tuple(ast.literal_eval(f"b{line}") for line in lines if line.startswith('"'))
