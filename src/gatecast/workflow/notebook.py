"""A notebook as a listener: one output that is drawn anew as a fit goes on, instead of a line a step."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

from gatecast.data.columns import Guess
from gatecast.showing import Card, Curve, number, thinned
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow.listening import Listener, Look, Silent

EVERY = 0.25  # seconds between two drawings


def listener_here() -> Listener:
    """Whoever is told when nobody was named: the notebook that Python runs in, if it does; else nobody."""
    return Notebook() if in_notebook() else Silent()


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code; nothing is imported to find out."""
    kernel, shell = sys.modules.get("ipykernel.zmqshell"), sys.modules.get("IPython")
    return kernel is not None and shell is not None and isinstance(shell.get_ipython(), kernel.ZMQInteractiveShell)


@final
class Notebook:
    """Shows what was decided, a bar with the losses, and at the end what came of it."""

    def __init__(self) -> None:
        self._shown: Any = None  # IPython's handle of the output
        self._guesses: tuple[tuple[str, str], ...] = ()
        self._stage, self._drawn = "", 0.0
        self._step, self._most, self._budget = 0, 0, ""
        self._losses: list[float] = []
        self._validation: list[float] = []

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Fold them away below the bar."""
        self._guesses = tuple((f"{guess.what} = {guess.value}:", guess.why) for guess in guesses)
        self._draw()

    def stage(self, text: str) -> None:
        """Put it where the last one was."""
        self._stage = text
        self._draw()

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:
        """Follow the training, and show the last step however it ends."""
        self._step, self._most, self._budget = first_step, config.steps, str(config.budget or "")
        try:
            yield
        finally:
            self._draw()

    def step(self, record: StepRecord) -> None:
        """Note the losses; draw a few times a second."""
        self._step = record.step
        self._losses.append(record.loss)
        if record.validation is not None:
            self._validation.append(record.validation)
        if time.monotonic() - self._drawn > EVERY:
            self._draw()

    def looked(self, look: Look) -> None:
        """The card shows the validation loss already."""

    def card(self) -> Card:
        """What there is to see now."""
        losses = (("loss", self._losses), ("validation", self._validation))
        return Card(
            title=self._title(),
            columns=("", "newest", "lowest", "so far"),
            rows=tuple(
                (name, number(values[-1]), number(min(values)), Curve(thinned(values)))
                for name, values in losses
                if values
            ),
            below=self._stage,
            folded=self._guesses,
            fold="Decided for you (name an option to say otherwise)",
        )

    def _title(self) -> str:
        if not self._step:
            return "gatecast fit"
        if self._budget:
            return f"step {self._step:,}, within {self._budget}"
        done = round(20 * self._step / max(1, self._most))
        return f"{'█' * done}{'░' * (20 - done)} step {self._step:,} of {self._most:,}"

    def _draw(self) -> None:
        from IPython.display import HTML, display  # noqa: PLC0415 - there is a notebook

        self._drawn = time.monotonic()
        page = HTML(self.card().html())
        if self._shown is None:
            self._shown = display(page, display_id=True)
        else:
            self._shown.update(page)
