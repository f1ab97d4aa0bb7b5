"""One setting that is searched: the values it may take, how one is proposed, and how one is told.

A value is proposed as a number or a word that a study can store (a place on a ladder, a label, a number), and comes out
as settings.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

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


@final
class Ladder(msgspec.Struct, frozen=True):
    """Numbers in ascending order; the study stores the place, so that neighbours are neighbours.

    Attributes:
        key: its name in the study.
        setting: the full name of what it decides.
        values: the numbers.
        when: the values of earlier dimensions, by key or setting, under which it is searched at all.
    """

    key: str
    setting: str
    values: Values
    when: dict[str, Values] = {}

    @property
    def is_open(self) -> bool:
        """Whether it has more than one rung."""
        return len(self.values) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The one setting."""
        return (self.setting,)

    def reach(self) -> dict[str, Values]:
        """Its rungs."""
        return {self.setting: self.values}

    def propose(self, trial: Asking) -> Any:  # noqa: ANN401
        """One of the numbers; a single one is not asked for."""
        return (
            self.values[0]
            if len(self.values) == 1
            else self.values[trial.suggest_int(self.key, 0, len(self.values) - 1)]
        )

    def settings(self, value: Any) -> Settings:  # noqa: ANN401
        """The setting."""
        return {self.setting: value}

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The number and its place."""
        value = known.get(self.setting)
        return (value, self.values.index(value)) if value in self.values else None


@final
class Span(msgspec.Struct, frozen=True):
    """A number between two others, on a logarithmic scale; otherwise as a ladder."""

    key: str
    setting: str
    low: float
    high: float
    when: dict[str, Values] = {}

    @property
    def is_open(self) -> bool:
        """Always."""
        return True

    @property
    def names(self) -> tuple[str, ...]:
        """The one setting."""
        return (self.setting,)

    def reach(self) -> dict[str, Values]:
        """Nothing: nobody depends on one number of a span."""
        return {}

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
    """Words in no order, each of which may mean several settings at once; shown as the first of them."""

    key: str
    options: dict[str, Settings]
    when: dict[str, Values] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is more than one word."""
        return len(self.options) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """Every setting that a word says anything of."""
        return tuple(dict.fromkeys(name for settings in self.options.values() for name in settings))

    def reach(self) -> dict[str, Values]:
        """Its words, and where a word means one setting, that one's values; nobody depends on a list."""
        every = (value for settings in self.options.values() for value in settings.values())
        values = tuple(value for value in every if not isinstance(value, list))
        return {self.key: tuple(self.options)} | ({self.names[0]: values} if len(self.names) == 1 else {})

    def propose(self, trial: Asking) -> str:
        """One of the words; a single one is not asked for."""
        words = tuple(self.options)
        return words[0] if len(words) == 1 else str(trial.suggest_categorical(self.key, words))

    def settings(self, value: str) -> Settings:
        """All that the word means."""
        return dict(self.options[value])

    def find(self, known: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """The word whose settings these are."""
        for word, settings in self.options.items():
            if all(known.get(name) == value for name, value in settings.items()):
                return word, word
        return None


Dimension: TypeAlias = Ladder | Span | Choice
