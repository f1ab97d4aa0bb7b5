"""What a stream said is held against what came: coverage, errors, intervals that follow, the drift alarm."""

import numpy as np
import pytest

from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming import ForecastStream, StreamOptions
from stream_makers import HORIZON, LEVELS, fitted, observe_row, table

START = np.datetime64("2024-01-01", "us")
ROWS = 600


def _walk(seed: int, rows: int = ROWS, spread: float = 1.0) -> np.ndarray:
    """Noise around a level, which nobody can forecast better than by its quantiles."""
    return 10 + spread * np.random.default_rng(seed).normal(size=(rows, 2))


def _observe(stream: ForecastStream, name: str, values: np.ndarray, first: int = 0) -> None:
    for row, value in enumerate(values.tolist(), start=first):
        stream.observe(name, START + np.timedelta64(row, "h"), value)


def _net() -> RecurrentForecaster:
    return fitted("gru")


def _wide(width: float) -> Calibration:
    """So many widths to both sides of what the net says."""
    move = ((-width, 0.0, width),) * 2
    return Calibration(LEVELS, (move,) * HORIZON)


def test_numbers_are_those_of_forecasts_that_were_made_on_the_way() -> None:
    panel, stream = table(), ForecastStream(_net())
    said: dict[int, np.ndarray] = {}
    errors, inside = [], 0
    for row in range(100):
        observe_row(stream, panel, 0, row)
        y = panel.values[panel.offsets[0] + row, 0]
        if row in said and np.isfinite(y):
            low, median, high = said[row]
            errors.append(abs(float(y) - median))
            inside += int(low <= y <= high)
        if (row + 1) % HORIZON == 0:
            quantiles = stream.forecast("s0").quantiles[0, :, 0]
            said |= {row + 1 + step: quantiles[step] for step in range(HORIZON)}
    status = stream.status("s0")
    assert status.error == pytest.approx(errors[-1], rel=1e-12)
    assert status.mean_error == pytest.approx(np.mean(errors), rel=1e-12)
    assert status.coverage == inside / len(errors)
    recent = stream.recent("s0", 20)
    np.testing.assert_allclose(recent.median, [said[row][1] for row in range(80, 100)], rtol=1e-6)
    np.testing.assert_array_equal(recent.times, panel.times[80:100])
    newest = stream.newest(["s0"])[0]
    assert (newest.low, newest.median, newest.high) == pytest.approx(tuple(said[99]), rel=1e-12)


def test_a_row_is_settled_when_it_comes_and_a_missing_one_counts_for_nothing() -> None:
    stream = ForecastStream(_net())
    _observe(stream, "s0", _walk(0, HORIZON))
    assert np.isnan(stream.status("s0").error)
    median = stream.forecast("s0").quantiles[0, 0, 0, 1]
    stream.observe("s0", START + np.timedelta64(HORIZON, "h"), [median + 2.5, 0.0])
    assert stream.status("s0").error == pytest.approx(2.5, rel=1e-6)
    stream.observe("s0", START + np.timedelta64(HORIZON + 1, "h"), [None, 0.0])
    assert stream.status("s0").error == pytest.approx(2.5, rel=1e-6)
    assert np.isnan(stream.status("s0").y)


@pytest.mark.parametrize(("width", "fixed_covers"), [(-0.4, "less"), (30.0, "more")])
def test_adaptive_intervals_come_to_the_share_that_they_promise(width: float, fixed_covers: str) -> None:
    kept = {}
    for intervals in ("adaptive", "fixed"):
        stream = ForecastStream(_net(), _wide(width), StreamOptions(intervals=intervals, rate=0.02, shared_rate=0.1))
        _observe(stream, "s0", _walk(1, 3000))
        late = stream.status("s0").coverage
        recent = stream.recent("s0", 96)
        kept[intervals] = late, ((recent.low <= recent.y) & (recent.y <= recent.high)).mean()
    assert abs(kept["adaptive"][1] - 0.8) < 0.15
    assert (kept["fixed"][0] < 0.6) if fixed_covers == "less" else (kept["fixed"][0] > 0.95)
    assert abs(kept["adaptive"][0] - 0.8) < abs(kept["fixed"][0] - 0.8)


def test_the_alarm_is_silent_on_noise_and_goes_off_when_errors_grow() -> None:
    stream = ForecastStream(_net())
    for seed in range(20):
        _observe(stream, f"n{seed}", _walk(seed))
    assert not any(status.alarm for status in stream.statuses(stream.series))
    late = []
    for seed in range(20):
        name, row = f"n{seed}", ROWS
        for value in _walk(100 + seed, 100, spread=4.0):
            _observe(stream, name, value[None], first=row)
            row += 1
            if stream.status(name).alarm:
                break
        late.append(row - ROWS)
    assert max(late) < 60, late
    assert stream.alarms() <= 20
    stream.forecast("n0")


def test_the_alarm_ends_when_the_new_errors_have_become_the_usual_ones() -> None:
    stream = ForecastStream(_net())
    _observe(stream, "s0", _walk(0))
    _observe(stream, "s0", _walk(1, 100, spread=4.0), first=ROWS)
    assert stream.status("s0").alarm
    _observe(stream, "s0", _walk(2, 600, spread=4.0), first=ROWS + 100)
    assert not stream.status("s0").alarm


def test_a_cold_series_tells_what_it_has() -> None:
    stream = ForecastStream(_net())
    _observe(stream, "new", _walk(0, 5))
    status, recent = stream.status("new"), stream.recent("new")
    assert (status.rows, status.last) == (5, START + np.timedelta64(4, "h"))
    np.testing.assert_allclose(recent.y, _walk(0, 5)[:, 0], rtol=1e-6)
    assert np.isnan(recent.median).all()
    assert status.y == recent.y[-1]
