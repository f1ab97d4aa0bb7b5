"""A card as HTML.  Every text is escaped, and what would act in it is shown as an escape."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from gatecast.showing.curve import Curve
from gatecast.visible import visible

if TYPE_CHECKING:
    from gatecast.showing.card import Card

WIDTH, HEIGHT, EDGE = 168, 30, 2  # of a curve, in pixels


class Drawing(NamedTuple):
    """The paths of a curve, as SVG writes them."""

    seen: str
    ahead: str
    band: str


def as_html(card: "Card") -> str:
    """A fragment of a page, of some kilobytes."""
    return _template().render(card=card, drawn=drawn, width=WIDTH, height=HEIGHT)


@cache
def _template() -> Template:
    loader = PackageLoader("gatecast.showing", ".")
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.finalize = lambda value: value if isinstance(value, Markup) else visible(str(value))
    page.tests["curve"] = lambda cell: isinstance(cell, Curve)
    return page.get_template("card.html.j2")


def drawn(curve: Curve) -> Drawing:
    """Where its lines go, on a sheet of `WIDTH` by `HEIGHT`; what is no number is left out."""
    bottom, top = curve.range()
    count, seen = len(curve.values) + len(curve.ahead), len(curve.values)

    def point(place: int, value: float) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * (place / (count - 1) if count > 1 else 0.5)
        share = (value / 2 - bottom / 2) / (top / 2 - bottom / 2) if top > bottom else 0.5  # halves cannot overflow
        return f"{across:.1f},{EDGE + (HEIGHT - 2 * EDGE) * (1 - share):.1f}"

    def line(values: Sequence[float], first: int) -> str:
        strokes = _known([(first + place, value) for place, value in enumerate(values)])
        return " ".join("M" + " L".join(point(*each) for each in stroke) for stroke in strokes)

    last = curve.values[-1:] if curve.ahead else ()
    upper = [point(seen + place, value) for place, value in enumerate(curve.high) if isfinite(value)]
    lower = [point(seen + place, value) for place, value in enumerate(curve.low) if isfinite(value)]
    band = "M" + " L".join([*upper, *reversed(lower)]) + " Z" if upper and lower else ""
    return Drawing(line(curve.values, 0), line((*last, *curve.ahead), seen - len(last)), band)


def _known(points: list[tuple[int, float]]) -> Iterator[list[tuple[int, float]]]:
    """The stretches between gaps; a point alone is a stroke of no length, which round ends show."""
    for known, stretch in groupby(points, key=lambda point: isfinite(point[1])):
        if known:
            found = list(stretch)
            yield found if len(found) > 1 else found * 2
