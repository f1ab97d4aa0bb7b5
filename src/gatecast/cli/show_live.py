"""What `gatecast observe` prints on stdout; apart from show.py, because it works without torch."""

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gatecast.client.replayed import Replayed
from gatecast.server.keys import NewKey
from gatecast.server.wire import SeriesForecast
from gatecast.visible import visible

MOST_ROWS = 24  # forecast rows printed


def observed(replayed: Replayed) -> None:
    """How far a file came, and the forecasts after it."""
    _line(
        f"{replayed.sent:,} of {replayed.rows:,} rows sent in {replayed.seconds:,.1f} s ({replayed.rate:,.0f} rows/s), "
        f"{replayed.repeated:,} of them there already, {replayed.refused:,} refused."
    )
    if replayed.stopped:
        _line(f"stopped before {replayed.stopped}; the same command goes on, and what is there already counts once.")
    if replayed.why:
        _line(f"the first refusal: {replayed.why}")
    if replayed.forecasts:
        _forecasts(replayed.forecasts)


def _forecasts(forecasts: Sequence[SeriesForecast]) -> None:
    levels = list(forecasts[0].quantiles)
    table = Table("series", "time", "mean", *(escape(visible(level)) for level in levels), box=box.SIMPLE_HEAD)
    for column in table.columns[2:]:
        column.justify = "right"
    rows = [(forecast, step) for forecast in forecasts for step in range(len(forecast.ds))]
    for forecast, step in rows[:MOST_ROWS]:
        numbers = [forecast.mean[step], *(forecast.quantiles[level][step] for level in levels)]
        words = f"{forecast.series} {forecast.target}".rstrip(), str(forecast.ds[step])
        table.add_row(*(escape(visible(word)) for word in words), *(f"{number:,.6g}" for number in numbers))
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 140).print(table)
    if len(rows) > MOST_ROWS:
        _line(f"{len(rows) - MOST_ROWS:,} more rows; GET /v1/forecast tells them.")


def _line(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def key(made: NewKey) -> None:
    """A new key: its token for whoever will use it, its line for the file."""
    sys.stderr.write(f"The token, which is not shown again: {made.token}\nIts line for the file of keys:\n")
    sys.stdout.write(f"{made.line}\n")
