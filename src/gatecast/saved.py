"""Reading back what was saved, by whoever else it may have been changed: whole files, and headers of safetensors.

The size of a file is looked at before it is read, and nothing but an ordinary file is opened: a pipe would be waited
for, and a device never ends.  What safetensors itself lets through in a header (a name that stands there twice, types
that no array has, shapes without end) is refused here, before any tensor is made of it.
"""

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple

import msgspec
from msgspec import Meta, Struct

from gatecast.errors import ArtifactError

NOT_SEALED = "0" * 64
DTYPES = {
    "torch.float32": "F32",
    "torch.float64": "F64",
    "float32": "F32",
    "float64": "F64",
    "int64": "I64",
    "uint8": "U8",
}
SIZE_BYTES = 8  # a safetensors file begins with the length of its header
MOST_HEADER_BYTES = 2 * 2**20
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Header(NamedTuple):
    """What a safetensors file says of itself.

    Attributes:
        metadata: what stands beside the tensors.
        tensors: of each its type, as safetensors calls it, and its shape.
    """

    metadata: dict[str, str]
    tensors: dict[str, tuple[str, tuple[int, ...]]]


def read_file(path: Path, most: int, remedy: str) -> bytes:
    """The bytes of a file.

    Args:
        path: of the file; links are followed.
        most: bytes that it may have.
        remedy: what to do where it cannot be read; a sentence.

    Raises:
        ArtifactError: it is missing, no ordinary file, too large, or not ours to read.
    """
    try:
        if not path.exists():
            raise ArtifactError(f"{path} is missing, or a link to nothing. {remedy}")
        if not path.is_file():
            raise _no_file(path, remedy)
        with os.fdopen(os.open(path, os.O_RDONLY | _NOT_WAITING), "rb") as file:
            return _read(file, path, most, remedy)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read ({error.strerror}): see to its rights and its disk. {remedy}"
        ) from error


def _read(file: BinaryIO, path: Path, most: int, remedy: str) -> bytes:
    """What an open file holds; another may have taken its name since that was looked at."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise _no_file(path, remedy)
    if found.st_size > most:
        raise ArtifactError(
            f"{path} has {found.st_size:,} bytes, more than the {most:,} that it may have; it was not read. {remedy}"
        )
    data = file.read(found.st_size + 1)
    if len(data) != found.st_size:
        raise ArtifactError(f"{path} changed while it was read. {remedy}")
    return data


def _no_file(path: Path, remedy: str) -> ArtifactError:
    return ArtifactError(f"{path} is a folder, a pipe or a device where a file was expected. {remedy}")


def header_of(data: bytes) -> Header:
    """The header of a safetensors file, read strictly; whether each tensor fills its place is for safetensors to check.

    Raises:
        ArtifactError: it is cut off, too long, no JSON of tensors, names one twice, or they do not lie end to end; a
            clause without a remedy.
    """
    size = int.from_bytes(data[:SIZE_BYTES], "little")
    if len(data) < SIZE_BYTES or size > len(data) - SIZE_BYTES:
        raise ArtifactError(f"it is cut off within its header, or no safetensors file ({len(data):,} bytes)")
    if size > MOST_HEADER_BYTES:
        raise ArtifactError(f"its header has {size:,} bytes, more than the {MOST_HEADER_BYTES:,} that it may have")
    try:
        tree = json.loads(data[SIZE_BYTES : SIZE_BYTES + size], object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ArtifactError):
            raise ArtifactError(f"in its header {error}") from error
        raise ArtifactError("its header is not JSON") from error
    if not isinstance(tree, dict):
        raise ArtifactError("its header is no JSON object of tensors")
    metadata = tree.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ArtifactError("what its header says beside the tensors is no object of texts")
    told = {name: _told(name, each) for name, each in tree.items()}
    _check_places(sorted(each.place for each in told.values()), len(data) - SIZE_BYTES - size)
    return Header(metadata, {name: (each.dtype, each.shape) for name, each in told.items()})


class _Told(Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[Count, ...]
    place: tuple[Count, Count] = msgspec.field(name="data_offsets")


def _told(name: str, each: Any) -> _Told:  # noqa: ANN401 - any JSON
    """What a header says of one tensor."""
    try:
        return msgspec.convert(each, _Told)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"its header tells no type, shape and place of the tensor {name[:80]!a}") from error


def _check_places(places: list[tuple[int, int]], size: int) -> None:
    """Refuse tensors that overlap, leave gaps between them, or end elsewhere than the file does."""
    last = 0
    for first, end in places:
        if first != last or end < first:
            break
        last = end
    else:
        if last == size:
            return
    raise ArtifactError("its tensors overlap, leave gaps, or end elsewhere than the file does")


def without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, for `object_pairs_hook`; readers may disagree on which of two equal keys counts.

    Raises:
        ArtifactError: a key stands there twice; a clause without a remedy.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        most = Counter(name for name, _ in pairs).most_common(1)
        raise ArtifactError(f"the key {most[0][0]!r} stands there twice")
    return found


def seal(data: bytes, old: str) -> bytes:
    """The bytes of a file that carries its own sha256, with a fitting one in the place of the `old` one."""
    blank = data.replace(old.encode(), NOT_SEALED.encode(), 1)
    return blank.replace(NOT_SEALED.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)
