"""The rows of published tables that need no training: if these come out, the metrics and the windows are right.

The folder named by the environment variable GATECAST_DATA holds the public files; without it these tests are skipped.
"""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluation_panels import panel_of
from gatecast.data.panel import Panel
from gatecast.data.splits import rolling_origins
from gatecast.evaluation.backtest import Backtest, backtest, score
from gatecast.evaluation.baselines import Naive, SeasonalNaive, Theta
from gatecast.evaluation.metrics import mae, mase, rmse, seasonal_error
from gatecast.evaluation.results import Score

FOLDER = os.environ.get("GATECAST_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="GATECAST_DATA does not name the folder of public data sets")


def table(name: str, **options: str) -> pl.DataFrame:
    return pl.read_csv(gzip.decompress((Path(FOLDER) / name).read_bytes()), **options)


def last_windows(panel: Panel, season: int, horizon: int, windows: int = 1) -> tuple[Backtest, Score, Score]:
    """Naive and seasonal naive on the last windows; the MASE is scaled by everything before them."""
    start = panel.lengths - windows * horizon
    origins = rolling_origins(start, panel.lengths, horizon, horizon)
    result = backtest([SeasonalNaive(season), Naive()], panel, origins, horizon)
    seasonal, naive = score(result, season, start, "seasonal_naive").scores
    return result, naive, seasonal


def m4(name: str) -> tuple[Panel, int]:
    parts = []
    for part in ("train", "test"):
        lines = gzip.decompress((Path(FOLDER) / f"m4/{name}-{part}.csv.gz").read_bytes()).decode().splitlines()[1:]
        cells = [[cell.strip('"') for cell in line.split(",")[1:]] for line in lines]
        parts.append([np.array([float(cell) for cell in row if cell not in {"", "NA"}]) for row in cells])
    series = [np.concatenate(both) for both in zip(*parts, strict=True)]
    return panel_of(series, frequency="row"), len(parts[1][0])


def test_m4_hourly_rows() -> None:
    panel, horizon = m4("Hourly")
    _, naive, seasonal = last_windows(panel, 24, horizon)
    assert (round(seasonal.smape, 3), round(seasonal.mase, 3)) == (13.912, 1.193)
    assert (round(naive.smape, 3), round(naive.mase, 3)) == (43.003, 11.608)


def test_m4_weekly_rows() -> None:
    panel, horizon = m4("Weekly")
    _, naive, _ = last_windows(panel, 1, horizon)
    assert (round(naive.smape, 3), round(naive.mase, 3)) == (9.161, 2.777)


def test_m4_weekly_theta_is_that_of_the_competition() -> None:
    panel, horizon = m4("Weekly")
    start = panel.lengths - horizon
    origins = rolling_origins(start, panel.lengths, horizon, horizon)
    result = backtest([Theta(1).fit(panel, start), Naive()], panel, origins, horizon)
    theta = score(result, 1, start, "theta").scores[0]
    assert theta.mase == pytest.approx(2.637, abs=0.001)


def z_scored(name: str, rows: int, train: int) -> Panel:
    """The first rows of every column, less their mean over the training part, over their spread there."""
    values = table(name).drop("date").to_numpy()[:rows]
    return every_column((values - values[:train].mean(axis=0)) / values[:train].std(axis=0), "row")


def errors(panel: Panel, test: int, horizon: int, forecaster: Naive | SeasonalNaive) -> tuple[float, float]:
    """MSE and MAE over every window of the test part, one row apart."""
    origins = rolling_origins(panel.lengths - test, panel.lengths, horizon, 1)
    result = backtest([forecaster], panel, origins, horizon)
    mean = result.forecasts[forecaster.name].mean
    return round(rmse(result.actual, mean) ** 2, 3), round(mae(result.actual, mean), 3)


def test_etth1_rows_at_horizon_96() -> None:
    panel = z_scored("ETTh1.csv.gz", 14400, 8640)
    assert errors(panel, 2880, 96, Naive()) == (1.294, 0.713)
    assert errors(panel, 2880, 96, SeasonalNaive(24))[0] == 0.512


def test_etth1_rows_at_horizon_720() -> None:
    panel = z_scored("ETTh1.csv.gz", 14400, 8640)
    assert errors(panel, 2880, 720, Naive()) == (1.335, 0.755)
    assert errors(panel, 2880, 720, SeasonalNaive(24))[0] == 0.655


def test_exchange_rate_rows() -> None:
    panel = z_scored("exchange_rate.csv.gz", 7588, 5311)
    assert errors(panel, 1517, 96, Naive()) == (0.081, 0.196)
    assert errors(panel, 1517, 720, Naive()) == (0.81, 0.676)


def hospital() -> Panel:
    values = table("hospital.csv.gz", null_values="NA").drop("month").to_numpy().astype(float)
    return panel_of(list(values.T), frequency="1mo")


def daily(name: str, column: str) -> Panel:
    return panel_of([table(name)[column].to_numpy().astype(float)], frequency="1d")


def every_column(values: np.ndarray, frequency: str) -> Panel:
    return panel_of([values], frequency=frequency, targets=[f"c{i}" for i in range(values.shape[1])])


def ettm1(rows: int) -> np.ndarray:
    """ETTm1, averaged over so many rows; (rows, 7)."""
    values = table("ETTm1.csv.gz").drop("date").to_numpy()
    return values.reshape(-1, rows, 7).mean(axis=1)


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        (hospital, 24.066),
        (lambda: daily("us_births_daily.csv.gz", "births"), 1152.667),
        (lambda: daily("saugeenday.csv.gz", "flow"), 21.497),
    ],
    ids=["hospital", "us_births", "saugeenday"],
)
def test_last_value_mae_of_the_monash_archive(panel: Callable[[], Panel], expected: float) -> None:
    horizon = 12 if panel is hospital else 30
    assert round(last_windows(panel(), 1, horizon)[1].mae, 3) == expected


def gift_eval(panel: Panel, season: int, horizon: int, windows: int) -> dict[str, float]:
    """MASE where each window and target counts the same, scaled by the rows before the window."""
    result, _, _ = last_windows(panel, season, horizon, windows)
    pairs = zip(result.origins.series.tolist(), result.origins.position.tolist(), strict=True)
    pasts = [panel.targets[panel.rows(series)][:position].astype(np.float64) for series, position in pairs]
    scale = np.array([seasonal_error(column, season) for past in pasts for column in past.T])

    def flat(values: np.ndarray) -> np.ndarray:
        return values.transpose(0, 2, 1).reshape(len(scale), horizon)

    return {
        name: round(mase(flat(result.actual), flat(each.mean), scale), 3) for name, each in result.forecasts.items()
    }


def test_gift_eval_rows_of_one_column() -> None:
    assert gift_eval(hospital(), 12, 12, 1) == {"naive": 0.968, "seasonal_naive": 0.921}
    assert gift_eval(daily("us_births_daily.csv.gz", "births"), 1, 30, 20)["naive"] == 1.865
    assert gift_eval(daily("saugeenday.csv.gz", "flow"), 1, 30, 20)["naive"] == 3.413


@pytest.mark.parametrize(
    ("horizon", "windows", "expected"),
    [(48, 20, 0.977), (480, 4, 1.568), (720, 3, 1.479)],
    ids=["short", "medium", "long"],
)
def test_gift_eval_rows_of_ett1_hourly(horizon: int, windows: int, expected: float) -> None:
    assert gift_eval(every_column(ettm1(4), "1h"), 24, horizon, windows)["seasonal_naive"] == expected


def test_gift_eval_row_of_ett1_every_15_minutes() -> None:
    assert gift_eval(every_column(ettm1(1), "15min"), 96, 48, 20)["seasonal_naive"] == 0.934


def test_gift_eval_row_of_jena_weather() -> None:
    values = table("weather.csv.gz", encoding="utf8-lossy").drop("date").to_numpy().astype(float)
    found = gift_eval(every_column(values, "10min"), 144, 48, 20)
    assert found == {"naive": 0.364, "seasonal_naive": 0.743}
