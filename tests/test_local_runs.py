"""`gatecast fit --local`: one net over all series beside one small net for each, in metrics, report and words."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.errors import OptionError
from gatecast.evaluation.comparison import DIEBOLD_MARIANO, TOO_FEW, Comparison
from gatecast.evaluation.duel import judge_duel
from gatecast.evaluation.results import Score, metrics_from_json
from gatecast.workflow import Model
from gatecast.workflow.runs import METRICS, REPORT

QUICK: dict[str, Any] = {"horizon": 4, "steps": 12, "lookback": 12, "local": True, "baselines": "naive,mean", "seed": 1}
FIRST = date(2024, 1, 1)


def table(series: int = 3, rows: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    steps = np.arange(rows)
    days = [FIRST + timedelta(days=row) for row in range(rows)]
    parts = [
        pl.DataFrame({"unique_id": f"s{i}", "ds": days, "y": np.sin(steps / (2 + i)) + 0.1 * rng.normal(size=rows)})
        for i in range(series)
    ]
    return pl.concat(parts)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp("local")
    table().write_csv(folder / "table.csv")
    return gc.fit(folder / "table.csv", out=folder / "run", **QUICK), folder / "run"


def test_local_nets_are_scored_on_the_same_windows_but_are_no_baseline(run: tuple[Model, Path]) -> None:
    metrics = metrics_from_json((run[1] / METRICS).read_bytes())
    assert [score.model for score in metrics.scores] == ["gru", "local", "naive", "mean"]
    assert metrics.verdict.best_baseline in {"naive", "mean"}
    (duel,) = metrics.duels
    mase = {score.model: score.mase for score in metrics.scores}
    assert duel.rival == "local"
    assert duel.skill == pytest.approx(1 - mase["gru"] / mase["local"])
    assert metrics.scores[1].coverage is not None, "local nets have the quantiles of the one net"
    frame = pl.read_parquet(run[1] / "forecasts.parquet")
    counts = frame.group_by("model").len().sort("model")["len"].to_list()
    assert len(counts) == 4
    assert len(set(counts)) == 1


def test_the_report_says_what_was_learnt_and_how_long_each_took(run: tuple[Model, Path]) -> None:
    page = (run[1] / REPORT).read_text(encoding="utf-8")
    assert "One net over all 3 series (gru)" in page
    assert "Small nets: 3 of 8 units, trained in " in page
    assert f"the one net in {run[0].facts['training time']}." in page


def test_a_loaded_run_trains_its_local_nets_anew_to_the_same_scores(run: tuple[Model, Path]) -> None:
    metrics = metrics_from_json((run[1] / METRICS).read_bytes())
    again = gc.load(run[1]).backtest().metrics
    assert again.scores == metrics.scores
    assert again.duels == metrics.duels


def test_on_new_data_local_nets_learn_from_the_rows_before_the_scored_ones(run: tuple[Model, Path]) -> None:
    longer = table(rows=160)
    metrics = gc.load(run[1]).backtest(longer).metrics
    assert [score.model for score in metrics.scores][1] == "local"
    spoilt = longer.with_columns(y=pl.when(pl.col("ds") < FIRST + timedelta(days=156)).then("y").otherwise(1e9))
    before = gc.load(run[1]).backtest(longer).backtest.forecasts["local"]
    after = gc.load(run[1]).backtest(spoilt).backtest.forecasts["local"]
    assert np.array_equal(before.quantiles, after.quantiles)


def test_of_one_series_new_data_leave_local_nets_out_with_a_note(run: tuple[Model, Path]) -> None:
    metrics = gc.load(run[1]).backtest(table(series=1, rows=160)).metrics
    assert metrics.duels == ()
    assert "local left out: of one series there is nothing that nets could share." in metrics.notes


def test_a_fit_of_one_series_refuses_local_nets_before_it_trains(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="this table has one series: leave --local out"):
        gc.fit(table(series=1), out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_units_of_local_nets_count_from_one() -> None:
    with pytest.raises(OptionError, match=r"evaluation.local_units counts units from 1 up, got 0"):
        gc.fit(table(), local_units=0, **QUICK)


def scored(net: float, rival: float) -> list[Score]:
    return [Score(name, error, 1.0, 1.0, 1.0) for name, error in (("gru", net), ("local", rival))]


@pytest.mark.parametrize(
    ("net", "rival", "p_value", "said"),
    [
        (
            0.8,
            1.0,
            0.0001,
            "beats one small net for each (local), by 20 % (MASE; p < 0.001, Diebold-Mariano, 40 windows)",
        ),
        (0.8, 1.0, 0.0001, "what the series have in common was worth learning together."),
        (1.2, 1.0, 0.01, "does not beat one small net for each (local): its error is 20 % larger (MASE; p = 0.01"),
        (1.2, 1.0, 0.01, "a net learns more from each series alone"),
        (0.9, 1.0, 0.4, "is ahead of one small net for each (local), by 10 %"),
        (0.9, 1.0, 0.4, "within noise, so that these windows do not tell which way is better."),
        (1.1, 1.0, 0.4, "does not beat one small net for each (local): its error is 10 % larger"),
    ],
)
def test_a_duel_says_no_more_than_the_test_of_difference_allows(
    net: float, rival: float, p_value: float, said: str
) -> None:
    test = Comparison(net - rival, p_value, DIEBOLD_MARIANO)
    duel = judge_duel(scored(net, rival), "gru", "local", test, (40, 7))
    assert said in duel.text
    assert duel.text.startswith("One net over all 7 series (gru) ")
    assert duel.beats == (net < rival and p_value < 0.05)


def test_too_few_windows_decide_no_duel() -> None:
    duel = judge_duel(scored(0.5, 1.0), "gru", "local", Comparison(-0.5, 1.0, TOO_FEW), (2, 2))
    assert not duel.beats
    assert "(MASE; too few windows to tell): within noise" in duel.text
