"""Series that training has not seen: until they have a few rows, there is nothing to scale them by.

Their first rows wait as they came.  A forecast meanwhile scales the series by what there is, reads those rows, and is
forgotten; after `rows` of them the scale stands for good, and the rows are read once and for all.  So each forecast is
the one that the forecaster makes from a table that ends there.
"""

from collections.abc import Iterator
from typing import final

import numpy as np
from jaxtyping import Int64

from gatecast.data.reach import reaching
from gatecast.data.scalers import SCALERS, Scaling, leave_alone
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming.cold import WARM
from gatecast.streaming.intake import Rows
from gatecast.streaming.machine import Machine
from gatecast.streaming.rounds import rounds


@final
class WarmUp:
    """Which series wait, and what they wait with.

    Args:
        forecaster: fitted.
        machine: that moves and forecasts them.
    """

    def __init__(self, forecaster: RecurrentForecaster, machine: Machine) -> None:
        self.config, self.fitted, self.machine = forecaster.config, forecaster.fitted_, machine
        self.kept = machine.residents
        self.rows = self.kept.kept["first"].shape[0]
        self.cold = 0

    def begin(self, slot: int) -> None:
        """A series that training has not seen begins to wait, if values are scaled at all."""
        if self.config.scaler != "none":
            self.kept["waited"][slot] = 0
            self.cold += 1

    def recount(self) -> None:
        """Count the series that wait, after all of them were replaced."""
        self.cold = int((self.kept["waited"][: self.kept.size] != WARM).sum())

    def waiting(self, slots: Int64[np.ndarray, " n"]) -> np.ndarray:
        """Which of some series wait."""
        return np.asarray(self.kept["waited"][slots] != WARM)

    def rows_of(self, slot: int) -> Rows:
        """The rows with which a series waits, as those of place 0."""
        count = int(self.kept["waited"][slot])
        times, raw = self.kept["first_when"][slot, :count].copy(), self.kept["first"][slot, :count].copy()
        return Rows(np.zeros(count, dtype=np.int64), times, raw)

    def scaling(self, slot: int) -> Scaling:
        """The scaling of a series that waits, by the rows there are."""
        rows = self.kept["first"][slot, : int(self.kept["waited"][slot])]
        fitted = reaching(SCALERS[self.config.scaler].fit(rows), rows)
        return leave_alone(fitted, self.fitted.columns.categorical_channels)

    def readable(self, rows: Rows) -> Iterator[Rows]:
        """In rounds, the rows that can be read: not those of series that wait, but all of those that become warm."""
        for part in rounds(rows):
            if not self.cold:
                yield part
                continue
            waits = self.waiting(part.slots)
            if not waits.all():
                yield Rows(*(each[~waits] for each in part))
            if waits.any():
                yield from self._put(Rows(*(each[waits] for each in part)))

    def _put(self, rows: Rows) -> Iterator[Rows]:
        """Let rows wait, and read those of series that have enough of them."""
        slots, kept = rows.slots, self.kept
        place = kept["waited"][slots]
        kept["first"][slots, place], kept["first_when"][slots, place] = rows.raw, rows.times
        kept["last"][slots], kept["waited"][slots] = rows.times, place + 1
        warm = slots[place + 1 == self.rows]
        for slot in warm.tolist():
            self.machine.scale(slot, self.scaling(slot))
        kept["waited"][warm] = WARM
        self.cold -= len(warm)
        for row in range(self.rows if len(warm) else 0):
            yield Rows(warm, kept["first_when"][warm, row], kept["first"][warm, row])
