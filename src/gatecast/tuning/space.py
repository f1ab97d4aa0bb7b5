"""What is searched of one table: dimensions in order, of which some depend on what was proposed before."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import msgspec

from gatecast.tuning.dimensions import Asking, Choice, Dimension, Ladder, Settings, Span

Point = dict[str, Any]
"""Stored values by the keys of dimensions: what a study knows of a trial."""


@final
class Space(msgspec.Struct, frozen=True):
    """Dimensions, and what is settled.

    Attributes:
        dimensions: what is searched, in order.
        known: every setting by its full name, as `gatecast fit` would settle it.
        fixed: the settings that every trial has and no dimension decides.
    """

    dimensions: tuple[Ladder | Span | Choice, ...]
    known: Settings
    fixed: Settings

    def propose(self, trial: Asking) -> Settings:
        """The settings of a trial: what is settled, and what is proposed."""
        return self._walk(self.known, lambda each, _: each.propose(trial))

    def encode(self, **changed: Any) -> Point:  # noqa: ANN401 - settings, by their full names
        """The point of the settled settings with some changes, where the dimensions have them."""
        wished, point = self.known | changed, Point()

        def find(each: Dimension, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
            found = each.find(known | {name: wished[name] for name in changed}) or each.find(self.known)
            if found is None:
                return None
            value, point[each.key] = found
            return value

        self._walk(wished, find)
        return point

    def _walk(self, known: Settings, value_of: Callable[[Dimension, Mapping[str, Any]], Any]) -> Settings:
        """Go through the dimensions that apply; those that do not leave their settings as `settle` has them."""
        settings, values = dict(self.fixed), {name: known[name] for name in known}
        for each in self.dimensions:
            if not all(values.get(key) in allowed for key, allowed in each.when.items()):
                continue
            value = value_of(each, known)
            if value is None:
                continue
            values[each.key] = value
            settings |= each.settings(value)
            values |= each.settings(value)
        return settings

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that are searched, by their full names."""
        return tuple(dict.fromkeys(name for each in self.dimensions for name in _names(each)))

    def keys(self) -> Iterator[tuple[str, str]]:
        """Each dimension's key, and the setting that it is shown as."""
        for each in self.dimensions:
            yield each.key, _names(each)[0]


def _names(each: Ladder | Span | Choice) -> list[str]:
    if isinstance(each, Choice):
        return list(dict.fromkeys(name for settings in each.options.values() for name in settings))
    return [each.setting]
