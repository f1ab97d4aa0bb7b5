"""Data sets of GluonTS' to long tables, and forecasts to forecasts of GluonTS'; what reads works without GluonTS."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatecast
from forecast_makers import forecast
from gatecast.adapters.gluonts import from_gluonts, to_gluonts
from gatecast.errors import ColumnError, InputError, MissingExtraError, TimeError
from small_tables import SMALL

REASON = "GluonTS is not installed: pip install gluonts"
SETTINGS = {name: value for name, value in SMALL.items() if name != "baselines"}


def entry(rows: int = 5, **more: Any) -> dict[str, Any]:
    return {"start": pd.Period("2024-01-01", freq="h"), "target": np.arange(rows, dtype=np.float32), **more}


def test_a_target_is_y_and_its_times_begin_where_it_starts() -> None:
    table = from_gluonts([entry(3), entry(2, item_id="b")])
    assert table.frame["unique_id"].to_list() == ["item_0"] * 3 + ["b"] * 2
    assert table.frame["y"].to_list() == [0, 1, 2, 0, 1]
    assert table.frame["ds"].to_list()[1] == pd.Timestamp("2024-01-01 01:00").to_pydatetime()
    assert table.settings["target"] == ("y",)
    assert "categorical" not in table.settings


def test_several_targets_are_columns() -> None:
    table = from_gluonts([entry() | {"target": np.arange(6.0).reshape(2, 3)}])
    assert table.settings["target"] == ("y_0", "y_1")
    assert table.frame["y_1"].to_list() == [3, 4, 5]


def test_features_have_their_parts_and_the_future_reaches_further() -> None:
    one = entry(
        3,
        feat_dynamic_real=[[1, 2, 3, 4, 5]],
        feat_dynamic_cat=[[0, 1, 0, 1, 0]],
        past_feat_dynamic_real=[[7, 8, 9], [1, np.nan, 1]],
        feat_static_cat=[2, 0],
        feat_static_real=[0.5],
    )
    table = from_gluonts([one])
    assert table.settings["future"] == ("feat_dynamic_real_0", "feat_dynamic_cat_0")
    assert table.settings["past"] == ("past_feat_dynamic_real_0", "past_feat_dynamic_real_1")
    assert table.settings["static"] == ("feat_static_real_0", "feat_static_cat_0", "feat_static_cat_1")
    assert table.settings["categorical"] == ("feat_dynamic_cat_0", "feat_static_cat_0", "feat_static_cat_1")
    assert table.frame["y"].to_list() == [0, 1, 2, None, None]
    assert table.frame["feat_dynamic_real_0"].to_list() == [1, 2, 3, 4, 5]
    assert table.frame["past_feat_dynamic_real_1"].to_list() == [1, None, 1, None, None]
    assert table.frame["feat_static_cat_0"].to_list() == [2] * 5


@pytest.mark.parametrize("freq", ["h", "15min", "D", "W-SUN", "M", "Q-DEC", "Y-DEC"])
def test_every_period_gives_times_that_lead_back_to_it(freq: str) -> None:
    start = pd.Period("2024-03-05 10:00", freq=freq)
    times = from_gluonts([entry(4) | {"start": start}]).frame["ds"].to_list()
    assert [pd.Period(time, freq=freq) for time in times] == [start + step for step in range(4)]


def test_what_comes_out_can_be_learnt_from_with_its_settings() -> None:
    waves = np.sin(np.arange(160) * np.pi / 6)
    both = [entry(feat_dynamic_real=[np.arange(164.0)], feat_static_cat=[kind]) | {"target": waves} for kind in (0, 1)]
    table = from_gluonts(both)
    model = gatecast.fit(table.frame, **SETTINGS, **table.settings)
    columns = model.forecaster.fitted_.columns
    assert (columns.target, columns.future) == (("y",), ("feat_dynamic_real_0",))
    assert columns.categories == {"feat_static_cat_0": ("0", "1")}
    assert model.predict().to_frame()["ds"].max() == table.frame["ds"].max()


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ([], InputError, "the data set has no series: give at least one"),
        (
            [entry() | {"start": "2024-01-01"}],
            TimeError,
            "start of item item_0 is '2024-01-01', and a period of pandas",
        ),
        (
            [entry(item_id="a", past_feat_dynamic_real=[[1, 2]])],
            InputError,
            "past_feat_dynamic_real_0 of item a has 2 values, and 5 are expected",
        ),
        (
            [entry(feat_dynamic_real=[[1, 2, 3]])],
            InputError,
            "feat_dynamic_real_0 of item item_0 has 3 values, and 5 are expected",
        ),
        (
            [entry(), entry(item_id="b", feat_static_real=[1])],
            ColumnError,
            "item b has unique_id, ds, y, feat_static",
        ),
    ],
)
def test_what_makes_no_table_is_refused_with_what_to_do(dataset: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        from_gluonts(dataset)


def test_without_gluonts_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gluonts.model.forecast", None)
    with pytest.raises(MissingExtraError, match=r"QuantileForecast needs gluonts, .* Run: pip install gluonts"):
        to_gluonts(forecast(), freq="h")


def test_a_data_set_of_gluonts_is_read_as_its_dicts_are() -> None:
    pytest.importorskip("gluonts", reason=REASON)
    from gluonts.dataset.common import ListDataset  # noqa: PLC0415 - it is not everywhere
    from gluonts.dataset.pandas import PandasDataset  # noqa: PLC0415

    times = pd.date_range("2024-01-01", periods=6, freq="h")
    frames = {name: pd.DataFrame({"target": np.arange(6.0), "plan": np.arange(6.0) ** 2}, index=times) for name in "ab"}
    static = pd.DataFrame({"size": [0.5, 2.0], "kind": pd.Categorical(["x", "y"])}, index=["a", "b"])
    dataset = PandasDataset(frames, feat_dynamic_real=["plan"], static_features=static, future_length=2)
    own = [
        entry(4, item_id=name, feat_dynamic_real=[np.arange(6.0) ** 2], feat_static_cat=[code], feat_static_real=[size])
        for name, code, size in (("a", 0.0, 0.5), ("b", 1.0, 2.0))
    ]
    assert from_gluonts(dataset).frame.equals(from_gluonts(own).frame)
    assert from_gluonts(dataset).settings == from_gluonts(own).settings
    listed = ListDataset([{"start": "2024-01-01", "target": [1, 2, 3]}], freq="h")
    assert from_gluonts(listed).frame["y"].to_list() == [1, 2, 3]


def test_quantiles_are_those_of_a_quantile_forecast_and_its_evaluator_takes_them() -> None:
    pytest.importorskip("gluonts", reason=REASON)
    from gluonts.evaluation import Evaluator  # noqa: PLC0415 - it is not everywhere

    said = forecast()
    made = to_gluonts(said, freq="h")
    assert [one.item_id for one in made] == ["b", "a"]
    assert made[0].start_date == pd.Period("2024-01-01 06:00", freq="h")
    for place, level in enumerate(said.levels):
        np.testing.assert_array_equal(made[1].quantile(level), said.quantiles[1, :, 0, place])
    np.testing.assert_array_equal(made[1].mean, said.mean[1, :, 0])
    came = [pd.Series(np.ones(8), index=one.index[0] + np.arange(-5, 3)) for one in made]
    scores, _ = Evaluator(quantiles=[0.1, 0.5, 0.9], num_workers=None)(iter(came), iter(made))
    assert scores["abs_error"] == pytest.approx(np.abs(1 - said.quantiles[..., 1]).sum())


def test_a_frame_says_what_its_forecast_says_and_several_targets_lie_side_by_side() -> None:
    pytest.importorskip("gluonts", reason=REASON)
    for said in (forecast(), forecast(()), forecast(targets=("load", "heat"))):
        for one, other in zip(to_gluonts(said, freq="h"), to_gluonts(said.to_frame(), freq="h"), strict=True):
            np.testing.assert_array_equal(one.forecast_array, other.forecast_array)
            assert (one.forecast_keys, one.start_date, one.item_id) == (
                other.forecast_keys,
                other.start_date,
                other.item_id,
            )
    assert to_gluonts(forecast(targets=("load", "heat")), freq="h")[0].quantile(0.5).shape == (3, 2)


def test_what_is_no_forecast_with_dates_is_refused() -> None:
    pytest.importorskip("gluonts", reason=REASON)
    with pytest.raises(ColumnError, match="a frame of forecasts has the columns unique_id, cutoff, ds, mean"):
        to_gluonts(pd.DataFrame({"unique_id": ["a"], "ds": [1], "y": [2.0]}), freq="h")
    said = forecast()
    numbered = type(said)(**{**vars(said), "times": np.arange(6).reshape(2, 3)})
    with pytest.raises(TimeError, match="this forecast is of rows without dates: give rows dates"):
        to_gluonts(numbered, freq="h")


def test_the_page_shows_what_its_example_prints() -> None:
    pytest.importorskip("gluonts", reason=REASON)
    root = Path(__file__).parents[1]
    example = root / "docs/snippets/peers/gluonts_evaluated.py"
    done = subprocess.run([sys.executable, "-W", "ignore", example], capture_output=True, text=True, check=True)
    assert f"```text\n{done.stdout}```" in (root / "docs/darts_gluonts.md").read_text(encoding="utf-8")
