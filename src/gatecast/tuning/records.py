"""What is kept of a search: every trial as a value, in search.json."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

Status = Literal["done", "pruned", "stopped", "failed"]


class TrialRecord(Struct, frozen=True):
    """One trial.

    Attributes:
        number: its place, from 0.
        status: `done`; `pruned`: others had done better after the same share; `stopped`: the time was spent; `failed`.
        settings: what it tried, by the full names of settings.
        loss: the lowest validation loss; None where it failed before its first look.
        share: per cent of its training at its last look; early stopping ends below 100.
        seconds: it took.
        looks: the lowest validation loss so far, by per cent of the training.
        reason: why it failed.
    """

    number: int
    status: Status
    settings: dict[str, Any]
    loss: float | None
    share: int
    seconds: float
    looks: dict[int, float]
    reason: str = ""


class SearchRecord(Struct, frozen=True):
    """search.json.

    Attributes:
        searched: the full names of the settings that were searched.
        best: the number of the trial with the lowest validation loss.
        defaults: the number of the trial that did what `gatecast fit` would do; None where there was none.
        trials: all of them.
        importance: what share each setting had in a loss being low; empty where too few trials were finished to tell.
    """

    searched: tuple[str, ...]
    best: int
    defaults: int | None
    trials: tuple[TrialRecord, ...]
    importance: dict[str, float]

    @property
    def winner(self) -> TrialRecord:
        """The trial with the lowest validation loss."""
        return self.trials[self.best]

    @property
    def usual(self) -> TrialRecord | None:
        """The trial that did what `gatecast fit` would do."""
        return None if self.defaults is None else self.trials[self.defaults]


def best_of(trials: Sequence[TrialRecord]) -> TrialRecord | None:
    """The trial with the lowest validation loss, the earliest of equal ones; None where none has any.

    One that was stopped before its end counts as well: its loss is what it has shown already.
    """
    losses = {trial.number: trial.loss for trial in trials if trial.loss is not None}
    best = min(losses, key=losses.__getitem__, default=None)
    return next((trial for trial in trials if trial.number == best), None)


def search_to_json(record: SearchRecord) -> bytes:
    """search.json."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)
