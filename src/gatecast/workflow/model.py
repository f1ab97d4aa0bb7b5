"""Model: a fitted forecaster together with the table it came from; what it predicts, and how well."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, final

import numpy as np
import polars as pl

from gatecast.artifact import About
from gatecast.data.categories import unknown_words
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel_like
from gatecast.data.sources import Source
from gatecast.data.splits import Origins, Split, scoring_origins
from gatecast.errors import InputError, OptionError
from gatecast.evaluation.adapting import Adapted
from gatecast.evaluation.adaptive import adaptive
from gatecast.evaluation.audit import THOROUGHLY, Audit, AuditOptions
from gatecast.evaluation.backtest import Backtest, backtest, score
from gatecast.evaluation.baselines import Baseline, baselines_by_name, default_baselines
from gatecast.evaluation.calibration import Calibrated, Calibration
from gatecast.evaluation.results import Metrics
from gatecast.forecast import Forecast, Forecaster
from gatecast.forecaster import RecurrentForecaster
from gatecast.inspection import FULLY, Inspection, InspectOptions, inspect_forecaster
from gatecast.streaming import AS_USUAL, ForecastStream, StreamOptions
from gatecast.training.loop import StepRecord
from gatecast.workflow.checking import BRIEFLY, audit_net
from gatecast.workflow.local import local_rivals
from gatecast.workflow.options import FitOptions
from gatecast.workflow.telling import history_frame, run_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
@dataclass(frozen=True, eq=False)
class Prediction:
    """A forecast beyond the end of a table."""

    panel: Panel
    forecast: Forecast

    def __repr__(self) -> str:
        from gatecast.workflow.cards import prediction_card  # noqa: PLC0415 - only where it is shown

        return prediction_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.workflow.cards import prediction_card  # noqa: PLC0415

        return prediction_card(self).html()

    def to_frame(self) -> pl.DataFrame:
        """One row a series and step: `unique_id, cutoff, ds, mean, q0.1, ...`."""
        return self.forecast.to_frame()

    def plot(self) -> "Figure":
        """The forecast behind the last stretch of history, as a matplotlib figure."""
        from gatecast.reporting.pictures import plot_forecast  # noqa: PLC0415 - drawing is loaded when wanted

        unit = ", ".join(self.panel.columns.target)
        return plot_forecast(history_frame(self.panel), self.to_frame(), unit=unit)


@final
@dataclass(frozen=True, eq=False)
class Evaluation:
    """How the net and the baselines did on the same windows; `facts` tell what it took, for the report."""

    model: "Model"
    backtest: Backtest
    metrics: Metrics
    facts: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        from gatecast.workflow.cards import evaluation_card  # noqa: PLC0415 - only where it is shown

        return evaluation_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.workflow.cards import evaluation_card  # noqa: PLC0415

        return evaluation_card(self).html()

    def to_frame(self) -> pl.DataFrame:
        """One row a model, window and step: `model, unique_id, cutoff, ds, y, mean, q0.1, ...`."""
        return self.backtest.to_frame()

    def audit(self, options: AuditOptions = BRIEFLY) -> Audit:
        """Whether the net's scores can be trusted, from a few of the windows that were scored."""
        return self.model.audit_origins(self.backtest.panel, self.backtest.origins, options)

    def report(self, path: str | Path) -> Path:
        """Write the one-file HTML report."""
        from gatecast.reporting.report import write_report  # noqa: PLC0415 - charts are loaded when wanted

        return write_report(run_report(self), path)


@final
@dataclass(frozen=True, eq=False)
class Model:
    """What `gatecast.fit` returns and `gatecast.load` reads.

    Attributes:
        forecaster: the net with its scaling.
        options: what was asked for.
        season: rows of one season in the scores.
        guesses: what was decided because nobody said it.
        about: versions and the fingerprint of the data.
        panel: the table it was fitted on; None when loaded from a bare model folder.
        split: where its parts end; None likewise.
        steps: the training log.
        facts: timings and counts, for the report.
        calibration: how far its quantiles move; None where they stand as the net says them.
    """

    forecaster: RecurrentForecaster
    options: FitOptions
    season: int
    guesses: tuple[Guess, ...]
    about: About
    panel: Panel | None = None
    split: Split | None = None
    steps: tuple[StepRecord, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None

    def __repr__(self) -> str:
        from gatecast.workflow.cards import model_card  # noqa: PLC0415 - only where it is shown

        return model_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.workflow.cards import model_card  # noqa: PLC0415

        return model_card(self).html()

    @property
    def name(self) -> str:
        """The cell's name, as it stands in score tables."""
        return self.forecaster.name

    @property
    def calibrated(self) -> Forecaster:
        """What predicts and is scored: the net, with calibrated quantiles where there is a calibration."""
        if self.calibration is None:
            return self.forecaster
        if self.options.adapt:
            return Adapted(self.forecaster, adaptive(self.calibration), lambda panel: self.test_part(panel)[0])
        return Calibrated(self.forecaster, self.calibration)

    @property
    def horizon(self) -> int:
        """Rows it forecasts."""
        return self.forecaster.config.horizon

    def predict(self, data: Source | None = None, horizon: int | None = None) -> Prediction:
        """Forecast beyond the end of `data`, or of the table the model was fitted on.

        Raises:
            InputError: there is no table, or it does not fit the model.
            OptionError: the horizon is longer than the one trained.
        """
        return self.predict_panel(self._panel(data), horizon)

    def predict_panel(self, panel: Panel, horizon: int | None = None) -> Prediction:
        """Forecast beyond the end of a panel that was read already."""
        origins = Origins(np.arange(len(panel.ids)), panel.known())
        return Prediction(panel, self.calibrated.forecast(panel, origins, self.horizon if horizon is None else horizon))

    def backtest(self, data: Source | None = None, windows: int | None = None) -> Evaluation:
        """Score the net and the baselines from rolling origins, one horizon apart.

        Local nets, where the options ask for them, are trained here, as baselines are: no model folder holds them.

        Without `data`, over the test part of the table the model was fitted on.  With new `data`, over every row that
        neither training nor the choice of weights has seen, as far as dates can tell.
        """
        if windows is not None and windows < 1:
            raise OptionError(f"windows counts from 1 up, got windows={windows}.")
        panel = self._panel(data)
        start, origins = self._scored(panel, windows if windows is not None else self.options.evaluation.windows)
        chosen, notes = self._baselines(panel, start)
        fitted = [baseline.fit(panel, start) for baseline in chosen]
        local = local_rivals(self, panel, start)
        result = backtest([self.calibrated, *local.forecasters, *fitted], panel, origins, self.horizon)
        calibrated = self.calibration.notes if self.calibration is not None else ()
        notes = (*notes, *local.notes, *unknown_words(panel), *calibrated)
        metrics = score(result, self.season, start, self.name, notes, local.names)
        return Evaluation(self, result, metrics, dict(local.facts))

    def audit(self, data: Source | None = None, options: AuditOptions = THOROUGHLY) -> Audit:
        """Whether its scores can be trusted: checks on the rows that `backtest` scores.

        With the table it was fitted on, a short fit shows that fitting sees no test row; with new `data` that check is
        skipped.
        """
        panel = self._panel(data)
        return self.audit_origins(panel, self._scored(panel, None)[1], options)

    def audit_origins(self, panel: Panel, origins: Origins, options: AuditOptions) -> Audit:
        """The audit on origins of a panel that was read already."""
        start, _ = self.test_part(panel)
        split = self.split if panel is self.panel else None
        return audit_net(self.forecaster, panel, origins, start, split, options)

    def inspect(
        self, data: Source | None = None, series: str | None = None, options: InspectOptions = FULLY
    ) -> Inspection:
        """What the net remembers and rests on, on the rows of one series that `backtest` scores.

        Args:
            data: new data; the table the model was fitted on if None.
            series: the name of the series; the longest one if None.
            options: how much is looked at.
        """
        panel = self._panel(data)
        return inspect_forecaster(self.forecaster, panel, self._scored(panel, None)[1], series, options)

    def stream(self, data: Source | None = None, options: StreamOptions = AS_USUAL) -> ForecastStream:
        """A live forecaster that has read `data`, or the table the model was fitted on.

        A model that was loaded without its table begins with no series.

        Args:
            data: new data with the columns the net was trained on.
            options: what is done with rows that do not come as they should.
        """
        stream = self.live(options)
        if data is not None or self.panel is not None:
            stream.observe_panel(self._panel(data))
        return stream

    def live(self, options: StreamOptions = AS_USUAL) -> ForecastStream:
        """A live forecaster that has read nothing yet."""
        return ForecastStream(self.forecaster, self.calibration, options)

    def _scored(self, panel: Panel, most: int | None) -> tuple[np.ndarray, Origins]:
        """Where scoring starts in each series, and the origins of its windows."""
        start, end = self.test_part(panel)
        origins = scoring_origins(start, end, self.horizon, most)
        if not len(origins):
            refuse_unscored(self)
        return start, origins

    def test_part(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """Where scoring starts and ends in each series: the rows that neither training nor choosing has seen."""
        if panel is self.panel and self.split is not None:
            return self.split.validation_end, self.split.test_end
        start = [self._rows_seen(panel, index) for index in range(len(panel.ids))]
        return np.maximum(np.asarray(start, dtype=np.int64), self.forecaster.config.lookback), panel.known()

    def _rows_seen(self, panel: Panel, series: int) -> int:
        """How many rows of a series training or validation may have seen."""
        if panel.dated and self.about.seen_until:
            times = panel.times[panel.rows(series)]
            return int(np.searchsorted(times, np.datetime64(self.about.seen_until, "us")))
        return self.about.seen_rows.get(panel.ids[series], 0)

    def _panel(self, data: Source | None) -> Panel:
        if data is not None:
            fitted = self.forecaster.fitted_
            return load_panel_like(data, fitted.columns, fitted.frequency, self.options.table)
        if self.panel is None:
            raise InputError(
                f"this model was loaded without its table ({self.about.data.get('name', 'unknown')}): a model folder "
                f"does not hold it, and a run finds it only where it was and as it was. Give the data to forecast from."
            )
        return self.panel

    def _baselines(self, panel: Panel, ends: np.ndarray) -> tuple[list[Baseline], Sequence[str]]:
        names = self.options.evaluation.baselines
        if names is None:
            return default_baselines(self.season, panel, ends)
        return self.named_baselines(names), []

    def named_baselines(self, names: Sequence[str]) -> list[Baseline]:
        """The named baselines, unfitted; the net itself is none."""
        if self.name in names:
            raise OptionError(f"{self.name} is the net itself, not a baseline.")
        return baselines_by_name(names, self.season)


def refuse_unscored(model: Model) -> NoReturn:
    """Say that a table holds no window to score."""
    raise InputError(
        f"there are no {model.horizon} rows in a row that the net has not learnt from: nothing can be scored. "
        f"Give a table that reaches further."
    )
