"""A card as text of a few lines, which no terminal takes for commands."""

from collections.abc import Sequence
from math import isfinite
from textwrap import wrap
from typing import TYPE_CHECKING

from gatecast.showing.curve import Curve, thinned
from gatecast.visible import visible

if TYPE_CHECKING:
    from gatecast.showing.card import Card

BLOCKS, GAP = "▁▂▃▄▅▆▇█", " "
TIED = "\0"  # a blank at which no line is broken; no visible text holds it
WIDTH, CURVE = 96, 24  # letters of a line and of a curve


def as_text(card: "Card") -> str:
    """The title, facts, table and sentences; folded facts are left out."""
    facts = ", ".join(f"{visible(name)} {visible(value)}".replace(" ", TIED) for name, value in card.facts)
    lines = [visible(card.title), *(line.replace(TIED, " ") for line in _broken(facts))]
    if card.rows:
        lines += _table([card.columns, *card.rows])
    lines += [visible(card.below)] if card.below else []
    return "\n".join([*lines, *(line for sentence in card.sentences for line in _broken(visible(sentence)))])


def _broken(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _table(rows: Sequence[Sequence[str | Curve]]) -> list[str]:
    """The first column to the left, the others to the right."""
    cells = [[blocks(cell) if isinstance(cell, Curve) else visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    placed = [[f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)] for row in cells]
    return [f"  {row[0]:<{widths[0]}}  {'  '.join(rest[1:])}".rstrip() for row, rest in zip(cells, placed, strict=True)]


def blocks(curve: Curve) -> str:
    """A curve of blocks from its lowest value to its highest; blanks are gaps."""
    values = thinned((*curve.values, *curve.ahead), CURVE)
    low, high = Curve(values, zero=curve.zero).range()
    return "".join(_block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if not isfinite(value):
        return GAP
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
    return BLOCKS[round(share * (len(BLOCKS) - 1))]
