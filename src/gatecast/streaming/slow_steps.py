"""A step of many series by numpy and torch, for any net and any machine."""

from typing import final

import numpy as np
from jaxtyping import Int64

from gatecast.streaming.calendars import Calendars
from gatecast.streaming.encoding import Encoder
from gatecast.streaming.intake import Rows
from gatecast.streaming.rows import RowMaker


@final
class SlowSteps:
    """Steps by the parts that compiled ones are checked against.

    Args:
        rows: makes what the net reads.
        encoder: moves states.
        calendars: the calendar.
    """

    def __init__(self, rows: RowMaker, encoder: Encoder, calendars: Calendars) -> None:
        self.rows, self.encoder, self.calendars = rows, encoder, calendars

    def advance(self, rows: Rows) -> Int64[np.ndarray, " due"]:
        """One row more of each of some different series; those that have come to a row that is settled."""
        kept = self.rows.residents
        made = self.rows.advance(rows.slots, rows.raw, self.calendars.of(rows.times.tolist()))
        if self.rows.shape.carries:
            self.encoder.advance(rows.slots, made)
        kept["last"][rows.slots] = rows.times
        kept["when"][rows.slots, (kept["count"][rows.slots] - 1) % self.rows.shape.shown] = rows.times
        return rows.slots[kept["count"][rows.slots] % self.rows.shape.every == 0]
