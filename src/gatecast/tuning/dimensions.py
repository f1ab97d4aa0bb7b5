"""One setting that is searched: the values it may take, how one is proposed, and how one is told.

A value is proposed as a number or a word that a study can store (a place on a ladder, a label, a number), and comes out
as settings.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final, runtime_checkable

import msgspec

Values = tuple[Any, ...]
Settings = dict[str, Any]
"""Values by the full names of settings."""


@runtime_checkable
class Asking(Protocol):
    """Whoever proposes values: a trial of Optuna."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """A number between two others."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> Any:  # noqa: ANN401 - Optuna's own type
        """One of some words."""
        ...


@runtime_checkable
class Dimension(Protocol):
    """Something that is searched.

    Attributes:
        key: its name in the study.
        when: the values of earlier dimensions, by their keys, under which it is searched at all.
    """

    key: str
    when: Mapping[str, Values]

    def propose(self, trial: Asking) -> Any:  # noqa: ANN401 - of any type
        """A value."""
        ...

    def settings(self, value: Any) -> Settings:  # noqa: ANN401
        """What a value means."""
        ...

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The value that settings say, and how the study stores it; None where it has no such value."""
        ...


@final
class Ladder(msgspec.Struct, frozen=True):
    """Numbers in ascending order; the study stores the place, so that neighbours are neighbours."""

    key: str
    setting: str
    values: Values
    when: dict[str, Values] = {}

    def propose(self, trial: Asking) -> Any:  # noqa: ANN401
        """One of the numbers."""
        return self.values[trial.suggest_int(self.key, 0, len(self.values) - 1)]

    def settings(self, value: Any) -> Settings:  # noqa: ANN401
        """The setting."""
        return {self.setting: value}

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The number and its place."""
        value = known.get(self.setting)
        return (value, self.values.index(value)) if value in self.values else None


@final
class Span(msgspec.Struct, frozen=True):
    """A number between two others, on a logarithmic scale."""

    key: str
    setting: str
    low: float
    high: float
    when: dict[str, Values] = {}

    def propose(self, trial: Asking) -> float:
        """A number, with three digits: more of them are noise to whoever reads them."""
        return float(f"{trial.suggest_float(self.key, self.low, self.high, log=True):.3g}")

    def settings(self, value: float) -> Settings:
        """The setting."""
        return {self.setting: value}

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The number itself."""
        value = known.get(self.setting)
        return (value, value) if isinstance(value, float) and self.low <= value <= self.high else None


@final
class Choice(msgspec.Struct, frozen=True):
    """Words in no order, each of which may mean several settings at once."""

    key: str
    options: dict[str, Settings]
    when: dict[str, Values] = {}

    def propose(self, trial: Asking) -> str:
        """One of the words."""
        return str(trial.suggest_categorical(self.key, tuple(self.options)))

    def settings(self, value: str) -> Settings:
        """All that the word means."""
        return dict(self.options[value])

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The word whose settings these are."""
        for word, settings in self.options.items():
            if all(known.get(name) == value for name, value in settings.items()):
                return word, word
        return None
