"""The rows of published tables that need no training: if these come out, the metrics and the windows are right.

The folder named by the environment variable GATECAST_DATA holds the public files; without it these tests are skipped.
"""

import os
from collections.abc import Callable

import pytest

from gatecast.data.panel import Panel
from gatecast.data.splits import rolling_origins
from gatecast.evaluation.backtest import Backtest, backtest, score
from gatecast.evaluation.baselines import Naive, SeasonalNaive, Theta
from gatecast.evaluation.results import Score
from protocols import gift_eval, gift_windows, long_horizon, squared_and_absolute
from public_panels import ett, ett1, exchange_rate, hospital, jena, m4, saugeen, us_births

FOLDER = os.environ.get("GATECAST_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="GATECAST_DATA does not name the folder of public data sets")


def last_windows(panel: Panel, season: int, horizon: int, windows: int = 1) -> tuple[Backtest, Score, Score]:
    """Naive and seasonal naive on the last windows; the MASE is scaled by everything before them."""
    start = panel.lengths - windows * horizon
    origins = rolling_origins(start, panel.lengths, horizon, horizon)
    result = backtest([SeasonalNaive(season), Naive()], panel, origins, horizon)
    seasonal, naive = score(result, season, start, "seasonal_naive").scores
    return result, naive, seasonal


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


def errors(panel: Panel, train: int, test: int, horizon: int, forecaster: Naive | SeasonalNaive) -> tuple[float, float]:
    """MSE and MAE over every window of the test part, one row apart."""
    found = squared_and_absolute(long_horizon(panel, train, test, horizon, season=24), forecaster)
    return round(found["MSE"], 3), round(found["MAE"], 3)


def test_etth1_rows_at_horizon_96() -> None:
    panel = ett("ETTh1.csv.gz", apart=False)
    assert errors(panel, 8640, 2880, 96, Naive()) == (1.294, 0.713)
    assert errors(panel, 8640, 2880, 96, SeasonalNaive(24))[0] == 0.512


def test_etth1_rows_at_horizon_720() -> None:
    panel = ett("ETTh1.csv.gz", apart=False)
    assert errors(panel, 8640, 2880, 720, Naive()) == (1.335, 0.755)
    assert errors(panel, 8640, 2880, 720, SeasonalNaive(24))[0] == 0.655


def test_exchange_rate_rows() -> None:
    panel = exchange_rate(apart=False)
    assert errors(panel, 5311, 1517, 96, Naive()) == (0.081, 0.196)
    assert errors(panel, 5311, 1517, 720, Naive()) == (0.81, 0.676)


@pytest.mark.parametrize(
    ("panel", "expected"),
    [(hospital, 24.066), (us_births, 1152.667), (saugeen, 21.497)],
    ids=["hospital", "us_births", "saugeenday"],
)
def test_last_value_mae_of_the_monash_archive(panel: Callable[[], Panel], expected: float) -> None:
    horizon = 12 if panel is hospital else 30
    assert round(last_windows(panel(), 1, horizon)[1].mae, 3) == expected


def gift(panel: Panel, horizon: int, season: int, windows: int) -> dict[str, float]:
    """MASE of both naive methods, on so many windows as GIFT-Eval's rule gives."""
    protocol = gift_eval(panel, horizon, season)
    assert gift_windows(panel, horizon) == windows
    found = {each.name: protocol.errors(protocol, each) for each in (Naive(), SeasonalNaive(season))}
    return {name: round(row["MASE"], 3) for name, row in found.items()}


def test_gift_eval_rows_of_one_column() -> None:
    assert gift(hospital(), 12, 12, 1) == {"naive": 0.968, "seasonal_naive": 0.921}
    assert gift(us_births(), 30, 1, 20)["naive"] == 1.865
    assert gift(saugeen(), 30, 1, 20)["naive"] == 3.413


@pytest.mark.parametrize(
    ("horizon", "windows", "expected"),
    [(48, 20, 0.977), (480, 4, 1.568), (720, 3, 1.479)],
    ids=["short", "medium", "long"],
)
def test_gift_eval_rows_of_ett1_hourly(horizon: int, windows: int, expected: float) -> None:
    assert gift(ett1(4, apart=False), horizon, 24, windows)["seasonal_naive"] == expected


def test_gift_eval_row_of_ett1_every_15_minutes() -> None:
    assert gift(ett1(1, apart=False), 48, 96, 20)["seasonal_naive"] == 0.934


def test_gift_eval_row_of_jena_weather() -> None:
    assert gift(jena("10m", apart=False), 48, 144, 20) == {"naive": 0.364, "seasonal_naive": 0.743}
