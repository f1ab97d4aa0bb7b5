"""What is shown of a model, of what it predicts, and of how well."""

from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.frequency import show_time
from gatecast.evaluation.cards import metrics_card
from gatecast.forecast import SHOWN, curve_ahead
from gatecast.showing import Card, Curve, number, short
from gatecast.workflow.telling import data_facts, model_facts

if TYPE_CHECKING:
    from gatecast.workflow.model import Evaluation, Model, Prediction

BESIDE = 3  # horizons of history before a forecast
NEXT = "model.predict(), model.backtest(), model.audit(), model.inspect(), model.stream()"


def model_card(model: "Model") -> Card:
    """What it is, what it was learnt from, and what was decided for whoever asked."""
    facts = model_facts(model)
    shown = ("net", "parameters", "lookback", "loss", "quantiles", "seed")
    told = tuple((name, facts.pop(name)) for name in shown if name in facts)
    data = tuple(data_facts(model.panel).items()) if model.panel is not None else (("table", "not here: give one"),)
    guesses = tuple((f"{each.what} = {each.value}:", each.why) for each in model.guesses)
    targets = short(", ".join(model.forecaster.fitted_.columns.target))
    return Card(
        title=f"{model.name}, forecasting {model.horizon:,} rows of {targets}",
        facts=(*told, *(fact for fact in data if fact[0] != "target")),
        below=NEXT,
        folded=(*guesses, *facts.items()),
        fold="Decided for you, and details" if guesses else "Details",
    )


def prediction_card(prediction: "Prediction") -> Card:
    """Each series with what it did last, and where it goes."""
    forecast = prediction.forecast
    windows, horizon, _ = forecast.mean.shape
    levels = f", with the quantiles {', '.join(f'{level:g}' for level in forecast.levels)}" if forecast.levels else ""
    target = short(prediction.panel.columns.target[0], 20)
    return Card(
        title=f"Forecast of the next {horizon:,} rows{levels}",
        columns=("series", "from", "to", f"{target}, seen and ahead", "newest", "first ahead", "last ahead"),
        rows=tuple(_window(prediction, window) for window in range(min(windows, SHOWN))),
        below=f"{windows - SHOWN:,} more series; .to_frame() has them all" if windows > SHOWN else "",
    )


def _window(prediction: "Prediction", window: int) -> tuple[str | Curve, ...]:
    forecast, panel = prediction.forecast, prediction.panel
    series, times = int(forecast.series[window]), forecast.times[window]
    known = int(panel.known()[series])
    seen = panel.targets[panel.rows(series), 0][:known][-BESIDE * len(times) :]
    newest = seen[np.isfinite(seen)][-1:].tolist() or [float("nan")]
    mean = forecast.mean[window, :, 0]
    numbers = (number(value) for value in (newest[0], float(mean[0]), float(mean[-1])))
    curve = curve_ahead(forecast, window, seen.tolist())
    return short(forecast.ids[series]), show_time(times[0]), show_time(times[-1]), curve, *numbers


def evaluation_card(evaluation: "Evaluation") -> Card:
    """The scores, and whose they are."""
    table = str(evaluation.model.about.data.get("name", ""))
    return metrics_card(evaluation.metrics, f"{evaluation.model.name}{f' on {short(table)}' if table else ''}")
