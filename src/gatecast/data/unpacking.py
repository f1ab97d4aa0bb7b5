"""The bytes of a text file, unpacked where it is gzip, and never without end."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatecast.data import table as caps
from gatecast.errors import TableError

MARK = b"\x1f\x8b"
MOST_PACKED = 200  # times; a bomb packs to a thousandth
FEW_BYTES = 1 << 26
AT_ONCE = 1 << 20


class _Counted(io.RawIOBase):
    """Bytes that stop with a TableError once there are more than may come out of a file."""

    def __init__(self, source: io.BufferedIOBase, path: Path, most: int | None) -> None:
        self._source, self._path, self._most, self._seen = source, path, most, 0
        self._packed = path.stat().st_size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        self._seen += len(data)
        refuse_bomb(self._path, self._packed, self._seen)
        if self._most is not None and self._seen > self._most:
            raise TableError(
                f"{self._path.name} holds more than {self._most:,} bytes once unpacked, the most gatecast reads. "
                f"Split it, or keep only the columns and rows that are needed."
            )
        buffer[: len(data)] = data
        return len(data)


def refuse_bomb(path: Path, packed: int, unpacked: int, most: int = MOST_PACKED) -> None:
    """Refuse a file that becomes much larger than it is.

    Raises:
        TableError: it becomes more than `most` times as large.
    """
    if unpacked > FEW_BYTES and unpacked > most * packed:
        raise TableError(
            f"{path.name} becomes more than {most:,} times as large once unpacked, as tables made to fill a memory do. "
            f"If it holds measurements all the same, unpack it, or write it as CSV, and give that."
        )


@contextmanager
def opened(path: Path, *, capped: bool = True) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked where it is gzip.

    Args:
        path: of the file.
        capped: whether more bytes than a table may have are refused.

    Raises:
        TableError: while it is read: too many bytes, or a bomb.  The size that stands at the end of a gzip file is not
            asked, for in one that was cut anything stands there.
    """
    with path.open("rb") as file:
        packed = file.read(len(MARK)) == MARK
    with gzip.open(path) if packed else path.open("rb") as source:
        yield io.BufferedReader(_Counted(source, path, caps.MAX_BYTES if capped else None), AT_ONCE)
