"""How long so many rows, or updates of the state, are in words."""

import re

import numpy as np

from gatecast.inspection.results import Inspection

MICROSECOND = np.timedelta64(1, "us")
DAY = 86_400_000_000  # microseconds
_FIXED = {"years": 365.25 * DAY, "days": DAY, "hours": DAY / 24, "minutes": DAY / 1440, "seconds": 1_000_000}
_CALENDAR = {"monthly": "months", "quarterly": "quarters", "yearly": "years"}
_STEP = re.compile(r"(?:every ([\d,]+) )?(business days|month(?:s|ly)|quarter(?:s|ly)|year(?:s|ly))\b")


def in_rows(inside: Inspection, rows: float) -> str:
    """`31 rows (1.3 days)`, or `31 rows` where they have no dates."""
    length = duration(inside, rows)
    return f"{count(rows, 'rows')} ({length})" if length else count(rows, "rows")


def in_updates(inside: Inspection, updates: float) -> str:
    """`12 updates (48 rows, 2 days)`; where an update reads one row, `12 rows (12 hours)`."""
    if inside.rows == 1:
        return in_rows(inside, updates)
    rows = updates * inside.rows
    parts = [count(rows, "rows"), duration(inside, rows)]
    return f"{count(updates, 'updates')} ({', '.join(part for part in parts if part)})"


def steps_of(inside: Inspection) -> str:
    """What the state moves by: `rows`, or `updates` where one reads several."""
    return "rows" if inside.rows == 1 else "updates"


def duration(inside: Inspection, rows: float) -> str:
    """So many rows as a length of time: `1.3 days`, `14 business days`; empty where rows have no dates."""
    if not dated(inside):
        return ""
    if found := _STEP.match(inside.step):
        multiple = int((found[1] or "1").replace(",", ""))
        return count(rows * multiple, _CALENDAR.get(found[2], found[2]))
    length = rows * row_length(inside)
    unit = next((unit for unit, size in _FIXED.items() if length >= size), "seconds")
    return count(length / _FIXED[unit], unit)


def dated(inside: Inspection) -> bool:
    """Whether rows have dates, and enough of them to see how far apart they are."""
    return inside.times.dtype.kind == "M" and len(inside.times) > 1


def row_length(inside: Inspection) -> float:
    """The median length of one row in microseconds."""
    return float(np.median(np.diff(inside.times) / MICROSECOND)) / inside.rows


def cycle(inside: Inspection) -> tuple[str, float]:
    """The natural cycle above the step, such as `a day` of hours, and its length in rows; ten rows where none is."""
    days = row_length(inside) / DAY if dated(inside) else np.inf
    if days < 1:
        return "a day", 1 / days
    if days < 7:
        return "a week", 5.0 if inside.step.startswith("business") else 7 / days
    return ("a year", float(round(365.25 / days))) if days < 360 else ("ten rows", 10.0)


def count(number: float, unit: str) -> str:
    """`1 row`, `2.5 rows`, `12,000 rows`: two digits below ten, whole above."""
    text = f"{number:.2g}" if number < 9.95 else f"{number:,.0f}"
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}"
