"""The protocols of the benchmarks: what they judge, what may be learnt from, and errors that others printed."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.ar_model import AutoReg as OutsideAutoReg
from utilsforecast import losses

import accuracy
import default_tables
import gatecast
import protocols
import report
from accuracy_tables import Row, relative_mean, task_lines
from accuracy_tasks import GIFT_TASKS, TASKS, Task
from builders import small_config
from default_tables import Outcome, Table
from evaluation_panels import panel_of, wave
from gatecast.data.splits import Origins
from gatecast.evaluation.baselines import Naive, SeasonalNaive
from gatecast.forecast import make_forecast
from gatecast.models.config import NetworkConfig
from protocols import GIFT_LEVELS, Protocol, gift_eval, gift_windows, interval_scores, long_horizon, m4_protocol
from published import Published, gift_table, published
from rivals import AutoRegOfOrder, SeasonalNaiveIntervals

FOLDER = os.environ.get("GATECAST_DATA", "")
with_data = pytest.mark.skipif(not FOLDER, reason="GATECAST_DATA does not name the folder of public data sets")
SCRIPT = Path(report.__file__).with_name("accuracy.py")


def small_protocols() -> list[Protocol]:
    panel = panel_of([wave(400, 12), wave(300, 12, seed=1)])
    return [
        long_horizon(panel_of([wave(400, 12)]), 240, 80, 6, season=12),
        m4_protocol(panel, 6, 12, (10.0, 1.0)),
        gift_eval(panel, 6, season=12),
    ]


@pytest.mark.parametrize("protocol", small_protocols(), ids=["long horizon", "M4", "GIFT-Eval"])
def test_nothing_that_is_judged_may_be_learnt_from(protocol: Protocol) -> None:
    split, origins = protocol.split, protocol.origins
    assert (split.train_end < split.validation_end).all()
    assert (origins.position >= split.validation_end[origins.series]).all()
    assert (origins.position + protocol.horizon <= protocol.panel.lengths[origins.series]).all()


def test_a_long_horizon_is_judged_from_every_row_of_the_test_part() -> None:
    protocol = small_protocols()[0]
    assert protocol.origins.position.tolist() == list(range(320, 395))


def test_m4_judges_one_origin_a_series() -> None:
    assert small_protocols()[1].origins.position.tolist() == [394, 294]


@pytest.mark.parametrize(
    ("rows", "horizon", "windows"), [(84, 12, 1), (7305, 30, 20), (8785, 48, 19), (17420, 480, 4), (960, 48, 2)]
)
def test_gift_eval_takes_a_tenth_of_the_rows_as_windows(rows: int, horizon: int, windows: int) -> None:
    panel = panel_of([np.arange(rows, dtype=float)])
    protocol = gift_eval(panel, horizon, season=1)
    assert gift_windows(panel, horizon) == windows
    assert protocol.origins.position.tolist() == [rows - k * horizon for k in range(windows, 0, -1)]


def test_errors_are_the_same_when_forecasts_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = small_protocols()[0]
    whole = protocol.errors(protocol, Naive())
    monkeypatch.setattr(protocols, "AT_ONCE", 50)
    assert len(list(protocols.parts(protocol))) == 10
    assert protocol.errors(protocol, Naive()) == pytest.approx(whole, rel=1e-12)


def test_mse_and_mae_are_the_obvious_means() -> None:
    protocol = small_protocols()[0]
    y = protocol.panel.values[:, 0].astype(np.float64)
    misses = [y[p + k] - y[p - 1] for p in range(320, 395) for k in range(6)]
    expected = {"MSE": np.mean(np.square(misses)), "MAE": np.mean(np.abs(misses))}
    assert protocol.errors(protocol, Naive()) == pytest.approx(expected, rel=1e-12)


def test_interval_scores_equal_those_of_utilsforecast() -> None:
    random = np.random.default_rng(0)
    y, middle = random.normal(size=40), random.normal(size=40)
    frame = pl.DataFrame({"unique_id": ["a"] * 40, "y": y, "m-lo-95": middle - 0.5, "m-hi-95": middle + 0.5})
    theirs = losses.winkler_score(frame, ["m"], 95)["m"].item()
    assert interval_scores(y, middle - 0.5, middle + 0.5, 0.05).mean() == pytest.approx(theirs, rel=1e-12)


def test_the_weighted_quantile_loss_is_that_of_utilsforecast_over_the_mean_size() -> None:
    random = np.random.default_rng(0)
    panel = panel_of([np.arange(40.0)])
    actual = random.gamma(3.0, size=(4, 8, 1))
    quantiles = np.sort(random.gamma(3.0, size=(4, 8, 1, 9)), axis=-1)
    origins = Origins(np.zeros(4, dtype=np.int64), np.array([8, 16, 24, 32]))
    forecast = make_forecast(panel, origins, quantiles[..., 4], GIFT_LEVELS, quantiles)
    names = [f"q{level:g}" for level in GIFT_LEVELS]
    columns = {name: quantiles[..., k].ravel() for k, name in enumerate(names)}
    frame = pl.DataFrame({"unique_id": ["a"] * 32, "y": actual.ravel()} | columns)
    theirs = losses.mqloss(frame, {"m": names}, np.array(GIFT_LEVELS))["m"].item()
    expected = 2 * theirs / np.abs(actual).mean()
    assert protocols.weighted_quantile_loss(actual, forecast) == pytest.approx(expected, rel=1e-12)


def test_autoreg_of_an_order_is_that_of_statsmodels() -> None:
    y = wave(300, 12)
    panel, origins = panel_of([y]), Origins(np.array([0]), np.array([240]))
    own = AutoRegOfOrder(5).fit(panel, np.array([240])).forecast(panel, origins, 8).mean.ravel()
    rows = panel.values[:240, 0].astype(np.float64)
    np.testing.assert_allclose(own, OutsideAutoReg(rows, 5).fit().predict(240, 247), rtol=1e-8)


def test_intervals_of_seasonal_naive_widen_by_season_and_see_no_later_row() -> None:
    y = np.concatenate([wave(120, 12), np.full(30, 1e9)])
    panel, origins = panel_of([y]), Origins(np.array([0]), np.array([120]))
    forecast = SeasonalNaiveIntervals(12).forecast(panel, origins, 30)
    np.testing.assert_array_equal(forecast.mean, SeasonalNaive(12).forecast(panel, origins, 30).mean)
    width = (forecast.quantiles[..., -1] - forecast.quantiles[..., 0]).ravel()
    past = y[:120].astype(np.float32).astype(np.float64)
    sigma = np.sqrt(np.mean((past[12:] - past[:-12]) ** 2))
    np.testing.assert_allclose(width, 2 * 1.2815515655446004 * sigma * np.sqrt(np.arange(30) // 12 + 1), rtol=1e-9)


def test_every_task_but_the_tables_stands_beside_published_rows() -> None:
    for name in TASKS:
        rows = published(name)
        assert rows
        assert all(row.source and all(value > 0 for value in row.errors.values()) for row in rows), name
    assert gift_table().keys() == GIFT_TASKS.keys()


def test_published_rows_of_a_horizon_are_those_of_their_column() -> None:
    found = {row.method: row.errors["MSE"] for row in published("etth2-336") if "lookback of 720" in row.source}
    assert (found["SegRNN"], found["DLinear"], found["GRU"]) == (0.364, 0.542, 3.173)


def test_the_relative_mean_is_geometric() -> None:
    table = {
        "a": {"seasonal naive": (1.0, 0.0), "net": (0.5, 0.0)},
        "b": {"seasonal naive": (2.0, 0.0), "net": (4.0, 0.0)},
    }
    assert relative_mean(table, "net") == pytest.approx(1.0)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A RESULTS.md of its own."""
    monkeypatch.setattr(report, "RESULTS", tmp_path / "RESULTS.md")
    return tmp_path / "RESULTS.md"


def test_a_task_trains_with_each_seed_and_writes_wins_and_losses(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(
        "A wave",
        lambda: small_protocols()[0],
        small_config(network=NetworkConfig(loss="mse")),
        autoreg=3,
        note="A note.",
    )
    rows = (Published("perfect", {"MSE": 0.0}, "nobody"), Published("hopeless", {"MSE": 1e9}, "nobody"))
    monkeypatch.setattr(accuracy, "TASKS", {"wave": task})
    monkeypatch.setattr(accuracy, "published", lambda _: rows)
    mean = accuracy.run("wave", (0, 1))
    text = results.read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| gru")]
    assert [line[1] for line in lines] == ["0", "1"]
    assert mean["MSE"] == pytest.approx(np.mean([float(line[2]) for line in lines]), abs=1e-3)
    assert "hopeless 1000000000.000" in text.split("better than ")[1]
    assert "not better than perfect 0.0000" in text
    assert "`benchmarks/accuracy.py wave`" in text
    assert "A note." in text


def test_a_section_replaces_that_of_the_same_task_alone(results: Path) -> None:
    for arguments, line in (("one", "first"), ("two", "second"), ("one", "third")):
        report.write_section("accuracy", arguments, None, [line], arguments=arguments)
    report.write_section("other", "other", "Why?", ["fourth"])
    text = results.read_text()
    assert "first" not in text
    assert all(word in text for word in ("second", "third", "fourth", "Why?"))


def test_ranked_rows_have_the_best_on_top() -> None:
    task = Task("A wave", lambda: small_protocols()[0], small_config())
    simple = [Row("good", {"MSE": 1.0}), Row("bad", {"MSE": 3.0})]
    lines = task_lines(task, small_protocols()[0], [Row("gru", {"MSE": 2.0}, seed=0)], simple, ())
    methods = [line.split(" | ")[0].strip("| ") for line in lines if line.startswith("| ")]
    assert methods == ["method", "good", "**gru, mean**", "bad", "gru"]


def test_defaults_are_judged_on_each_table_and_wins_are_counted(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pl.DataFrame({"y": wave(150, 12), "x": wave(150, 5)}).write_csv(tmp_path / "small.csv")
    monkeypatch.setenv("GATECAST_DATA", str(tmp_path))
    monkeypatch.setattr(default_tables, "TABLES", (Table("small.csv", 3, "y"),))
    monkeypatch.setattr(default_tables.gatecast, "fit", partial(gatecast.fit, steps=4, lookback=12))
    default_tables.judge_tables((0, 1))
    text = results.read_text()
    assert [line.split(" | ")[3] for line in text.splitlines() if line.startswith("| small y")] == ["0", "1"]
    assert text.count("geometric mean of MASE relative to the seasonal naive forecast") == 2


def test_the_summary_counts_tables_and_takes_the_geometric_mean() -> None:
    def outcome(net: float, naive: float, best: float) -> Outcome:
        return Outcome(Table("t.csv", 3), 0, net, (naive, "naive"), (best, "ets"), seasonal=1.0, windows=9, seconds=1.0)

    found = default_tables.summary([outcome(0.5, 0.6, 0.4), outcome(2.0, 1.5, 1.4), outcome(0.125, 0.2, 0.2)])
    assert "below the best naive forecast on 2 of 3 tables, below every baseline on 1 of 3" in found
    assert "naive forecast 0.500." in found


def test_names_are_tasks_aliases_and_groups_each_once() -> None:
    assert accuracy.names_of(["us-births", "gift-us_births/D", "m4-hourly"]) == ["gift-us_births/D", "m4-hourly"]
    assert accuracy.names_of(["etth1"]) == ["etth1-96", "etth1-192", "etth1-336", "etth1-720"]
    assert len(accuracy.names_of(["gift"])) == 11


def test_the_script_skips_without_data_and_refuses_a_name_it_does_not_know() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GATECAST_DATA"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPT), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    skipped, refused = run("etth1-ot"), run("etth3")
    assert (skipped.returncode, skipped.stderr) == (0, "accuracy skipped: GATECAST_DATA is not set\n")
    assert refused.returncode == 2
    assert "etth3: no such task" in refused.stderr


@with_data
@pytest.mark.parametrize("name", [name for name in TASKS if name.startswith("gift-")])
def test_the_seasonal_naive_column_of_gift_eval_comes_out_to_the_printed_digits(name: str) -> None:
    protocol = TASKS[name].protocol()
    found = protocol.errors(protocol, SeasonalNaiveIntervals(protocol.season))
    printed = gift_table()[name.removeprefix("gift-")]["seasonal naive"]
    assert (round(found["MASE"], 3), round(found["CRPS"], 3)) == printed


@with_data
def test_simple_methods_on_etth1_ot_come_out_as_the_peers_were_measured() -> None:
    protocol = TASKS["etth1-ot"].protocol()
    autoreg = AutoRegOfOrder(96).fit(protocol.panel, protocol.split.train_end)
    found = [protocol.errors(protocol, each) for each in (autoreg, Naive(), SeasonalNaive(24))]
    assert [round(row["MSE"], 4) for row in found] == [0.0279, 0.0343, 0.0458]
    assert [round(row["MAE"], 4) for row in found] == [0.1245, 0.1394, 0.1663]


@with_data
@pytest.mark.parametrize(("name", "owa"), [("m4-hourly", 0.627), ("m4-weekly", 1.0)])
def test_seasonal_naive_has_the_owa_of_the_competition(name: str, owa: float) -> None:
    """Printed to three digits, as are the errors of Naive2 that it is relative to."""
    protocol = TASKS[name].protocol()
    rounding = 0.0005 * (1 + owa * (1 / 2.395 + 1 / 9.161) / 2)
    found = protocol.errors(protocol, SeasonalNaive(protocol.season))["OWA"]
    assert found == pytest.approx(owa, abs=rounding)


@with_data
@pytest.mark.parametrize(
    ("name", "horizon", "mse"), [("etth1", 192, 0.581), ("etth1", 336, 0.650), ("ettm1", 96, 0.423)]
)
def test_seasonal_repeat_of_all_channels_apart_has_the_published_error(name: str, horizon: int, mse: float) -> None:
    protocol = TASKS[f"{name}-{horizon}"].protocol()
    assert round(protocol.errors(protocol, SeasonalNaive(protocol.season))["MSE"], 3) == mse
