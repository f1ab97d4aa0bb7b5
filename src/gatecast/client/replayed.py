"""How a file is to be sent, how far it came, and who is told."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from msgspec import Struct

from gatecast.data.columns import Guess
from gatecast.server.wire import SeriesForecast


class ReplayOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How a file is sent.

    Attributes:
        series: the column that tells series apart; None guesses it, as with `time` and `target`.
        time: the time column.
        target: the column observed; None takes that of the model's name, or guesses.
        speed: `500` rows a second, `60x` as fast as it happened, or `0` for as fast as it goes.
        batch: rows of one request; None takes 100, or 1 where a speed is given.
        key_file: a file with the key of the server.
        forecast: whether forecasts of the series are asked for at the end.
    """

    series: str | None = None
    time: str | None = None
    target: str | None = None
    speed: str = "0"
    batch: int | None = None
    key_file: Path | None = None
    forecast: bool = False


class Replayed(Struct):
    """How far it came.

    Attributes:
        rows: of the file.
        sent: of these, answered by the server, the refused ones included.
        repeated: of these, those that it had already, by an earlier request of the same key.
        refused: of these, those that it did not take.
        why: the reason of the first refusal.
        seconds: that it took.
        stopped: the row before which it was interrupted; empty at the end of the file.
        forecasts: of the series, if they were asked for.
    """

    rows: int
    sent: int = 0
    repeated: int = 0
    refused: int = 0
    why: str = ""
    seconds: float = 0.0
    stopped: str = ""
    forecasts: list[SeriesForecast] = []

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0


@runtime_checkable
class Watcher(Protocol):
    """Who is told how it goes."""

    def guessed(self, guesses: tuple[Guess, ...]) -> None:
        """What was decided about the file."""
        ...

    def moved(self, replayed: Replayed) -> None:
        """Another block was answered."""
        ...
