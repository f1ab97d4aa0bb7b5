"""Covariates with numbers that hurt, of other sizes than the target."""

import numpy as np
import pytest
from ledger import Ledger
from number_makers import HORIZON, ROWS, config
from trying import tried

from builders import waves, with_values
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming import ForecastStream

LEDGER = Ledger("Numbers: columns")


def sized(covariate: float) -> Panel:
    """Two waves, and a covariate of this size beside each."""
    panel = waves(2, ROWS, past=1)
    return with_values(panel, panel.values * np.array([1.0, covariate]))


@pytest.mark.parametrize("size", [0.0, 1e-42, 1e-12, 1e12, 1e36])
def test_a_covariate_of_another_size_leaves_forecasts_near_the_data(size: float) -> None:
    panel = sized(size)
    net = RecurrentForecaster(config()).fit(panel, split_by_time(panel, HORIZON))
    found = tried(lambda: net.forecast(panel, Origins(np.arange(2), np.full(2, ROWS)), HORIZON)).accepted()
    levels = np.array([10.0, 20.0])[:, None, None]
    assert np.abs(found.mean - levels).max() < 2.5
    LEDGER.enter(f"a covariate of {size:g} beside a target of 10", "read: finite forecasts within 2.5 of the level")


def test_a_covariate_that_no_net_can_compute_with_is_refused_by_a_stream() -> None:
    panel = waves(2, ROWS, past=1)
    live = ForecastStream(RecurrentForecaster(config(mode="sequences")).fit(panel, split_by_time(panel, HORIZON)))
    live.observe("s0", "2024-01-01T00", 10.0, {"x0": 1.0})
    before = live.packed()
    abuse = tried(lambda: live.observe("s0", "2024-01-01T01", 10.0, {"x0": -3e38}))
    assert 'x0 of series "s0"' in abuse.refused()
    assert live.packed() == before
    LEDGER.enter("observe: a covariate of -3e38 that is around 10", f"refused: {abuse.refused()}")
