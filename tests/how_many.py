"""How many examples a property is tried with: so many as a usual run has time for, or twenty times as many."""

import os

LONG = 20


def examples(usual: int) -> int:
    """Examples of a usual run, or of a long one (`HYPOTHESIS_PROFILE=long`)."""
    return usual * (LONG if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1)
