"""Fitted models with calibrated quantiles: when, on what, and wherever the model speaks."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.data.splits import rolling_origins
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.calibration import Calibrated
from gatecast.evaluation.conformal import residuals_needed
from gatecast.workflow import Model, fit, load, save
from small_tables import SMALL, wave_table

SHOPS = ("north", "south")


@pytest.fixture(scope="module")
def model() -> Model:
    """Two series, whose validation parts hold sixteen horizons: calibrated unless told otherwise."""
    return fit(wave_table(ids=SHOPS), **SMALL)


def test_a_calibrated_model_moves_its_quantiles_and_not_its_point_forecast(model: Model) -> None:
    plain = fit(wave_table(ids=SHOPS), calibrate=False, **SMALL)
    assert (model.calibration is not None, plain.calibration) == (True, None)
    moved, raw = model.predict().forecast, plain.predict().forecast
    np.testing.assert_array_equal(moved.mean, raw.mean)
    np.testing.assert_array_equal(moved.quantiles[..., 1], raw.quantiles[..., 1])
    assert (moved.quantiles[..., [0, 2]] != raw.quantiles[..., [0, 2]]).all()
    (guess,) = (guess for guess in model.guesses if guess.what == "calibrate")
    assert guess.value == "yes"
    assert all(guess.what != "calibrate" for guess in plain.guesses)


def test_the_validation_part_is_covered_as_the_ranks_promise(model: Model) -> None:
    panel, split = model.panel, model.split
    assert panel is not None
    assert split is not None
    origins = rolling_origins(split.train_end, split.validation_end, 4, 1)
    quantiles = model.calibrated.forecast(panel, origins, 4).quantiles[..., 0, :]
    actual = actuals(panel, origins, 4)[..., 0]
    windows = len(origins)
    assert windows >= residuals_needed(0.1)
    last_bits = 1e-9 * np.abs(actual).max()  # a residual times its width, added again, is the actual but for those
    not_above = (actual <= quantiles[..., 2] + last_bits).sum(axis=0)
    below = (actual < quantiles[..., 0] - last_bits).sum(axis=0)
    assert (not_above >= np.ceil(0.9 * (windows + 1))).all()
    assert (below < np.floor(0.1 * (windows + 1))).all()


def test_a_saved_model_forecasts_and_scores_bit_for_bit_the_same(model: Model, tmp_path: Path) -> None:
    bare = load(save(model, tmp_path / "model"))
    assert bare.calibration == model.calibration
    table = wave_table(ids=SHOPS)
    np.testing.assert_array_equal(bare.predict(table).forecast.quantiles, model.predict(table).forecast.quantiles)
    longer = wave_table(200, ids=SHOPS)
    assert bare.backtest(longer).metrics == model.backtest(longer).metrics


def test_the_backtest_scores_the_calibrated_quantiles(model: Model) -> None:
    evaluation = model.backtest()
    frame = evaluation.to_frame().filter(pl.col("model") == "gru")
    inside = frame.select(((pl.col("q0.1") <= pl.col("y")) & (pl.col("y") <= pl.col("q0.9"))).mean()).item()
    assert evaluation.metrics.scores[0].coverage == pytest.approx(inside)
    found = evaluation.backtest
    assert isinstance(model.calibrated, Calibrated)
    again = model.calibrated.forecast(found.panel, found.origins, 4)
    np.testing.assert_array_equal(found.forecasts["gru"].quantiles, again.quantiles)


def test_too_short_a_validation_part_leaves_the_quantiles_and_says_so() -> None:
    short = fit(wave_table(), **SMALL)  # one series: eight horizons, and the 0.1 quantile takes nine
    (guess,) = (guess for guess in short.guesses if guess.what == "calibrate")
    assert (short.calibration, guess.value) == (None, "no")
    asked = fit(wave_table(), calibrate=True, quantiles=(0.01, 0.5, 0.99), **SMALL)
    assert asked.calibration is not None
    notes = asked.backtest().metrics.notes
    assert any(note.startswith("the 0.01 quantile takes 99 windows to calibrate, but") for note in notes)


def test_a_net_for_a_point_gets_intervals_when_asked() -> None:
    asked = fit(wave_table(ids=SHOPS), loss="mse", calibrate=True, quantiles=(0.2, 0.8), **SMALL)
    frame = asked.predict().to_frame()
    assert frame.columns == ["unique_id", "cutoff", "ds", "mean", "q0.2", "q0.8"]
    assert (frame["q0.2"] < frame["q0.8"]).all()
    assert asked.backtest().metrics.scores[0].coverage is not None


@pytest.mark.parametrize("poison", [-1e9, 1e9])
def test_a_poisoned_test_part_changes_no_calibration(model: Model, poison: float) -> None:
    table = wave_table(ids=SHOPS)
    rows = pl.int_range(pl.len()).over("shop")
    bad = table.with_columns(y=pl.when(rows >= 160 - 32).then(poison).otherwise(pl.col("y")))
    assert fit(bad, **SMALL).calibration == model.calibration


def test_windows_without_their_planned_covariates_are_left_out() -> None:
    table = wave_table(ids=SHOPS)
    rows = pl.int_range(pl.len()).over("shop")
    holed = table.with_columns(x=pl.when(rows == 110).then(None).otherwise(pl.col("x")))
    found = fit(holed, future=["x"], **SMALL).calibration
    assert found is not None
    gone = table.with_columns(x=pl.when((rows >= 96) & (rows < 128)).then(None).otherwise(pl.col("x")))
    assert fit(gone, future=["x"], **SMALL).calibration is None
