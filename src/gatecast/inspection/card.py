"""What is shown of an inspection."""

from typing import TYPE_CHECKING

import numpy as np

from gatecast.showing import Card, Curve, short, thinned

if TYPE_CHECKING:
    from gatecast.inspection.results import Inspection

MOST = 5  # covariates that are named


def inspection_card(found: "Inspection") -> Card:
    """How far back it looks, its gates in numbers, and the advice."""
    unit = "rows" if found.rows == 1 else f"updates of {found.rows} rows"
    curve = Curve(thinned(found.memory.weights.tolist()), zero=True)
    gates = tuple(
        (f"{letter} of {layer.name}", f"{float(np.mean(values)):.2f} on average")
        for layer in found.layers
        for letter, values in layer.gates.items()
    )
    covariates = tuple((f"{short(each.covariate)} shuffled", f"errs {each.increase:+.1%}") for each in found.importance)
    return Card(
        title=f"Inside {found.name}, forecasting {short(', '.join(found.targets))}",
        facts=(
            ("series", short(found.series)),
            ("read", f"{len(found.times):,} {unit}"),
            ("90 % of the weight lies within", f"{found.memory.lag_90:,} {unit}"),
            ("units", f"{len(found.timescales):,}"),
        ),
        sentences=tuple(f"Advice: {each}" for each in found.advice),
        columns=("what", "found"),
        rows=(("weight by lag, newest first", curve), *covariates[:MOST], *gates),
    )
