"""Which covariates a forecaster needs: how much worse it forecasts when one of them is shuffled.

L. Breiman, "Random forests", Machine Learning 45 (2001), section 10, for any forecaster behind the protocol.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.backtest import backtest
from gatecast.evaluation.scoring import mase_scales
from gatecast.forecast import Forecaster
from gatecast.inspection.results import Importance

SHUFFLES = 5


def permutation_importance(
    forecaster: Forecaster, panel: Panel, origins: Origins, horizon: int, shuffles: int = SHUFFLES, seed: int = 0
) -> tuple[Importance, ...]:
    """The importance of each covariate on a backtest, the most important first.

    A covariate over time is shuffled within each series, a static one between the series.

    Args:
        forecaster: fitted.
        panel: the table.
        origins: where its forecasts start.
        horizon: rows of each.
        shuffles: how often each covariate is shuffled.
        seed: of the shuffles.

    Raises:
        OptionError: `shuffles` is below 1.
    """
    if shuffles < 1:
        raise OptionError(f"shuffles counts from 1 up, got {shuffles}.")
    whole = _error(forecaster, panel, origins, horizon)
    rng = np.random.default_rng(seed)
    found = []
    for name in (*panel.columns.past, *panel.columns.future, *panel.columns.static):
        worse = [
            _error(forecaster, shuffled, origins, horizon) / whole - 1
            for shuffled in _shuffled(panel, name, shuffles, rng)
        ]
        found.append(Importance(name, float(np.mean(worse)), float(np.std(worse))))
    return tuple(sorted(found, key=lambda each: -each.increase))


def _error(forecaster: Forecaster, panel: Panel, origins: Origins, horizon: int) -> float:
    """The mean absolute error, every series in units of its own."""
    judged = backtest([forecaster], panel, origins, horizon)
    errors = np.abs(judged.forecasts[forecaster.name].mean - judged.actual)  # (windows, horizon, targets)
    sizes, _ = mase_scales(panel, 1, panel.known())
    own = sizes[judged.origins.series][:, None]  # (windows, 1, targets)
    return max(float(np.nanmean(errors / own)), np.finfo(float).tiny)


def _shuffled(panel: Panel, name: str, times: int, rng: np.random.Generator) -> Iterator[Panel]:
    """The panel with one covariate shuffled, so many times."""
    for _ in range(times):
        if name in panel.columns.static:
            static = panel.static.copy()
            place = panel.columns.static.index(name)
            static[:, place] = rng.permutation(static[:, place])
            yield replace(panel, static=static)
            continue
        values = panel.values.copy()
        place = panel.columns.channels.index(name)
        for series in range(len(panel.ids)):
            values[panel.rows(series), place] = rng.permutation(values[panel.rows(series), place])
        yield replace(panel, values=values)
