"""Calendar features of times, computed once for stretches of the grid: many series share their times."""

from typing import final

import numpy as np
from jaxtyping import Float32

from gatecast.data.calendar import Cycle, calendar_features
from gatecast.streaming.clock import Clock

AHEAD = 512  # rows that are computed at once
MOST = 200_000  # that are remembered


@final
class Calendars:
    """The calendar features of rows by their times.

    Args:
        clock: which times there are.
        holidays: of the columns.
        cycles: that the net reads.
        count: how many features there are.
    """

    def __init__(self, clock: Clock, holidays: str | None, cycles: tuple[Cycle, ...], count: int) -> None:
        self.clock, self.holidays, self.cycles, self.count = clock, holidays, cycles, count
        self.table = np.zeros((0, count), dtype=np.float32)
        self.rows: dict[int, int] = {}

    def of(self, times: list[int]) -> Float32[np.ndarray, "n calendar"]:
        """The features of each time."""
        if not self.count:
            return np.zeros((len(times), 0), dtype=np.float32)
        places = self.places(times)
        return self.table[places]

    def places(self, times: list[int]) -> list[int]:
        """Where the features of each time lie in `table`, until the next call."""
        self._forget()
        return [self._row(time) for time in times]

    def after(self, time: int, count: int) -> Float32[np.ndarray, "count calendar"]:
        """The features of the rows that follow a time."""
        if not self.count:
            return np.zeros((count, 0), dtype=np.float32)
        return self.of(self.clock.after(time, count).tolist())

    def row(self, time: int) -> int:
        """Where the features of a time lie in `table`, until the next call."""
        found = self.rows.get(time)
        if found is None:
            self._forget()
            found = self._row(time)
        return found

    def _forget(self) -> None:
        if len(self.table) > MOST:
            self.table, self.rows = self.table[:0], {}

    def _row(self, time: int) -> int:
        found = self.rows.get(time)
        return self._compute(time) if found is None else found

    def _compute(self, time: int) -> int:
        """Those of a stretch of the grid from here on."""
        times = np.concatenate([[time], self.clock.after(time, AHEAD - 1)]).astype(np.int64)
        shown = times.astype("datetime64[us]") if self.clock.dated else times
        features = calendar_features(shown, self.clock.frequency, self.holidays, self.cycles)
        first = len(self.table)
        self.table = np.concatenate([self.table, features.astype(np.float32)])
        for number, each in enumerate(times.tolist()):
            self.rows.setdefault(each, first + number)
        return self.rows[time]
