"""What is shown of a panel: how large it is, and its first series."""

from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.frequency import show_time
from gatecast.showing import Card, Curve, number, short

if TYPE_CHECKING:
    from gatecast.data.panel import Panel

FIRST, NEWEST = 5, 96  # series shown, and rows of each that its curve is drawn of


def panel_card(panel: "Panel") -> Card:
    """A card that is as small for ten thousand series as for ten."""
    columns, count = panel.columns, len(panel.ids)
    facts = [("series", f"{count:,}"), ("rows", f"{len(panel.times):,}"), ("step", panel.frequency.name)]
    facts.append(("target", short(", ".join(columns.target))))
    covariates = {"past": columns.past, "future": columns.future, "static": columns.static}
    facts += [(f"{part} covariates", short(", ".join(names))) for part, names in covariates.items() if names]
    if len(panel.times):
        facts.append(("from", f"{show_time(panel.times.min())} to {show_time(panel.times.max())}"))
    facts.append(("missing", f"{float(np.isnan(panel.targets).mean()) if panel.targets.size else 0.0:.1%}"))
    return Card(
        title=f"Panel of {count:,} series" if count != 1 else "Panel of one series",
        facts=tuple(facts),
        columns=("series", "rows", "first", "last", "mean", f"newest {short(columns.target[0], 20)}"),
        rows=tuple(_row(panel, series) for series in range(min(count, FIRST))),
        below=f"{count - FIRST:,} more series" if count > FIRST else "",
    )


def _row(panel: "Panel", series: int) -> tuple[str | Curve, ...]:
    times, y = panel.times[panel.rows(series)], panel.targets[panel.rows(series), 0]
    known = y[np.isfinite(y)]
    ends = (show_time(times[0]), show_time(times[-1])) if len(times) else ("", "")
    mean = number(float(known.mean(dtype=np.float64))) if len(known) else "n/a"
    return short(panel.ids[series]), f"{len(times):,}", *ends, mean, Curve(tuple(y[-NEWEST:].tolist()))
