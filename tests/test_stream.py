"""A stream forecasts from single observations what the forecaster does from the whole table."""

from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.errors import ArtifactError, ColumnError, InputError, OptionError, TableError, TimeError
from gatecast.evaluation.adapting import Adapted
from gatecast.evaluation.adaptive import adaptive
from gatecast.evaluation.calibration import Calibrated
from gatecast.streaming import ForecastStream, StreamOptions, StreamState
from gatecast.streaming.fast_steps import FastSteps
from gatecast.streaming.machine import Machine
from gatecast.streaming.reading import _number
from gatecast.streaming.slow_steps import SlowSteps
from stream_makers import (
    CARRYING,
    HORIZON,
    KINDS,
    WITHOUT_KERNEL,
    assert_same,
    at,
    calibration,
    fitted,
    future_poisoned,
    observe_row,
    table,
)

FIXED = StreamOptions(intervals="fixed")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("kind", KINDS)
def test_stream_equals_batch(kind: str) -> None:
    net, panel = fitted(kind), table(kind)
    stream = ForecastStream(net, options=FIXED)
    for row in range(150):
        for series in range(3):
            observe_row(stream, panel, series, row)
        if row in (0, 3, 30, 99, 149):
            known = [row + 1] * 3
            batch = net.forecast(future_poisoned(panel, known), at(known), HORIZON)
            if kind in WITHOUT_KERNEL:  # torch's products have other bits for one row than for many
                np.testing.assert_allclose(stream.forecast(panel.ids).mean, batch.mean, rtol=1e-5)
            else:
                assert_same(stream.forecast(panel.ids), batch)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), kind=st.sampled_from([kind for kind in CARRYING if kind not in WITHOUT_KERNEL]))
def test_stream_equals_batch_whatever_the_lengths_and_the_order(data: st.DataObject, kind: str) -> None:
    net, panel = fitted(kind), table(kind)
    lengths = data.draw(st.lists(st.integers(1, 60), min_size=3, max_size=3))
    order = data.draw(st.permutations([series for series, length in enumerate(lengths) for _ in range(length)]))
    stream, seen = ForecastStream(net, options=FIXED), [0, 0, 0]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(order)), max_size=6)) | {0, len(order)})
    for first, last in pairwise(cuts):
        _observe_at_once(stream, panel, order[first:last], seen)
    assert seen == lengths
    assert_same(stream.forecast(panel.ids), net.forecast(panel, at(lengths), HORIZON))


def _observe_at_once(stream: ForecastStream, panel: Panel, order: list[int], seen: list[int]) -> None:
    places = []
    for series in order:
        places.append(panel.offsets[series] + seen[series])
        seen[series] += 1
    rows = [[None if np.isnan(value) else float(value) for value in panel.values[place]] for place in places]
    stream.observe_many(
        [panel.ids[series] for series in order],
        [panel.times[place] for place in places],
        [row[:2] for row in rows],
        [dict(zip(panel.columns.past, row[2:], strict=True)) for row in rows],
    )


@pytest.mark.parametrize("kind", ["gru", "point", "windows", "sample paths"])
def test_compiled_steps_keep_what_plain_ones_do(kind: str) -> None:
    net, panel = fitted(kind), table(kind)
    fast, slow = (ForecastStream(net) for _ in range(2))
    if not isinstance(fast.machine.steps, FastSteps):
        pytest.skip("there are no kernels here")
    slow.machine = _with_slow_steps(slow.machine)
    for stream in (fast, slow):
        for row in range(100):
            for series in range(3):
                observe_row(stream, panel, series, row)
    one, other = fast.snapshot().arrays, slow.snapshot().arrays
    for name, array in one.items():
        assert np.array_equal(array, other[name], equal_nan=True), name


def _with_slow_steps(machine: Machine) -> Machine:
    from gatecast.streaming.rows import RowMaker  # noqa: PLC0415

    rows = RowMaker(machine.shape, machine.residents)
    machine.steps = SlowSteps(rows, machine.encoder, machine.calendars)
    return machine


def test_values_unseen_for_longer_than_any_table_of_logarithms_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.streaming.fast_steps.FIRST_LOGARITHMS", 64)  # doubled twice below
    net, panel = fitted(), table()
    streams = [ForecastStream(net, options=StreamOptions(most_missed=200)) for _ in range(2)]
    streams[1].machine = _with_slow_steps(streams[1].machine)
    for stream in streams:
        observe_row(stream, panel, 0, 0)
        stream.observe("s0", panel.times[0] + np.timedelta64(200, "h"), [1.0, 2.0])
    assert_same(streams[0].forecast("s0"), streams[1].forecast("s0"))


def test_a_table_is_read_as_its_rows_are() -> None:
    net, panel = fitted(), table()
    whole, single = ForecastStream(net), ForecastStream(net)
    assert whole.observe_panel(panel) == 600
    for series in range(3):
        for row in range(200):
            observe_row(single, panel, series, row)
    assert_same(whole.forecast(panel.ids), single.forecast(panel.ids))
    for name, array in whole.snapshot().arrays.items():
        assert np.array_equal(array, single.snapshot().arrays[name], equal_nan=True), name


def test_fixed_intervals_are_those_of_the_calibrated_forecaster() -> None:
    net, panel, known = fitted(), table(), [150, 20, 1]
    stream = ForecastStream(net, calibration(), FIXED)
    for series, length in enumerate(known):
        for row in range(length):
            observe_row(stream, panel, series, row)
    assert_same(stream.forecast(panel.ids), Calibrated(net, calibration()).forecast(panel, at(known), HORIZON))


@pytest.mark.parametrize("kind", ["gru", "point", "sample paths", "windows"])
def test_adaptive_intervals_with_a_forecast_from_every_row_are_those_of_the_batch(kind: str) -> None:
    net, panel, start = fitted(kind), table(kind), 1
    stream = ForecastStream(net, calibration(), StreamOptions(every=1))
    expected = Adapted(net, adaptive(calibration()), lambda panel: np.full(len(panel.ids), start))
    for row in range(60):
        for series in range(3):
            observe_row(stream, panel, series, row)
        if row in (1, 2, 10, 59):
            one, other = stream.forecast(panel.ids), expected.forecast(panel, at([row + 1] * 3), HORIZON)
            np.testing.assert_allclose(one.quantiles, other.quantiles, rtol=1e-12)
            np.testing.assert_array_equal(one.mean, other.mean)


def test_looking_changes_nothing() -> None:
    net, panel = fitted(), table()
    quiet, watched = ForecastStream(net), ForecastStream(net)
    for row in range(80):
        for series in range(3):
            observe_row(quiet, panel, series, row)
            observe_row(watched, panel, series, row)
        watched.forecast(panel.ids, horizon=2)
        watched.status("s0")
    for name, array in quiet.snapshot().arrays.items():
        assert np.array_equal(array, watched.snapshot().arrays[name], equal_nan=True), name


@pytest.mark.parametrize("kind", ["gru", "ensemble with embeddings", "windows", "sample paths"])
def test_a_restored_state_goes_on_with_the_same_bits(kind: str) -> None:
    net, panel = fitted(kind), table(kind)
    first = ForecastStream(net)
    for row in range(70):
        for series in range(3):
            observe_row(first, panel, series, row)
    state = StreamState.from_bytes(first.snapshot().to_bytes())
    second = ForecastStream(net)
    second.restore(state)
    for row in range(70, 120):
        for series in range(3):
            observe_row(first, panel, series, row)
            observe_row(second, panel, series, row)
    assert_same(second.forecast(panel.ids), first.forecast(panel.ids))
    np.testing.assert_equal(second.status("s1")._asdict(), first.status("s1")._asdict())


def test_a_fork_goes_its_own_way() -> None:
    net, panel = fitted(), table()
    stream = ForecastStream(net)
    for row in range(50):
        observe_row(stream, panel, 0, row)
    before, fork = stream.forecast("s0"), stream.fork()
    fork.observe("s0", panel.times[50], [1e3, -1e3])
    assert_same(stream.forecast("s0"), before)
    assert not np.array_equal(fork.forecast("s0").mean, before.mean)


def test_states_of_other_streams_and_damaged_ones_are_refused() -> None:
    net, panel = fitted(), table()
    stream = ForecastStream(net)
    observe_row(stream, panel, 0, 0)
    state = stream.snapshot()
    with pytest.raises(ArtifactError, match="another net, another calibration or other policies"):
        ForecastStream(net, options=FIXED).restore(state)
    with pytest.raises(ArtifactError, match="another net"):
        ForecastStream(fitted("lstm of two layers")).restore(state)
    cut = StreamState(state.fingerprint, ("a", "b"), state.arrays, {})
    with pytest.raises(ArtifactError, match="damaged"):
        stream.restore(cut)
    data = state.to_bytes()
    for broken in (b"", b"\xff" * 100, data[:50], data[:-10]):
        with pytest.raises(ArtifactError, match="no state of a stream"):
            StreamState.from_bytes(broken)


def test_a_new_series_is_scaled_by_its_first_rows() -> None:
    net, panel = fitted(), table()
    renamed = Panel(**{**vars(panel), "ids": ("new", "s1", "s2")})
    stream = ForecastStream(net, options=StreamOptions(intervals="fixed", warm_up=30))
    for row in range(60):
        observe_row(stream, renamed, 0, row)
        if row in (0, 5, 28):  # scaled by what there is
            assert_same(stream.forecast("new"), net.forecast(renamed, _one(row + 1), HORIZON))
    scaled_by_first_30 = net.forecast(renamed, _both(30, 60), HORIZON)
    assert np.array_equal(stream.forecast("new").mean[0], scaled_by_first_30.mean[1])
    assert stream.forecast(["new"]).ids == ("new",)


def test_warm_and_cold_series_are_forecast_side_by_side() -> None:
    net, panel = fitted(), table()
    renamed = Panel(**{**vars(panel), "ids": ("s0", "new", "s2")})
    stream = ForecastStream(net)
    for row in range(10):
        for series in range(3):
            observe_row(stream, renamed, series, row)
    both = stream.forecast(["new", "s2", "s0"])
    for place, name in enumerate(both.ids):
        alone = stream.forecast(name)
        assert np.array_equal(alone.quantiles[0], both.quantiles[place])


def _one(position: int) -> object:
    from gatecast.data.splits import Origins  # noqa: PLC0415

    return Origins(np.array([0]), np.array([position]))


def _both(first: int, second: int) -> object:
    from gatecast.data.splits import Origins  # noqa: PLC0415

    return Origins(np.array([0, 0]), np.array([first, second]))


def test_missed_ticks_are_rows_of_missing_values() -> None:
    net, panel = fitted(), table()
    gap, filled = ForecastStream(net), ForecastStream(net)
    for row in (*range(20), 25):
        observe_row(gap, panel, 0, row)
    for row in range(26):
        if 20 <= row < 25:
            filled.observe("s0", panel.times[row], [None, None])
        else:
            observe_row(filled, panel, 0, row)
    assert_same(gap.forecast("s0"), filled.forecast("s0"))


def test_rows_that_do_not_come_as_they_should_are_refused_with_a_lesson() -> None:
    net, panel = fitted(), table()
    stream, times = ForecastStream(net, options=StreamOptions(most_missed=10)), panel.times
    for row in range(3):
        observe_row(stream, panel, 0, row)
    before = stream.forecast("s0")
    cases = (
        (times[2], r'"s0": 2024-01-01 02:00:00 was observed already.*duplicate="ignore"'),
        (times[0], r'2024-01-01 is before the newest row \(newest: 2024-01-01 02:00:00\).*late="ignore"'),
        (
            times[2] + np.timedelta64(90, "m"),
            r"03:30:00 lies off the grid of hourly rows; the next one is 2024-01-01 03",
        ),
        (times[20], "at most 10 missing rows are filled"),
        ("yesterday", "'yesterday' is no time"),
    )
    for ds, message in cases:
        with pytest.raises(TimeError, match=message):
            stream.observe("s0", ds, [1.0, 2.0])
    for y, x, error, message in (
        ([1.0], None, ColumnError, "one value for each of y0, y1"),
        ({"y0": 1.0}, None, ColumnError, "for each of y0, y1; got y0"),
        ([1.0, float("inf")], None, TableError, "y1=inf is no finite number"),
        ([1.0, 1e39], None, TableError, "finite number of at most 3.4e"),
        ([1.0, 2.0], {"x9": 1.0}, ColumnError, 'x holds "x9".*it reads x0'),
    ):
        with pytest.raises(error, match=message):
            stream.observe("s0", times[3], y, x)
    assert_same(stream.forecast("s0"), before)


@pytest.mark.parametrize("value", ["2", True, [1.0], b"1"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(TableError, match=r"y0=.* is no number; a missing value is null"):
        _number("y0", value)


def test_a_batch_with_one_bad_row_leaves_no_trace() -> None:
    net, panel = fitted(), table()
    stream = ForecastStream(net)
    for series in range(2):
        observe_row(stream, panel, series, 0)
    before = stream.snapshot()
    with pytest.raises(TimeError, match="observed already"):
        stream.observe_many(["s0", "new", "s1"], [panel.times[1], panel.times[1], panel.times[0]], [[1, 2]] * 3)
    after = stream.snapshot()
    assert after.series == before.series
    assert all(np.array_equal(array, after.arrays[name], equal_nan=True) for name, array in before.arrays.items())


def test_policies_ignore_what_they_are_told_to() -> None:
    net, panel = fitted(), table()
    stream = ForecastStream(
        net, options=StreamOptions(duplicate="ignore", late="ignore", missed="refuse", new="refuse")
    )
    with pytest.raises(InputError, match='series "s0" is new, and this stream takes none'):
        observe_row(stream, panel, 0, 0)
    stream.add("s0")
    observe_row(stream, panel, 0, 0)
    assert stream.observe("s0", panel.times[0], [5.0, 5.0]) == 0
    assert stream.observe("s0", panel.times[0] - np.timedelta64(5, "h"), [5.0, 5.0]) == 0
    with pytest.raises(TimeError, match="at most 0 missing rows"):
        observe_row(stream, panel, 0, 2)
    assert stream.observe("s0", panel.times[1], [5.0, 5.0]) == 1


def test_times_are_read_as_people_write_them() -> None:
    net = fitted()
    stream = ForecastStream(net)
    for ds in (
        "2024-01-01",
        "2024-01-01T01:00:00Z",
        "2024-01-01 04:00:00+02:00",
        datetime(2024, 1, 1, 3),  # noqa: DTZ001 - times carry no zone
        np.datetime64("2024-01-01T04", "h"),
    ):
        stream.observe("s0", ds, [1.0, 2.0])
    assert stream.forecast("s0").cutoffs[0] == np.datetime64("2024-01-01T04:00")
    assert stream.status("s0").rows == 5


def test_forecasts_that_cannot_be_are_refused() -> None:
    net, panel = fitted(), table()
    stream = ForecastStream(net)
    with pytest.raises(InputError, match='series "s0" has no rows'):
        stream.forecast("s0")
    observe_row(stream, panel, 0, 0)
    with pytest.raises(OptionError, match="up to 6 rows ahead, got horizon=7"):
        stream.forecast("s0", horizon=7)
    with pytest.raises(OptionError, match=r"quantile 0\.3 is not among those of this model: 0\.1 0\.5 0\.9"):
        stream.forecast("s0", quantiles=[0.3])
    some = stream.forecast("s0", horizon=2, quantiles=[0.9, 0.1])
    assert some.levels == (0.1, 0.9)
    assert some.quantiles.shape == (1, 2, 2, 2)
