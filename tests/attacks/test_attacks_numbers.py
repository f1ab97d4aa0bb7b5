"""Numbers that hurt in a table: every loss, scaler and frame forecasts numbers, or refuses by name."""

from typing import get_args

import numpy as np
import pytest
from ledger import Ledger
from number_makers import SERIES, config, fitted, forecast, judged, spiked, table, wave
from trying import tried

from gatecast.data.scalers import SCALERS
from gatecast.data.splits import Origins
from gatecast.models.losses import LossName
from gatecast.models.normalising import Normalise, Subtract

LEDGER = Ledger("Numbers: tables")
HARDEST = (
    "half of the values missing",
    "values near the end of float32 (1e37)",
    "zeros",
    "one spike of 1e15 ten rows before the forecast",
)


def of_kind(name: str, loss: str) -> np.ndarray:
    """The series; of counts, whole numbers from 0 up."""
    values = SERIES[name]
    return np.where(np.isfinite(values), np.round(np.abs(values)), values) if loss == "negative_binomial" else values


@pytest.mark.parametrize("name", SERIES)
def test_a_series_that_hurts_is_forecast_by_numbers_near_it(name: str) -> None:
    found = tried(lambda: forecast(config(), SERIES[name])).accepted()
    LEDGER.enter(name, judged(found, SERIES[name]))


@pytest.mark.parametrize("loss", [loss for loss in get_args(LossName) if loss not in {"quantile", "negative_binomial"}])
def test_every_loss_forecasts_numbers(loss: str) -> None:
    for name in HARDEST:
        said = judged(forecast(config(loss), SERIES[name]), SERIES[name])
    LEDGER.enter(f"the hardest four of these series, loss={loss}", said)


@pytest.mark.parametrize("scaler", [scaler for scaler in SCALERS if scaler not in {"standard", "none"}])
def test_every_scaler_forecasts_numbers(scaler: str) -> None:
    for name in HARDEST:
        said = judged(forecast(config(scaler=scaler), SERIES[name]), SERIES[name])
    LEDGER.enter(f"the hardest four of these series, scaler={scaler}", said)


@pytest.mark.parametrize("normalise", get_args(Normalise))
@pytest.mark.parametrize("subtract", get_args(Subtract))
def test_every_frame_forecasts_numbers(normalise: str, subtract: str) -> None:
    found = forecast(config(normalise=normalise, subtract=subtract), SERIES[HARDEST[-1]])
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    LEDGER.enter(f"{HARDEST[-1]}, normalise={normalise}, subtract={subtract}", "read: finite forecasts")


def test_large_values_without_a_scaler_are_refused_by_name() -> None:
    abuse = tried(lambda: forecast(config(scaler="none"), SERIES["values of 1e30"]))
    assert 'series "hurt" at 2024-01-01' in abuse.refused()
    LEDGER.enter("values of 1e30, scaler=none", f"refused: {abuse.refused()}")


def test_counts_of_1e30_are_refused_by_name() -> None:
    abuse = tried(lambda: forecast(config("negative_binomial"), of_kind("values of 1e30", "negative_binomial")))
    LEDGER.enter("values of 1e30, loss=negative_binomial", f"refused: {abuse.refused()}")


@pytest.mark.parametrize("name", ["zeros", "the same value in every row", "half of the values missing"])
def test_counts_are_forecast_by_numbers(name: str) -> None:
    values = of_kind(name, "negative_binomial")
    found = forecast(config("negative_binomial"), np.where(np.isfinite(values), values, np.nan))
    assert np.isfinite(found.quantiles).all()
    LEDGER.enter(f"{name}, loss=negative_binomial", "read: finite forecasts, all of them counts")


@pytest.mark.parametrize("row", [-1, 100])
def test_a_value_that_no_net_can_compute_with_is_refused_by_name(row: int) -> None:
    """New data for a net that has not seen it: float32 ends at 3.4e38, in units of the scale sooner."""
    net = fitted(config(), wave())
    panel = table(spiked(row, 3e38))
    abuse = tried(lambda: net.forecast(panel, Origins(np.arange(2), np.full(2, 240)), 6))
    assert 'y of series "hurt" at 2024-01-' in abuse.refused()
    where = "the newest row" if row == -1 else "row 100"
    LEDGER.enter(f"new data with 3e38 in {where} of a series around 10", f"refused: {abuse.refused()}")
