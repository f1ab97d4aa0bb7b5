"""What a table must be like to be learnt from, or to be forecast."""

import numpy as np

from gatecast.data.calendar import show_time
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, Split
from gatecast.errors import InputError, OptionError
from gatecast.forecaster.config import ForecasterConfig


def check_past(config: ForecasterConfig, columns: Columns) -> None:
    """Nobody knows the past covariates of a row that is forecast."""
    if config.network.recursive and columns.past:
        raise OptionError(
            f"decode='recursive' reads rows of the horizon, where {', '.join(columns.past)} are not known: leave past "
            f"covariates out (past=none), name those that are planned as future ones, or take another decode."
        )


def check_counts(panel: Panel, split: Split) -> None:
    """What is learnt from must be counts."""
    for series, end in enumerate(split.validation_end.tolist()):
        values = panel.targets[panel.rows(series)][:end]
        wrong = np.argwhere(np.isfinite(values) & ((values < 0) | (values != np.floor(values))))
        if len(wrong):
            row, target = wrong[0].tolist()
            time = show_time(panel.times[panel.rows(series)][row])
            raise InputError(
                f'{panel.columns.target[target]} of series "{panel.ids[series]}" is {values[row, target]:g} at {time}, '
                f"and counts are whole numbers from 0 up: take another loss, such as normal or quantile."
            )


def check_future(panel: Panel, origins: Origins, horizon: int) -> None:
    """Future covariates must be there for every row of every horizon."""
    if not panel.columns.future:
        return
    skipped = len(panel.columns.target) + len(panel.columns.past)
    complete = np.isfinite(panel.values[:, skipped:]).all(axis=1)
    for series, position in zip(origins.series.tolist(), origins.position.tolist(), strict=True):
        given = complete[panel.rows(series)][position : position + horizon]
        row = int(np.argmin(np.append(given, False)))
        if row == horizon:
            continue
        time = show_time(panel.horizon_times(series, position, horizon)[row])
        raise InputError(
            f'series "{panel.ids[series]}" needs {", ".join(panel.columns.future)} at {time}, step {row + 1} of the '
            f"horizon: future covariates must be given over the whole horizon. Add rows with them (and an empty "
            f"{panel.columns.target[0]}) to the table."
        )
