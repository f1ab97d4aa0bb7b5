"""The state of a stream as a value: what it knows of every series, and nothing of the net.

As bytes it is one safetensors file: loading it can run nothing, and what does not fit the stream is refused.
"""

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
from gatecast.streaming.residents import Kept

SCHEMA = "1"
NAMES = "names"
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

    def to_bytes(self) -> bytes:
        """The state as a safetensors file, in one copy: it may be most of what there is in memory."""
        names = _Names(list(self.series), {name: values.tolist() for name, values in self.static.items()})
        packed = np.frombuffer(msgspec.msgpack.encode(names), dtype=np.uint8)
        arrays = {name: np.ascontiguousarray(array) for name, array in {**self.arrays, NAMES: packed}.items()}
        header: dict[str, Any] = {"__metadata__": {"schema": SCHEMA, "fingerprint": self.fingerprint}}
        first = 0
        for name, array in arrays.items():
            place = [first, first + array.nbytes]
            header[name] = {"dtype": DTYPES[array.dtype.name], "shape": array.shape, "data_offsets": place}
            first = place[1]
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return b"".join([len(text).to_bytes(8, "little"), text, *(array.reshape(-1).data for array in arrays.values())])

    @classmethod
    def from_bytes(cls, data: bytes) -> "StreamState":
        """The state that `to_bytes` wrote.

        Raises:
            ArtifactError: these are no bytes of a state, or of another version.
        """
        try:
            about = _metadata(data)
            arrays = load(data)
            names = msgspec.msgpack.decode(arrays.pop(NAMES).tobytes(), type=_Names)
        except (SafetensorError, msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
            raise ArtifactError(f"this is no state of a stream: {error}") from error
        if about.get("schema") != SCHEMA:
            raise ArtifactError(f"a state of version {about.get('schema')!r} cannot be read; this reads {SCHEMA}.")
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
            raise ArtifactError("this state is damaged: its arrays are not those of its series.")


def _metadata(data: bytes) -> dict[str, str]:
    """What stands beside the tensors of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size]) if 0 < size <= len(data) - 8 else {}
    return dict(header.get("__metadata__", {}))
