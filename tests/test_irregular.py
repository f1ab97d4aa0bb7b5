"""Rows without a regular step: kept as they are, with their gaps as a covariate; whole runs on them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.data.calendar import calendar_feature_names, calendar_features
from gatecast.data.columns import TableOptions
from gatecast.data.frequency import Frequency, parse_frequency
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.errors import OptionError, TimeError
from gatecast.workflow import fit, load
from small_tables import SMALL

IRREGULAR = TableOptions(frequency="irregular")


def visits(rows: int = 160, seed: int = 0, **columns: object) -> pl.DataFrame:
    """Measurements that come when they come; what the gap before was shows in the value."""
    rng = np.random.default_rng(seed)
    gaps = rng.integers(600, 20_000, rows)
    times = np.datetime64("2024-01-01", "us") + np.cumsum(gaps) * np.timedelta64(1, "s")
    return pl.DataFrame({"ds": times, "x": rng.normal(size=rows), "y": np.log(gaps) + rng.normal(size=rows)} | columns)


def test_rows_and_times_stay_as_they_are() -> None:
    frame = visits()
    panel, guesses = load_panel(frame, IRREGULAR)
    assert (panel.times == frame["ds"].to_numpy()).all()
    assert panel.values[:, 0].tolist() == frame["y"].cast(pl.Float32).to_list()
    assert panel.columns.past == ("x", "gap")
    seconds = np.diff(frame["ds"].to_numpy()) / np.timedelta64(1, "s")
    assert np.isnan(panel.values[0, 2])
    assert panel.values[1:, 2] == pytest.approx(np.log(seconds), rel=1e-6)
    median = int(np.median(seconds) * 1e6)
    assert panel.frequency == Frequency("irregular", median)
    assert f"step of forecasts = {median / 3.6e9:.3g} hours (the median gap between rows)" in map(str, guesses)


def test_forecasts_go_on_by_the_median_gap() -> None:
    panel, _ = load_panel(visits(), IRREGULAR)
    times = panel.horizon_times(0, 160, 3)
    assert (np.diff(times, prepend=panel.times[-1:]).astype(int) == panel.frequency.multiple).all()


def test_series_keep_their_own_gaps() -> None:
    both = pl.concat([visits(seed=1, k=["a"] * 160), visits(50, seed=2, k=["b"] * 50).reverse()])
    panel, _ = load_panel(both, TableOptions(frequency="irregular", id="k"))
    assert panel.lengths.tolist() == [160, 50]
    assert np.flatnonzero(np.isnan(panel.values[:, 2])).tolist() == [0, 160]
    alone, _ = load_panel(visits(50, seed=2), IRREGULAR)
    assert np.array_equal(panel.values[panel.rows(1)], alone.values, equal_nan=True)


def test_later_gaps_change_no_earlier_number() -> None:
    frame = visits()
    late = frame.with_columns(ds=pl.when(pl.int_range(160) < 100).then("ds").otherwise(pl.col("ds").dt.offset_by("9d")))
    panels = [load_panel(each, IRREGULAR)[0] for each in (frame, late)]
    assert np.array_equal(panels[0].values[:100], panels[1].values[:100], equal_nan=True)


def test_the_calendar_of_rows_to_come_is_not_known() -> None:
    panel, _ = load_panel(visits(), IRREGULAR)
    assert calendar_feature_names(panel.frequency) == ()
    assert calendar_features(panel.times, panel.frequency).shape == (160, 0)


def test_gap_is_called_otherwise_where_a_column_has_that_name() -> None:
    frame = visits().rename({"x": "gap"})
    panel, _ = load_panel(frame, IRREGULAR)
    assert panel.columns.past == ("gap", "gap_2")
    assert load_panel_like(frame, panel.columns, panel.frequency, IRREGULAR).columns == panel.columns


def test_repeats_are_refused_as_ever_and_regular_rows_may_be_kept_too() -> None:
    again = pl.concat([visits(), visits()[:1].with_columns(y=pl.lit(8.0))])
    with pytest.raises(TimeError, match="two rows with different values"):
        load_panel(again, IRREGULAR)
    assert len(load_panel(again, TableOptions(frequency="irregular", duplicates="last"))[0].values) == 160
    hours = visits().with_columns(ds=pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 7, 15), "1h"))
    assert load_panel(hours, IRREGULAR)[0].frequency.name == "irregular, 1 hours in the median"


def test_what_has_no_gaps_cannot_be_irregular() -> None:
    with pytest.raises(TimeError, match="frequency=irregular needs rows with dates"):
        load_panel(visits().drop("ds"), IRREGULAR)
    with pytest.raises(TimeError, match="frequency=irregular needs a series with two rows"):
        load_panel(visits(2, k=["a", "b"]), TableOptions(frequency="irregular", id="k"))
    with pytest.raises(OptionError, match="holidays=DE needs rows with dates that a step leads on from"):
        load_panel(visits(), TableOptions(frequency="irregular", holidays="DE"))


def test_an_irregular_table_is_pointed_to_the_option() -> None:
    with pytest.raises(TimeError, match="keep the rows and their gaps with frequency=irregular"):
        load_panel(visits())


def test_the_frequency_is_read_and_named() -> None:
    assert parse_frequency("Irregular").label == "irregular"
    assert Frequency("irregular", 90_000_000).name == "irregular, 1.5 minutes in the median"


def test_a_run_on_irregular_rows_trains_scores_predicts_and_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    visits().write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    model = fit(path, out=tmp_path / "run", frequency="irregular", **SMALL)
    panel = model.panel
    assert panel is not None
    assert np.isin(model.backtest().to_frame()["ds"].to_numpy(), panel.times).all(), "scored where rows are"
    ahead = model.predict().to_frame()["ds"].to_numpy()
    assert (np.diff(ahead, prepend=panel.times[-1:]).astype(int) == panel.frequency.multiple).all()
    again = load(tmp_path / "run")
    assert (again.predict().forecast.mean == model.predict().forecast.mean).all()


def test_new_irregular_rows_are_dated_by_the_gap_of_the_model() -> None:
    model = fit(visits(), frequency="irregular", **SMALL)
    new = visits(60, seed=5).with_columns(ds=pl.col("ds") + pl.duration(days=60))
    predicted = model.predict(new)
    assert model.panel is not None
    assert predicted.panel.frequency == model.panel.frequency
    assert predicted.panel.columns == model.panel.columns
    assert np.isfinite(predicted.forecast.mean).all()
    one_row = load_panel_like(new[:1], model.panel.columns, model.panel.frequency, IRREGULAR)
    assert one_row.frequency == model.panel.frequency
