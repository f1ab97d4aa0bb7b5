"""An inspection as plain values, which are what `gatecast inspect --json` prints."""

from typing import Any

from gatecast.inspection.gates import dead_units, summarise
from gatecast.inspection.results import Inspection, UnitTimescale


def to_json(found: Inspection) -> dict[str, Any]:
    """Everything but the paths over time."""
    memory, flow = found.memory, found.gradients
    return {
        "series": found.series,
        "rows_of_an_update": found.rows,
        "memory": {
            "lags": list(range(len(memory.weights))),
            "weights": memory.weights.tolist(),
            "lag_90": memory.lag_90,
            "by_input": dict(zip(memory.inputs, memory.by_input.tolist(), strict=True)),
        },
        "units": [_unit(each) for each in found.timescales],
        "gates": _gates(found),
        "gradient_by_lag": flow.norms.tolist(),
        "jacobian": {
            "spectral_radius": flow.spectral_radius.tolist(),
            "largest_singular_value": flow.singular_value.tolist(),
        },
        "states": {"explained": list(found.states.explained)},
        "importance": [
            {"covariate": each.covariate, "increase": each.increase, "spread": each.spread} for each in found.importance
        ],
        "advice": list(found.advice),
    }


def layer_number(name: str) -> int:
    """0 of `l0` and of `l0_reverse`."""
    return int(name.removesuffix("_reverse")[1:])


def _unit(found: UnitTimescale) -> dict[str, Any]:
    backwards = {"reverse": True} if found.layer.endswith("_reverse") else {}
    return {"layer": layer_number(found.layer), "unit": found.unit, "timescale": found.timescale, **backwards}


def _gates(found: Inspection) -> dict[str, Any]:
    """By layer: how each gate was used, and the units that never move."""
    layers: dict[str, Any] = {layer.name: {"dead_units": dead_units(layer)} for layer in found.layers}
    for each in summarise(found.layers):
        layers[each.layer][each.gate] = {"mean": each.mean, "saturated_low": each.low, "saturated_high": each.high}
    return layers
