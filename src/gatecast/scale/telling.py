"""What is told of the work while it goes on, on stderr, and at its end."""

import time
from types import TracebackType
from typing import final

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gatecast.evaluation.results import Metrics


class Done(Struct, frozen=True):
    """What was done.

    Attributes:
        out: the folder of the results.
        partitions: how many there are.
        kept: how many of them were finished before.
        rows: read now.
        forecasts: rows of forecasts written now.
        seconds: from the first piece to the last.
        metrics: the scores, of a backtest.
    """

    out: str
    partitions: int
    kept: int
    rows: int
    forecasts: int
    seconds: float
    metrics: Metrics | None = None


@final
class Telling:
    """A bar on stderr: partitions done, rows a second, time left; it goes with the context.

    Args:
        quiet: say nothing.
    """

    def __init__(self, *, quiet: bool = True) -> None:
        console = Console(stderr=True, highlight=False, emoji=False, quiet=quiet)
        columns = (
            TextColumn("partitions"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} rows/s"),
            TimeRemainingColumn(),
        )
        hidden = quiet or not console.is_terminal
        self._progress = Progress(*columns, console=console, transient=True, disable=hidden)
        self._task = self._progress.add_task("", total=None, rate=0.0)
        self._begun = time.monotonic()

    def __enter__(self) -> "Telling":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def seconds(self) -> float:
        """Since work began."""
        return time.monotonic() - self._begun

    def moved(self, finished: int, partitions: int, rows: int) -> None:
        """Move the bar: so many partitions are finished, and so many rows were read."""
        rate = rows / max(self.seconds, 1e-9)
        self._progress.update(self._task, total=partitions, completed=finished, rate=rate)
