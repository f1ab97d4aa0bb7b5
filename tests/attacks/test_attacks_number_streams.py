"""Numbers that hurt in a stream: taken or refused by name, and what is forecast some rows later."""

import math
from typing import Any

import numpy as np
import pytest
from ledger import Ledger
from number_makers import ROWS, observe, stream, wave
from trying import tried

from gatecast.forecaster import Mode

LEDGER = Ledger("Numbers: streams")
VALUES: dict[str, Any] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "an integer of 400 digits": 10**400,
    "an integer of 5,000 digits": 10**4999,
    "1e39, which float32 does not hold": 1e39,
    "3e38 in a series around 10": 3e38,
    "-1e20 in a series around 10": -1e20,
    "a value below the least normal float32": 1e-42,
    "a value below the least float64 above 0": 1e-320,
    "an integer above 2^53": 2**53 + 1,
    "minus zero": -0.0,
}


@pytest.mark.parametrize("mode", ["sequences", "windows"])
@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_taken_or_refused_and_forecasts_stay_numbers(name: str, mode: Mode) -> None:
    live = stream(mode)
    before = live.packed()
    outcome = tried(lambda: observe(live, 200, VALUES[name]))
    if outcome.refusal is not None:
        assert live.packed() == before, "what is refused moves nothing"
        assert observe(live, 200, 10.0) == 1
    found = live.forecast("hurt")
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    said = f"refused: {outcome.message}" if outcome.refusal else "read: one row more, and finite forecasts"
    LEDGER.enter(f"observe, mode={mode}: {name}", said)


def test_many_rows_of_which_one_hurts_are_refused_together() -> None:
    live = stream()
    hours = [str(np.datetime64("2024-01-01T00") + np.timedelta64(row, "h")) for row in (200, 201, 200)]
    before = live.packed()
    abuse = tried(lambda: live.observe_many(["hurt", "hurt", "well"], hours, [10.0, 3e38, 10.0]))
    assert live.packed() == before
    LEDGER.enter("observe_many: three rows, the second of them 3e38", f"refused: {abuse.refused()}")


def run_on(spike: float, rows: int) -> tuple[float, float]:
    """After a spike and so many rows, how far means and quantiles are from those of a stream that saw no spike.

    Both in ranges of the wave.
    """
    hurt, well = stream(), stream()
    values = np.tile(wave()[:200], 1 + rows // 200)[:rows]
    for row, value in enumerate([spike, *values.tolist()], start=200):
        observe(hurt, row, value)
        observe(well, row, float(wave()[200]) if row == 200 else value)
        assert row % 50 or np.isfinite(hurt.forecast("hurt").quantiles).all()
    found, expected = hurt.forecast("hurt"), well.forecast("hurt")
    away = (np.abs(found.mean - expected.mean).max(), np.abs(found.quantiles - expected.quantiles).max())
    return float(away[0] / np.ptp(wave())), float(away[1] / np.ptp(wave()))


@pytest.mark.parametrize(("spike", "rows"), [(1e3, 500), (1e6, 1600), (1e15, 3600)])
def test_a_stream_recovers_from_a_spike(spike: float, rows: int) -> None:
    """A running spread forgets 1 % a row, so a spike is forgotten after 100 times the logarithm of its size."""
    mean, quantiles = run_on(spike, rows)
    assert mean < 0.01
    assert quantiles < 0.5, "intervals follow their own errors, slowly"
    LEDGER.enter(
        f"observe: one spike of {spike:g} in a series around 10",
        f"read: every forecast finite, though far off at first; {rows:,} rows later the point within 1 % of the range "
        f"of the data of a stream that never saw it, quantiles within half of it",
    )


def test_the_status_tells_that_a_spike_still_weighs_on_forecasts() -> None:
    live = stream()
    assert live.status("hurt").unit < 2
    observe(live, 200, 1e6)
    for row in range(201, 230):
        observe(live, row, float(wave()[row]))
    assert live.status("hurt").unit > 1000
    LEDGER.enter(
        "observe: one spike of 1e+06, and then the status",
        "read: unit, about 1 before, is above 1,000 until the spike is forgotten",
    )


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e6])
def test_a_stream_follows_a_level_that_is_multiplied(factor: float) -> None:
    live, values = stream(), factor * np.tile(wave()[:ROWS], 3)[:500]
    for row, value in enumerate(values.tolist(), start=200):
        observe(live, row, value)
    mean = live.forecast("hurt").mean
    assert 0.5 * factor * 10 < mean.min() <= mean.max() < 1.5 * factor * 10
    LEDGER.enter(
        f"observe: the level times {factor:g} from one row to the next",
        "read: 500 rows later every forecast within half of the new level",
    )


def test_missing_values_for_ever_leave_the_last_forecast_finite() -> None:
    live = stream()
    for row in range(200, 1200):
        observe(live, row, None)
    found = live.forecast("hurt")
    assert np.isfinite(found.quantiles).all()
    assert np.abs(found.mean - 10).max() < 2.5
    LEDGER.enter("observe: 1,000 missing values in a row", "read: finite forecasts, near the last values seen")
