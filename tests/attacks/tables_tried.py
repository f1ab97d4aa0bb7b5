"""A table is tried: through Python, through `gatecast fit`, and through the reader of tables of any size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from ledger import Ledger
from trying import Outcome, tried

from gatecast.cli import main
from gatecast.data.columns import Guess, TableOptions
from gatecast.data.longtable import long_table
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel, read_table

USUAL = ("time", "target", "frequency")
SHOWN, LONG = 6, 60
VALUES = (1, 2, 4, 3, 5, 9, 7, 8)


def daily(*cells: object, separator: str = ",", name: str = "y") -> str:
    """A table of days with these cells."""
    rows = [f"2024-01-{day:02d}{separator}{cell}" for day, cell in enumerate(cells, start=1)]
    return "\n".join([f"ds{separator}{name}", *rows, ""])


def dated(*times: str) -> str:
    """A table with these times, and 1, 2, 4, 3, 5, ... beside them."""
    return "\n".join(["ds,y", *(f"{time},{value}" for time, value in zip(times, VALUES, strict=False)), ""])


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    """The file that holds it, byte for byte."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def looked(source: object, folder: Path, **options: object) -> Outcome:
    """What comes of reading it to learn from."""
    return tried(lambda: load_panel(source, TableOptions(**options)), folder)  # type: ignore[arg-type]


def hold_refused(room: str, abuse: str, source: object, folder: Path, **options: object) -> str:
    """It is refused as the book says; returns the message."""
    message = looked(source, folder, **options).refused()
    Ledger(room).enter(abuse, f"refused: {message.replace(str(Path.cwd()), 'HERE')}")
    assert message[-1] in ".)", "a refusal ends with what to do"
    return message


def hold_command_refuses(path: Path, folder: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`gatecast fit` says the same, in exit code 1, without a traceback, and leaves nothing behind."""
    capsys.readouterr()
    assert main(["fit", str(path), "--out", str(folder / "run")]) == 1
    said = capsys.readouterr().err
    assert "".join(message.split()) in "".join(said.replace(f"{folder}/", "").split())
    assert "Traceback" not in said
    assert not (folder / "run").exists()


def hold_refused_everywhere(room: str, abuse: str, path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """It is refused in the same words through Python, by `gatecast fit`, and as a table of any size; returns these."""
    message = hold_refused(room, abuse, path, folder)
    hold_command_refuses(path, folder, message, capsys)
    hold_streamed_alike(path, folder)
    return message


def hold_read(
    room: str, abuse: str, source: object, folder: Path, values: Sequence[float | None], **options: object
) -> Panel:
    """It is read as these values of the target (None is missing), and the book says so with whatever was guessed."""
    panel, guesses = looked(source, folder, **options).accepted()
    expected = np.asarray([np.nan if value is None else value for value in values], dtype=np.float32)
    assert np.array_equal(panel.targets[:, 0], expected, equal_nan=True), panel.targets[:, 0].tolist()
    Ledger(room).enter(abuse, f"read: {said_of(panel, guesses)}")
    return panel


def hold_read_alike(room: str, abuse: str, path: Path, folder: Path, values: Sequence[float | None]) -> Panel:
    """It is read as these values, and as the same cells where it is a table of any size."""
    panel = hold_read(room, abuse, path, folder, values)
    hold_streamed_alike(path, folder)
    return panel


def hold_streamed_alike(path: Path, folder: Path) -> None:
    """The reader of tables of any size gives the same cells, or refuses too."""
    whole = tried(lambda: read_table(path), folder)
    streamed = tried(lambda: pl.concat(list(long_table(path).stretches())), folder)
    if whole.refusal is not None:
        assert streamed.refused() == whole.message
    else:
        assert streamed.accepted().equals(whole.result)


def said_of(panel: Panel, guesses: tuple[Guess, ...]) -> str:
    """What a table has become, in a line."""
    values = [_number(value) for value in panel.targets[:, 0].tolist()]
    more = [f"... {len(values)} rows"] if len(values) > SHOWN else []
    start = f"{panel.frequency.name} from {_time(panel.times[0])}" if panel.columns.time else "rows without dates"
    parts = [f"{_name(panel.columns.target[0])} = {', '.join([*values[:SHOWN], *more])}", start]
    if panel.columns.id:
        parts.append(f"series {', '.join(panel.ids)}")
    if panel.columns.past:
        parts.append(f"with {', '.join(panel.columns.past[:SHOWN])}")
    return "; ".join([*parts, *(str(guess) for guess in guesses if guess.what not in USUAL or guess.value == "none")])


def _name(name: str) -> str:
    return name if len(name) <= LONG else f"{name[:LONG]}... ({len(name):,} characters)"


def _number(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:.7g}"


def _time(time: Any) -> str:
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")
