"""Times: what a caller writes, what a stream counts, and which row comes next.

A stream counts in whole numbers: microseconds since 1970-01-01, or row numbers where a table has no time column.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, final

import numpy as np

from gatecast.data.calendar import Frequency, show_time
from gatecast.errors import TimeError

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times carry no zone
MICRO = timedelta(microseconds=1)
MOST_READ = 100_000  # texts whose times are remembered
Time = str | int | date | np.datetime64


@final
class Clock:
    """Reads times and steps from one row to the next.

    Args:
        frequency: the step between rows.
        dated: whether rows have times, not just numbers.
    """

    def __init__(self, frequency: Frequency, *, dated: bool) -> None:
        self.frequency = frequency
        self.dated = dated
        self.step = frequency.fixed_step if dated else 1
        self.irregular = frequency.unit == "irregular"
        self._read: dict[str, int] = {}
        self._next: dict[int, int] = {}

    def read(self, ds: Time) -> int:
        """A time as the stream counts it; one with an offset counts in UTC.

        Raises:
            TimeError: it is no time, or no row number where rows are numbered.
        """
        if not self.dated:
            return _row_number(ds)
        if isinstance(ds, str):
            known = self._read.get(ds)
            return self._text(ds) if known is None else known
        return _microseconds(ds)

    def _text(self, ds: str) -> int:
        try:
            time = _microseconds(datetime.fromisoformat(ds))
        except ValueError:
            raise TimeError(
                f"ds={ds!r} is no time: write it as ISO 8601, such as 2024-03-01T12:00:00 or 2024-03-01T12:00:00Z."
            ) from None
        except OverflowError:
            raise TimeError(
                f"ds={ds!r} lies outside the years 1 to 9999 in UTC: check its year and its offset."
            ) from None
        if len(self._read) >= MOST_READ:
            self._read.clear()
        self._read[ds] = time
        return time

    def next(self, time: int) -> int:
        """The time one step later; of irregular rows when one is expected."""
        if self.step is not None:
            return time + self.step
        found = self._next.get(time)
        if found is None:
            if len(self._next) >= MOST_READ:
                self._next.clear()
            found = self._next[time] = int(self.after(time, 1)[0])
        return found

    def after(self, time: int, count: int) -> np.ndarray:
        """The so many times that follow, as the stream counts them; (count,)."""
        return self.frequency.steps_from(self.shown(time), count).astype(np.int64)

    def shown(self, time: int) -> Any:  # noqa: ANN401 - numpy types its times by their unit
        """A time as tables have it: datetime64[us], or a row number."""
        return np.datetime64(time, "us") if self.dated else np.int64(time)

    def between(self, last: int, time: int, most: int) -> list[int] | None:
        """The times of the rows between `last` and `time`, no more than `most`; None if `time` is no step of the grid.

        Raises:
            TimeError: there are more than `most`.
        """
        times: list[int] = []
        if self.step is not None:
            count, rest = divmod(time - last, self.step)
            self._check(count - 1, most, last, time)
            return None if rest else list(range(last + self.step, time, self.step))
        while (last_seen := self.next(times[-1] if times else last)) < time:
            times.append(last_seen)
            self._check(len(times), most, last, time)
        return times if last_seen == time else None

    def _check(self, count: int, most: int, last: int, time: int) -> None:
        if count > most:
            raise TimeError(
                f"{self.told(time)} is {count:,}{'' if self.step else ' or more'} rows after {self.told(last)}, the "
                f"newest, and at most {most:,} missing rows are filled: send the rows between, or raise most_missed."
            )

    def told(self, time: int) -> str:
        """A time for people."""
        return show_time(self.shown(time))

    def written(self, time: int) -> str | int:
        """A time for machines: ISO 8601, or a row number.

        Raises:
            TimeError: ISO 8601 cannot write it.
        """
        try:
            return (EPOCH + time * MICRO).isoformat() if self.dated else time
        except OverflowError:
            raise TimeError(f"{self.told(time)} lies outside the years 1 to 9999: ask for fewer rows ahead.") from None


def _row_number(ds: Time) -> int:
    if isinstance(ds, (int, np.integer)) and not isinstance(ds, bool) and abs(ds) < 2**62:
        return int(ds)
    raise TimeError(f"the rows of this model are numbered, so ds is a whole number; got {ds!r}.")


def _microseconds(ds: Any) -> int:  # noqa: ANN401 - whatever a caller takes for a time
    """Microseconds since 1970-01-01."""
    if isinstance(ds, np.datetime64) and not np.isnat(ds):
        return int(ds.astype("datetime64[us]").astype(np.int64))
    if isinstance(ds, datetime):
        plain = ds.astimezone(UTC).replace(tzinfo=None) if ds.tzinfo is not None else ds
        return (plain - EPOCH) // MICRO
    if isinstance(ds, date):
        return (datetime(ds.year, ds.month, ds.day) - EPOCH) // MICRO  # noqa: DTZ001
    raise TimeError(f"ds={ds!r} is no time: give text as ISO 8601, a datetime, a date or a numpy.datetime64.")
