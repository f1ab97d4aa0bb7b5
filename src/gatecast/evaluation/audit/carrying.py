"""A state that is carried over a long series must forecast as well as one that starts anew shortly before.

The long series is made from the panel's longest one: the straight line through its first and last observed values is
taken out, so that its end meets its beginning, and it is repeated.  So it keeps its shape and its range, and jumps
nowhere.  Covariates are repeated as they are.
"""

from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, rolling_origins
from gatecast.errors import OptionError
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.changes import Rows
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Subject
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.metrics import mae
from gatecast.forecast import Stateful

WORSE = 1.1
WINDOWS = 64
_LAST_TIME = np.datetime64("9999-01-01", "us")  # where the calendars of Python and polars end


def carried_state_does_not_drift(subject: Subject) -> Check:
    """At the end of a long series, the carried state errs at most a tenth more than one that read a bounded context."""
    forecaster, context, horizon = subject.forecaster, subject.options.context, subject.horizon
    if not isinstance(forecaster, Stateful):
        return skipped("drift", "no carried state: every forecast reads its own window.")
    panel = continued(subject.panel, int(np.argmax(subject.panel.lengths)), subject.options.drift_rows)
    rows = int(panel.lengths[0])
    if rows < 10 * (context + horizon):
        return skipped("drift", f"{rows:,} rows are too few to follow a state that is compared with {context:,}.")
    stretches = {"near": (context, context + rows // 10), "far": (rows - rows // 10, rows)}
    measured = numbers(rows=rows, context=context)
    for name, (start, end) in stretches.items():
        origins = _origins(start, end, horizon)
        try:
            bounded = forecaster.bounded(panel, origins, horizon, context).mean
        except OptionError as error:
            return skipped("drift", f"no carried state: {error}")
        came = actuals(panel, origins, horizon)
        carried = mae(came, forecaster.forecast(panel, origins, horizon).mean)
        measured[f"ratio_{name}"] = _ratio(carried, mae(came, bounded), float(np.nanstd(came)))
    if measured["ratio_far"] <= WORSE:
        meaning = f"After {rows:,} rows it errs {measured['ratio_far']:.3g} times as much as one that read {context:,}."
        return passed("drift", measured, meaning)
    meaning = (
        f"After {rows:,} rows the carried state errs {measured['ratio_far']:.3g} times as much as one that has read "
        f"the last {context:,} rows alone ({measured['ratio_near']:.3g} times at the beginning). Start it anew now and "
        f"then, or train on longer stretches."
    )
    return failed("drift", measured, meaning)


def continued(panel: Panel, series: int, rows: int) -> Panel:
    """One series, repeated without jumps up to `rows` rows, or as far as the calendar goes."""
    own = slice(panel.rows(series).start, panel.rows(series).start + int(panel.known()[series]))
    times, values = panel.times[own], panel.values[own].copy()
    rows = max(len(times), min(rows, len(times) + _room(times)))
    shaped = slice(0, changes.past(panel).stop)
    values[:, shaped] = closed(values[:, shaped])
    return replace(
        panel,
        ids=(panel.ids[series],),
        offsets=np.array([0, rows]),
        times=np.concatenate([times, panel.frequency.steps_from(times[-1], rows - len(times))]),
        values=np.tile(values, (-(-rows // len(values)), 1))[:rows],
        static=panel.static[[series]],
    )


def closed(rows: Rows) -> Rows:
    """Each column less the line through its first and last observed values, so that its end meets its beginning."""
    out, steps = rows.copy(), np.arange(len(rows))
    for channel, column in enumerate(rows.astype(np.float64).T):
        seen = np.flatnonzero(np.isfinite(column))
        if len(seen) > 1:
            slope = (column[seen[-1]] - column[seen[0]]) / (seen[-1] - seen[0])
            out[:, channel] = column - slope * (steps - seen[0])
    return out


def _room(times: np.ndarray) -> int:
    """How many more rows the calendar has."""
    if times.dtype.kind != "M" or len(times) < 2:
        return np.iinfo(np.int32).max
    return max(0, int((_LAST_TIME - times[-1]) / np.diff(times).max()))


def _origins(start: int, end: int, horizon: int) -> Origins:
    stride = max(1, (end - start - horizon) // WINDOWS)
    return rolling_origins(np.array([start]), np.array([end]), horizon, stride, WINDOWS)


def _ratio(carried: float, bounded: float, spread: float) -> float:
    """How many times as large an error is; a millionth of the spread counts as none."""
    if not np.isfinite(carried):
        return float("inf")
    none = 1e-6 * spread
    return (carried + none) / (bounded + none)
