"""The sktime adapter: sktime's own contract, and that its forecasts are gatecast's, bit for bit."""

import io
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("sktime", reason="the sktime adapter needs sktime: pip install 'gatecast[sktime]'")

from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.stream import UpdateRefitsEvery
from sktime.performance_metrics.forecasting import MeanAbsoluteError
from sktime.performance_metrics.forecasting.probabilistic import PinballLoss
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter, temporal_train_test_split
from sktime.utils.estimator_checks import check_estimator

import gatecast as gc
from gatecast.adapters.sktime import GatecastForecaster
from gatecast.adapters.sktime.levels import at_levels
from gatecast.adapters.sktime.settings import QUANTILES
from gatecast.errors import ArtifactError, ColumnError, InputError, OptionError, TableError, TimeError, TooShortError

TINY: dict[str, Any] = {"hidden_size": 4, "steps": 3}
OWN = TINY | {"test": 0, "quantiles": QUANTILES}
ROWS, AHEAD = 60, 6

INDEXES: dict[str, Callable[[int], pd.Index]] = {
    "hours": lambda rows: pd.date_range("2024-01-01", periods=rows, freq="h"),
    "days in Berlin": lambda rows: pd.date_range("2024-02-01", periods=rows, freq="D", tz="Europe/Berlin"),
    "business days": lambda rows: pd.date_range("2024-01-01", periods=rows, freq="B"),
    "month ends": lambda rows: pd.date_range("2010-01-31", periods=rows, freq="ME"),
    "quarters": lambda rows: pd.period_range("1990Q1", periods=rows, freq="Q"),
    "numbers": lambda rows: pd.RangeIndex(-7, rows - 7),
}


def waves(index: pd.Index, columns: int = 1, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = np.sin(2 * np.pi * (np.arange(len(index))[:, None] + np.arange(columns)) / 12)
    names = ["y", "other"][:columns]
    return pd.DataFrame(10 + values + 0.1 * rng.normal(size=values.shape), index=index, columns=names)


def shops(index: pd.Index, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two shops' sales, and what is planned and measured beside them."""
    parts = {name: waves(index, seed=seed + place) for place, name in enumerate(["north", "south"])}
    y = pd.concat(parts, names=["shop", "when"])
    rng = np.random.default_rng(seed + 9)
    X = pd.DataFrame({"price": rng.normal(size=len(y)), "sun": rng.normal(size=len(y))}, index=y.index)
    return y, X


def until(frame: pd.DataFrame, time: Any) -> pd.DataFrame:
    return frame[frame.index.get_level_values(-1) <= time]


def after(frame: pd.DataFrame, time: Any) -> pd.DataFrame:
    return frame[frame.index.get_level_values(-1) > time]


def table_of(y: pd.DataFrame) -> pd.DataFrame:
    """y as a table for gatecast: dates as a column, and numbers as the order of rows."""
    if isinstance(y.index, pd.RangeIndex):
        return y.reset_index(drop=True)
    stamps = y.index.to_timestamp() if isinstance(y.index, pd.PeriodIndex) else y.index
    return y.reset_index(drop=True).assign(ds=stamps)


def said(forecaster: GatecastForecaster, **asked: Any) -> np.ndarray:
    """Everything it says: the point, and the quantiles that it was trained for."""
    quantiles = forecaster.predict_quantiles(alpha=list(QUANTILES), **asked)
    return np.concatenate([forecaster.predict(**asked).to_numpy(), quantiles.to_numpy()], axis=1)


def own(prediction: gc.Prediction) -> np.ndarray:
    forecast = prediction.forecast
    flat = len(forecast.mean) * forecast.mean.shape[1]
    return np.concatenate([forecast.mean.reshape(flat, -1), forecast.quantiles.reshape(flat, -1)], axis=1)


# sktime's contract


CHECKS = [
    "test_clone",
    "test_cutoff",
    "test_fh_attribute",
    "test_fit_updates_state",
    "test_hierarchical_with_exogenous",
    "test_set_params",
    "test_unequal_length_hierarchical_fit_predict",
    "test_update_with_exogenous_variables",
]


def test_sktimes_own_checks_pass() -> None:
    forecaster = GatecastForecaster(**GatecastForecaster.get_test_params()[0])
    found = check_estimator(forecaster, tests_to_run=CHECKS, raise_exceptions=False, verbose=False)
    assert {name.partition("[")[0] for name in found} == set(CHECKS)
    assert {name: outcome for name, outcome in found.items() if outcome != "PASSED"} == {}


# the same forecasts


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize("columns", [1, 2])
def test_forecasts_are_those_of_gatecast_bit_for_bit_with_the_index_of_sktime(kind: str, columns: int) -> None:
    index = INDEXES[kind](ROWS + AHEAD)
    y = waves(index, columns)
    forecaster = GatecastForecaster(**TINY).fit(y[:ROWS], fh=range(1, AHEAD + 1))
    table = table_of(y[:ROWS])
    time = {"time": "ds"} if "ds" in table else {}
    model = gc.fit(table, target=list(y.columns), past=(), horizon=AHEAD, **time, **OWN)
    assert_array_equal(said(forecaster), own(model.predict()))
    pd.testing.assert_index_equal(forecaster.predict().index, index[ROWS:], exact="equiv")


def test_a_panel_with_covariates_is_forecast_as_by_gatecast() -> None:
    index = INDEXES["hours"](ROWS + AHEAD)
    (y, X), cut = shops(index), index[ROWS - 1]
    forecaster = GatecastForecaster(past=["sun"], **TINY).fit(until(y, cut), until(X, cut), fh=range(1, AHEAD + 1))
    parts = {"id": "unique_id", "time": "ds", "target": ["y"], "past": ["sun"], "future": ["price"]}
    known = pd.concat([until(y, cut), X], axis=1).loc[X.index].reset_index(names=["unique_id", "ds"])
    model = gc.fit(
        pd.concat([y, X], axis=1).pipe(until, cut).reset_index(names=["unique_id", "ds"]), horizon=AHEAD, **parts, **OWN
    )
    assert_array_equal(said(forecaster, X=after(X, cut)), own(model.predict(known)))
    pd.testing.assert_index_equal(forecaster.predict(X=after(X, cut)).index, after(y, cut).index)


def test_one_step_of_a_horizon_is_that_step() -> None:
    y = waves(INDEXES["hours"](ROWS))
    several = GatecastForecaster(**TINY).fit(y, fh=[1, 2, 3]).predict()
    alone = GatecastForecaster(**TINY).fit(y, fh=[3]).predict()
    pd.testing.assert_frame_equal(alone, several.iloc[[2]], check_freq=False)


def test_steps_and_labels_in_any_order_are_the_same_horizon() -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    forecaster = GatecastForecaster(AHEAD, **TINY).fit(y[:ROWS])
    by_steps = forecaster.predict(fh=[5, 2])
    by_labels = forecaster.predict(fh=ForecastingHorizon(y.index[[ROWS + 4, ROWS + 1]], is_relative=False))
    pd.testing.assert_frame_equal(by_steps, by_labels, check_freq=False)
    pd.testing.assert_frame_equal(by_steps, forecaster.predict(fh=range(1, 7)).iloc[[1, 4]], check_freq=False)


def test_an_interval_is_its_two_quantiles_and_a_level_said_is_the_nets_own() -> None:
    y = waves(INDEXES["hours"](ROWS), 2)
    forecaster = GatecastForecaster(**TINY).fit(y, fh=[1, 4])
    interval = forecaster.predict_interval(coverage=[0.5, 0.9])
    quantiles = forecaster.predict_quantiles(alpha=[0.25, 0.75, 0.05, 0.95])
    assert_array_equal(interval.to_numpy(), quantiles.to_numpy())
    assert_array_equal(forecaster.predict_quantiles(alpha=[0.5]).to_numpy(), forecaster.predict().to_numpy())


def test_levels_between_and_beyond_those_said_are_exact_for_a_normal_distribution() -> None:
    from scipy.stats import norm  # noqa: PLC0415 - slow to load

    truth = norm(3, 2)
    found = at_levels(truth.ppf(QUANTILES)[None, None], QUANTILES, [0.01, 0.2, 0.5, 0.93, 0.999])
    assert_allclose(found[0, 0], truth.ppf([0.01, 0.2, 0.5, 0.93, 0.999]), rtol=1e-12)


# rows that come


@pytest.mark.parametrize(
    ("kind", "update_params"), [("hours", "yes"), ("business days", "no"), ("numbers", "yes"), ("days in Berlin", "no")]
)
def test_an_update_moves_the_state_and_no_weight(kind: str, update_params: str) -> None:
    y = waves(INDEXES[kind](ROWS + AHEAD))
    forecaster = GatecastForecaster(**TINY).fit(y[:ROWS], fh=[1, 2])
    weights = {name: value.clone() for name, value in forecaster.model_.forecaster.network_.state_dict().items()}
    for row in range(ROWS, ROWS + 3):
        forecaster.update(y[row : row + 1], update_params=update_params == "yes")
        assert_array_equal(said(forecaster), own(forecaster.model_.predict(table_of(y[: row + 1]))))
    for name, value in forecaster.model_.forecaster.network_.state_dict().items():
        assert_array_equal(value, weights[name])


def test_an_update_of_a_panel_with_covariates_equals_having_seen_all() -> None:
    index = INDEXES["hours"](ROWS + 2 * AHEAD)
    (y, X), cut, later = shops(index), index[ROWS - 1], index[ROWS + AHEAD - 1]
    forecaster = GatecastForecaster(past=["sun"], **TINY).fit(until(y, cut), until(X, cut), fh=[1, 2])
    forecaster.update(after(until(y, later), cut), after(until(X, later), cut))
    known = pd.concat([until(y, later), X], axis=1).loc[X.index].reset_index(names=["unique_id", "ds"])
    assert_array_equal(said(forecaster, X=after(X, later)), own(forecaster.model_.predict(known)))


def test_a_series_that_begins_with_an_update_is_forecast_too() -> None:
    y, _ = shops(INDEXES["hours"](ROWS))
    forecaster = GatecastForecaster(**TINY).fit(y, fh=[1, 2])
    west = pd.concat({"west": waves(INDEXES["hours"](40), seed=5)}, names=["shop", "when"])
    forecaster.update(west)
    model, both = forecaster.model_, pd.concat([y, west]).reset_index(names=["unique_id", "ds"])
    assert_array_equal(said(forecaster), own(model.predict(both)))
    assert forecaster.predict().index.get_level_values("shop").tolist() == ["north"] * 2 + ["south"] * 2 + ["west"] * 2


def test_rows_that_come_again_change_nothing_and_corrected_ones_are_read_anew() -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    forecaster = GatecastForecaster(**TINY).fit(y[:ROWS], fh=[1, 2])
    forecaster.update(y[ROWS - 20 :])
    before = said(forecaster)
    assert_array_equal(said(forecaster.update(y[-30:])), before)
    corrected = y.copy()
    corrected.iloc[-3] += 5
    forecaster.update(corrected[-4:])
    assert_array_equal(said(forecaster), own(forecaster.model_.predict(table_of(corrected))))
    assert not np.array_equal(said(forecaster), before)


def test_sktimes_wrapper_that_refits_trains_again() -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    refitting = UpdateRefitsEvery(GatecastForecaster(**TINY), refit_interval=0).fit(y[:ROWS], fh=[1, 2])
    refitting.update(y[ROWS:])
    expected = GatecastForecaster(**TINY).fit(y, fh=[1, 2]).predict()
    pd.testing.assert_frame_equal(refitting.predict(), expected, check_freq=False)


def test_going_back_to_an_earlier_cutoff_reads_nothing_after_it() -> None:
    y = waves(INDEXES["hours"](ROWS))
    forecaster = GatecastForecaster(AHEAD, **TINY).fit(y)
    cutoffs = SlidingWindowSplitter(fh=[1, 3], window_length=5, step_length=10)
    again = forecaster.update_predict(y, cutoffs)
    for window, rows in cutoffs.split(y):
        expected = own(forecaster.model_.predict(table_of(y[: window[-1] + 1])))[[0, 2], :1]
        assert_array_equal(again.loc[y.index[rows], y.index[window[-1]]].to_numpy(), expected)


# nothing from the future


def test_future_rows_of_x_poisoned_change_nothing_that_may_not_know_them() -> None:
    index = INDEXES["hours"](ROWS + 2 * AHEAD)
    (y, X), cut = shops(index), index[ROWS - 1]
    poisoned = X.copy()
    poisoned.loc[X.index.get_level_values(-1) > index[ROWS + 1], :] = 1e9  # beyond the furthest step
    poisoned.loc[X.index.get_level_values(-1) > cut, "sun"] = 1e9  # not known in advance
    past = poisoned.copy()
    past.loc[X.index.get_level_values(-1) <= cut, :] = -1e9  # what came is not read again
    clean = GatecastForecaster(past=["sun"], **TINY).fit(until(y, cut), until(X, cut), fh=[1, 2])
    dirty = GatecastForecaster(past=["sun"], **TINY).fit(until(y, cut), poisoned, fh=[1, 2])
    assert_array_equal(said(dirty, X=past), said(clean, X=after(X, cut)))


def test_in_sample_forecasts_are_one_step_from_the_rows_before() -> None:
    y = waves(INDEXES["hours"](ROWS))
    forecaster = GatecastForecaster(AHEAD, **TINY).fit(y)
    back = forecaster.predict(fh=-np.arange(ROWS))
    assert np.isnan(back.iloc[0, 0])
    for row in (1, 2, 30, ROWS - 1):
        expected = forecaster.model_.predict(table_of(y[:row]) if row > 1 else None, horizon=1).forecast.mean[0, 0]
        if row > 1:
            assert_array_equal(back.iloc[row], expected)
    both = forecaster.predict_quantiles(fh=[-3, 2], alpha=0.05)
    assert_array_equal(both.iloc[1], forecaster.predict_quantiles(fh=[2], alpha=0.05).iloc[0])
    assert_array_equal(both.iloc[0], forecaster.predict_quantiles(fh=[-3], alpha=0.05).iloc[0])


def test_in_sample_forecasts_do_not_move_when_later_rows_do() -> None:
    y = waves(INDEXES["numbers"](ROWS))
    forecaster = GatecastForecaster(AHEAD, **TINY).fit(y)
    labels = ForecastingHorizon(y.index[: ROWS - 4], is_relative=False)
    before = forecaster.predict(fh=labels)
    later = y[ROWS - 5 :].copy()
    later.iloc[:] = [[1e3], [np.nan], [-1e3], [0], [1]]
    pd.testing.assert_frame_equal(forecaster.update(later).predict(fh=labels), before)


# rows that are not as they should be


def test_numbers_that_are_skipped_are_missing_rows_and_come_back() -> None:
    y = waves(pd.RangeIndex(100, 100 + ROWS))
    holes = y.drop(index=[120, 121, 140])
    forecaster = GatecastForecaster(AHEAD, **TINY).fit(holes)
    missing = table_of(y.where(y.index.isin(holes.index).reshape(-1, 1)))
    assert_array_equal(said(forecaster, fh=range(1, 7)), own(forecaster.model_.predict(missing)))
    back = forecaster.predict(fh=ForecastingHorizon(pd.Index([120, 122, 165]), is_relative=False))
    assert back.index.tolist() == [120, 122, 165]
    assert np.isfinite(back.to_numpy()).all()


def test_dates_with_gaps_and_no_frequency_are_forecast_in_gatecasts_steps() -> None:
    y = waves(pd.date_range("2024-01-14", periods=ROWS, freq="MS") + pd.Timedelta(days=14)).drop(index="2025-03-15")
    assert y.index.freq is None
    forecast = GatecastForecaster(**TINY).fit(y, fh=[1, 2]).predict()
    assert forecast.index.tolist() == [pd.Timestamp("2029-02-15"), pd.Timestamp("2029-03-15")]


def test_missing_values_are_read_as_missing() -> None:
    y = waves(INDEXES["hours"](ROWS))
    y.iloc[[3, 30, ROWS - 1]] = np.nan
    forecaster = GatecastForecaster(**TINY).fit(y, fh=range(1, AHEAD + 1))
    model = gc.fit(table_of(y), target=["y"], time="ds", past=(), horizon=AHEAD, **OWN)
    assert_array_equal(said(forecaster), own(model.predict()))


def test_columns_of_x_may_hold_words_and_have_the_names_of_y() -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    X = pd.DataFrame({"y": np.resize(["calm", "storm", "calm"], len(y)), 0: np.arange(len(y)) % 5}, index=y.index)
    forecaster = GatecastForecaster(**TINY).fit(y[:ROWS], X[:ROWS], fh=[1, 2])
    assert forecaster.model_.forecaster.fitted_.columns.future == ("X_y", "0")
    changed = X[ROWS:].assign(y=["storm"] * AHEAD)
    assert not np.array_equal(said(forecaster, X=changed), said(forecaster, X=changed.assign(y="calm")))


# kept and copied


def test_a_pickle_holds_the_artifact_and_names_no_class_of_a_net() -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    forecaster = GatecastForecaster(**TINY).fit(y[:ROWS], fh=[1, 2]).update(y[ROWS:])
    written = pickle.dumps(forecaster)
    named = {text for _, text, _ in pickletools.genops(io.BytesIO(written)) if isinstance(text, str)}
    assert "gatecast.adapters.sktime.past" in named
    assert not [text for text in named if text.startswith(("torch", "gatecast.forecaster", "gatecast.models"))]
    again = pickle.loads(written)  # noqa: S301 - written above
    assert_array_equal(said(again), said(forecaster))
    more = waves(pd.date_range(y.index[-1], periods=4, freq="h", inclusive="right"), seed=1)
    assert_array_equal(said(again.update(more)), said(forecaster.update(more)))


def test_a_damaged_model_in_a_pickle_is_refused() -> None:
    past = GatecastForecaster(**TINY).fit(waves(INDEXES["hours"](ROWS)), fh=[1])._past
    state = past.__getstate__()
    state["files"]["weights.safetensors"] = state["files"]["weights.safetensors"][:-1] + b"?"
    with pytest.raises(ArtifactError, match=r"weights\.safetensors is not the file that model\.json was written for"):
        type(past).__new__(type(past)).__setstate__(state)


# sktime's tools


@pytest.mark.parametrize("strategy", ["refit", "no-update_params"])
def test_evaluate_scores_what_a_forecaster_says_that_has_seen_each_window(strategy: str) -> None:
    y = waves(INDEXES["hours"](ROWS + AHEAD))
    windows = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=ROWS - 6, step_length=4)
    found = evaluate(
        GatecastForecaster(**TINY),
        windows,
        y,
        strategy=strategy,
        scoring=[MeanAbsoluteError(), PinballLoss(alpha=[0.05, 0.95])],
        return_data=True,
        error_score="raise",
    )
    first = GatecastForecaster(**TINY).fit(y[: ROWS - 6], fh=[1, 2, 3])
    assert len(found) == 3
    for (known, tested), (_, row) in zip(windows.split(y), found.iterrows(), strict=True):
        if strategy == "refit":
            first = GatecastForecaster(**TINY).fit(y.iloc[known], fh=[1, 2, 3])
        expected = own(first.model_.predict(table_of(y.iloc[known])))[:, 0]
        assert_array_equal(row["y_pred"].to_numpy().ravel(), expected)
        assert row["test_MeanAbsoluteError"] == pytest.approx(np.abs(y.iloc[tested, 0] - expected).mean(), rel=1e-12)


def test_evaluate_works_with_covariates_of_several_series() -> None:
    y, X = shops(INDEXES["hours"](ROWS))
    windows = SlidingWindowSplitter(fh=[1, 2], window_length=40, step_length=12)
    scores = evaluate(GatecastForecaster(past=["sun"], **TINY), windows, y, X, error_score="raise")
    assert np.isfinite(scores["test_MeanAbsolutePercentageError"]).all()
    assert len(scores) == 2


# what is refused


def test_what_cannot_be_is_refused_in_sktimes_words() -> None:
    y = waves(INDEXES["hours"](ROWS))
    off_the_grid = ForecastingHorizon(pd.DatetimeIndex(["2024-01-03 12:30"]), is_relative=False)
    y_train, _, X_train, X_test = temporal_train_test_split(y, y.rename(columns={"y": "price"}), test_size=3)
    with pytest.raises(TooShortError, match=r"needs at least 36 rows .* has 20.*horizon is the furthest step of fh"):
        GatecastForecaster(**TINY).fit(y[:20], fh=[12])
    with pytest.raises(OptionError, match=r"fh reaches step 7, and this net forecasts up to 3 rows .* horizon=7"):
        GatecastForecaster(3, **TINY).fit(y).predict(fh=[7])
    with pytest.raises(ColumnError, match="past= names 'sun', which is no column of X; X has price"):
        GatecastForecaster(past=["sun"], **TINY).fit(y_train, X_train, fh=[1])
    told = GatecastForecaster(**TINY).fit(y_train, X_train, fh=[3])
    with pytest.raises(ColumnError, match="X is missing: this net was fitted with price"):
        told.predict()
    with pytest.raises(InputError, match=r"X lacks a value at 2024-01-03 10:00:00, step 2 of the 3 up to the end"):
        told.predict(X=X_test.iloc[[0, 2]])
    with pytest.raises(InputError, match=r"fh asks for 2024-01-03 12:30:00, which no whole number of steps leads to"):
        GatecastForecaster(3, **TINY).fit(y).predict(fh=off_the_grid)
    with pytest.raises(TableError, match=r'"y" is 3 in every row: .*target= are the columns of y'):
        GatecastForecaster(**TINY).fit(0 * y + 3, fh=[1])
    with pytest.raises(InputError, match=r"update got y as an array \(np.ndarray\), whose rows sktime numbers from 0"):
        GatecastForecaster(**TINY).fit(y.to_numpy(), fh=[1]).update(y.to_numpy())
    with pytest.raises(TimeError, match=r"the index of y skips nearly every number: 60 rows lie on 590,001 steps"):
        GatecastForecaster(**TINY).fit(y.set_index(pd.RangeIndex(0, 600_000, 10_000)), fh=[1])
    with pytest.raises(TimeError, match=r"the index of y holds timedelta64.*, and gatecast forecasts rows at dates"):
        GatecastForecaster(**TINY).fit(y.set_index(y.index - y.index[0]), fh=[1])


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"cell": "lstm"}, "settings= holds network.layer.cell, which is an argument of GatecastForecaster"),
        ({"horizon": 3}, "settings= holds horizon, which is an argument"),
        ({"target": "y"}, "settings= holds table.target, and sktime's frames say that by themselves"),
        ({"adapt": True}, "adapt=True lets intervals follow every row"),
        ({"frequency": "row"}, "frequency='row' is not for sktime"),
        ({"hiden": 3}, "there is no setting 'hiden'"),
    ],
)
def test_settings_that_are_said_elsewhere_are_refused(settings: dict[str, Any], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        GatecastForecaster(settings=settings, **TINY).fit(waves(INDEXES["hours"](ROWS)), fh=[1])


def test_a_net_for_a_point_says_no_quantiles() -> None:
    y = waves(INDEXES["hours"](ROWS))
    forecaster = GatecastForecaster(settings={"loss": "mse"}, **TINY).fit(y, fh=[1])
    assert np.isfinite(forecaster.predict().to_numpy()).all()
    with pytest.raises(NotImplementedError, match="loss='mse' trains a net for a point"):
        forecaster.predict_interval()


def test_without_sktime_the_remedy_is_one_line() -> None:
    without = "import sys; sys.modules['sktime'] = None; from gatecast.adapters.sktime import GatecastForecaster"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        "gatecast.adapters.sktime needs sktime, which is not installed. Run: pip install 'gatecast[sktime]'"
    )
