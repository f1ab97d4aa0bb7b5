"""Backtests: what is scored, what is refused, and what the scores must be for forecasters with known errors."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from evaluation_panels import panel_of, wave
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, rolling_origins
from gatecast.errors import ArtifactError, InputError, OptionError
from gatecast.evaluation.backtest import Backtest, actuals, backtest, score
from gatecast.evaluation.baselines import BASELINES, Naive, SeasonalNaive, baselines_by_name
from gatecast.evaluation.results import Metrics, metrics_from_json, metrics_to_json
from gatecast.forecast import Forecast, make_forecast

NAN = float("nan")


@dataclass(frozen=True)
class Truth:
    """Knows what comes, and adds `offset`; where nothing comes it says zero."""

    offset: float = 0.0
    name: str = "truth"
    levels: tuple[float, ...] = ()

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        mean = np.nan_to_num(actuals(panel, origins, horizon)) + self.offset
        spread = np.stack([mean + level - 0.5 for level in self.levels], axis=-1) if self.levels else None
        return make_forecast(panel, origins, mean, self.levels, spread)


@dataclass(frozen=True)
class Faulty:
    """Returns what `fault` makes of a right forecast."""

    fault: str
    name: str = "faulty"

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        if self.fault == "reversed":
            origins = Origins(origins.series[::-1].copy(), origins.position[::-1].copy())
        if self.fault == "earlier":
            origins = Origins(origins.series, origins.position - 1)
        good = Truth().forecast(panel, origins, horizon + (self.fault == "longer"))
        if self.fault in {"nan", "inf"}:
            good.mean[1, 0, 0] = float(self.fault)
        return good


def two_series() -> tuple[Panel, Origins]:
    panel = panel_of([wave(120, 12), wave(100, 12, seed=1)])
    return panel, rolling_origins(panel.lengths - 36, panel.lengths, 12, 12)


def metrics_of(*forecasters: Truth | Naive | SeasonalNaive, season: int = 12) -> Metrics:
    panel, origins = two_series()
    return score(backtest(forecasters, panel, origins, 12), season, panel.lengths - 36, forecasters[0].name)


def test_oracle_scores_zero_on_backtest() -> None:
    found = metrics_of(Truth(), Naive())
    best = found.scores[0]
    assert (best.model, best.mase, best.rmse, best.mae, best.smape) == ("truth", 0, 0, 0, 0)
    assert found.scores[1].mase > 0
    assert found.by_step["truth"]["mase"] == (0,) * 12
    assert found.verdict.skill == 1


def test_a_constant_offset_forecaster_scores_its_offset() -> None:
    found = metrics_of(Truth(2.5), Naive())
    panel, _ = two_series()
    scale = [
        np.abs(x[12:] - x[:-12]).mean()
        for x in (panel.targets[:84, 0].astype(float), panel.targets[120:184, 0].astype(float))
    ]
    best = found.scores[0]
    assert (best.mae, best.rmse) == pytest.approx((2.5, 2.5))
    assert best.mase == pytest.approx(np.mean([2.5 / s for s in scale]))
    assert found.by_step["truth"]["mae"] == pytest.approx((2.5,) * 12)
    assert found.by_step["truth"]["rmse"] == pytest.approx((2.5,) * 12)


def test_mean_of_the_steps_is_the_score_when_nothing_is_missing() -> None:
    found = metrics_of(Naive(), SeasonalNaive(12))
    assert np.mean(found.by_step["naive"]["mase"]) == pytest.approx(found.scores[0].mase)
    assert np.mean(found.by_step["naive"]["mae"]) == pytest.approx(found.scores[0].mae)


def test_quantiles_are_scored_and_point_forecasters_are_not() -> None:
    found = metrics_of(Truth(levels=(0.1, 0.5, 0.9)), Naive())
    best, naive = found.scores
    assert best.coverage == 1.0
    assert best.pinball == pytest.approx((0.1 * 0.4 + 0 + 0.1 * 0.4) / 3)
    assert best.interval_score == pytest.approx(0.8)
    off_by_as_much = metrics_of(Truth(0.8), Naive()).scores[0]
    assert best.msis == pytest.approx(off_by_as_much.mase), "it is scaled and averaged as MASE is"
    assert best.below == {"q0.1": 0.0, "q0.5": 1.0, "q0.9": 1.0}
    assert found.by_step["truth"]["coverage"] == (1.0,) * 12
    assert (naive.pinball, naive.coverage, naive.interval_score, naive.msis, naive.below) == (None,) * 5
    assert "coverage" not in found.by_step["naive"]


def test_the_order_of_series_changes_no_score() -> None:
    values = {"a": wave(120, 12), "b": wave(100, 12, seed=1), "c": wave(90, 12, seed=2)}

    def scored(names: list[str]) -> Metrics:
        panel = panel_of({name: values[name] for name in names})
        origins = rolling_origins(panel.lengths - 36, panel.lengths, 12, 12)
        fitted = [baseline.fit(panel, panel.lengths - 36) for baseline in baselines_by_name(list(BASELINES), 12)]
        return score(backtest(fitted, panel, origins, 12), 12, panel.lengths - 36, "theta")

    one, other = scored(["a", "b", "c"]), scored(["c", "a", "b"])
    for left, right in zip(one.scores, other.scores, strict=True):
        assert left.model == right.model
        assert (left.mase, left.rmse, left.smape) == pytest.approx((right.mase, right.rmse, right.smape))
    assert one.verdict.p_value == pytest.approx(other.verdict.p_value, abs=0.02)


def test_the_net_comes_first_and_the_notes_are_kept() -> None:
    panel, origins = two_series()
    result = backtest([Naive(), Truth(1.0)], panel, origins, 12)
    found = score(result, 12, panel.lengths - 36, "truth", ["ets left out."])
    assert [each.model for each in found.scores] == ["truth", "naive"]
    assert (found.season, found.horizon, found.windows, found.notes) == (12, 12, 6, ("ets left out.",))


def test_windows_without_actuals_are_left_out_with_a_note() -> None:
    values = wave(96, 12)
    values[72:84] = NAN
    panel = panel_of([values])
    result = backtest([Naive()], panel, rolling_origins(np.array([60]), panel.lengths, 12, 12), 12)
    assert result.origins.position.tolist() == [60, 84]
    assert result.notes == ("1 of 3 windows left out: nothing was observed in them.",)


def test_a_window_past_the_end_is_scored_where_it_is_known() -> None:
    panel = panel_of([np.arange(20.0)])
    result = backtest([Naive()], panel, Origins(np.array([0, 0]), np.array([10, 18])), 4)
    np.testing.assert_array_equal(result.actual[:, :, 0], [[10, 11, 12, 13], [18, 19, NAN, NAN]])
    found = score(
        replace(result, forecasts={**result.forecasts, "other": result.forecasts["naive"]}), 1, np.array([10]), "other"
    )
    assert found.scores[0].mae == pytest.approx((1 + 2 + 3 + 4 + 1 + 2) / 6)


def test_a_backtest_without_any_actual_is_refused() -> None:
    panel = panel_of([np.r_[wave(50, 12), np.full(12, NAN)]])
    with pytest.raises(InputError, match=r"none of the 1 windows has one\. Take earlier origins"):
        backtest([Naive()], panel, Origins(np.array([0]), np.array([50])), 12)


@pytest.mark.parametrize(
    ("fault", "lesson"),
    [
        ("nan", r'faulty returned NaN or infinity in window 1 \(series "s0", cutoff 2024-01-04T23'),
        ("inf", "faulty returned NaN or infinity in window 1"),
        ("reversed", "faulty returned another series or cutoff in window 0"),
        ("earlier", "faulty returned another series or cutoff in window 0"),
        ("longer", r"asked for \(windows, horizon, targets\) = \(6, 12, 1\), but returned a mean of \(6, 13, 1\)"),
    ],
)
def test_a_forecast_that_cannot_be_scored_is_refused_by_name_and_window(fault: str, lesson: str) -> None:
    panel, origins = two_series()
    with pytest.raises(OptionError, match=lesson):
        backtest([Faulty(fault)], panel, origins, 12)


def test_two_forecasters_of_one_name_are_refused() -> None:
    panel, origins = two_series()
    with pytest.raises(OptionError, match="two are called 'naive'"):
        backtest([Naive(), Naive()], panel, origins, 12)


def test_the_frame_holds_every_model_window_and_step() -> None:
    values = wave(100, 12)
    values[99] = NAN
    panel = panel_of([values])
    origins = Origins(np.array([0, 0]), np.array([76, 88]))
    frame = backtest([Truth(levels=(0.1, 0.9)), Naive()], panel, origins, 12).to_frame()
    assert frame.columns == ["model", "unique_id", "cutoff", "ds", "y", "mean", "q0.1", "q0.9"]
    assert frame["model"].to_list() == ["truth"] * 24 + ["naive"] * 24
    assert frame.filter(pl.col("y").is_null()).height == 2
    assert frame.filter(model="naive")["q0.1"].is_null().all()
    last = frame.filter(pl.col("ds") == pl.col("ds").max())
    assert last["y"].to_list() == [None, None]
    row = frame.row(12, named=True)
    assert (row["cutoff"], row["ds"]) == (panel.times[87].item(), panel.times[88].item())
    assert row["y"] == row["mean"] == pytest.approx(values[88], rel=1e-6)


def test_the_frame_of_several_targets_names_each() -> None:
    panel = panel_of([np.column_stack([wave(60, 12), -wave(60, 12)])], targets=("a", "b"))
    frame = backtest([Naive()], panel, Origins(np.array([0]), np.array([48])), 2).to_frame()
    assert frame.columns == ["model", "unique_id", "target", "cutoff", "ds", "y", "mean"]
    assert frame["target"].to_list() == ["a", "b", "a", "b"]
    assert (frame["y"] > 0).to_list() == [True, False, True, False]
    assert (frame["mean"] > 0).to_list() == [True, False, True, False]


def scored(values: list[np.ndarray], season: int, train: int) -> tuple[Metrics, Backtest]:
    panel = panel_of(values)
    ends = np.full(len(values), train)
    result = backtest([Truth(1.0), Naive()], panel, rolling_origins(ends, panel.lengths, 3, 3), 3)
    return score(result, season, ends, "truth"), result


def test_a_series_too_short_for_the_season_is_scaled_by_the_last_value_and_said() -> None:
    found, _ = scored([np.arange(0, 20, 2.0), np.arange(10.0)], 24, 7)
    assert found.scores[0].mase == pytest.approx((1 / 2 + 1 / 1) / 2)
    assert found.notes[0].startswith('the MASE of series "s0", "s1" is scaled by the error of the last value')


def test_a_series_that_repeats_exactly_is_scaled_by_the_last_value_and_a_constant_one_by_one() -> None:
    found, _ = scored([np.tile([0.0, 4.0], 6), np.full(12, 7.0), np.arange(12.0)], 2, 9)
    assert found.scores[0].mase == pytest.approx((1 / 4 + 1 / 1 + 1 / 2) / 3)
    assert len(found.notes) == 2
    assert found.notes[0].startswith('the MASE of series "s0" is scaled by the error of the last value')
    assert found.notes[1].startswith('the MASE of series "s1" is scaled by 1')


def test_metrics_survive_json_with_a_step_that_was_never_observed() -> None:
    values = wave(60, 12)
    values[[50, 53, 56, 59]] = NAN
    found, _ = scored([values], 12, 48)
    assert np.isnan(found.by_step["truth"]["mae"][2])
    data = metrics_to_json(found)
    again = metrics_from_json(data)
    assert metrics_to_json(again) == data
    assert np.isnan(again.by_step["naive"]["mase"][2])
    assert again.scores == found.scores


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"by_step": 3}', b'{"by_step": {}}'])
def test_other_bytes_are_not_metrics(data: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"metrics.json holds the scores .* Run the backtest again"):
        metrics_from_json(data)
