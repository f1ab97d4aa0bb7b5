"""A card: a title, facts, sentences and a short table, all plain text.  Whoever draws it escapes it."""

from dataclasses import dataclass
from math import isfinite
from typing import final

from gatecast.showing.curve import Curve

LONGEST = 48  # letters of a name


Cell = str | Curve


@final
@dataclass(frozen=True)
class Card:
    """What is shown of a value.

    Attributes:
        title: one line.
        facts: names with their values.
        sentences: what has to be said, each a paragraph.
        columns: the headings of the table; a first one that is empty names things.
        rows: its rows.
        strong: which of its rows stands out; None for none.
        below: what the table leaves out, in words.
        folded: more facts, which a notebook shows when it is asked.
        fold: what they are.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    strong: int | None = None
    below: str = ""
    folded: tuple[tuple[str, str], ...] = ()
    fold: str = ""

    def html(self) -> str:
        """For a notebook: no script, nothing loaded, colours that suit a light page and a dark one."""
        from gatecast.showing.html import as_html  # noqa: PLC0415 - jinja2 is loaded when it is used

        return as_html(self)

    def text(self) -> str:
        """For a terminal."""
        from gatecast.showing.text import as_text  # noqa: PLC0415

        return as_text(self)


def short(text: str, most: int = LONGEST) -> str:
    """A name, cut to fit."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def number(value: float | None) -> str:
    """A number for people: four digits that count; `n/a` where there is none."""
    return "n/a" if value is None or not isfinite(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
