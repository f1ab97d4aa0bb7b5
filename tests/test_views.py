"""Which series are shown, and which rows: the few that tell most, one forecast for each time, gaps kept."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gatecast.reporting.rows import backtest_rows, interval, thin, values
from gatecast.reporting.training import curve, losses, spread
from gatecast.reporting.views import View, choose_views, longest_view
from reporting_runs import run


def test_best_median_and_worst_are_those_of_an_obvious_loop() -> None:
    many = run(ids=tuple(f"s{i}" for i in range(9)), windows=2, rows=200, horizon=6)
    relative = {}
    for (name,), history in many.history.group_by("unique_id"):
        y = history["y"].to_numpy()
        net = many.backtest.filter(pl.col("unique_id") == name, pl.col("model") == "gru")
        error = np.nanmean(np.abs(net["y"].to_numpy() - net["mean"].to_numpy()))
        relative[name] = error / np.nanmean(np.abs(y[7:] - y[:-7]))
    order = sorted(relative, key=relative.__getitem__)
    views, note = choose_views(many)
    assert [(view.unique_id, view.role) for view in views] == [
        (order[0], "best"), (order[4], "median"), (order[8], "worst")
    ]  # fmt: skip
    assert note.startswith("Of 9 series")


def test_large_series_do_not_win_by_size() -> None:
    many = run(ids=tuple(f"s{i}" for i in range(9)), windows=2, rows=200, horizon=6)
    scale = pl.when(pl.col("unique_id") == "s4").then(1000.0).otherwise(1.0)
    history = many.history.with_columns(pl.col("y") * scale)
    backtest = many.backtest.with_columns(pl.col("y") * scale, pl.col("mean") * scale)
    assert choose_views(replace(many, history=history, backtest=backtest)) == choose_views(many)


def test_up_to_six_series_are_all_shown_without_a_note() -> None:
    views, note = choose_views(run(ids=("a", "b", "c"), targets=("x", "y"), windows=1, rows=100))
    assert len(views) == 6
    assert note == ""


def test_a_series_without_any_actual_is_the_worst_not_the_best() -> None:
    many = run(ids=tuple(f"s{i}" for i in range(7)), windows=1, rows=100, horizon=6)
    lost = pl.when(pl.col("unique_id") == "s3").then(float("nan")).otherwise(pl.col("y"))
    views, _ = choose_views(replace(many, backtest=many.backtest.with_columns(y=lost)))
    assert views[-1] == View("s3", None, "worst")


def test_the_longest_series_shows_the_parts() -> None:
    frame = pl.DataFrame({"unique_id": ["a", "b", "b", "c", "c"], "ds": [0, 0, 1, 0, 1], "y": [1.0] * 5})
    assert longest_view(frame) == View("b")


def test_overlapping_windows_show_one_forecast_for_each_time() -> None:
    history = pl.DataFrame({"unique_id": "a", "ds": range(20), "y": [float(i) for i in range(20)]})
    windows = [
        pl.DataFrame({"model": "gru", "unique_id": "a", "cutoff": c, "ds": [c + 1, c + 2, c + 3], "mean": 100.0 * c})
        for c in range(8, 17)
    ]
    backtest = pl.concat(windows).with_columns(y=pl.col("ds").cast(pl.Float64))
    rows = backtest_rows(replace(run(rows=200, windows=2), history=history, backtest=backtest), View("a"), 100)
    assert rows["ds"].to_list() == list(range(11, 20))  # cutoffs 16, 13 and 10, counted back from the end
    assert rows["model:gru"].to_list() == [1000.0] * 3 + [1300.0] * 3 + [1600.0] * 3


def test_a_missing_actual_stays_a_gap() -> None:
    small = run(rows=200, windows=2)
    places = small.history["ds"][-10:-5].to_list()
    missing = pl.when(pl.col("ds").is_in(places)).then(None).otherwise(pl.col("y")).alias("y")
    holes = replace(small, history=small.history.with_columns(missing), backtest=small.backtest.with_columns(missing))
    rows = backtest_rows(holes, View("births"), 1000)
    assert np.flatnonzero(np.isnan(values(rows, "y"))).tolist() == list(range(46, 51))
    assert rows["model:gru"].null_count() == 0


def test_thinning_keeps_the_extremes_and_the_gaps() -> None:
    y = np.sin(np.arange(10_000) / 50)
    y[1234], y[7777], y[4000:4500] = 99.0, -99.0, np.nan
    short = thin(pl.DataFrame({"ds": np.arange(10_000), "y": y}), most=500)
    assert len(short) <= 500
    assert (short["y"].max(), short["y"].min()) == (99.0, -99.0)
    assert short.filter(pl.col("y").is_null())["ds"].is_between(4000, 4500).all()
    assert short["y"].null_count() == 500 // 40  # one row for each stretch of 40 without a value
    assert short["ds"].is_sorted()


@pytest.mark.parametrize(
    ("columns", "found"),
    [(["mean"], None), (["mean", "q0.5"], None), (["q0.5", "q0.9", "q0.1"], ("q0.1", "q0.9", "80 % interval")),
     (["q0.025", "q0.975", "quality"], ("q0.025", "q0.975", "95 % interval"))],
)  # fmt: skip
def test_the_interval_lies_between_the_outermost_quantiles(
    columns: list[str], found: tuple[str, str, str] | None
) -> None:
    ends = interval(pl.DataFrame({name: [0.0] for name in columns}))
    assert (None if ends is None else (ends.low, ends.high, str(ends))) == found


def test_the_smoothed_loss_is_the_exponential_mean_by_hand() -> None:
    log = [{"step": step, "loss": loss} for step, loss in enumerate([4.0, 2.0, 3.0])]
    weights = [(2 / 3) ** 2, 2 / 3, 1.0]  # span 5: each line counts two thirds of the next
    expected = sum(w * v for w, v in zip(weights, [4.0, 2.0, 3.0], strict=True)) / sum(weights)
    assert losses(log)["smooth"][-1] == pytest.approx(expected)


def test_a_log_with_holes_gives_only_what_is_known() -> None:
    log = [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": None}, {"step": 3, "validation": 2}, {"loss": 1.0}]
    assert curve(log, "loss").is_empty()
    assert curve(log, "validation").rows() == [(3.0, 2.0)]
    assert spread([]) == 0.0
    assert spread([{"step": 1, "loss": -1.0}]) == 0.0


def test_the_one_series_of_a_table_without_names_has_no_heading() -> None:
    assert View("series").label() == ""
    assert View("series", "price").label() == "price"
    assert View("shop_7").label() == "shop_7"
