"""Inside a net: what its gates do, how far back it remembers, where gradients flow, and what a forecast rests on.

`inspect_forecaster` looks at a forecaster; the others at any layer of gatecast.nn or torch.nn, and at any net made of
torch's modules.
"""

from gatecast.inspection.advice import gradient_advice
from gatecast.inspection.attribution import integrated_gradients, occlusion
from gatecast.inspection.capturing import Call, captured, recurrent_part, traced
from gatecast.inspection.compare import Compared, compare
from gatecast.inspection.gates import dead_units, layer_gates, summarise
from gatecast.inspection.gradients import forecast_gradients, gradient_norms
from gatecast.inspection.importance import permutation_importance
from gatecast.inspection.inspecting import FULLY, InspectOptions, inspect_forecaster
from gatecast.inspection.jacobians import spectra, step_jacobians
from gatecast.inspection.memory import forecast_memory, memory_by_lag
from gatecast.inspection.probing import Probe, probe
from gatecast.inspection.results import (
    Ahead,
    GateSummary,
    GradientFlow,
    Importance,
    Inspection,
    LayerGates,
    Memory,
    StatePath,
    UnitTimescale,
)
from gatecast.inspection.states import principal_path
from gatecast.inspection.telling import to_json
from gatecast.inspection.timescales import timescales

__all__ = [
    "FULLY",
    "Ahead",
    "Call",
    "Compared",
    "GateSummary",
    "GradientFlow",
    "Importance",
    "InspectOptions",
    "Inspection",
    "LayerGates",
    "Memory",
    "Probe",
    "StatePath",
    "UnitTimescale",
    "captured",
    "compare",
    "dead_units",
    "forecast_gradients",
    "forecast_memory",
    "gradient_advice",
    "gradient_norms",
    "inspect_forecaster",
    "integrated_gradients",
    "layer_gates",
    "memory_by_lag",
    "occlusion",
    "permutation_importance",
    "principal_path",
    "probe",
    "recurrent_part",
    "spectra",
    "step_jacobians",
    "summarise",
    "timescales",
    "to_json",
    "traced",
]
