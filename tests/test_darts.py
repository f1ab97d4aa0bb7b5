"""Series of Darts' to long tables, and forecasts to series of Darts'; what reads works without Darts."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import gatecast
from forecast_makers import forecast
from gatecast.adapters.darts import from_darts, to_darts
from gatecast.errors import ColumnError, InputError, MissingExtraError, TimeError
from gatecast.forecast import Forecast
from small_tables import SMALL

REASON = "Darts is not installed: pip install darts"
SETTINGS = {name: value for name, value in SMALL.items() if name != "baselines"}


@dataclass(frozen=True)
class Double:
    """What of a series is looked at, as Darts has it; `test_a_double_is_like_a_series` holds the two together."""

    time_index: Any
    values: np.ndarray
    components: pd.Index
    static_covariates: pd.DataFrame | None = None

    def all_values(self, *, copy: bool = True) -> np.ndarray:
        return self.values.copy() if copy else self.values


def series(
    *names: str, rows: int = 6, start: str = "2024-01-01", samples: int = 1, static: pd.DataFrame | None = None
) -> Double:
    times = pd.date_range(start, periods=rows, freq="h")
    values = np.arange(rows * len(names) * samples, dtype=float).reshape(rows, len(names), samples)
    return Double(times, values, pd.Index(names), static)


def test_components_are_targets_with_their_own_names() -> None:
    table = from_darts(series("load", "heat"))
    assert table.frame.columns == ["unique_id", "ds", "load", "heat"]
    assert table.frame["heat"].to_list() == [1, 3, 5, 7, 9, 11]
    assert table.frame["ds"].to_list()[:2] == list(pd.date_range("2024-01-01", periods=2, freq="h").to_pydatetime())
    assert table.settings["target"] == ("load", "heat")
    assert table.settings["id"] == "unique_id"
    assert table.settings["time"] == "ds"


def test_each_series_has_its_covariates_beside_it_and_the_future_below() -> None:
    past, future = series("wind", start="2023-12-31 22:00", rows=12), series("plan", start="2023-12-31 23:00", rows=10)
    table = from_darts([series("load")] * 2, [past] * 2, [future] * 2, ids=["x", "y"])
    assert table.settings["past"] == ("wind",)
    assert table.settings["future"] == ("plan",)
    own = table.frame.filter(unique_id="y")
    assert own["load"].to_list() == [0, 1, 2, 3, 4, 5, None, None, None]
    assert own["wind"].to_list() == [2, 3, 4, 5, 6, 7, None, None, None]
    assert own["plan"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert own["ds"].is_sorted()
    assert table.frame["unique_id"].to_list() == ["x"] * 9 + ["y"] * 9


def test_static_covariates_are_static_one_for_each_component_where_there_is() -> None:
    one = from_darts(
        series("load", static=pd.DataFrame({"size": [3.0], "kind": ["shop"]}, index=["global_components"]))
    )
    assert one.settings["static"] == ("size", "kind")
    assert one.frame["kind"].to_list() == ["shop"] * 6
    each = from_darts(series("a", "b", static=pd.DataFrame({"size": [3.0, 4.0]}, index=["a", "b"])))
    assert each.settings["static"] == ("size_a", "size_b")
    assert each.frame["size_b"].to_list() == [4.0] * 6


def test_a_missing_value_is_missing() -> None:
    gap = series("load")
    gap.values[2] = np.nan
    assert from_darts(gap).frame["load"].to_list() == [0, 1, None, 3, 4, 5]


def test_numbered_steps_are_rows_without_dates() -> None:
    table = from_darts(Double(pd.RangeIndex(6), series("load").values, pd.Index(["load"])))
    assert table.frame.columns == ["unique_id", "load"]
    assert table.settings["frequency"] == "row"


def test_what_comes_out_can_be_learnt_from_with_its_settings() -> None:
    waves = series("load", rows=160)
    waves.values[:, 0, 0] = np.sin(np.arange(160) * np.pi / 6)
    table = from_darts([waves, waves], future_covariates=[series("plan", rows=164)] * 2, ids=["a", "b"])
    model = gatecast.fit(table.frame, **SETTINGS, **table.settings)
    columns = model.forecaster.fitted_.columns
    assert (columns.target, columns.future, columns.id, columns.time) == (("load",), ("plan",), "unique_id", "ds")
    assert model.predict().to_frame()["ds"].max() == table.frame["ds"].max()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: from_darts(series("y", samples=3)),
            InputError,
            "series_0 holds 3 samples of each value",
        ),
        (lambda: from_darts([series("y")] * 2, ids=["a"]), InputError, "got 2 series, 1 ids, 2 past and 2 future"),
        (
            lambda: from_darts(series("y"), series("y")),
            ColumnError,
            'two components are called "y", and a table',
        ),
        (
            lambda: from_darts([series("y"), series("z")]),
            ColumnError,
            "series series_1 has unique_id, ds, z, and",
        ),
        (
            lambda: from_darts(Double(pd.RangeIndex(1990, 1996), series("y").values, pd.Index(["y"]))),
            TimeError,
            "series_0 numbers its steps 1990, 1991, and rows without dates are counted 0, 1, 2",
        ),
    ],
)
def test_what_makes_no_table_is_refused_with_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_without_darts_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "darts", None)
    with pytest.raises(MissingExtraError, match=r"making a TimeSeries needs darts, .* Run: pip install darts"):
        to_darts(forecast())


def test_a_double_is_like_a_series() -> None:
    darts = pytest.importorskip("darts", reason=REASON)
    static = pd.DataFrame({"size": [3.0]})
    own = series("load", "heat", static=static)
    theirs = darts.TimeSeries(own.time_index, own.values, components=own.components, static_covariates=static)
    assert from_darts(theirs).frame.equals(from_darts(own).frame)
    assert from_darts(theirs).settings == from_darts(own).settings
    assert isinstance(theirs.time_index, pd.DatetimeIndex)
    assert from_darts([theirs, theirs]).frame.height == 12


def test_quantiles_are_components_that_darts_scores_as_its_own() -> None:
    pytest.importorskip("darts", reason=REASON)
    from darts import TimeSeries, metrics  # noqa: PLC0415 - it is not everywhere

    said = forecast()
    made = to_darts(said)
    assert list(made[0].components) == ["load_q0.100", "load_q0.500", "load_q0.900"]
    assert [one.static_covariates["unique_id"].item() for one in made] == ["b", "a"]
    np.testing.assert_array_equal(made[1].values(), said.quantiles[1, :, 0])
    assert made[1].start_time() == pd.Timestamp("2024-01-01 08:00")
    actual = [TimeSeries(one.time_index, np.ones((3, 1)), components=["load"]) for one in made]
    error = np.ones((3, 1)) - said.quantiles[0, :, 0]
    levels = np.array([0.1, 0.5, 0.9])
    pinball = 2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=0)  # Darts doubles it too
    np.testing.assert_allclose(metrics.mql(actual, made, q=levels.tolist())[0], pinball, atol=1e-12)
    assert metrics.mae(actual, made, q=0.5)[1] == np.abs(1 - said.mean[1]).mean()


def test_a_frame_says_what_its_forecast_says() -> None:
    pytest.importorskip("darts", reason=REASON)
    for said, target in ((forecast(), "load"), (forecast((), ("load",)), "load"), (forecast(targets=("a", "b")), "y")):
        assert to_darts(said.to_frame(), target=target) == to_darts(said)
    frame = forecast().to_frame()
    in_pandas = pd.DataFrame({column.name: column.to_list() for column in frame})
    assert to_darts(in_pandas, target="load") == to_darts(forecast())


def test_a_point_forecast_and_paths_are_the_target_itself() -> None:
    pytest.importorskip("darts", reason=REASON)
    (point, _) = to_darts(forecast(()))
    assert list(point.components) == ["load"]
    assert point.n_samples == 1
    said = forecast()
    paths = np.random.default_rng(0).normal(size=(2, 5, 3, 1))
    sampled = Forecast(**{**vars(said), "samples": paths})
    stochastic = to_darts(sampled)[1]
    assert stochastic.n_samples == 5
    np.testing.assert_array_equal(stochastic.all_values()[:, 0], paths[1, :, :, 0].T)


def test_a_window_of_one_row_is_told_its_step() -> None:
    pytest.importorskip("darts", reason=REASON)
    short = forecast().to_frame().filter(pl.int_range(pl.len()).over("cutoff") == 0)
    assert {one.freq_str for one in to_darts(short, freq="h")} == {"h"}


def test_the_page_shows_what_its_example_prints() -> None:
    pytest.importorskip("darts", reason=REASON)
    root = Path(__file__).parents[1]
    example = root / "docs/snippets/peers/darts_there_and_back.py"
    done = subprocess.run([sys.executable, "-W", "ignore", example], capture_output=True, text=True, check=True)
    assert f"```text\n{done.stdout}```" in (root / "docs/darts_gluonts.md").read_text(encoding="utf-8")
