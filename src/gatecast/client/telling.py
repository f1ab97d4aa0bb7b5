"""The progress of a file that is sent, on stderr: stdout holds results alone."""

from types import TracebackType
from typing import final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gatecast.client.replayed import Replayed
from gatecast.data.columns import Guess
from gatecast.visible import visible


@final
class Telling:
    """Says what was decided, then moves a bar with rows a second and refusals; the bar goes with the context.

    Args:
        quiet: say nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, emoji=False, quiet=quiet)
        columns = (
            TextColumn("observing"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} rows/s  {task.fields[refused]:,} refused"),
            TimeRemainingColumn(),
        )
        hidden = quiet or not self._console.is_terminal
        self._progress = Progress(*columns, console=self._console, transient=True, disable=hidden)
        self._task = self._progress.add_task("", total=None, visible=False, rate=0.0, refused=0)

    def __enter__(self) -> "Telling":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def guessed(self, guesses: tuple[Guess, ...]) -> None:
        """List the guesses, with how to overrule them."""
        if guesses:
            self._say("[bold]Decided for you[/] (name an option to say otherwise):")
        for guess in guesses:
            what, value, why = (escape(visible(text)) for text in (guess.what, guess.value, guess.why))
            self._say(f"  [cyan]{what}[/] = {value}  [dim]{why}[/]")

    def moved(self, replayed: Replayed) -> None:
        """Move the bar."""
        done, total = replayed.sent, replayed.rows
        fields = {"rate": replayed.rate, "refused": replayed.refused}
        self._progress.update(self._task, total=total, completed=done, visible=True, **fields)  # type: ignore[arg-type]

    def _say(self, text: str) -> None:
        """One line; broken between words in a terminal, left whole in a file."""
        self._console.print(text, soft_wrap=not self._console.is_terminal)
