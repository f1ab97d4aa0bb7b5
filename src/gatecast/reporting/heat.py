"""Gates as heat maps: which layers, units and updates are drawn, and in which order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from gatecast.inspection.results import Inspection, LayerGates

MOST_LAYERS = 4  # the top ones; more would not fit on a page


@dataclass(frozen=True, eq=False)
class Columns:
    """Stretches of time of equal length; an update counts until the next one.

    Attributes:
        edges: where the columns begin and end, in the numbers of the times (microseconds, or rows).
        starts: the first update of each column.
        stops: the update after its last.
        dated: whether the edges are dates.
    """

    edges: Int64[np.ndarray, " edges"]
    starts: Int64[np.ndarray, " columns"]
    stops: Int64[np.ndarray, " columns"]
    dated: bool

    def times(self) -> np.ndarray:
        """The edges as the charts take them: datetime64[us], or row numbers."""
        return self.edges.view("datetime64[us]") if self.dated else self.edges

    def mean(self, values: Float[np.ndarray, "updates units"]) -> Float[np.ndarray, "units columns"]:
        """The mean of each unit over the updates of each column."""
        pairs = zip(self.starts, self.stops, strict=True)
        return np.stack([values[start:stop].mean(axis=0) for start, stop in pairs], axis=1)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One gate of one layer, as it is drawn.

    Attributes:
        layer: its name.
        gate: its letter, or `output` where the cell has no gates.
        low: what the darkest colour means.
        high: what the brightest colour means.
        grid: units, or means of neighbouring units, sorted by timescale, the longest last.
    """

    layer: str
    gate: str
    low: float
    high: float
    grid: Float[np.ndarray, "rows columns"]

    @property
    def signed(self) -> bool:
        """Whether values lie on both sides of 0."""
        return self.low < 0


def columns(times: np.ndarray, most: int) -> Columns:
    """At most `most` columns over `times`; each update has its own where there are few, evenly spaced."""
    dated = times.dtype.kind == "M"
    places = times.astype("datetime64[us]").astype(np.int64) if dated else times.astype(np.int64)
    gaps = np.diff(places) if len(places) > 1 else np.ones(1, dtype=np.int64)
    gap = max(1, int(np.median(gaps)))
    count = min(most, len(places)) if (gaps == gap).all() else most
    edges = places[0] + (places[-1] + gap - places[0]) * np.arange(count + 1) // count
    bounds = np.searchsorted(places, edges)
    # In a column without an update, the one before it still counts.
    starts = np.where(bounds[1:] > bounds[:-1], bounds[:-1], bounds[:-1] - 1)
    return Columns(edges - gap // 2, starts, np.maximum(bounds[1:], starts + 1), dated)


def heat_maps(inside: Inspection, layers: tuple[LayerGates, ...], along: Columns, most: int) -> list[HeatMap]:
    """Each gate of `layers`, from the top layer down, in at most `most` rows; the output of cells without gates."""
    made = []
    for layer in reversed(layers):
        gates = layer.gates or {"output": layer.output}
        groups = _groups(inside, layer, most)
        for name, values in gates.items():
            means = along.mean(values)
            grid = np.stack([means[group].mean(axis=0) for group in groups])
            made.append(HeatMap(layer.name, name, *_ends(layer, name, grid), grid))
    return made


def top_layers(inside: Inspection) -> tuple[LayerGates, ...]:
    """The layers that are drawn."""
    return inside.layers[-MOST_LAYERS:]


def layer_note(inside: Inspection) -> str:
    """Which layers are drawn, where it is not all of them."""
    count = len(inside.layers)
    return f" Of {count} layers, the top {MOST_LAYERS} are shown." if count > MOST_LAYERS else ""


def _groups(inside: Inspection, layer: LayerGates, most: int) -> list[np.ndarray]:
    """The units of a layer by timescale, shortest first; units whose timescale is not known come last."""
    known = {unit.unit: unit.timescale for unit in inside.timescales if unit.layer == layer.name}
    units = layer.output.shape[1]
    order = np.argsort([known.get(unit, np.nan) for unit in range(units)], kind="stable")
    return np.array_split(order, min(most, units))


def _ends(layer: LayerGates, name: str, grid: np.ndarray) -> tuple[float, float]:
    """What the ends of the colours mean: the gate's range, or the largest value where it has none."""
    low, high = layer.ranges.get(name, (-np.inf, np.inf))
    if np.isfinite(high - low):
        return float(low), float(high)
    most = float(np.abs(grid).max()) or 1.0
    return -most, most
