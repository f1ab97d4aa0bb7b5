"""What the user left open, decided before the test part, and said aloud."""

from gatecast.choosing.asked import Asked, AskedTraining, Chosen
from gatecast.choosing.settling import choose

__all__ = ["Asked", "AskedTraining", "Chosen", "choose"]
