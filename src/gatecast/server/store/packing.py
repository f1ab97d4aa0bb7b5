"""How the values of a row are kept: one target as a number, several as bytes, the covariates as MessagePack."""

import math
import struct
from collections.abc import Callable

from msgspec import msgpack

from gatecast.server.store.protocol import Row

Targets = tuple[float | None, ...]
Covariates = dict[str, float | str | None]

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Covariates).decode


def pack_targets(y: Targets) -> bytes:
    """Little-endian float64s; NaN stands for None, and nothing else does."""
    return struct.pack(f"<{len(y)}d", *(math.nan if value is None else value for value in y))


def unpack_targets(packed: bytes) -> Targets:
    """What `pack_targets` was given."""
    return tuple(None if math.isnan(value) else value for value in struct.unpack(f"<{len(packed) // 8}d", packed))


def pack_covariates(x: Covariates) -> bytes:
    """MessagePack; NaN becomes None."""
    return _encode({name: None if _is_nan(value) else value for name, value in x.items()})


def _is_nan(value: float | str | None) -> bool:
    return isinstance(value, float) and math.isnan(value)


def unpack_covariates(packed: bytes) -> Covariates:
    """What `pack_covariates` was given."""
    return _decode(packed)


def first_unfit(rows: list[Row], text: Callable[[str], object] = str.encode) -> str:
    """Name the row that cannot be kept, for a message; `text` raises ValueError of a name that cannot."""
    for row in rows:
        try:
            struct.pack("<q", row.time)
            text(row.series)
            pack_targets(row.y)
            pack_covariates(row.x)
        except (TypeError, ValueError, OverflowError, struct.error) as error:
            return f"series {row.series!a}, time {row.time!a}: {error}"
    return "one of them"
