"""What is searched of one table: dimensions in order, of which some depend on what was proposed before."""

from collections.abc import Callable, Mapping
from typing import Any, final

import msgspec

from gatecast.tuning.dimensions import Asking, Dimension, Settings

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

    dimensions: tuple[Dimension, ...]
    known: Settings
    fixed: Settings

    def propose(self, trial: Asking) -> Settings:
        """The settings of a trial: what is settled, and what is proposed."""
        return self._walk(self.known, lambda each, _: each.propose(trial))

    def usual(self) -> Settings:
        """The settings of the trial that does what `gatecast fit` would do."""
        return self._find(self.known)[0]

    def encode(self, **changed: Any) -> Point:  # noqa: ANN401 - settings, by their full names
        """The point of the settled settings with some changes, where the dimensions have them."""
        return self._find(self.known | changed)[1]

    def _find(self, wished: Settings) -> tuple[Settings, Point]:
        """The nearest trial to what is wished: where a dimension has no such value, it has the usual one."""
        point = Point()

        def find(each: Dimension, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
            found = each.find(known) or each.find(self.known)
            if found is None:
                return None
            value, point[each.key] = found
            return value

        return self._walk(wished, find), point

    def _walk(self, known: Settings, value_of: Callable[[Dimension, Mapping[str, Any]], Any]) -> Settings:
        """Go through the dimensions that apply, in order, each knowing what those before it came to."""
        settings, values = dict(self.fixed), dict(known)
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
        return tuple(dict.fromkeys(name for each in self.dimensions if each.is_open for name in each.names))

    def shown_as(self) -> dict[str, str]:
        """The setting that each dimension is shown as, by its key."""
        return {each.key: each.names[0] for each in self.dimensions if each.is_open}
