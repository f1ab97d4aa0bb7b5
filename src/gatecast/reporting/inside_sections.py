"""The report's sections on what an inspection found: none where nobody looked inside."""

from gatecast.inspection.results import Inspection
from gatecast.reporting import inside_charts as charts
from gatecast.reporting import inside_findings as findings
from gatecast.reporting.heat import MOST_LAYERS, layer_note
from gatecast.reporting.inside import has_gradients, has_memory
from gatecast.reporting.sections import Section, section
from gatecast.reporting.timescales import timed_layers

GATES_NOTE = (
    "Each line of a map is a unit, or the mean of a few; those that remember longest are on top. From 0 to 1, dark "
    "blue is 0 and yellow is 1; otherwise blue is below 0, white is 0 and red is above."
)


def inside_sections(inside: Inspection | None) -> tuple[Section, ...]:
    """What was looked at and what to do about it; then gates, timescales, memory, gradients and importance."""
    if inside is None:
        return ()
    views = (gates_section, timescale_section, memory_section, gradient_section, importance_section)
    advice = "".join(f"{each[0].upper()}{each[1:]} " for each in inside.advice)
    first = section("inside", "Inside the net", findings.inside_finding(inside), [], advice)
    return first, *(made for view in views if (made := view(inside)))


def gates_section(inside: Inspection) -> Section:
    """The gates under the series."""
    finding = findings.gates_finding(inside) + layer_note(inside)
    return section("inside-gates", "Inside: the gates", finding, [("", charts.gates_chart(inside))], GATES_NOTE)


def timescale_section(inside: Inspection) -> Section | None:
    """How long the units of each of the top layers remember."""
    layers = timed_layers(inside)[:MOST_LAYERS]
    drawn = [(layer, charts.timescale_chart(inside, layer)) for layer in layers]
    finding = findings.timescale_finding(inside)
    return section("inside-timescales", "Inside: how long units remember", finding, drawn) if drawn else None


def memory_section(inside: Inspection) -> Section | None:
    """How far back the forecast looks, all inputs together and each."""
    if not has_memory(inside):
        return None
    drawn = [("all inputs", charts.memory_chart(inside))]
    drawn += [("each input", charts.input_chart(inside))] if len(inside.memory.inputs) > 1 else []
    note = "Dashed: where 90 % of the weight is reached."
    finding = findings.memory_finding(inside)
    return section("inside-memory", "Inside: how far back the forecast looks", finding, drawn, note)


def gradient_section(inside: Inspection) -> Section | None:
    """How far back the loss reaches."""
    if not has_gradients(inside):
        return None
    drawn = [("", charts.gradient_chart(inside))]
    finding = findings.gradient_finding(inside)
    return section("inside-gradients", "Inside: how far back the loss reaches", finding, drawn)


def importance_section(inside: Inspection) -> Section | None:
    """What each covariate is worth."""
    if not inside.importance:
        return None
    drawn = [("", charts.importance_chart(inside))]
    note = "Lines: the spread over several shuffles; grey: no more than that."
    finding = findings.importance_finding(inside)
    return section("inside-importance", "Inside: what the forecast rests on", finding, drawn, note)
