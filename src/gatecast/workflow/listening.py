"""Who is told what happens during a fit: a terminal, a film, several of them, or nobody."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import RecurrentForecaster
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord


@dataclass(frozen=True, eq=False)
class Look:
    """The net as it is now, to be looked at, not to be changed.

    Attributes:
        record: of the step before it.
        forecaster: the net.
        panel: the table.
        split: where its parts end.
    """

    record: StepRecord
    forecaster: RecurrentForecaster
    panel: Panel
    split: Split


@runtime_checkable
class Listener(Protocol):
    """Told about a fit as it goes on."""

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Say what was decided because nobody said it."""

    def stage(self, text: str) -> None:
        """Say that a part of the work begins."""

    def training(self, config: TrainingConfig, first_step: int) -> AbstractContextManager[None]:
        """Say that training begins, or goes on after `first_step`; it ends with the context, however it ends."""
        ...

    def step(self, record: StepRecord) -> None:
        """Say that a training step was taken."""

    def looked(self, look: Look) -> None:
        """Show the net, on the CPU: after the first steps, and at each look at the validation part."""


@final
class Silent:
    """Nobody listens."""

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Say nothing."""

    def stage(self, text: str) -> None:
        """Say nothing."""

    def training(self, config: TrainingConfig, first_step: int) -> AbstractContextManager[None]:  # noqa: ARG002
        """Say nothing."""
        return nullcontext()

    def step(self, record: StepRecord) -> None:
        """Say nothing."""

    def looked(self, look: Look) -> None:
        """Say nothing."""


@final
class Together:
    """Several listeners, told one after another."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.guessed(guesses)

    def stage(self, text: str) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.stage(text)

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:
        """Tell all of them, and all of them how it ends."""
        with ExitStack() as all_of_them:
            for listener in self._listeners:
                all_of_them.enter_context(listener.training(config, first_step))
            yield

    def step(self, record: StepRecord) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.step(record)

    def looked(self, look: Look) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.looked(look)
