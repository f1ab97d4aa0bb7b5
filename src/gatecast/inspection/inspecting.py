"""A whole inspection of a forecaster on one series, at the cost of a few passes over it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from msgspec import Struct

from gatecast.cells.equations import Equations
from gatecast.data.panel import Panel, some_series
from gatecast.data.splits import Origins, evenly
from gatecast.data.windows import thin, with_future_known
from gatecast.errors import OptionError, TooShortError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.inspection.advice import advise
from gatecast.inspection.capturing import captured, recurrent_part
from gatecast.inspection.gates import equations_in, gates_of_trace
from gatecast.inspection.gradients import forecast_gradients
from gatecast.inspection.importance import permutation_importance
from gatecast.inspection.jacobians import own_shares, spectra, step_jacobians
from gatecast.inspection.memory import forecast_memory
from gatecast.inspection.probing import probe
from gatecast.inspection.results import Ahead, GradientFlow, Importance, Inspection
from gatecast.inspection.states import principal_path
from gatecast.inspection.timescales import unit_timescales
from gatecast.nn import Trace, watch

LEAST_CONTEXT, MOST_CONTEXT = 64, 512  # rows whose weight in a forecast from a carried state is measured
TRACED = 256  # updates that are run by the cell for gradients: the slow way
JACOBIANS = 16
AHEAD = 120  # updates from which forecasts are made, for a film
SERIES, WINDOWS = 16, 256  # of the backtest on which covariates are shuffled


class InspectOptions(Struct, frozen=True):
    """How much is looked at.

    Attributes:
        cutoffs: from which memory and gradients are measured, evenly spread over the origins.
        updates: the most updates of the state, the newest, whose gates are read.
        shuffles: of each covariate; 0 leaves their importance out.
    """

    cutoffs: int = 8
    updates: int = 10_000
    shuffles: int = 5

    def __post_init__(self) -> None:
        for name, least in (("cutoffs", 1), ("updates", 3), ("shuffles", 0)):
            if getattr(self, name) < least:
                raise OptionError(f"{name} counts from {least} up, got {name}={getattr(self, name)}.")


FULLY = InspectOptions()
"""Everything there is to look at."""


def inspect_forecaster(
    forecaster: RecurrentForecaster,
    panel: Panel,
    origins: Origins,
    series: str | None = None,
    options: InspectOptions = FULLY,
) -> Inspection:
    """Look inside a net while it forecasts one series; of an ensemble into its first net.

    Args:
        forecaster: fitted.
        panel: the table.
        origins: where forecasts start, with their actuals in the table.
        series: its name; None for the one with the most rows among those with origins.
        options: how much is looked at.

    Raises:
        OptionError: there is no such series, or it has no origin.
        TooShortError: no origin has enough rows before it.
    """
    number = _number(panel, origins, series)
    cutoffs = _cutoffs(forecaster.config, panel, origins, number, options.cutoffs)
    importance = _importance(forecaster, panel, origins, options.shuffles)
    panel = some_series(panel, np.array([number]))  # of thousands of series one is enough
    seen = _see(forecaster, panel, cutoffs[-1], options.updates)
    gradients, diagonal = _gradients(forecaster, panel, cutoffs)
    memory = forecast_memory(probe(forecaster, panel, 0, cutoffs, _context(forecaster.config, cutoffs)))
    layers = gates_of_trace(seen.equations, seen.trace)
    segment = forecaster.config.network.segment
    rows = np.maximum(cutoffs[-1] - 1 - segment * np.arange(len(layers[0].output))[::-1], 0)
    return Inspection(
        name=forecaster.name,
        series=panel.ids[0],
        targets=panel.columns.target,
        step=panel.frequency.name if panel.dated else "row",
        rows=segment,
        times=panel.times[rows],
        values=panel.targets[rows, 0].astype(np.float64),
        layers=layers,
        timescales=unit_timescales(seen.equations, seen.trace, diagonal),
        memory=memory,
        gradients=gradients,
        states=principal_path(layers[-1].output),
        importance=importance,
        advice=advise(forecaster.config, layers, memory, gradients, importance),
        ahead=_ahead(forecaster, panel, rows[-AHEAD:] + 1),
    )


def _number(panel: Panel, origins: Origins, series: str | None) -> int:
    """The number of the series that is looked at."""
    having = np.unique(origins.series)
    if not len(having):
        raise OptionError("an inspection forecasts from origins, and there are none.")
    if series is None:
        return int(having[np.argmax(panel.lengths[having])])
    if series not in panel.ids:
        few = ", ".join(panel.ids[:5]) + (", ..." if len(panel.ids) > 5 else "")
        raise OptionError(f"there is no series {series!r}; the table has {few}.")
    number = panel.ids.index(series)
    if number not in having:
        raise OptionError(f"series {series!r} has no rows that the net has not learnt from: look at another one.")
    return number


def _cutoffs(config: ForecasterConfig, panel: Panel, origins: Origins, series: int, most: int) -> list[int]:
    """Positions from which forecasts are looked at, ascending."""
    least = config.lookback if config.normalise == "causal" and config.mode == "windows" else 3
    own = np.sort(origins.position[origins.series == series])
    own = own[own >= least]
    if not len(own):
        raise TooShortError(f'series "{panel.ids[series]}" has no cutoff with {least} rows before it.')
    chosen: list[int] = np.unique(evenly(own, most)).tolist()
    return chosen


def _context(config: ForecasterConfig, cutoffs: Sequence[int]) -> int:
    """How many rows before a cutoff can have weight worth measuring, where a state is carried."""
    wish = max(LEAST_CONTEXT, 2 * config.lookback, 3 * config.season)
    return min(wish, MOST_CONTEXT, *cutoffs)


class _Seen(NamedTuple):
    """A pass over the newest updates."""

    equations: Equations
    trace: Trace


def _see(forecaster: RecurrentForecaster, panel: Panel, cutoff: int, updates: int) -> _Seen:
    """The gates of the encoder up to a cutoff of the one series."""
    own = probe(forecaster, panel, 0, [cutoff], min(updates, cutoff)).first_net()
    layer = recurrent_part(own.network)
    with torch.no_grad(), captured(layer) as calls:
        own.loss()
    return _Seen(equations_in(layer), watch(layer, *calls[0]))


def _gradients(forecaster: RecurrentForecaster, panel: Panel, cutoffs: list[int]) -> tuple[GradientFlow, np.ndarray]:
    """Gradients back from the cutoffs, and what each unit hands on of itself, by the Jacobians before the newest."""
    newest_first = cutoffs[::-1]
    own = probe(forecaster, panel, 0, newest_first, min(TRACED, *cutoffs)).first_net()
    layer = recurrent_part(own.network)
    with captured(layer) as calls:
        norms = forecast_gradients(own)
    jacobians = step_jacobians(layer, calls[0], evenly(np.arange(len(norms)), JACOBIANS).tolist())
    return GradientFlow(norms, *spectra(jacobians)), own_shares(layer, jacobians)


def _ahead(forecaster: RecurrentForecaster, panel: Panel, positions: Int64[np.ndarray, " updates"]) -> Ahead:
    """The forecasts from some positions of the one series."""
    horizon = forecaster.config.horizon
    times = np.stack([panel.horizon_times(0, position, horizon) for position in positions.tolist()])
    values = np.full((len(positions), horizon), np.nan)
    can = with_future_known(panel, Origins(np.zeros_like(positions), positions), horizon)
    if len(can):
        values[np.isin(positions, can.position)] = forecaster.forecast(panel, can, horizon).mean[..., 0]
    return Ahead(times, values)


def _importance(
    forecaster: RecurrentForecaster, panel: Panel, origins: Origins, shuffles: int
) -> tuple[Importance, ...]:
    """The importance of covariates on some windows of some series."""
    columns = panel.columns
    if not shuffles or not (columns.past or columns.future or columns.static):
        return ()
    keep = evenly(np.unique(origins.series), SERIES)
    few, horizon = thin(origins.of(keep), WINDOWS), forecaster.config.horizon
    return permutation_importance(forecaster, some_series(panel, keep), few, horizon, shuffles)
