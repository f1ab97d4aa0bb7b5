"""README.md beside this file: a row for every abuse, with what comes of it; a test that sees otherwise fails.

Tests write to it only when asked: `GATECAST_PUBLISH=1 python -m pytest tests/attacks` enters what it sees.
"""

import os
import re
from pathlib import Path

BOOK = Path(__file__).with_name("README.md")
PUBLISH = "GATECAST_PUBLISH"
COUNTS = "| room | abuses | refused |"
HEAD = ("| abuse | what comes of it |", "|---|---|")


class Ledger:
    """The rows of one room, which is a section of the book.

    Args:
        room: the title of the section.
    """

    def __init__(self, room: str) -> None:
        self.room = room

    def enter(self, abuse: str, outcome: str) -> None:
        """Hold the outcome against the book, or write it there when asked to publish.

        Raises:
            AssertionError: the book says otherwise, or nothing.
        """
        if os.environ.get(PUBLISH):
            _publish(self.room, _cell(abuse), _cell(outcome))
        rows = sections(BOOK.read_text(encoding="utf-8")).get(self.room, {})
        said = rows.get(_cell(abuse))
        assert said == _cell(outcome), f"README.md says {said!r}; after looking at it, publish: {PUBLISH}=1"


def sections(book: str) -> dict[str, dict[str, str]]:
    """Title to rows, abuse to outcome."""
    found: dict[str, dict[str, str]] = {}
    for part in book.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        lines = [line for line in rest.splitlines() if line.startswith("| ") and line != HEAD[0]]
        found[title] = dict(_cells(line) for line in lines)
    return found


def counted(book: str) -> str:
    """How many abuses each room has, and how many of them are refused; the rest is read, kept or finished as asked."""
    rooms = {title: rows for title, rows in sections(book).items() if rows}
    every = sum(len(rows) for rows in rooms.values()), sum(_refused(rows) for rows in rooms.values())
    lines = [f"| {title} | {len(rows)} | {_refused(rows)} |" for title, rows in rooms.items()]
    return "\n".join([COUNTS, "|---|---|---|", *lines, f"| all | {every[0]} | {every[1]} |"])


def _refused(rows: dict[str, str]) -> int:
    return sum(outcome.startswith("refused") for outcome in rows.values())


def _cells(line: str) -> tuple[str, str]:
    abuse, outcome = re.split(r"(?<!\\) \| ", line[2:-2])
    return abuse, outcome


def _cell(text: str) -> str:
    """Text that Markdown shows as it is, in one cell: whatever cannot be seen is written as an escape."""
    seen = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return re.sub(r"([\\|<*_`\[\]])", r"\\\1", " ".join(seen.split()))


def _publish(room: str, abuse: str, outcome: str) -> None:
    """Put a row into its section, in the order of the alphabet, so that the order of the tests does not matter."""
    intro, *parts = BOOK.read_text(encoding="utf-8").split("\n## ")
    texts = {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}
    before = texts.get(room, "\n").partition(HEAD[0])[0].strip()
    rows = sections(BOOK.read_text(encoding="utf-8")).get(room, {}) | {abuse: outcome}
    table = [*HEAD, *(f"| {name} | {rows[name]} |" for name in sorted(rows))]
    texts[room] = "\n".join(["", *([before, ""] if before else []), *table, ""])
    book = "\n## ".join(["", *(f"{title}\n{text}" for title, text in sorted(texts.items()))])
    words = intro.partition(COUNTS)[0].rstrip()
    BOOK.write_text(f"{words}\n\n{counted(book)}\n{book}", encoding="utf-8")
