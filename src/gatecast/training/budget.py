"""How long training may take, said as people say it: 60s, 5min, 1h."""

import re

from gatecast.errors import OptionError

MOST = 366 * 24 * 3600.0  # seconds
UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The seconds of `90`, `60s`, `5min` or `1.5h`.

    Raises:
        OptionError: it is no time, or not above zero.
    """
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+) *([a-z]*)", text.strip().lower())
    if found is None or found[2] not in UNITS or not 0 < float(found[1]) * UNITS[found[2]] <= MOST:
        raise OptionError(
            f"a time budget is a number above 0 with s, min or h, such as 60s or 5min, up to a year; got {text[:40]!r}."
        )
    return float(found[1]) * UNITS[found[2]]
