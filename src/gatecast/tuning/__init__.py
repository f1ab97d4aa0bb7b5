"""The search for good settings: what is open is tried, the validation part chooses, the test part stays untouched."""

from gatecast.tuning.tuning import tune

__all__ = ["tune"]
