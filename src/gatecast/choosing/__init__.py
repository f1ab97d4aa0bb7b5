"""What the user left open, decided before the test part, and said aloud."""

from gatecast.choosing.asked import Asked, Chosen
from gatecast.choosing.settling import choose

__all__ = ["Asked", "Chosen", "choose"]
