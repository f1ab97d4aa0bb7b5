"""The rows of a file in the order of time, as observations of a model, each block with a key of its own."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import final

import msgspec
import numpy as np
from jaxtyping import Float32

from gatecast.data.categories import UNKNOWN
from gatecast.data.columns import Columns, Guess, TableOptions
from gatecast.data.frequency import show_time
from gatecast.data.irregular import without_gap
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel, read_table
from gatecast.data.table import name_list
from gatecast.errors import ColumnError
from gatecast.server.wire import ModelCard, Number, Observation


@final
class FileRows:
    """Rows by their place in time; rows of one time by the place of their series in the file.

    Rows without any value are left out, those that a gap of the table was filled with among them: the server sees the
    gap by itself.

    Args:
        panel: the file as a table.
        card: the model that observes it, which settles what each row tells.
        digest: of the file.
    """

    def __init__(self, panel: Panel, card: ModelCard, digest: str) -> None:
        self._panel, self._columns = panel, without_gap(panel.columns, panel.frequency)
        self._targets = tuple(card.targets) if len(card.targets) > 1 else ()
        self._codes = np.repeat(np.arange(len(panel.ids)), panel.lengths)
        told = np.flatnonzero(np.isfinite(panel.values[:, : len(self._columns.channels)]).any(axis=1))
        self._order = told[np.lexsort((self._codes[told], panel.times[told]))]
        self._digest = hashlib.sha256(digest.encode() + msgspec.json.encode(self._columns)).hexdigest()[:32]

    def __len__(self) -> int:
        return len(self._order)

    @property
    def dated(self) -> bool:
        """Whether rows carry times, not just numbers."""
        return self._panel.dated

    @property
    def names(self) -> tuple[str, ...]:
        """The series."""
        return self._panel.ids

    def seconds(self, place: int) -> float:
        """The time of a row, in seconds after the first."""
        first, own = (self._panel.times[self._order[each]] for each in (0, place))
        return float((own - first) / np.timedelta64(1, "s"))

    def told(self, place: int) -> str:
        """A row for people: its number, series and time."""
        row = self._order[place]
        name, time = self._panel.ids[self._codes[row]], show_time(self._panel.times[row])
        return f'row {place + 1:,} of {len(self):,} (series "{name}" at {time})'

    def key(self, block: range) -> str:
        """The Idempotency-Key of a block: that of the same rows of the same file, whoever sends them."""
        return f"{self._digest}-{block.start}-{block.stop}"

    def observations(self, block: range) -> list[Observation]:
        """The rows at some places."""
        rows = self._order[block.start : block.stop]
        times = self._panel.times[rows].tolist()
        whens = [time.isoformat() for time in times] if self.dated else times
        names, count = self._columns.channels, len(self._columns.target)
        columns = (self._cells(channel, rows) for channel in range(len(names)))
        return [
            Observation(
                self._panel.ids[code],
                when,
                self._target(row[:count]),
                dict(zip(names[count:], row[count:], strict=True)),
            )
            for code, when, row in zip(self._codes[rows].tolist(), whens, zip(*columns, strict=True), strict=True)
        ]

    def _target(self, cells: Sequence[float | None]) -> Number | dict[str, Number]:
        return dict(zip(self._targets, cells, strict=True)) if self._targets else cells[0]

    def _cells(self, channel: int, rows: np.ndarray) -> list[float | None] | list[str | None]:
        values, name = self._panel.values[rows, channel], self._columns.channels[channel]
        if name not in self._columns.categories:
            return shortest(values)
        words = self._columns.categories[name]
        return [None if np.isnan(code) or code == UNKNOWN else words[int(code) - 1] for code in values]


def read_rows(path: Path, said: TableOptions, card: ModelCard) -> tuple[FileRows, tuple[Guess, ...]]:
    """Read a file as a model observes it: what is not said is guessed, but for the columns that the model names.

    Args:
        path: a CSV, TSV, Parquet or Arrow file.
        said: what is known about the table.
        card: the model.

    Raises:
        ColumnError: the file lacks a column that the model reads.
        InputError: the file cannot be read, as in `load_panel`.
    """
    kept = card.frequency if card.frequency in ("irregular", "1row") else None
    names = set(read_table(path).columns)
    panel, guesses = load_panel(
        path,
        msgspec.structs.replace(
            said,
            id=said.id or (card.id if card.id in names else None),
            target=said.target or (tuple(card.targets) if names.issuperset(card.targets) else None),
            past=tuple(card.past),
            future=tuple(card.future),
            frequency=kept,
        ),
    )
    _check_targets(panel.columns, card)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRows(panel, card, digest), guesses


def _check_targets(columns: Columns, card: ModelCard) -> None:
    if len(card.targets) > 1 and columns.target != tuple(card.targets):
        raise ColumnError(
            f"the model forecasts several targets together, {name_list(card.targets)}, and the file has "
            f"{name_list(columns.target)}. Name its columns as the model does."
        )


def shortest(values: Float32[np.ndarray, " rows"]) -> list[float | None]:
    """Each value by the fewest digits that tell it from its neighbours in 32 bits, which is what a table keeps."""
    return [None if np.isnan(value) else float(str(value)) for value in values]
