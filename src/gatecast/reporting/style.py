"""One look for charts and pictures: Okabe and Ito's palette, which colour-blind people can tell apart.

Source: Okabe & Ito 2008, "Color Universal Design", https://jfly.uni-koeln.de/color/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

INK = "#222222"
GREY = "#8a8f98"
GRID = "#e6e8eb"
NET = "#0072B2"
BEST = "#D55E00"
PART_COLOURS = {"train": "#56B4E9", "validation": "#E69F00", "test": "#009E73"}
_RIVALS = ("#D55E00", "#009E73")
_CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_CURVE_DASHES: tuple[Literal["solid", "dashed", "dotted"], ...] = ("solid", "dashed", "dotted")
_DASHES: tuple[Literal["dashed", "dotted"], ...] = ("dashed", "dotted")


@dataclass(frozen=True)
class ColourMap:
    """The colours of a heat map, by matplotlib's name and by Bokeh's; both can be told apart by colour-blind people."""

    paper: str
    screen: str


# Values on both sides of 0 are told by two colours with white between them.
MAPS = {False: ColourMap("cividis", "Cividis256"), True: ColourMap("RdBu_r", "RdBu11")}


@dataclass(frozen=True)
class Line:
    """How one forecaster is drawn; colour is never the only difference."""

    model: str
    colour: str
    dash: Literal["solid", "dashed", "dotted"]
    width: float


def lines(net: str, rivals: list[str]) -> list[Line]:
    """The net, then the baselines beside it (at most two)."""
    others = [Line(*parts, 1.6) for parts in zip(rivals, _RIVALS, _DASHES, strict=False)]
    return [Line(net, NET, "solid", 2.2), *others]


def curves(names: Sequence[str]) -> list[Line]:
    """Lines of equal weight: up to six colours, each with the next dash."""
    return [
        Line(name, _CURVES[place % len(_CURVES)], _CURVE_DASHES[place % len(_CURVE_DASHES)], 1.8)
        for place, name in enumerate(names)
    ]


def short(text: str, most: int = 60) -> str:
    """A name cut to fit beside a chart."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
