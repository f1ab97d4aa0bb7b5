"""What a run tells people: frames and facts for the report and the pictures."""

import platform
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from msgspec import structs

from gatecast import __version__
from gatecast.data.calendar import show_time
from gatecast.data.panel import Panel
from gatecast.data.splits import part_starts
from gatecast.errors import InputError, TooShortError
from gatecast.inspection import Inspection, InspectOptions, inspect_forecaster
from gatecast.models.config import NetworkConfig

if TYPE_CHECKING:
    from gatecast.reporting.record import RunReport
    from gatecast.workflow.model import Evaluation, Model

BRIEFLY = InspectOptions(updates=2000, shuffles=2)
"""What a report can afford."""


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {"gatecast": __version__, "torch": str(torch.__version__), "python": platform.python_version()}


def history_frame(panel: Panel) -> pl.DataFrame:
    """The known targets of every row: `unique_id, ds, y`, and `target` when there are several."""
    known = np.arange(len(panel.times)) - np.repeat(panel.offsets[:-1], panel.lengths) < np.repeat(
        panel.known(), panel.lengths
    )
    names = pl.Series(panel.ids, dtype=pl.String).gather(np.repeat(np.arange(len(panel.ids)), panel.lengths)[known])
    frames = [
        pl.DataFrame({"unique_id": names, "target": target, "ds": panel.times[known], "y": panel.targets[known, index]})
        for index, target in enumerate(panel.columns.target)
    ]
    frame = pl.concat(frames)
    return frame if len(panel.columns.target) > 1 else frame.drop("target")


def data_facts(panel: Panel) -> dict[str, str]:
    """What the table is, in words."""
    first, last = panel.times.min(), panel.times.max()
    missing = float(np.isnan(panel.targets).mean())
    return {
        "rows": f"{len(panel.times):,}",
        "series": f"{len(panel.ids):,}",
        "target": ", ".join(panel.columns.target),
        "frequency": panel.frequency.name,
        "time range": f"{show_time(first)} to {show_time(last)}",
        "missing share": f"{missing:.1%}",
    }


def model_facts(model: "Model") -> dict[str, str]:
    """What the net is, in words."""
    config = model.forecaster.config
    network, parameters = config.network, model.forecaster.network_.parameters()
    carried = config.mode == "sequences"
    return {
        "net": _net_in_words(network),
        "mode": f"{config.mode}; values seen by {config.normalise}",
        "parameters": f"{sum(p.numel() for p in parameters):,}",
        "lookback": "all rows, by a carried state" if carried else f"{config.lookback} rows",
        "horizon": f"{config.horizon} rows",
        "loss": config.network.loss,
        **({} if model.calibration is None else {"quantiles": _calibrated_in_words(model)}),
        "seed": str(config.training.seed),
        **model.facts,
        **{f"{name} version": version for name, version in model.about.versions.items()},
    }


def _calibrated_in_words(model: "Model") -> str:
    adapted = ", and moved by every row after it" if model.options.adapt else ""
    return f"calibrated on the validation part{adapted}"


def _net_in_words(network: NetworkConfig) -> str:
    """Its layers, and what is not usual about it."""
    layer = network.layer
    many = f"{network.ensemble} nets of " if network.ensemble > 1 else ""
    segments = f", {network.segment} rows an update" if network.segment > 1 else ""
    return f"{many}{layer.cell}, {layer.num_layers} x {layer.hidden_size} units{segments}"


def run_report(evaluation: "Evaluation") -> "RunReport":
    """Everything the report shows about an evaluated model."""
    from gatecast.reporting.record import RunReport  # noqa: PLC0415 - charts are loaded when wanted

    model, panel = evaluation.model, evaluation.backtest.panel
    return RunReport(
        name=model.name,
        title=model.about.data.get("name", "data"),
        metrics=evaluation.metrics,
        guesses=model.guesses,
        facts=data_facts(panel) | model_facts(model) | evaluation.facts,
        history=history_frame(panel),
        forecast=_forecast_frame(evaluation),
        backtest=evaluation.to_frame(),
        steps=[structs.asdict(record) for record in model.steps],
        parts=_part_times(evaluation),
        audit=evaluation.audit(),
        inside=_inside(evaluation),
    )


def _inside(evaluation: "Evaluation") -> Inspection | None:
    """A look inside the net, on the windows that were scored; None where none has enough rows before it."""
    judged = evaluation.backtest
    try:
        return inspect_forecaster(evaluation.model.forecaster, judged.panel, judged.origins, options=BRIEFLY)
    except TooShortError:
        return None


def _forecast_frame(evaluation: "Evaluation") -> pl.DataFrame:
    """The forecast beyond the end; the last scored windows where planned covariates end with the table."""
    model, panel = evaluation.model, evaluation.backtest.panel
    try:
        return model.predict_panel(panel).to_frame()
    except InputError:
        frame = evaluation.backtest.forecasts[model.name].to_frame()
        return frame.filter(pl.col("cutoff") == pl.col("cutoff").max().over("unique_id"))


def _part_times(evaluation: "Evaluation") -> tuple[datetime | int, datetime | int]:
    """The first time of the validation part and of the test part of the longest series.

    On new data both are where scoring starts: there is nothing to learn from or to choose by.
    """
    panel, origins = evaluation.backtest.panel, evaluation.backtest.origins
    split = evaluation.model.split if panel is evaluation.model.panel else None
    if split is not None:
        validation, test = part_starts(panel, split)
        return validation.item(), test.item()
    longest = int(np.argmax(panel.lengths))
    times = panel.times[panel.rows(longest)]
    first = times[origins.position[origins.series == longest].min(initial=len(times) - 1)]
    return first.item(), first.item()
