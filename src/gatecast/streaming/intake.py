"""Rows on their way in: checked against what each series expects next, before any state is moved.

What is refused leaves no trace, and what is taken can still be withdrawn by throwing the intake away: so a server can
put rows on disk between the two.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float32, Int64

from gatecast.errors import InputError, TimeError
from gatecast.streaming.clock import Clock
from gatecast.streaming.options import StreamOptions
from gatecast.visible import is_whole

NEVER = -(2**63)  # the time of the newest row of a series that has none


class Arrivals(NamedTuple):
    """Rows as they came, read.

    Attributes:
        names: of their series.
        times: as the clock counts them.
        raw: their channels, NaN where missing.
    """

    names: Sequence[str]
    times: Sequence[int]
    raw: Float32[np.ndarray, "n channels"]


class Rows(NamedTuple):
    """Rows that a stream takes, in their order, missing ones between them filled in."""

    slots: Int64[np.ndarray, " n"]
    times: Int64[np.ndarray, " n"]
    raw: Float32[np.ndarray, "n channels"]


@final
class Intake:
    """Rows that wait to be taken.

    Args:
        index: the place of each series.
        last: the time of the newest row by place, `NEVER` where there is none.
        clock: the grid.
        options: the policies.
        can_begin: raises InputError of a new series that cannot begin.
        gap: the channel of the time since the row before, where rows are irregular.
    """

    def __init__(
        self,
        index: Mapping[str, int],
        last: Int64[np.ndarray, " room"],
        clock: Clock,
        options: StreamOptions,
        can_begin: Callable[[str], object],
        gap: int | None = None,
    ) -> None:
        self.index, self.last, self.clock, self.options = index, last, clock, options
        self.can_begin, self.gap, self.size = can_begin, gap, len(index)
        self.new: dict[str, int] = {}
        self.newest: dict[int, int] = {}  # of the series that rows wait of
        self.parts: list[Rows] = []

    def add(self, arrivals: Arrivals) -> list[int]:
        """Take rows, all or none; the places among them of those that are not ignored.

        Raises:
            TimeError: a row is late, repeats a time, lies off the grid, or after too long a gap.
            InputError: a series is new, and none is accepted, or its static covariates are not known.
        """
        slots = self._all_expected(arrivals)
        if slots is None:
            return self._one_by_one(arrivals)
        self.newest.update(zip(slots, arrivals.times, strict=True))
        self.parts.append(Rows(np.array(slots), np.asarray(arrivals.times, dtype=np.int64), arrivals.raw))
        return list(range(len(slots)))

    def _all_expected(self, arrivals: Arrivals) -> list[int] | None:
        """The places of series that each have one row more here, and just the one that they expect; else None."""
        step, newest = self.clock.step, self.newest
        if step is None or self.clock.irregular:
            return None
        slots = list(map(self.index.get, arrivals.names))
        if None in slots or len(set(slots)) < len(slots):
            return None
        found = [slot for slot in slots if slot is not None]
        if newest and not newest.keys().isdisjoint(found):
            return None
        if len(found) == 1:
            return found if int(self.last[found[0]]) + step == arrivals.times[0] else None
        return found if np.array_equal(self.last[found], np.asarray(arrivals.times) - step) else None

    def _one_by_one(self, arrivals: Arrivals) -> list[int]:
        """Any rows, in their order."""
        new, newest = dict(self.new), dict(self.newest)
        taken: list[int] = []
        slots: list[int] = []
        times: list[int] = []
        sources: list[int] = []
        before: list[int] = []
        for place, (name, time) in enumerate(zip(arrivals.names, arrivals.times, strict=True)):
            slot = self._slot(name, new)
            last = newest.get(slot, int(self.last[slot]) if slot < self.size else NEVER)
            between = [] if last == NEVER else self._between(name, last, time)
            if between is None:
                continue
            slots += [slot] * (len(between) + 1)
            times += [*between, time]
            sources += [NONE] * len(between) + [place]
            newest[slot] = time
            before.append(last)
            taken.append(place)
        raw = np.concatenate([arrivals.raw, np.full((1, arrivals.raw.shape[1]), np.nan, np.float32)])[sources]
        if self.gap is not None:
            raw[:, self.gap] = _gaps(np.array(times), np.array(before))
        self.new, self.newest = new, newest
        self.parts.append(Rows(np.array(slots, dtype=np.int64), np.array(times, dtype=np.int64), raw))
        return taken

    def _slot(self, name: str, new: dict[str, int]) -> int:
        slot = self.index.get(name, new.get(name))
        if slot is not None:
            return slot
        if not is_whole(name):
            raise InputError(
                f'series "{name}" holds half a character, which no snapshot can. Decode it anew from its source.'
            )
        if self.options.new == "refuse":
            raise InputError(f'series "{name}" is new, and this stream takes none (new="refuse"); check the name.')
        if not name:
            raise InputError("a series needs a name, and this one is empty.")
        self.can_begin(name)
        new[name] = slot = self.size + len(new)
        return slot

    def _between(self, name: str, last: int, time: int) -> list[int] | None:
        """The missing rows before one; None if the row is to be ignored."""
        if time <= last:
            self._refuse_past(name, last, time)
            return None
        if self.clock.irregular:
            return []
        between = self.clock.between(last, time, self.options.most_missed if self.options.missed == "fill" else 0)
        if between is None:
            expected = self.clock.told(self.clock.next(last))
            raise TimeError(
                f'series "{name}": {self.clock.told(time)} lies off the grid of {self.clock.frequency.name} rows; the '
                f"next one is {expected}. Times with an offset count in UTC."
            )
        return between

    def _refuse_past(self, name: str, last: int, time: int) -> None:
        """Refuse a row that is not after the newest, unless it is to be ignored."""
        kind = "duplicate" if time == last else "late"
        if getattr(self.options, kind) == "refuse":
            what = "was observed already" if kind == "duplicate" else "is before the newest row"
            raise TimeError(
                f'series "{name}": {self.clock.told(time)} {what} (newest: {self.clock.told(last)}). Each row is read '
                f'once: leave it out, or set {kind}="ignore".'
            )

    def forget(self) -> None:
        """Take nothing of what was added."""
        self.new, self.newest, self.parts = {}, {}, []

    def rows(self) -> Rows:
        """Everything that was taken."""
        if len(self.parts) == 1:
            return self.parts[0]
        slots, times, raw = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        return Rows(slots, times, raw)


def _gaps(times: Int64[np.ndarray, " n"], before: Int64[np.ndarray, " n"]) -> np.ndarray:
    """The logarithm of the seconds since the row before, as `data/irregular.py` has it; NaN for a first row."""
    seconds = np.where(before == NEVER, np.nan, (times - np.where(before == NEVER, times - 1, before)) / 1e6)
    return np.asarray(np.log(seconds))


NONE = -1  # the row of missing values that follows those that came
