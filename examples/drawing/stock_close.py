"""The picture of stock_close.py, and its forecasts as a table."""

from pathlib import Path

import numpy as np
import polars as pl

from gatecast.reporting.paper import label, legend, png, sheet, time_axis
from gatecast.reporting.style import BEST, GREY, INK, NET


def write(folder: Path, test: pl.DataFrame, highest: float, days: np.ndarray, close: np.ndarray) -> None:
    """Write forecasts.csv and last_100_days.png, and say where they lie.

    Args:
        folder: where to write, made if need be.
        test: the test part: Date, Close, and a column of forecasts for each method.
        highest: the highest price of the training part.
        days: the day of every price; (N,).
        close: every price; (N, 1).
    """
    folder.mkdir(parents=True, exist_ok=True)
    test.write_csv(folder / "forecasts.csv")
    (folder / "last_100_days.png").write_bytes(draw(test, highest, days, close))
    print(f"\nwritten: {folder / 'forecasts.csv'}, {folder / 'last_100_days.png'}")


def draw(test: pl.DataFrame, highest: float, days: np.ndarray, close: np.ndarray) -> bytes:
    """Every day with the test forecasts of `lstm`, and the last 100 days of each net beside "tomorrow = today"."""
    error = {name: (test[name] - test["Close"]).abs().mean() for name in ("lstm", "lstm_change", "naive")}
    finding = ", ".join(f"{name} {value:.2f}" for name, value in error.items())
    figure, (whole, *ends) = sheet(f"Mean absolute error in dollars over {len(test)} test days: {finding}", 3, 2.6)
    whole.axhline(highest, color=GREY, linestyle="--", label="highest training price")
    whole.plot(days, close, color=INK, linewidth=1, label="actual")
    whole.plot(test["Date"], test["lstm"], color=NET, label="lstm, test part")
    last = test.tail(100)
    for chart, name in zip(ends, ("lstm", "lstm_change"), strict=True):
        chart.plot(last["Date"], last[name], color=NET, label=name)
        chart.plot(last["Date"], last["naive"], color=BEST, linestyle=":", label="tomorrow = today")
        chart.plot(last["Date"], last["Close"], color=INK, linewidth=1, label="actual")
    headings = ("Every day", "The last 100 days: levels", "The last 100 days: changes")
    for chart, heading in zip((whole, *ends), headings, strict=True):
        label(chart, time_axis(chart, days), "close, dollars", heading)
        legend(chart)
    return png(figure)
