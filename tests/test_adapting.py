"""A model whose intervals follow its series: by every row before an origin, by no row after it, and only there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.adapting import Adapted
from gatecast.evaluation.adaptive import adaptive
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.calibration import Calibrated, past_scale, units
from gatecast.workflow import Model, fit, load, save
from gatecast.workflow.options import build_options
from small_tables import SMALL, wave_table

SHOPS = ("north", "south")


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(wave_table(ids=SHOPS), adapt=True, **SMALL)


def every(model: Model, *, since: int = 0) -> Origins:
    """Every row from the end of the validation part on."""
    assert model.split is not None
    ends = zip(model.split.validation_end.tolist(), model.split.test_end.tolist(), strict=True)
    rows = [np.arange(start + since, end - model.horizon + 1) for start, end in ends]
    return Origins(np.repeat(np.arange(len(rows)), [len(own) for own in rows]), np.concatenate(rows))


def panel_of(model: Model) -> Panel:
    assert model.panel is not None
    return model.panel


def test_quantiles_are_those_of_a_state_that_observes_row_by_row(model: Model) -> None:
    panel, origins, horizon = panel_of(model), every(model), model.horizon
    found = model.calibrated.forecast(panel, origins, horizon)
    raw = model.forecaster.forecast(panel, origins, horizon)
    assert model.calibration is not None
    unit = units(raw.quantiles, past_scale(panel, origins), model.calibration.unit)
    for series in (0, 1):
        state = adaptive(model.calibration)
        for window in np.flatnonzero(origins.series == series):
            said = state.moved(raw.quantiles[window], unit[window])
            middle = raw.quantiles[window, :, 0, 1]
            np.testing.assert_array_equal(found.quantiles[window, :, 0, 0], np.minimum(said[:, 0, 0], middle))
            np.testing.assert_array_equal(found.quantiles[window, :, 0, 2], np.maximum(said[:, 0, 2], middle))
            row = panel.targets[panel.rows(series)][origins.position[window]]
            state = state.remember(said).observe(row.astype(np.float64))


def test_an_origin_is_forecast_the_same_alone_and_among_others(model: Model) -> None:
    panel, origins = panel_of(model), every(model)
    together = model.calibrated.forecast(panel, origins, model.horizon).quantiles
    for window in (0, 5, len(origins) - 1):
        alone = Origins(origins.series[window : window + 1], origins.position[window : window + 1])
        assert np.array_equal(model.calibrated.forecast(panel, alone, model.horizon).quantiles[0], together[window])
        short = model.calibrated.forecast(panel, alone, 2).quantiles[0]
        assert np.array_equal(short, together[window, :2])


def test_before_the_validation_part_ends_nothing_has_moved(model: Model) -> None:
    panel = panel_of(model)
    assert model.split is not None
    assert model.calibration is not None
    origins = Origins(np.arange(2), model.split.validation_end - 3)
    fixed = Calibrated(model.forecaster, model.calibration).forecast(panel, origins, model.horizon)
    assert np.array_equal(model.calibrated.forecast(panel, origins, model.horizon).quantiles, fixed.quantiles)


def changed(panel: Panel, first: Origins, back: int, value: float) -> Panel:
    """The panel with other values from so many rows before each origin on."""
    values = panel.values.copy()
    for series, position in zip(first.series.tolist(), first.position.tolist(), strict=True):
        values[panel.rows(series)][position - back :] = value
    return replace(panel, values=values)


@pytest.mark.parametrize("poison", [1e9, -1e9, np.nan])
def test_rows_from_an_origin_on_move_nothing_said_there(model: Model, poison: float) -> None:
    panel, origins = panel_of(model), every(model, since=6)
    first = Origins(np.arange(2), np.array([origins.position[origins.series == k].min() for k in (0, 1)]))
    clean = model.calibrated.forecast(panel, first, model.horizon).quantiles
    later = model.calibrated.forecast(changed(panel, first, 0, poison), first, model.horizon).quantiles
    assert np.array_equal(later, clean)
    earlier = model.calibrated.forecast(changed(panel, first, 2, 50.0), first, model.horizon).quantiles
    assert not np.array_equal(earlier, clean)


def test_intervals_cover_a_test_part_that_grew_wild_better_than_fixed_ones() -> None:
    rows = 700
    noise = np.random.default_rng(3).normal(size=rows)
    noise[560:] *= 4  # from the end of the validation part on
    table = pl.DataFrame({"ds": range(rows), "y": np.sin(np.arange(rows) / 3) + 0.3 * noise})
    model = fit(table, adapt=True, **(SMALL | {"steps": 150}))
    origins, panel = every(model), panel_of(model)
    assert model.calibration is not None
    actual = actuals(panel, origins, model.horizon)[..., 0]
    shares = []
    for forecaster in (Calibrated(model.forecaster, model.calibration), model.calibrated):
        quantiles = forecaster.forecast(panel, origins, model.horizon).quantiles[..., 0, :]
        shares.append(float(((quantiles[..., 0] <= actual) & (actual <= quantiles[..., 2])).mean()))
    assert shares[0] < 0.6
    assert shares[1] > shares[0] + 0.1


def test_rows_without_their_future_covariates_are_no_origins_on_the_way() -> None:
    table = wave_table(ids=SHOPS)
    model = fit(table, adapt=True, future="x", **SMALL)
    panel = panel_of(model)
    last = Origins(np.arange(2), np.full(2, 150))
    found = model.calibrated.forecast(panel, last, model.horizon).quantiles
    values = panel.values.copy()
    for series in (0, 1):
        values[panel.rows(series)][128:150, 1] = np.nan
    holed = model.calibrated.forecast(replace(panel, values=values), last, model.horizon).quantiles
    assert np.isfinite(holed).all()
    assert not np.array_equal(holed, found)


def test_counts_adapt_where_it_is_asked_for_and_nobody_is_told_of_an_option_not_given() -> None:
    table = pl.DataFrame({"ds": range(300), "y": np.random.default_rng(0).poisson(5, 300).astype(float)})
    counts = fit(table, loss="negative_binomial", adapt=True, **SMALL)
    assert isinstance(counts.calibrated, Adapted)
    assert all(guess.what != "calibrate" for guess in counts.guesses)


def test_a_saved_model_goes_on_adapting(model: Model, tmp_path: Path) -> None:
    bare = load(save(model, tmp_path / "model"))
    table = wave_table(ids=SHOPS)
    assert isinstance(bare.calibrated, Adapted)
    np.testing.assert_array_equal(bare.predict(table).forecast.quantiles, model.predict().forecast.quantiles)
    assert model.backtest().metrics.scores[0].coverage is not None


def test_adapting_without_a_calibration_is_refused() -> None:
    with pytest.raises(OptionError, match=r"adapt=true moves calibrated quantiles, and calibrate=false makes none"):
        build_options({"adapt": True, "calibrate": False})
