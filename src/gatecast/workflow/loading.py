"""The table of a fit: one file or frame, held by every worker, or a folder of partitions, shared out among them.

Of a folder every worker reads its own partitions, so nobody holds all of it.  What must be known of all series is told
from one to another: their names, where the parts end, how many rows there are to learn from.  What is left open is
settled on a few series of the first partition, so that it does not hang on the number of workers.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatecast.choosing import Chosen, choose
from gatecast.data.categories import recode, seen_categories
from gatecast.data.columns import Columns, Guess
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel, joined_panels, some_series
from gatecast.data.partitions import is_folder, partitions_of
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.data.sources import Source
from gatecast.data.splits import Cut, Split, split_by_time
from gatecast.errors import OptionError, TableError
from gatecast.training.group import Group, by_first
from gatecast.training.workers import Workers
from gatecast.workflow import runs
from gatecast.workflow.options import FitOptions

MOST_LOOKED_AT = 200
"""Series of a folder that what is left open is settled on, and that a run of several workers is scored on."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A table, cut into parts, and what was settled.

    Attributes:
        panel: the table, or the series of it that this worker holds.
        split: where its parts end.
        chosen: the configuration.
        guesses: what was decided while reading it.
        fingerprint: of the whole table.
        workers: who trains, and whether each holds series of its own.
    """

    panel: Panel
    split: Split
    chosen: Chosen
    guesses: tuple[Guess, ...]
    fingerprint: dict[str, str]
    workers: Workers


def load_for_fit(source: Source, options: FitOptions, group: Group) -> Loaded:
    """Read what this worker learns from, and settle what was left open.

    Raises:
        InputError: the table cannot be learnt from.
        OptionError: there are more workers than partitions.
    """
    if isinstance(source, str | Path) and is_folder(Path(source)):
        return _load_folder(Path(source), options, group)
    panel, guesses = load_panel(source, options.table)
    shares = options.evaluation
    split = split_by_time(panel, options.horizon, shares.validation, shares.test)
    panel = recode(panel, seen_categories(panel, split.train_end))
    chosen = by_first(group, lambda: choose(panel, split, options))
    workers = Workers(group, options.training.pieces)
    return Loaded(panel, split, chosen, guesses, runs.fingerprint(source, panel), workers)


def _load_folder(folder: Path, options: FitOptions, group: Group) -> Loaded:
    files = partitions_of(folder)
    sharing = Workers(group, options.training.pieces)
    if len(files) < sharing.of_all:
        what = "pieces" if sharing.pieces > 1 else "workers"
        raise OptionError(
            f"{folder} holds {len(files)} partition{'s' * (len(files) > 1)}, and each of {sharing.of_all} {what} needs "
            f"one: take fewer {what}, or cut the table into more by `gatecast partition`."
        )
    groups = [files_of(files, number, sharing.of_all) for number in sharing.numbers]
    mine = tuple(path for own in groups for path in own)
    panels, guesses = _read(mine, options, group)
    panel = joined_panels(panels)
    held = _series_of(groups, panels) if sharing.of_all > 1 else None
    workers = Workers(group, sharing.pieces, held)
    _check_names(workers.names(panel.ids), folder)
    shares = options.evaluation

    def longest_of_all(own: Cut) -> Cut:
        return max(group.gather(own), key=lambda cut: cut.rows)

    split = split_by_time(panel, options.horizon, shares.validation, shares.test, longest_of_all)
    few, ends = some_of(panel, split, len(panels[0].ids))
    vocabulary = group.first(seen_categories(few, ends.train_end))
    panel, few = recode(panel, vocabulary), recode(few, vocabulary)
    rows = workers.count(int(split.train_end.sum()))
    chosen = by_first(group, lambda: choose(few, ends, options, rows))
    return Loaded(panel, split, chosen, guesses, _fingerprint(folder, mine, group), workers)


def _series_of(groups: list[tuple[Path, ...]], panels: list[Panel]) -> tuple[int, ...]:
    """How many series lie in each group of partitions."""
    counts = iter([len(panel.ids) for panel in panels])
    return tuple(sum(next(counts) for _ in group) for group in groups)


def files_of(files: tuple[Path, ...], rank: int, world: int) -> tuple[Path, ...]:
    """The partitions of one piece: neighbours, at least one, and about as many bytes as every other's."""
    sizes = np.cumsum([path.stat().st_size for path in files])
    ends = np.searchsorted(sizes, sizes[-1] * np.arange(1, world) / world) + 1
    for worker in range(world - 1):  # at least one each, and enough left for those to come
        least = worker + 1 if worker == 0 else int(ends[worker - 1]) + 1
        ends[worker] = min(max(int(ends[worker]), least), len(files) - (world - 1 - worker))
    bounds = [0, *ends.tolist(), len(files)]
    return files[bounds[rank] : bounds[rank + 1]]


def some_of(panel: Panel, split: Split, series: int) -> tuple[Panel, Split]:
    """At most `MOST_LOOKED_AT` of the first `series` of a panel, and where their parts end."""
    keep = np.arange(min(series, MOST_LOOKED_AT))
    ends = (split.train_end, split.validation_end, split.test_end)
    return some_series(panel, keep), Split(*(end[keep] for end in ends))


def _read(files: tuple[Path, ...], options: FitOptions, group: Group) -> tuple[list[Panel], tuple[Guess, ...]]:
    """The panels of some partitions, read as the first of all is."""
    held: list[Panel] = []

    def guess() -> tuple[Columns, Frequency, tuple[Guess, ...]]:
        panel, guesses = load_panel(files[0], options.table)
        held.append(panel)
        return panel.columns, panel.frequency, guesses

    columns, frequency, guesses = by_first(group, guess)
    held += [load_panel_like(path, columns, frequency, options.table) for path in files[len(held) :]]
    return held, guesses


def _check_names(names: tuple[str, ...], folder: Path) -> None:
    for name, count in Counter(names).most_common(1):
        if count > 1:
            raise TableError(
                f'series "{name}" stands in {count} partitions of {folder}, and each must hold whole series: write '
                f"them anew by `gatecast partition`."
            )


def _fingerprint(folder: Path, mine: tuple[Path, ...], group: Group) -> dict[str, str]:
    """Name, size and sha256 of a folder's partitions; each worker reads its own."""
    said = [print_ for prints in group.gather([runs.file_fingerprint(path) for path in mine]) for print_ in prints]
    digest = hashlib.sha256("\n".join(f"{each['name']} {each['sha256']}" for each in said).encode()).hexdigest()
    return {"name": folder.name, "bytes": str(sum(int(each["bytes"]) for each in said)), "sha256": digest}
