"""The report's charts of an inspection: they hold its values."""

from typing import Any

import numpy as np
import pytest
from bokeh.models import GlyphRenderer, LinearColorMapper

from gatecast.reporting import inside_charts as charts
from inspection_makers import INSPECTIONS, inspection


def data(chart: Any) -> list[dict[str, Any]]:
    """The columns behind each glyph, in the order of drawing."""
    return [glyph.data_source.data for glyph in chart.renderers if isinstance(glyph, GlyphRenderer)]


def test_the_weights_are_drawn_by_lag_and_by_input() -> None:
    memory = INSPECTIONS["hourly"]().memory
    weights = data(charts.memory_chart(INSPECTIONS["hourly"]()))[0]
    np.testing.assert_array_equal(weights["x"], np.arange(96))
    np.testing.assert_allclose(weights["weight"], memory.weights, rtol=1e-6)
    for curve, values in zip(data(charts.input_chart(INSPECTIONS["hourly"]())), memory.by_input, strict=True):
        np.testing.assert_allclose(curve["weight"], values, rtol=1e-6)


def test_the_gradient_is_drawn_by_lag() -> None:
    found = INSPECTIONS["hourly"]()
    (norms,) = data(charts.gradient_chart(found))
    np.testing.assert_array_equal(norms["norm"], found.gradients.norms)


def test_every_unit_is_counted() -> None:
    found = INSPECTIONS["stacked"]()
    for layer in ("l0", "l1", "l2"):
        (bars,) = data(charts.timescale_chart(found, layer))
        assert sum(bars["units"]) == 64
        scales = [unit.timescale for unit in found.timescales if unit.layer == layer]
        for left, right, units in zip(bars["left"], bars["right"], bars["units"], strict=True):
            assert units == sum(left <= scale < right for scale in scales)


def test_importance_is_a_bar_with_its_spread() -> None:
    bars, lines = data(charts.importance_chart(INSPECTIONS["hourly"]()))
    np.testing.assert_allclose(bars["increase"], [0.12, 0.03])
    np.testing.assert_allclose([lines["low"], lines["high"]], [[0.11, 0.02], [0.13, 0.04]])


@pytest.mark.parametrize("step", ["1h", "row"])
def test_heat_maps_are_whole_percents_sorted_by_timescale(step: str) -> None:
    found = inspection(step=step)
    series, *maps = charts.gates_chart(found).children
    np.testing.assert_allclose(data(series)[0]["actual"], found.values, rtol=1e-6)
    order = np.argsort([unit.timescale for unit in found.timescales])
    for chart, gate in zip(maps, found.layers[0].gates.values(), strict=True):
        image = data(chart)[0]["image"][0]
        assert image.dtype == np.int8
        np.testing.assert_allclose(image, 100 * gate[:, order].reshape(200, 2, -1).mean(axis=1).T, atol=0.51)
        assert chart.x_range is series.x_range


def test_colours_span_the_range_of_the_gate() -> None:
    _, *maps = charts.gates_chart(inspection()).children
    mappers = [chart.renderers[0].glyph.color_mapper for chart in maps]
    assert all(isinstance(mapper, LinearColorMapper) for mapper in mappers)
    assert [(mapper.low, mapper.high) for mapper in mappers] == [(0, 100), (0, 100), (-100, 100)]


def test_a_large_net_is_averaged_into_maps_of_a_byte_each() -> None:
    found = inspection(layers=("l0", "l1"), units=256, updates=2000)
    _, *maps = charts.gates_chart(found).children
    assert [chart.yaxis.axis_label.text for chart in maps[::3]] == ["l1 r", "l0 r"]
    assert all(data(chart)[0]["image"][0].shape == (64, 200) for chart in maps)
