"""What is kept of a search: every trial as a value, in search.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import msgspec
from msgspec import Struct

from gatecast.workflow import FitOptions, Model

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


@final
@dataclass(frozen=True, eq=False)
class Search:
    """What `gatecast.tune` returns.

    Attributes:
        record: every trial.
        options: those of the best trial, for `gatecast.fit`.
        model: the best trial's settings, fitted by `gatecast.fit`.
    """

    record: SearchRecord
    options: FitOptions
    model: Model

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """All of them, in the order in which they were begun."""
        return self.record.trials

    @property
    def best(self) -> TrialRecord:
        """The trial with the lowest validation loss."""
        return self.trials[self.record.best]

    @property
    def defaults(self) -> TrialRecord | None:
        """The trial that did what `gatecast fit` would have done."""
        return None if self.record.defaults is None else self.trials[self.record.defaults]

    def report(self, path: str | Path) -> Path:
        """Write the page of the search, with the model scored on the test part, as one HTML file that opens offline."""
        from gatecast.tuning.page import write_page  # noqa: PLC0415 - charts are loaded when wanted

        return write_page(self, self.model.backtest().metrics, path)


def best_of(trials: Sequence[TrialRecord]) -> TrialRecord | None:
    """The trial with the lowest validation loss, the earliest of equal ones; None where none has any.

    One that was stopped before its end counts as well: its loss is what it has shown already.
    """
    losses = {trial.number: trial.loss for trial in trials if trial.loss is not None}
    best = min(losses, key=losses.__getitem__, default=None)
    return next((trial for trial in trials if trial.number == best), None)


def short(name: str) -> str:
    """A setting as it is said on the command line: the last part of its full name."""
    return name.rpartition(".")[2]


def search_to_json(record: SearchRecord) -> bytes:
    """search.json."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)
