"""The file of numpy alone forecasts what gatecast forecasts."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

import gatecast
from builders import with_values
from export_makers import (
    CELLS,
    CONFIGS,
    TROUBLES,
    apart,
    forecast_of,
    model_of,
    model_with_everything,
    panel_of,
    shops,
    troubled,
)
from gatecast.data.calendar import calendar_feature_names, calendar_features, parse_frequency
from gatecast.data.panel import Panel
from gatecast.exporting import runtime
from gatecast.exporting.facts import as_json, describe, weights_of
from gatecast.exporting.probing import MOST_DIFFERENCE
from gatecast.exporting.runtime import Clock, Forecaster, ForecastError
from gatecast.forecast import Forecast
from gatecast.nn import recurrent_layer
from gatecast.streaming.clock import Clock as StreamClock
from gatecast.workflow import Model

ROWS = 60
ALONE = [kind for kind, config in CONFIGS.items() if not config.network.recursive]


def runtime_of(model: Model) -> Forecaster:
    """The exported model, by way of its JSON."""
    facts = json.loads(as_json(describe(model.forecaster, model.calibration)))
    return Forecaster(facts, weights_of(model.forecaster))


def read(forecaster: Forecaster, panel: Panel, rows: int, first: int = 0) -> None:
    """Rows of each series of a panel, one after another."""
    targets = len(panel.columns.target)
    for series, name in enumerate(panel.ids):
        for row in range(first, rows):
            place = panel.offsets[series] + row
            values = panel.values[place].tolist()
            x = dict(zip(panel.columns.past, values[targets:], strict=True))
            forecaster.observe(name, panel.times[place], values[:targets], x)


def assert_same(model: Model, forecaster: Forecaster, theirs: Forecast) -> None:
    found = [forecaster.forecast(name) for name in theirs.ids]
    assert [each.ds for each in found] == [[str(t)[:19] for t in row.astype("datetime64[s]")] for row in theirs.times]
    assert apart(model, np.stack([each.mean for each in found]), theirs.mean) <= MOST_DIFFERENCE
    assert apart(model, np.stack([each.quantiles for each in found]), theirs.quantiles) <= MOST_DIFFERENCE


@pytest.mark.parametrize("kind", ALONE)
def test_rows_one_by_one_forecast_what_the_whole_table_does(kind: str) -> None:
    model, panel = model_of(kind), panel_of(kind)
    forecaster = runtime_of(model)
    read(forecaster, panel, 9)
    assert_same(model, forecaster, forecast_of(model, panel, 9))  # younger than its lookback
    read(forecaster, panel, ROWS, first=9)
    assert_same(model, forecaster, forecast_of(model, panel, ROWS))


@pytest.mark.parametrize("kind", ["gru", "windows in their deviation", "targets apart"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_met_as_gatecast_meets_it(kind: str, trouble: str) -> None:
    model, panel = model_of(kind), panel_of(kind)
    panel = troubled(panel, trouble, far=1e9, silent=50)
    forecaster = runtime_of(model)
    read(forecaster, panel, ROWS)
    assert_same(model, forecaster, forecast_of(model, panel, ROWS))


@pytest.mark.parametrize("cell", CELLS)
def test_layers_have_the_equations_of_the_cells_in_float64(cell: str) -> None:
    config = CELLS[cell]
    torch.manual_seed(1)
    layer = recurrent_layer(config, 5, 36).double()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(0.25 * torch.randn(weight.shape))
        x = torch.randn(3, 30, 5, dtype=torch.float64)
        theirs, _ = layer.eval()(x)
    weights = {name: each.numpy() for name, each in layer.state_dict().items()}
    ours, _ = runtime.Layers(msgspec.to_builtins(config), weights)(x.numpy())
    assert np.abs(ours - theirs.numpy()).max() < 1e-13


def test_a_state_is_a_value() -> None:
    model, panel = model_of("lstm"), panel_of("lstm")
    forecaster, other = runtime_of(model), runtime_of(model)
    read(forecaster, panel, 30)
    before = forecaster.forecast("s0").mean
    state = forecaster.state("s0")
    read(forecaster, panel, 40, first=30)
    assert not np.array_equal(forecaster.forecast("s0").mean, before)
    other.restore("s0", state)
    assert np.array_equal(other.forecast("s0").mean, before)
    forecaster.restore("s0", state)
    other.observe("s0", panel.times[30], [1.0, 2.0], {"x0": 3.0})
    assert np.array_equal(forecaster.forecast("s0").mean, before)


def test_rows_that_did_not_come_are_missing_rows() -> None:
    model, panel = model_of("gru"), panel_of("gru")
    values = panel.values.copy()
    for start in panel.offsets[:-1]:
        values[start + 20 : start + 25] = np.nan
    forecaster, gaps = runtime_of(model), with_values(panel, values)
    read(forecaster, gaps, 20)
    read(forecaster, gaps, ROWS, first=25)
    assert_same(model, forecaster, forecast_of(model, gaps, ROWS))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"ds": "2020-01-01T00:30"}, "is no step of 1h"),
        ({"ds": "1999-01-01"}, "was read; each row is read once"),
        ({"ds": "soon"}, "is not a time as ISO 8601"),
        ({"y": [1.0]}, "y is one value for each of y0, y1"),
        ({"y": [1.0, "many"]}, "y1='many' is no number"),
        ({"y": [1.0, float("inf")]}, "no finite number"),
        ({"y": [1.0, 1e30]}, "no net can read it"),
        ({"x": {"rain": 1}}, "x may be x0"),
    ],
)
def test_a_wrong_row_is_refused_and_moves_nothing(row: dict[str, object], said: str) -> None:
    model, panel = model_of("gru"), panel_of("gru")
    forecaster = runtime_of(model)
    read(forecaster, panel, 30)
    before = forecaster.state("s0")
    late = {"ds": f"{panel.times[30]}", "y": [1.0, 2.0], "x": {}} | row
    if row.get("ds") == "2020-01-01T00:30":
        late["ds"] = f"{panel.times[30] + np.timedelta64(30, 'm')}"
    with pytest.raises(ForecastError, match=said):
        forecaster.observe("s0", **late)  # type: ignore[arg-type]
    assert all(np.array_equal(each, before[name], equal_nan=True) for name, each in forecaster.state("s0").items())


def test_a_new_series_is_scaled_by_the_rows_it_begins_with() -> None:
    model, panel = model_of("gru"), panel_of("gru")
    renamed = Panel(**{**panel.__dict__, "ids": ("a", "b", "c")})
    forecaster = runtime_of(model)
    with pytest.raises(ForecastError, match='series "a" is new'):
        forecaster.observe("a", panel.times[0], [1.0, 2.0])
    for series, name in enumerate(renamed.ids):
        forecaster.begin(name, renamed.values[renamed.rows(series)][:ROWS])
    read(forecaster, renamed, ROWS)
    theirs = forecast_of(model, renamed, ROWS)
    for place, name in enumerate(renamed.ids):
        assert forecaster.forecast(name).mean == pytest.approx(theirs.mean[place], abs=1e-5)


@pytest.mark.parametrize("name", ["15min", "1h", "1d", "1b", "1w", "1mo", "1q", "1y"])
@pytest.mark.parametrize("start", ["2024-01-31T06:00", "2023-12-29"])
def test_times_follow_as_in_gatecast(name: str, start: str) -> None:
    frequency = parse_frequency(name)
    theirs = StreamClock(frequency, dated=True)
    told = {"unit": frequency.unit, "multiple": frequency.multiple, "month_end": False}
    names = calendar_feature_names(frequency)
    ours = Clock({"frequency": told, "dated": True, "calendar": names})
    first = theirs.read(start)
    assert ours.read(start) == first
    assert ours.after(first, 40) == theirs.after(first, 40).tolist()
    stamps = theirs.after(first, 40).astype("datetime64[us]")
    assert ours.calendar(ours.after(first, 40)) == pytest.approx(calendar_features(stamps, frequency), abs=1e-6)


def test_month_ends_stay_month_ends() -> None:
    told = {"unit": "mo", "multiple": 1, "month_end": True}
    clock = Clock({"frequency": told, "dated": True, "calendar": []})
    assert [clock.shown(time)[:10] for time in clock.after(clock.read("2023-12-31"), 3)] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]


def test_the_folder_forecasts_a_csv_without_torch_and_without_gatecast(tmp_path: Path) -> None:
    model, table = model_with_everything(), shops()
    folder = gatecast.export(model, tmp_path / "alone", to="numpy")
    ahead = table.filter(pl.col("ds") >= table["ds"].max() - pl.duration(days=3))
    given = pl.concat([table, ahead.with_columns(pl.col("ds") + pl.duration(days=4), y=pl.lit(None, pl.Float64))])
    given.write_csv(tmp_path / "table.csv")
    code = f"""
        import runpy, sys
        class Barred:
            def find_spec(self, name, *rest):
                assert name.split(".")[0] not in ("torch", "gatecast", "polars"), name
        sys.meta_path.insert(0, Barred())
        sys.argv = ["forecast.py", {str(tmp_path / "table.csv")!r}]
        runpy.run_path({str(folder / "forecast.py")!r}, run_name="__main__")
    """
    script = "\n".join(line[8:] for line in code.splitlines())
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "out.csv").write_text(done.stdout)
    ours, theirs = pl.read_csv(tmp_path / "out.csv", try_parse_dates=True), model.predict(given).to_frame()
    assert ours.columns == theirs.columns
    assert ours["unique_id"].to_list() == theirs["unique_id"].to_list()
    assert ours["ds"].to_list() == theirs["ds"].to_list()
    for name in theirs.columns[3:]:
        assert ours[name].to_numpy() == pytest.approx(theirs[name].to_numpy(), rel=1e-6)


def test_the_script_refuses_in_one_line(tmp_path: Path) -> None:
    folder = gatecast.export(model_of("gru"), tmp_path / "alone", to="numpy")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    command = [sys.executable, "-I", str(folder / "forecast.py")]
    done = subprocess.run([*command, str(tmp_path / "other.csv")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the table has no column ds, unique_id, y0, y1, x0; it has a, b.\n")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_weights_hold_no_pickle(tmp_path: Path) -> None:
    folder = gatecast.export(model_of("gru"), tmp_path / "alone", to="numpy")
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        assert all(file[name].dtype == np.float32 for name in file.files)
    assert Path(runtime.__file__).read_text() == (folder / "forecast.py").read_text()
