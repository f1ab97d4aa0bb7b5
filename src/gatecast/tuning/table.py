"""The table that is searched, cut and settled as `gatecast fit` does it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from gatecast.choosing import Chosen, choose
from gatecast.data.categories import recode, seen_categories
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.sources import Source
from gatecast.data.splits import Split, split_by_time
from gatecast.training.devices import device_named
from gatecast.tuning.building import space_for
from gatecast.tuning.space import Space
from gatecast.workflow import FitOptions, build_options
from gatecast.workflow.options import flatten, said_settings
from gatecast.workflow.runs import fingerprint


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table, and what is searched of it.

    Attributes:
        source: where it came from.
        options: what was said.
        said: the full names of the settings that were said.
        panel: the table.
        split: where its parts end.
        chosen: what `gatecast fit` would do.
        space: what is searched.
        guesses: what was decided because nobody said it.
    """

    source: Source
    options: FitOptions
    said: frozenset[str]
    panel: Panel
    split: Split
    chosen: Chosen
    space: Space
    guesses: tuple[Guess, ...]

    def task(self) -> dict[str, Any]:
        """What a search that goes on must have in common with the one that was begun."""
        return {
            "data": fingerprint(self.source, self.panel),
            "asked": flatten(msgspec.to_builtins(self.options)),
            "said": sorted(self.said),
            "space": msgspec.to_builtins(self.space),
        }


def prepare(source: Source, settings: dict[str, Any]) -> Prepared:
    """Read, split, choose, and see what is left open.

    Raises:
        InputError: the table cannot be learnt from.
        OptionError: a setting cannot be, or nothing is left to search.
    """
    options, said = build_options(settings), frozenset(said_settings(settings))
    device_named(options.training.device)
    panel, guesses = load_panel(source, options.table)
    shares = options.evaluation
    shares.check_scored()
    split = split_by_time(panel, options.horizon, shares.validation, shares.test)
    panel = recode(panel, seen_categories(panel, split.train_end))
    chosen = choose(panel, split, options)
    space = space_for(panel, split, options, chosen, said)
    return Prepared(source, options, said, panel, split, chosen, space, (*guesses, *chosen.guesses))
