"""How fast a file is sent: so many rows a second, so many times as fast as it happened, or as fast as it goes."""

import re
import time
from typing import final

from msgspec import Struct

from gatecast.client.filerows import FileRows
from gatecast.errors import OptionError


class Speed(Struct, frozen=True):
    """A speed.

    Attributes:
        value: 0 is as fast as it goes.
        real: whether it is a factor of real time, and not rows a second.
    """

    value: float = 0.0
    real: bool = False

    def due(self, rows: FileRows, block: range) -> float:
        """The second, after the first row's, at which a block is due: in real time, when its last row happened."""
        if self.value == 0:
            return 0.0
        return (rows.seconds(block.stop - 1) if self.real else block.start) / self.value


def parse_speed(text: str) -> Speed:
    """Read `0`, `500` (rows a second) or `60x` (a factor of real time).

    Raises:
        OptionError: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)(x?)", text.strip())
    if match is None or (match[2] and float(match[1]) == 0):
        raise OptionError(
            f"speed is rows a second such as 500, a factor of real time such as 60x, or 0 for as fast as it goes; "
            f"got {text!r}."
        )
    return Speed(float(match[1]), bool(match[2]))


@final
class Pace:
    """Holds blocks back until they are due.

    What the server had already goes at once; the clock starts with the first block that it had not.
    """

    def __init__(self, speed: Speed, rows: FileRows) -> None:
        if speed.real and not rows.dated:
            raise OptionError("speed with an x is a factor of real time, and the file has no times. Say rows a second.")
        self._speed, self._rows = speed, rows
        self._zero: float | None = None

    def wait(self, block: range) -> None:
        """Wait until a block is due."""
        if self._zero is not None:
            time.sleep(max(0.0, self._zero + self._speed.due(self._rows, block) - time.monotonic()))

    def sent(self, block: range, *, new: bool) -> None:
        """Note that a block was sent, and whether it was new to the server."""
        if new and self._zero is None:
            self._zero = time.monotonic() - self._speed.due(self._rows, block)
