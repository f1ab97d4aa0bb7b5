"""Who is told what happens during a fit: a terminal, or nobody."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, final, runtime_checkable

from gatecast.data.columns import Guess
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord


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
