"""`Search`: what `gatecast.tune` returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from gatecast.tuning.records import SearchRecord, TrialRecord
from gatecast.workflow import FitOptions, Model


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
        return self.record.winner

    @property
    def defaults(self) -> TrialRecord | None:
        """The trial that did what `gatecast fit` would have done."""
        return self.record.usual

    def report(self, path: str | Path) -> Path:
        """Write the page of the search, with the model scored on the test part, as one HTML file that opens offline."""
        from gatecast.tuning.page import write_page  # noqa: PLC0415 - charts are loaded when wanted

        return write_page(self.record, self.model.about.data.get("name", ""), self.model.backtest().metrics, path)
