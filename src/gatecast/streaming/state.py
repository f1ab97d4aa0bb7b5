"""The state of a stream as a value: what it knows of every series, and nothing of the net.

As bytes it is one safetensors file: loading it can run nothing, and what does not fit the stream is refused.  Numbers
that count rows are addresses to compiled code, so they are held to what they can be.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import msgspec
import numpy as np
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.numpy import load

from gatecast.errors import ArtifactError
from gatecast.saved import SIZE_BYTES, header_of
from gatecast.streaming.residents import Kept

SCHEMA = "1"
NAMES = "names"
SHA256 = "sha256"
REMEDY = "Restore another snapshot, or observe the rows again."
DTYPES = {"float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8"}  # as safetensors calls them


class _Names(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is no array of all series."""

    series: list[str]
    static: dict[str, list[float]]


@final
@dataclass(frozen=True, eq=False)
class StreamState:
    """What a stream knows; a value.

    Attributes:
        fingerprint: of the net, its calibration and the policies that it came from.
        series: the names, in the order of their places.
        arrays: what is kept of each.
        static: the static covariates of series.
    """

    fingerprint: str
    series: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]
    static: Mapping[str, np.ndarray]

    def to_bytes(self, *, sealed: bool = True) -> bytes:
        """The state as a safetensors file, in one copy: it may be most of what there is in memory.

        Args:
            sealed: whether the file carries its sha256; a store that keeps one of its own saves the time.
        """
        names = _Names(list(self.series), {name: values.tolist() for name, values in self.static.items()})
        packed = np.frombuffer(msgspec.msgpack.encode(names), dtype=np.uint8)
        arrays = {name: np.ascontiguousarray(array) for name, array in {**self.arrays, NAMES: packed}.items()}
        parts = [array.reshape(-1).data for array in arrays.values()]
        about = {"schema": SCHEMA, "fingerprint": self.fingerprint}
        header: dict[str, Any] = {"__metadata__": about | ({SHA256: _digest(parts)} if sealed else {})}
        first = 0
        for name, array in arrays.items():
            place = [first, first + array.nbytes]
            header[name] = {"dtype": DTYPES[array.dtype.name], "shape": array.shape, "data_offsets": place}
            first = place[1]
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return b"".join([len(text).to_bytes(SIZE_BYTES, "little"), text, *parts])

    @classmethod
    def from_bytes(cls, data: bytes) -> "StreamState":
        """The state that `to_bytes` wrote.

        Raises:
            ArtifactError: these are no bytes of a state, they were altered, or are of another version.
        """
        try:
            about = _about(data)
            arrays = load(data)
            names = msgspec.msgpack.decode(arrays.pop(NAMES).tobytes(), type=_Names)
        except (ArtifactError, SafetensorError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ArtifactError(f"this is no state of a stream: {str(error).rstrip('.')}. {REMEDY}") from error
        if about.get("schema") != SCHEMA:
            raise ArtifactError(
                f"a state of version {about.get('schema')!r} cannot be read, this reads {SCHEMA}: restore it with "
                "the version that wrote it, or observe the rows again."
            )
        return cls(
            fingerprint=str(about.get("fingerprint")),
            series=tuple(names.series),
            arrays=arrays,
            static={name: np.asarray(values, dtype=np.float32) for name, values in names.static.items()},
        )

    def check(self, fingerprint: str, kept: Mapping[str, Kept]) -> None:
        """Refuse a state that is not of a stream like this.

        Raises:
            ArtifactError: it is of another net or of other policies, or its arrays do not fit.
        """
        if self.fingerprint != fingerprint:
            raise ArtifactError(
                "this state is of another net, another calibration or other policies of the stream: restore it where "
                "it came from, or observe its rows again."
            )
        size = len(self.series)
        fits = len(set(self.series)) == size and self.arrays.keys() == kept.keys()
        if not fits or any(
            array.shape != (size, *kept[name].shape) or array.dtype != np.dtype(kept[name].dtype)
            for name, array in self.arrays.items()
        ):
            raise ArtifactError(f"this state is damaged: its arrays are not those of its series. {REMEDY}")
        for name, array in self.arrays.items():
            if not kept[name].can_be(array):
                raise ArtifactError(f"this state is damaged: {name} holds what no stream comes to. {REMEDY}")
        if any(values.shape != kept["static"].shape for values in self.static.values()):
            raise ArtifactError(f"this state is damaged: static covariates are missing or too many. {REMEDY}")


def _about(data: bytes) -> dict[str, str]:
    """What stands beside the arrays of a state, whose types and sha256 are looked at before they are read."""
    about, tensors = header_of(data)
    kinds = {name for name, (kind, _) in tensors.items() if kind not in DTYPES.values()}
    if kinds or tensors.get(NAMES, ("", ()))[0] != DTYPES["uint8"]:
        raise ArtifactError(f"{', '.join(sorted(kinds)) or NAMES} is of a type that no state has")
    if about.get(SHA256, "") not in ("", _digest([memoryview(data)[_body_of(data) :]])):
        raise ArtifactError("it was altered after it was written (its sha256 differs)")
    return about


def _body_of(data: bytes) -> int:
    """Where the tensors of a safetensors file begin."""
    return SIZE_BYTES + int.from_bytes(data[:SIZE_BYTES], "little")


def _digest(parts: list[memoryview]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
