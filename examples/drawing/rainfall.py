"""The pictures of rainfall.py, and its forecasts as a table."""

from pathlib import Path

import numpy as np

from gatecast.evaluation.backtest import Backtest
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, INK, NET

UNITS = {"Precipitation": "mm", "Specific Humidity": "g/kg", "Relative Humidity": "%", "Temperature": "°C"}
Chart = tuple[str, dict[str, np.ndarray]]  # what it measures, and its lines by their names


def write(folder: Path, result: Backtest, norms: dict[str, np.ndarray]) -> None:
    """Write forecasts.csv and three pictures, and say where they lie.

    Args:
        folder: where to write, made if need be.
        result: the forecasts of every method.
        norms: for each net, the norm of every step's gradient before and after clipping; (steps, 2).
    """
    folder.mkdir(parents=True, exist_ok=True)
    result.to_frame().write_csv(folder / "forecasts.csv")
    (folder / "overview.png").write_bytes(overview(result))
    (folder / "last_50_months.png").write_bytes(last_months(result))
    (folder / "gradient_norm.png").write_bytes(gradient_norm(norms))
    print(f"\nwritten: forecasts.csv, overview.png, last_50_months.png, gradient_norm.png in {folder}")


def overview(result: Backtest) -> bytes:
    """The four columns, month by month."""
    values, first = result.panel.values.T, int(result.origins.position[0])  # (4, months)
    scored = np.where(np.arange(values.shape[1]) < first, np.nan, values)
    charts = [
        (f"{name}, {UNITS[name]}", {"before": whole[: first + 1], "the months that are scored": end})
        for name, whole, end in zip(result.panel.columns.channels, values, scored, strict=True)
    ]
    return draw("Rain, humidity and temperature, month by month", "month", charts)


def last_months(result: Backtest) -> bytes:
    """The rain of the months that are scored, and three forecasts of it."""
    said = {name: forecast.mean[:, 0, 0] for name, forecast in result.forecasts.items()}
    charts = [
        ("rain, mm", {name: said[name], "month_mean": said["month_mean"], "actual": result.actual[:, 0, 0]})
        for name in ("rnn_1to1_clipped", "rnn_4to4_clipped", "autoreg")
    ]
    title = "Rain of the last 50 months, forecast one month ahead"
    return draw(title, "month", charts, first=int(result.origins.position[0]))


def gradient_norm(norms: dict[str, np.ndarray]) -> bytes:
    """The norm of every step's gradient, without clipping and with it."""
    charts = [
        ("gradient norm", {name: norms[name][:, 1], f"{name}_clipped": norms[f"{name}_clipped"][:, 1]})
        for name in ("rnn_1to1", "rnn_4to4")
    ]
    return draw("The gradient of each step: as it is, and clipped at 0.5", "training step", charts)


def draw(title: str, across: str, charts: list[Chart], first: int = 0) -> bytes:
    """Charts below one another; `first` numbers the first point of a line."""
    figure, axes = sheet(title, len(charts), 1.7)
    steps = across == "training step"
    for axis, (unit, lines) in zip(axes, charts, strict=True):
        for (name, values), colour, dash in zip(lines.items(), (NET, BEST, INK), ("-", "--", "-"), strict=False):
            place = first + np.arange(len(values))
            axis.plot(place, values, dash, color=colour, linewidth=0.5 if steps else 1, label=name)
        axis.set_yscale("log" if steps else "linear")
        label(axis, across if axis is axes[-1] else "", unit)
        legend(axis)
    return png(figure)
