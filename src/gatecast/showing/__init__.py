"""What a notebook or a terminal shows of a value: said once as a `Card`, and drawn as HTML or as text."""

from gatecast.showing.card import Card, number, short
from gatecast.showing.curve import Curve, thinned

__all__ = ["Card", "Curve", "number", "short", "thinned"]
