"""Whatever is observed, saved, restored and forked: a stream is what it would be of the same rows alone."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from engine_makers import same_states
from gatecast.data.panel import panel_from_arrays
from gatecast.errors import InputError, TimeError
from gatecast.streaming import ForecastStream, StreamOptions, StreamState
from how_many import examples
from stream_makers import HORIZON, assert_same, at, calibration, fitted, table

PANEL = table()
SERIES = (*PANEL.ids, "new")  # training has not seen the last
FIXED = StreamOptions(intervals="fixed", warm_up=5)
MOVING = StreamOptions(warm_up=5, every=2)
Drawn = tuple[str, int, tuple[float | None, float | None], float | None]
VALUES = st.none() | st.floats(-50, 50, width=32)


class Seen(NamedTuple):
    """A row that was taken."""

    series: str
    hour: int
    y: tuple[float | None, float | None]
    x: float | None

    def observe(self, stream: ForecastStream) -> None:
        stream.observe(self.series, PANEL.times[0] + np.timedelta64(self.hour, "h"), self.y, {"x0": self.x})


ROWS = st.tuples(st.sampled_from(SERIES), st.sampled_from([0, 0, 0, 1, 3]), st.tuples(VALUES, VALUES), VALUES)


class StreamAsList(RuleBasedStateMachine):
    """`log` is every row that counts; going back to a snapshot takes from it what came since."""

    @initialize(options=st.sampled_from([FIXED, MOVING]))
    def begin(self, options: StreamOptions) -> None:
        self.log: list[Seen] = []
        self.saved: list[tuple[StreamState | bytes, int]] = []
        self.stream = self.fresh(options)

    def fresh(self, options: StreamOptions) -> ForecastStream:
        return ForecastStream(fitted(), calibration(), options)

    def newest(self, series: str) -> int:
        return max((row.hour for row in self.log if row.series == series), default=-1)

    def drawn(self, rows: list[Drawn]) -> list[Seen]:
        """Rows at the next hours of their series, after so many that are missed; a first one is never late."""
        found, newest = list[Seen](), {series: self.newest(series) for series in SERIES}
        for series, missed, y, x in rows:
            newest[series] += 1 + (missed if newest[series] >= 0 else 0)
            found.append(Seen(series, newest[series], y, x))
        return found

    def many(self, rows: list[Seen]) -> None:
        times = [PANEL.times[0] + np.timedelta64(row.hour, "h") for row in rows]
        self.stream.observe_many([r.series for r in rows], times, [r.y for r in rows], [{"x0": r.x} for r in rows])

    @rule(rows=st.lists(ROWS, min_size=1, max_size=8))
    def observe_one_by_one(self, rows: list[Drawn]) -> None:
        for row in self.drawn(rows):
            row.observe(self.stream)
            self.log.append(row)

    @rule(rows=st.lists(ROWS, min_size=1, max_size=16))
    def observe_at_once(self, rows: list[Drawn]) -> None:
        seen = self.drawn(rows)
        self.many(seen)
        self.log += seen

    @precondition(lambda self: self.log)
    @rule(rows=st.lists(ROWS, max_size=3), back=st.integers(0, 3), data=st.data())
    def observe_with_a_late_or_repeated_row(
        self,
        rows: list[Drawn],
        back: int,
        data: st.DataObject,
    ) -> None:
        late = data.draw(st.sampled_from(self.log))
        bad = late._replace(hour=max(0, self.newest(late.series) - back))
        with pytest.raises(TimeError):
            self.many([*self.drawn(rows), bad])

    @rule(series=st.sampled_from(SERIES), y=st.sampled_from([float("inf"), 1e39]))
    def observe_what_is_no_number(self, series: str, y: float) -> None:
        with pytest.raises(InputError):
            Seen(series, self.newest(series) + 1, (1.0, y), None).observe(self.stream)

    @rule(as_bytes=st.booleans())
    def save(self, as_bytes: bool) -> None:  # noqa: FBT001 - hypothesis names it
        state = self.stream.snapshot()
        self.saved.append((state.to_bytes() if as_bytes else state, len(self.log)))

    @precondition(lambda self: self.saved)
    @rule(data=st.data(), anew=st.booleans())
    def go_back(self, data: st.DataObject, anew: bool) -> None:  # noqa: FBT001
        state, count = data.draw(st.sampled_from(self.saved))
        if anew:
            self.stream = self.fresh(self.stream.options)
        self.stream.restore(StreamState.from_bytes(state) if isinstance(state, bytes) else state)
        self.saved = [(state, number) for state, number in self.saved if number <= count]
        del self.log[count:]

    @rule(keep=st.booleans())
    def fork(self, keep: bool) -> None:  # noqa: FBT001
        other = self.stream.fork()
        kept, left = (self.stream, other) if keep else (other, self.stream)
        Seen("s0", self.newest("s0") + 1, (1e6, -1e6), 1e6).observe(left)
        self.stream = kept

    @rule()
    def look(self) -> None:
        if self.stream.series:
            self.stream.forecast(self.stream.series)
            self.stream.statuses(self.stream.series)

    def teardown(self) -> None:
        twin = self.fresh(self.stream.options)
        for row in self.log:
            row.observe(twin)
        same_states(self.stream, twin)
        if self.stream.series:
            assert_same(self.stream.forecast(self.stream.series), twin.forecast(self.stream.series))
        self.equals_the_table()

    def equals_the_table(self) -> None:
        """Of series that training has seen, with intervals that stand: the forecast from a table of the same rows."""
        known = [name for name in self.stream.series if name != "new"]
        if self.stream.options != FIXED or not known:
            return
        arrays = {name: np.full((self.newest(name) + 1, 3), np.nan) for name in known}
        for row in self.log:
            if row.series in arrays:
                arrays[row.series][row.hour] = [np.nan if value is None else value for value in (*row.y, row.x)]
        panel = panel_from_arrays(arrays, PANEL.columns, PANEL.frequency)
        expected = fitted().forecast(panel, at([len(arrays[name]) for name in panel.ids]), HORIZON)
        assert np.array_equal(self.stream.forecast(panel.ids).mean, expected.mean)


class TestStreamAsList(StreamAsList.TestCase):
    settings = settings(max_examples=examples(30), stateful_step_count=10, deadline=None)
