"""What an inspection found, in sentences: the titles of the pictures and of the report's sections."""

import numpy as np

from gatecast.data.columns import ONLY_SERIES
from gatecast.inspection.results import Importance, Inspection, LayerGates
from gatecast.reporting.scores import number
from gatecast.reporting.spans import cycle, in_rows, in_updates, steps_of
from gatecast.reporting.style import short

NEAR = 0.1  # of a gate's range: so close to an end of it that the gate is as good as shut, or open
FADED = 1e-3  # of the newest gradient: what is told so faintly is hardly learnt
MOST_NAMED = 3


def inside_finding(inside: Inspection) -> str:
    """What was looked at: `gru read 400 rows of births, in 2 layers of 64 units.`."""
    sizes = sorted({layer.output.shape[1] for layer in inside.layers})
    layers = f"{len(inside.layers)} layer{'s' * (len(inside.layers) != 1)}"
    units = " and ".join(str(size) for size in sizes)
    rows = f"{len(inside.times) * inside.rows:,} rows"
    updates = "" if inside.rows == 1 else f" in {len(inside.times):,} updates of its state"
    series = "the series" if inside.series == ONLY_SERIES else short(inside.series, 40)
    return f"{inside.name} read {rows} of {series}{updates}, with {layers} of {units} units."


def gates_finding(inside: Inspection) -> str:
    """Where the top layer's gates lie, and how many units remember for long."""
    layer = inside.layers[-1]
    if not layer.gates:
        low, high = number(float(layer.output.min())), number(float(layer.output.max()))
        return f"A cell without gates: {layer.name} puts out values from {low} to {high}. {_keepers(inside)}"
    means = [f"{name} is {mean:.2f}" for name, mean in _means(layer).items()]
    return f"In {layer.name}, on average, {_listed(means)}. {_at_ends(layer)}{_keepers(inside)}"


def _means(layer: LayerGates) -> dict[str, float]:
    return {name: float(np.mean(gate)) for name, gate in layer.gates.items()}


def _at_ends(layer: LayerGates) -> str:
    """The gate that most often lies near the ends of its range, if one does."""
    shares = {}
    for name, gate in layer.gates.items():
        low, high = layer.ranges[name]
        if np.isfinite(high - low):
            margin = NEAR * (high - low)
            shares[name] = float(np.mean((gate < low + margin) | (gate > high - margin)))
    name = max(shares, key=lambda key: shares[key], default="")
    if not name or shares[name] < 0.01:
        return ""
    low, high = layer.ranges[name]
    return f"{100 * shares[name]:.0f} % of the values of {name} are near {low:g} or {high:g}. "


def _keepers(inside: Inspection) -> str:
    name, rows = cycle(inside)
    units = [unit.timescale * inside.rows for unit in inside.timescales]
    long = sum(unit > rows for unit in units)
    span = name if name == "ten rows" else f"{name} ({rows:.3g} rows)"
    return f"Of {len(units):,} units, {long or 'none'} remember{'s' * (long < 2)} for more than {span}."


def timescale_finding(inside: Inspection) -> str:
    """The median timescale, the quartiles, and who never forgets."""
    scales = np.array([unit.timescale for unit in inside.timescales])
    known = scales[np.isfinite(scales)]
    forever = int(np.isinf(scales).sum())
    never = f" {forever} of {len(scales):,} units never forget{'s' * (forever == 1)}." if forever else ""
    if not len(known):
        return f"No unit's timescale could be measured.{never}"
    first, median, third = np.quantile(known, (0.25, 0.5, 0.75))
    return (
        f"The median unit has forgotten all but 37 % after {in_updates(inside, float(median))}; "
        f"half of them take between {first:.2g} and {third:.2g} {steps_of(inside)}.{never}"
    )


def memory_finding(inside: Inspection) -> str:
    """How far back the forecast looks, and at what."""
    memory = inside.memory
    if not memory.weights.sum() > 0:
        return "Nothing that came in moves the forecast: the net has learnt nothing yet."
    heaviest = int(np.argmax(memory.weights))
    where = f"{in_rows(inside, float(heaviest))} before it" if heaviest else "the newest itself"
    finding = (
        f"90 % of what moves the forecast lies in the newest {in_rows(inside, memory.lag_90 + 1.0)}; "
        f"the heaviest row is {where}."
    )
    return finding + _heaviest_input(inside)


def _heaviest_input(inside: Inspection) -> str:
    totals = inside.memory.by_input.sum(axis=1)
    if len(totals) < 2 or not totals.sum() > 0:
        return ""
    place = int(np.argmax(totals))
    share = 100 * totals[place] / totals.sum()
    return f" Of {len(totals)} inputs, {short(inside.memory.inputs[place], 40)} has {share:.0f} % of the weight."


def gradient_finding(inside: Inspection) -> str:
    """How much of the newest gradient reaches the oldest state, and what that means for learning."""
    norms = inside.gradients.norms
    if len(norms) < 2 or not norms[0] > 0:
        return "No gradient flows back through the states."
    back, share = len(norms) - 1.0, float(norms[-1] / norms[0])
    faded = np.flatnonzero(norms < FADED * norms[0])
    if len(faded):
        verdict = (
            f"beyond {in_updates(inside, float(faded[0]))} less than a thousandth is left, too little to learn from"
        )
    else:
        verdict = "it grows on the way, so clip it" if share > 1 else "it still reaches that far"
    return f"The gradient {in_updates(inside, back)} back is {share:.1g} of the newest: {verdict}."


def state_finding(inside: Inspection) -> str:
    """How flat the path of the states is."""
    first, second = (100 * share for share in inside.states.explained)
    both = f"{first + second:.0f} % ({first:.0f} and {second:.0f})"
    return f"Two directions show {both} of how the states of the top layer move."


def importance_finding(inside: Inspection) -> str:
    """What shuffling each covariate does to the error; the most important ones by name."""
    if not inside.importance:
        return "There are no covariates to shuffle."
    told = [item for item in inside.importance if beyond_chance(item)]
    chance = [short(item.covariate, 40) for item in inside.importance if not beyond_chance(item)]
    words = [_told(item) for item in told[:MOST_NAMED]]
    if more := len(told) - MOST_NAMED if len(told) > MOST_NAMED else 0:
        words.append(f"{more} more change it by less")
    if chance:
        names = _listed(chance) if len(chance) <= MOST_NAMED else f"{len(chance)} of {len(inside.importance)}"
        words.append(f"{names} change{'s' * (len(chance) == 1)} nothing beyond chance")
    return f"{'; '.join(words)[:1].upper()}{'; '.join(words)[1:]}."


def _told(item: Importance) -> str:
    size = f"{100 * abs(item.increase):.2g}" if abs(item.increase) < 0.1 else f"{100 * abs(item.increase):,.0f}"
    name = short(item.covariate, 40)
    return f"shuffling {name} makes the error {size} % {'larger' if item.increase > 0 else 'smaller'}"


def beyond_chance(item: Importance) -> bool:
    """Whether shuffling changes the error by more than shuffles differ."""
    return abs(item.increase) > item.spread


def _listed(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
