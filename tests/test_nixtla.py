"""Frames and classes in Nixtla's manner: the same numbers as gatecast's own, and nothing read after a cutoff."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import coverage, mae, mase

import gatecast
from gatecast.adapters.nixtla import NixtlaForecaster
from gatecast.data.reading import load_panel
from gatecast.data.splits import split_before
from gatecast.errors import ColumnError, InputError, OptionError, TableError, TimeError, TooShortError
from small_tables import SMALL, wave_table

H = SMALL["horizon"]
SETTINGS = {name: value for name, value in SMALL.items() if name not in ("horizon", "baselines")}


def frame(rows: int = 160, ids: tuple[str, ...] = ("b", "a")) -> pl.DataFrame:
    return wave_table(rows, ids).rename({"shop": "unique_id"})


def forecaster(**said: Any) -> NixtlaForecaster:
    return NixtlaForecaster(H, **(SETTINGS | said))


def in_pandas(table: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({column.name: column.to_list() for column in table})


def test_cross_validation_is_the_backtest_of_gatecast_on_the_same_windows_bit_for_bit() -> None:
    model = gatecast.fit(frame().drop("x"), **SMALL)  # 160 rows: 96 to train on, 32 to choose by, 32 to score
    own = model.backtest().to_frame().filter(pl.col("model") == model.name).sort("unique_id", "cutoff", "ds")
    found = forecaster(validation=0.25).cross_validation(frame(), n_windows=8, level=[80])
    assert found.columns == ["unique_id", "ds", "cutoff", "y", "gatecast", "gatecast-lo-80", "gatecast-hi-80"]
    assert found.height == 2 * 8 * H
    for name, theirs in (("gatecast", "mean"), ("gatecast-lo-80", "q0.1"), ("gatecast-hi-80", "q0.9")):
        np.testing.assert_array_equal(found[name], own[theirs])
    for name in ("unique_id", "ds", "cutoff"):
        assert found[name].to_list() == own[name].to_list()
    came = found.join(frame(), on=["unique_id", "ds"], maintain_order="left")
    assert came["y"].to_list() == came["y_right"].to_list()  # as it was given, not as a float of 32 bits


FORECAST = ["unique_id", "ds", "cutoff", "gatecast", "gatecast-lo-80", "gatecast-hi-80"]


@pytest.mark.parametrize("window", range(3))
def test_nothing_after_a_cutoff_moves_what_is_forecast_from_it_or_from_those_before(window: int) -> None:
    table = frame()
    clean = forecaster().cross_validation(table, n_windows=3, level=[80])
    cutoff = clean["cutoff"].unique().sort()[window]
    later = pl.col("ds") > cutoff
    wild = table.with_columns(pl.when(later).then(1e6 + pl.int_range(pl.len())).otherwise("y").alias("y"))
    found = forecaster().cross_validation(wild, n_windows=3, level=[80])
    before = pl.col("cutoff") <= cutoff
    assert found.filter(before).select(FORECAST).equals(clean.filter(before).select(FORECAST))
    assert window == 2 or not found.filter(~before).select(FORECAST).equals(clean.filter(~before).select(FORECAST))
    missing = table.with_columns(pl.when(~later).then("y").alias("y"))
    found = forecaster().cross_validation(missing, n_windows=3, level=[80])
    assert found.equals(clean.filter(pl.col("ds") <= cutoff)), "windows in which nothing came are left out"


def test_learning_ends_before_the_first_cutoff_of_all_series() -> None:
    table = frame()
    stopped = table.filter((pl.col("unique_id") == "a") | (pl.col("ds") < pl.lit("2024-01-06").str.to_datetime()))
    clean = forecaster().cross_validation(stopped, n_windows=2)
    earliest = clean["cutoff"].min()
    assert earliest < clean.filter(pl.col("unique_id") == "a")["cutoff"].min()
    # Series a goes on for days after b has ended: none of them may be learnt from before b is forecast.
    later = (pl.col("unique_id") == "a") & (pl.col("ds") > earliest)
    poisoned = stopped.with_columns(pl.when(later).then(1e6 + pl.int_range(pl.len())).otherwise("y").alias("y"))
    found = forecaster().cross_validation(poisoned, n_windows=2)
    assert found.filter(unique_id="b").equals(clean.filter(unique_id="b"))


def test_refit_learns_anew_before_each_window_from_what_lies_before_it() -> None:
    table = frame()
    found = forecaster().cross_validation(table, n_windows=3, step_size=2, refit=True)
    for cutoff in found["cutoff"].unique().to_list():
        last = forecaster().fit(table.filter(pl.col("ds") <= cutoff)).predict()
        assert found.filter(cutoff=cutoff).select(last.columns).equals(last)
    twice = forecaster().cross_validation(table, n_windows=3, step_size=2, refit=2)
    first = twice.filter(pl.col("cutoff") < twice["cutoff"].max())
    assert first.equals(
        forecaster().cross_validation(table.filter(pl.col("ds") <= first["ds"].max()), n_windows=2, step_size=2)
    )
    assert twice.filter(pl.col("cutoff") == twice["cutoff"].max()).equals(
        found.filter(pl.col("cutoff") == found["cutoff"].max())
    )


def test_fit_learns_from_the_newest_rows_but_for_those_that_choose() -> None:
    net = forecaster().fit(frame())
    assert net.model_.split is not None
    assert net.model_.split.train_end.tolist() == [128, 128]
    assert net.model_.split.validation_end.tolist() == [160, 160]
    assert net.model_.about.seen_until == "2024-01-07T16:00:00.000000"  # the row after the last
    found = net.predict(level=[80])
    assert found.columns == ["unique_id", "ds", "gatecast", "gatecast-lo-80", "gatecast-hi-80"]
    assert found["unique_id"].to_list() == ["a"] * H + ["b"] * H
    assert net.predict(h=2).equals(found.select("unique_id", "ds", "gatecast").filter(pl.int_range(pl.len()) % H < 2))


def test_the_model_inside_can_be_saved_and_forecasts_as_it_did(tmp_path: Any) -> None:
    net = forecaster().fit(frame())
    gatecast.save(net.model_, tmp_path / "model")
    again = gatecast.load(tmp_path / "model").predict(frame()).to_frame().sort("unique_id", "ds")
    np.testing.assert_array_equal(again["mean"], net.predict()["gatecast"])


def test_a_frame_comes_back_as_the_kind_it_came() -> None:
    table = frame().drop("x")
    found = forecaster().cross_validation(table, n_windows=2)
    of_pandas = forecaster().cross_validation(in_pandas(table).astype({"unique_id": "category"}), n_windows=2)
    assert isinstance(of_pandas, pd.DataFrame)
    assert of_pandas["unique_id"].dtype == "category"
    assert of_pandas["ds"].dtype == in_pandas(table)["ds"].dtype
    of_arrow = forecaster().cross_validation(pa.table(table.to_dict(as_series=False)), n_windows=2)
    assert isinstance(of_arrow, pa.Table)
    for name in found.columns:
        assert of_pandas[name].tolist() == found[name].to_list() == of_arrow[name].to_pylist()


def test_dates_without_a_time_stay_dates() -> None:
    daily = frame(60, ("a",)).drop("x").with_columns(ds=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29)))
    found = forecaster(lookback=12, season=7).cross_validation(daily)
    assert found.schema["ds"] == found.schema["cutoff"] == pl.Date


def test_numbers_as_times_are_the_rows_they_count() -> None:
    table = frame().drop("x")
    rows = pl.int_range(pl.len()).over("unique_id")
    start = pl.when(unique_id="b").then(-7).otherwise(1990)
    numbered = table.with_columns(ds=start + 5 * rows, unique_id=pl.when(unique_id="b").then(30).otherwise(4))
    shuffled = numbered.sort(pl.col("unique_id") == 4, pl.col("ds").hash(seed=1))
    found = forecaster(calendar=()).cross_validation(in_pandas(shuffled), n_windows=2, level=[80])
    assert found["unique_id"].tolist() == [4] * 2 * H + [30] * 2 * H
    assert found["ds"].dtype == found["cutoff"].dtype == found["unique_id"].dtype == np.int64
    assert found["ds"].iloc[-1] == -7 + 5 * 159
    assert found["cutoff"].iloc[-1] == -7 + 5 * 155
    assert ((found["ds"] - found["cutoff"]) == 5 * (1 + np.arange(len(found)) % H)).all()
    in_order = forecaster(calendar=()).cross_validation(in_pandas(numbered), n_windows=2, level=[80])
    dated = forecaster(calendar=()).cross_validation(table, n_windows=2, level=[80])
    assert found["y"].tolist() == dated["y"].to_list()
    np.testing.assert_array_equal(found["gatecast"], in_order["gatecast"])
    np.testing.assert_array_equal(in_order["gatecast"], dated["gatecast"])


def test_utilsforecast_scores_what_comes_out() -> None:
    table = in_pandas(frame().drop("x"))
    found = forecaster(alias="gru", level=(80, 90)).cross_validation(table, n_windows=2, level=[90, 80])
    assert list(found.columns)[4:] == ["gru", "gru-lo-90", "gru-lo-80", "gru-hi-80", "gru-hi-90"]
    metrics = [mae, partial(mase, seasonality=12), coverage]
    scores = evaluate(found, metrics, train_df=table[table["ds"] <= found["cutoff"].min()], level=[80, 90])
    assert set(scores["metric"]) == {"mae", "mase", "coverage_level80", "coverage_level90"}
    assert np.isfinite(scores["gru"]).all()
    own = found.assign(error=(found["y"] - found["gru"]).abs()).groupby(["cutoff", "unique_id"])["error"].mean()
    np.testing.assert_allclose(scores[scores["metric"] == "mae"].set_index(["unique_id", "cutoff"])["gru"], own)


def test_future_covariates_come_as_x_df() -> None:
    table = frame()
    net = forecaster(future=("x",)).fit(table.filter(pl.col("ds") < pl.col("ds").max() - pl.duration(hours=H - 1)))
    ahead = table.filter(pl.col("ds") >= pl.col("ds").max() - pl.duration(hours=H - 1)).drop("y")
    found = net.predict(X_df=ahead)
    assert found["ds"].to_list() == ahead.sort("unique_id", "ds")["ds"].to_list()
    assert not net.predict(X_df=ahead.with_columns(pl.col("x") + 1)).equals(found)
    with pytest.raises(InputError, match="future covariates must be given over the whole horizon"):
        net.predict()


def test_only_named_columns_are_read() -> None:
    table = frame()
    assert forecaster().fit(table).predict().equals(forecaster().fit(table.drop("x")).predict())
    assert forecaster(past=("x",)).fit(table).model_.forecaster.fitted_.columns.past == ("x",)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: forecaster(level=(0,)), OptionError, "level is a share in percent, above 0 and below 100"),
        (lambda: forecaster(horizon=3), OptionError, "horizon= is said by h, level, id_col and target_col here"),
        (lambda: forecaster().predict(), OptionError, r"there is nothing to predict from yet: call fit\(df\) first"),
        (lambda: forecaster().cross_validation(frame(), refit=-1), OptionError, "refit is True, False, or a number of"),
        (lambda: forecaster().fit([1]), TableError, "a data frame with unique_id, ds, y is expected, got list"),
        (lambda: forecaster().fit(frame().lazy()), TableError, "got LazyFrame: give one of pandas, polars"),
        (lambda: forecaster().fit(frame().drop("ds")), ColumnError, "the frame has no column ds; it has"),
        (lambda: forecaster(past=("z",)).fit(frame()), ColumnError, "the frame has no column z"),
        (
            lambda: forecaster().fit(frame().cast({"ds": pl.String})),
            TimeError,
            'times in "ds" are dates or whole numbers, got String: make dates of them',
        ),
        (
            lambda: forecaster().fit(frame().with_columns(pl.col("ds").dt.replace_time_zone("UTC"))),
            TimeError,
            'times in "ds" carry the zone UTC',
        ),
        (
            lambda: forecaster().fit(pl.DataFrame({"unique_id": "a", "ds": [1, 2, 4], "y": [1.0, 2, 3]})),
            TimeError,
            'series "a" goes from ds=2 to 4, and numbers must grow by one step everywhere, which is 1 elsewhere',
        ),
        (lambda: forecaster().cross_validation(frame(), n_windows=0), OptionError, "n_windows counts from 1 up, got 0"),
        (
            lambda: forecaster().cross_validation(frame(), h=5),
            OptionError,
            "h=5 cannot be forecast: this net forecasts 1",
        ),
        (
            lambda: forecaster().cross_validation(frame(), level=[95]),
            OptionError,
            r"level=95 was not learnt: say it at the start, as level=\(80, 95\)",
        ),
        (
            lambda: forecaster().cross_validation(frame(), n_windows=41),
            TooShortError,
            '41 windows of 4 rows, 4 apart, take 165 rows, but series "b" has 160',
        ),
        (
            lambda: forecaster().cross_validation(frame(), n_windows=39),
            TooShortError,
            'horizon=4 needs 8 rows to train on, but of the 160 rows of series "b" 0 lie before the validation part',
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_what_lies_before_some_rows_is_cut_at_one_date() -> None:
    panel, _ = load_panel(
        frame(100).filter((pl.col("unique_id") == "a") | (pl.int_range(pl.len()).over("unique_id") > 9))
    )
    split = split_before(panel, np.array([60, 70]), horizon=4, validation=0.2)
    assert split.validation_end.tolist() == [60, 70]
    assert split.train_end.tolist() == [70 - 12 - 10, 70 - 12]  # 20 % of 70 in whole horizons; b begins 10 rows later
    assert split.test_end.tolist() == [90, 100]
