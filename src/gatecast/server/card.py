"""The model card: what forecasts, and how well it did."""

from pathlib import Path

from gatecast.server.wire import ModelCard
from gatecast.streaming import ForecastStream
from gatecast.workflow.model import Model
from gatecast.workflow.runs import METRICS, read_metrics


def card_of(model: Model, stream: ForecastStream, run: Path) -> ModelCard:
    """The card of a model, with the verdict of its run if there is one."""
    fitted, about = model.forecaster.fitted_, model.about
    verdict = read_metrics(run).verdict.text if (run / METRICS).is_file() else ""
    columns = stream.reader
    return ModelCard(
        name=model.name,
        version=stream.fingerprint[:12],
        horizon=model.horizon,
        quantiles=list(stream.levels),
        targets=list(fitted.columns.target),
        past=[name for name in columns.covariates if name in fitted.columns.past],
        future=list(fitted.columns.future),
        frequency=fitted.frequency.label,
        frequency_name=fitted.frequency.name,
        trained_on=about.data.get("name", ""),
        trained_series=len(fitted.ids),
        scores=dict(about.scores),
        verdict=verdict,
        facts={"season": str(model.season), **about.versions},
        id=fitted.columns.id or "",
    )
