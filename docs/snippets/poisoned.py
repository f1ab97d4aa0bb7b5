"""A forecaster that scales by the whole series, and the test that catches it."""

import numpy as np
import polars as pl

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.forecast import Forecast, make_forecast


class LastValue:
    """Repeats the last value; in its second form it is pulled towards the mean of the whole series."""

    def __init__(self, name: str, *, leaks: bool) -> None:
        self.name, self.leaks = name, leaks

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        mean = np.empty((len(origins), horizon, 1))
        for window, (series, position) in enumerate(zip(origins.series, origins.position, strict=True)):
            own = panel.values[panel.rows(series)][:, 0]
            mean[window] = own[position - 1]
            if self.leaks:
                mean[window] = 0.9 * own[position - 1] + 0.1 * own[np.isfinite(own)].mean()  # of later rows too
        return make_forecast(panel, origins, mean)


table = pl.DataFrame({"y": np.random.default_rng(0).normal(size=600).cumsum()})
for forecaster in (LastValue("honest", leaks=False), LastValue("scaled by all", leaks=True)):
    audit = gc.audit(forecaster, table, horizon=12)
    print(audit.summary())
    for check in audit.failures:
        print("  failed:", check.claim)
