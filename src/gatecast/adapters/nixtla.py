"""Nixtla's manner: `fit(df)`, `predict(h)` and `cross_validation(df, n_windows)` on frames of `unique_id, ds, y`.

    futr_exog_list    future=      known over the horizon too; `predict` wants it as X_df
    hist_exog_list    past=        known up to the cutoff
    stat_exog_list    static=      one value a series, as a column of the frame
    level=[90]        level=(90,)  said at the start, because the net learns these quantiles

What comes out is what utilsforecast's `evaluate` reads.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import polars as pl
from jaxtyping import Int64
from msgspec import structs

from gatecast.adapters.nixtla_frames import Names, Native, NixtlaFrame, read_frame
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.splits import Origins, rolling_origins
from gatecast.errors import OptionError, TooShortError
from gatecast.forecast import Forecast, origin_cutoffs
from gatecast.workflow import FitOptions, Model, build_options
from gatecast.workflow.before import fit_before

Percents = Sequence[float] | Sequence[int]


@final
class NixtlaForecaster:
    """A recurrent net in the manner of Nixtla's forecasters.

    Columns of a frame that are not named as covariates are not read.

    Args:
        h: rows to forecast.
        alias: the name of its columns.
        level: the prediction intervals that can be asked for, in percent.
        id_col: the column that tells the series apart.
        time_col: dates, or whole numbers.
        target_col: what is forecast.
        settings: of `gatecast.fit`, such as `future=("price",)`, `cell="lstm"` or `steps=500`.

    Attributes:
        model_: what `fit` learnt; `gatecast.save` writes it.
    """

    def __init__(
        self,
        h: int,
        *,
        alias: str = "gatecast",
        level: Percents = (80,),
        id_col: str = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        **settings: Any,  # noqa: ANN401 - the settings of FitOptions, by name
    ) -> None:
        own = {"horizon": h, "id": id_col, "target": (target_col,), "quantiles": _quantiles(level)}
        for name in own.keys() & settings.keys():
            raise OptionError(f"{name}= is said by h, level, id_col and target_col here: leave it out.")
        self.h, self.alias, self.level = h, alias, tuple(map(float, level))
        self.options = build_options({"past": (), **settings, **own})
        table = self.options.table
        self._names = Names(id_col, time_col, target_col, (*(table.past or ()), *table.future, *table.static))
        self.model_: Model
        self._frame: NixtlaFrame | None = None

    def fit(self, df: Native) -> "NixtlaForecaster":
        """Learn from all rows of a frame; the last share of them chooses the weights."""
        frame, panel, guesses = self._read(df)
        self.model_, _ = fit_before(panel, panel.known(), self._options(frame), guesses)
        self._frame = frame
        return self

    def predict(self, h: int | None = None, X_df: Native | None = None, level: Percents | None = None) -> Native:
        """Forecast beyond the end of the frame that was learnt from: `unique_id, ds, gatecast, gatecast-lo-80, ...`.

        Args:
            h: rows to forecast; as many as were trained if None.
            X_df: `unique_id, ds` and the future covariates of the rows to forecast.
            level: the intervals wanted, in percent; none if None.
        """
        h, level = self._steps(h), self._levels(level)
        if self._frame is None:
            raise OptionError("there is nothing to predict from yet: call fit(df) first.")
        frame = self._frame if X_df is None else read_frame(self._frame.native, self._names, X_df)
        forecast = self.model_.predict(None if X_df is None else frame.table, h).forecast
        return frame.like(frame.told(forecast, self._columns(forecast, level)).drop("cutoff"))

    def cross_validation(
        self,
        df: Native,
        n_windows: int = 1,
        h: int | None = None,
        step_size: int | None = None,
        level: Percents | None = None,
        *,
        refit: bool | int = False,
    ) -> Native:
        """Forecasts of the last windows of each series beside what came: `unique_id, ds, cutoff, y, gatecast, ...`.

        Without `refit` one net learns from what lies before the first cutoff of all series, and forecasts every window
        in one pass; no later row is read for learning, choosing, scaling or calibrating.  `model_` stays as it is.

        Args:
            df: the frame.
            n_windows: of each series, counted back from its end.
            h: rows of a window; as many as are trained if None.
            step_size: rows from one cutoff to the next; `h` if None.
            level: the intervals wanted, in percent; none if None.
            refit: True learns anew for every window, a number for every so many.
        """
        h, level = self._steps(h), self._levels(level)
        frame, panel, guesses = self._read(df)
        origins = _last_windows(panel, n_windows, h, h if step_size is None else step_size)
        if refit < 0:
            raise OptionError(f"refit is True, False, or a number of windows from 1 up, got {refit}.")
        number, every = np.arange(len(origins)) % n_windows, int(refit) if refit else n_windows
        parts = []
        for first in range(0, n_windows, every):
            some = origins.some(np.flatnonzero((number >= first) & (number < first + every)))
            model, known = fit_before(panel, _before_all(panel, some), self._options(frame), guesses)
            forecast = model.calibrated.forecast(known, some, h)
            parts.append(frame.told(forecast, self._columns(forecast, level)))
        names = self._names
        return frame.like(frame.with_actuals(pl.concat(parts)).sort(names.id, "cutoff", names.time))

    def _read(self, df: Native) -> tuple[NixtlaFrame, Panel, tuple[Guess, ...]]:
        frame = read_frame(df, self._names)
        return frame, *load_panel(frame.table, self._options(frame).table)

    def _options(self, frame: NixtlaFrame) -> FitOptions:
        """The options, once it is known whether times are dates."""
        table = structs.replace(self.options.table, time=None if frame.start else self._names.time)
        return structs.replace(self.options, table=table)

    def _steps(self, h: int | None) -> int:
        if h is not None and not 1 <= h <= self.h:
            raise OptionError(
                f"h={h} cannot be forecast: this net forecasts 1 to {self.h} rows, as h= says at its start."
            )
        return self.h if h is None else h

    def _levels(self, level: Percents | None) -> tuple[float, ...]:
        """The intervals wanted, narrowest first."""
        for each in set(map(float, level or ())) - set(self.level):
            said = ", ".join(f"{one:g}" for one in (*self.level, each))
            raise OptionError(f"level={each:g} was not learnt: say it at the start, as level=({said}), and fit again.")
        return tuple(sorted(map(float, level or ())))

    def _columns(self, forecast: Forecast, level: tuple[float, ...]) -> dict[str, np.ndarray]:
        """The point forecast, the lower ends from the widest interval to the narrowest, then the upper ends."""
        ends = [("lo", each, 50 - each / 2) for each in reversed(level)] + [
            ("hi", each, 50 + each / 2) for each in level
        ]
        found = {self.alias: forecast.mean[..., 0]}
        for end, each, percent in ends:
            place = forecast.levels.index(_share(percent))
            found[f"{self.alias}-{end}-{each:g}"] = forecast.quantiles[..., 0, place]
        return found


def _quantiles(level: Percents) -> tuple[float, ...]:
    """The quantiles that such intervals end at, and the median."""
    for each in level:
        if not 0 < each < 100:
            raise OptionError(f"level is a share in percent, above 0 and below 100, such as 80 or 95; got {each}.")
    return tuple(sorted({0.5, *(_share(50 + sign * each / 2) for each in level for sign in (-1, 1))}))


def _share(percent: float) -> float:
    return round(percent / 100, 10)


def _last_windows(panel: Panel, windows: int, h: int, step: int) -> Origins:
    """The last windows of each series, as many of each."""
    for name, value in (("n_windows", windows), ("step_size", step)):
        if value < 1:
            raise OptionError(f"{name} counts from 1 up, got {value}.")
    rows = panel.known()
    needed = 1 + h + (windows - 1) * step
    for series in np.flatnonzero(rows < needed)[:1]:
        raise TooShortError(
            f'{windows} windows of {h} rows, {step} apart, take {needed} rows, but series "{panel.ids[series]}" has '
            f"{rows[series]}: take fewer windows, or leave the series out."
        )
    return rolling_origins(np.zeros_like(rows), rows, h, step, windows)


def _before_all(panel: Panel, origins: Origins) -> Int64[np.ndarray, " series"]:
    """How many rows of each series lie before every one of the cutoffs; numbered rows have no common clock."""
    first = np.full(len(panel.ids), np.iinfo(np.int64).max)
    np.minimum.at(first, origins.series, origins.position)
    if not panel.dated:
        return first
    earliest = origin_cutoffs(panel, origins).min()
    own = [np.searchsorted(panel.times[panel.rows(series)], earliest, side="right") for series in range(len(panel.ids))]
    return np.minimum(first, own)
