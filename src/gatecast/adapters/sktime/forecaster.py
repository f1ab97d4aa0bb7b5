"""GatecastForecaster: a recurrent net as a forecaster of sktime's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from gatecast.adapters.sktime.frames import Frames, series_name
from gatecast.adapters.sktime.horizon import (
    Cutoff,
    Entries,
    ends_of,
    entries_of,
    frequency_of,
    furthest_step,
    joined_labels,
    labels_of,
    offset_like,
    offset_of,
)
from gatecast.adapters.sktime.lessons import check_not_array, told_of_frames
from gatecast.adapters.sktime.levels import at_levels
from gatecast.adapters.sktime.past import Past, as_read
from gatecast.adapters.sktime.saying import Said, say
from gatecast.adapters.sktime.settings import fit_settings
from gatecast.errors import InputError, OptionError
from gatecast.workflow import Model, fit


class GatecastForecaster(BaseForecaster):  # type: ignore[misc]  # sktime has no types
    """A recurrent net (GRU, LSTM, ...) trained by gatecast: one for all series of y, with quantiles.

    `fit` alone moves the weights.  `update` shows the net new rows, each once, whatever `update_params` says: its state
    moves, and the next forecast starts from there.  To train again, `fit` again, or wrap the forecaster in
    `sktime.forecasting.stream.UpdateRefitsEvery`.

    Columns of X are known in advance, unless `past` names them: `predict` needs them for every row up to the furthest
    step of fh.  In-sample forecasts are those of one step, each from the rows before it (by weights that have learnt
    from all rows); the first row has none before it, and is NaN.

    Args:
        horizon: rows that the net can forecast; None takes the furthest step of the fh given to `fit`.
        past: the columns of X that nobody knows in advance, such as a measured temperature; `predict` reads no row of
            theirs after the cutoff.
        cell: `gru`, `lstm`, `rnn`, `mingru`, `minlstm`, `indrnn`, `slstm` or `grud`.
        hidden_size: units of each layer.
        steps: the most training steps; None lets the table decide.
        settings: any other setting of `gatecast.fit` by its name, such as `{"seed": 1, "lookback": 48}`.  Usual here
            are `quantiles=(0.05, 0.25, 0.5, 0.75, 0.95)` and `test=0`: every row of y is learnt from or chosen by.

    Attributes:
        model_: the fitted `gatecast.Model`; `gatecast.save(model_, folder)` writes it without pickle.

    Examples:
        >>> from gatecast.adapters.sktime import GatecastForecaster
        >>> from sktime.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = GatecastForecaster(hidden_size=8, steps=20)
        >>> forecaster.fit(y, fh=[1, 2, 3])
        GatecastForecaster(...)
        >>> y_pred = forecaster.predict()
        >>> y_interval = forecaster.predict_interval(coverage=0.9)
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "gatecast",
        "maintainers": "gatecast",
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:missing_values": True,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": True,
        "capability:update": True,
        "capability:unequal_length": True,
        "capability:non_contiguous_X": False,
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": True,
        "python_dependencies": None,
    }
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}  # what came is kept once, as the net reads it

    def __init__(
        self,
        horizon: int | None = None,
        past: Sequence[Any] = (),
        cell: str = "gru",
        hidden_size: int = 64,
        steps: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.horizon = horizon
        self.past = past
        self.cell = cell
        self.hidden_size = hidden_size
        self.steps = steps
        self.settings = settings
        super().__init__()
        self._y = self._X = None  # where sktime keeps what came, if remember_data is switched on
        if horizon is not None:
            self.set_tags(**{"requires-fh-in-fit": False})

    @property
    def model_(self) -> Model:
        """The fitted model; its weights have not moved since `fit`."""
        return self._past.model

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: ForecastingHorizon | None) -> "GatecastForecaster":
        self._frames, self._ends, self._levels = Frames.of(y, X), ends_of(y), list(y.index.names)
        offset, rows = offset_of(y), self._frames.rows(y, X)
        settings = fit_settings(self.settings, self._arguments(fh, offset))
        with told_of_frames():
            model = fit(as_read(rows, dated=self._frames.dated, many=() not in self._ends), **settings)
        self._offset = offset or offset_like(model.forecaster.fitted_.frequency)
        self._past = Past(model, rows, model.panel)
        return self

    def _arguments(self, fh: ForecastingHorizon | None, offset: pd.offsets.BaseOffset | None) -> dict[str, Any]:
        """What the constructor and the frames say of a fit, by the names of its settings."""
        frames, horizon = self._frames, self.horizon
        if horizon is None:
            horizon = max(1, *(furthest_step(fh, end, offset) for end in self._ends.values()))
        past = frames.named(self.past)
        return {
            "horizon": horizon,
            "cell": self.cell,
            "hidden_size": self.hidden_size,
            "steps": self.steps,
            "target": tuple(frames.targets.values()),
            "past": past,
            "future": tuple(name for name in frames.covariates.values() if name not in past),
            "frequency": frequency_of(offset),
            **frames.parts(many=() not in self._ends),
        }

    def _update(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: object = None
    ) -> "GatecastForecaster":
        """Show the net the rows that are new; `update_params` changes nothing, for `fit` alone moves the weights."""
        del update_params
        check_not_array(self._y_metadata["mtype"])
        self._past.add(self._frames.rows(y, X))
        self._ends = self._ends | ends_of(y)  # as sktime sets its cutoff, which may go back to rows that are known
        return self

    def _predict(self, fh: ForecastingHorizon, X: pd.DataFrame | None) -> pd.DataFrame:
        entries = self._entries(fh)
        said = self._say(entries, X)
        return pd.DataFrame(said.mean, index=joined_labels(entries, self._levels), columns=list(self._frames.targets))

    def _predict_quantiles(
        self, fh: ForecastingHorizon, X: pd.DataFrame | None, alpha: Sequence[float]
    ) -> pd.DataFrame:
        entries = self._entries(fh)
        said = self._say(entries, X)
        if not said.levels:
            raise NotImplementedError(
                f"loss={self.model_.options.network.loss!r} trains a net for a point, and too few rows are left to "
                f"calibrate quantiles by: take loss='quantile' or a density such as 'normal' in settings."
            )
        values = at_levels(said.quantiles, said.levels, alpha)
        columns = self._get_columns(method="predict_quantiles", alpha=alpha)
        index = joined_labels(entries, self._levels)
        return pd.DataFrame(values.reshape(len(values), -1), index=index, columns=columns)

    def _entries(self, fh: ForecastingHorizon) -> list[Entries]:
        """Where the entries of a horizon lie for each series, from the newest row of its last y."""
        frequency = self.model_.forecaster.fitted_.frequency
        found = []
        for instance, end in self._ends.items():
            newest = self._past.newest(series_name(instance), self._frames.stamps(pd.Index([end]))[0])
            cutoff = Cutoff(instance, end, newest)
            found.append(entries_of(cutoff, labels_of(fh, end, self._offset), self._frames, frequency))
        furthest, horizon = max(each.furthest for each in found), self.model_.horizon
        if furthest > horizon:
            raise OptionError(
                f"fh reaches step {furthest}, and this net forecasts up to {horizon} rows ahead: fit it with that fh, "
                f"or give GatecastForecaster horizon={furthest}."
            )
        return found

    def _say(self, entries: Sequence[Entries], X: pd.DataFrame | None) -> Said:
        return say(self._past, entries, self._future(entries, X))

    def _future(self, entries: Sequence[Entries], X: pd.DataFrame | None) -> pl.DataFrame | None:
        """What is known of the rows ahead; None where the net reads nothing of that kind, or no row lies ahead."""
        known = self.model_.forecaster.fitted_.columns.future
        furthest = max(each.furthest for each in entries)
        if not known or furthest < 1:
            return None
        steps = ForecastingHorizon(range(1, furthest + 1), is_relative=True)
        rows = [replace(each, labels=labels_of(steps, each.cutoff.end, self._offset)) for each in entries]
        index = joined_labels(rows, self._levels)
        future = self._frames.future(index, X, known)
        for row in np.flatnonzero(future.select(pl.any_horizontal(pl.col(known).is_null())).to_series())[:1]:
            raise InputError(
                f"X lacks a value at {index[row]}, step {row % furthest + 1} of the {furthest} up to the end of fh: "
                f"this net reads {', '.join(known)} of every row ahead, as known in advance. Give X for each of these "
                f"rows, or name under past= what nobody knows in advance."
            )
        return future

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Settings that sktime's tests fit in a moment."""
        del parameter_set
        tiny = {"hidden_size": 4, "steps": 2}
        return [tiny, tiny | {"cell": "lstm", "settings": {"loss": "normal", "lookback": 2}}]
