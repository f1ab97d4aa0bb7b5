"""The pictures of an inspection: they show its values, say what they mean, and names stay names."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gatecast.errors import OptionError
from gatecast.inspection.results import Importance, Inspection, UnitTimescale
from gatecast.reporting import inside_findings as findings
from gatecast.reporting.beside import draw_beside, write_beside
from gatecast.reporting.heat import columns
from gatecast.reporting.inside import draw_inside, write_inside
from gatecast.reporting.paper import png
from gatecast.reporting.state_pictures import colouring
from inspection_makers import INSPECTIONS, inspection, stamps
from reporting_runs import HOSTILE

made = cache(lambda name: INSPECTIONS[name]())
drawn = cache(lambda name: draw_inside(made(name)))
EVERY = {"gates", "memory", "timescales", "gradients", "states", "importance"}


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def meshes(figure: Figure) -> list[np.ndarray]:
    """The values of each heat map, without those of the colour bars."""
    found = [item for chart in figure.axes for item in chart.collections if isinstance(item, QuadMesh)]
    arrays = [np.asarray(mesh.get_array()) for mesh in found]
    return [array for array in arrays if array.shape != (256, 1)]


def line(figure: Figure, chart: int = 0, place: int = 0) -> np.ndarray:
    return np.asarray(figure.axes[chart].get_lines()[place].get_ydata())


@pytest.mark.parametrize("name", ["hourly", "daily", "undated", "stacked", "two_ways", "deep", "hostile"])
def test_every_inspection_has_every_picture_with_its_finding(name: str) -> None:
    assert set(drawn(name)) == EVERY
    assert all(figure.get_suptitle() and png(figure).startswith(b"\x89PNG") for figure in drawn(name).values())


def test_what_has_nothing_to_show_is_not_drawn() -> None:
    assert set(drawn("untrained")) == {"gates"}
    assert set(drawn("one_input")) == set(drawn("without_gates")) == EVERY - {"importance"}


def test_heat_maps_are_the_gates_sorted_by_timescale() -> None:
    found = made("hourly")
    order = np.argsort([unit.timescale for unit in found.timescales])
    for mesh, gate in zip(meshes(drawn("hourly")["gates"]), found.layers[0].gates.values(), strict=True):
        np.testing.assert_allclose(mesh.reshape(16, 400), gate[:, order].T)


def test_the_series_stands_above_the_gates_on_the_same_axis_of_time() -> None:
    figure, found = drawn("hourly")["gates"], made("hourly")
    np.testing.assert_array_equal(line(figure), found.values)
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_an_update_lies_in_the_middle_of_its_column() -> None:
    found = made("hourly")
    along = columns(found.times, 600)
    middles = along.times()[:-1] + np.diff(along.times()) // 2
    np.testing.assert_array_equal(middles, found.times)
    np.testing.assert_array_equal(along.starts, np.arange(400))
    mesh = next(item for item in drawn("hourly")["gates"].axes[1].collections if isinstance(item, QuadMesh))
    assert np.asarray(mesh.get_coordinates())[0, 0, 0] == pytest.approx(date2num(along.times()[0]))


def test_long_series_and_large_layers_are_averaged() -> None:
    found = inspection(units=128, updates=1200)
    order = np.argsort([unit.timescale for unit in found.timescales])
    means = found.layers[0].gates["z"][:, order].reshape(600, 2, 64, 2).mean(axis=(1, 3)).T
    np.testing.assert_allclose(meshes(draw_inside(found)["gates"])[1].reshape(64, 600), means)


def test_in_an_uneven_series_an_update_counts_until_the_next() -> None:
    along = columns(np.array([0, 1, 2, 10]), 11)
    np.testing.assert_array_equal(along.mean(np.array([[1.0], [2.0], [3.0], [4.0]]))[0], [1, 2, *[3] * 8, 4])


def test_the_layers_are_named_from_the_top_down() -> None:
    names = [text.get_text() for text in texts(drawn("two_ways")["gates"]) if text.get_text().startswith("l")]
    assert names[:1] == ["load"]
    order = [f"{name}  {gate}" for name in ("l1_reverse", "l1", "l0_reverse", "l0") for gate in "rzn"]
    assert names[1:] == order


def test_of_many_layers_the_top_ones_are_shown_and_the_title_says_so() -> None:
    assert len(meshes(drawn("deep")["gates"])) == 12
    assert "Of 6 layers, the top 4 are shown." in drawn("deep")["gates"].get_suptitle().replace("\n", " ")


def test_a_cell_without_gates_shows_its_output() -> None:
    found = made("without_gates")
    (mesh,) = meshes(drawn("without_gates")["gates"])
    assert sorted(mesh.ravel()) == pytest.approx(sorted(found.layers[0].output.ravel()))


def test_memory_is_drawn_by_lag_input_and_step() -> None:
    memory, figure = made("hourly").memory, drawn("hourly")["memory"]
    np.testing.assert_array_equal(line(figure), memory.weights)
    assert np.asarray(figure.axes[0].get_lines()[1].get_xdata())[0] == memory.lag_90
    for place, weights in enumerate(memory.by_input):
        np.testing.assert_array_equal(line(figure, 1, place), weights)
    np.testing.assert_array_equal(meshes(figure)[0].reshape(memory.by_step.shape), memory.by_step)


def test_the_axis_of_lags_leaves_out_less_than_one_percent() -> None:
    weights = made("hourly").memory.weights
    last = int(drawn("hourly")["memory"].axes[0].get_xlim()[1])
    assert weights[: last + 1].sum() >= 0.99 * weights.sum()


def test_every_unit_is_counted_in_its_layer() -> None:
    figure, found = drawn("stacked")["timescales"], made("stacked")
    for chart, name in zip(figure.axes, ("l2", "l1", "l0"), strict=True):
        scales = [unit.timescale for unit in found.timescales if unit.layer == name]
        assert chart.get_title(loc="left") == name
        for bar in chart.patches:
            left, right = bar.get_x(), bar.get_x() + bar.get_width()
            assert bar.get_height() == sum(left <= scale < right for scale in scales)
        assert sum(bar.get_height() for bar in chart.patches) == 64


def test_gradients_and_jacobians_are_drawn_as_they_are() -> None:
    flow, figure = made("hourly").gradients, drawn("hourly")["gradients"]
    np.testing.assert_array_equal(line(figure), flow.norms)
    assert figure.axes[0].get_yscale() == "log"
    np.testing.assert_array_equal(line(figure, 1, 0), [1, 1])
    np.testing.assert_array_equal(line(figure, 1, 1), flow.singular_value)
    np.testing.assert_array_equal(line(figure, 1, 2), flow.spectral_radius)


def test_states_are_points_in_their_plane_coloured_by_the_hour() -> None:
    dots = next(i for i in drawn("hourly")["states"].axes[0].collections if isinstance(i, PathCollection))
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), made("hourly").states.points)
    np.testing.assert_allclose(np.asarray(dots.get_array()), np.arange(400) % 24)


def dated(times: np.ndarray) -> Inspection:
    whole = inspection(updates=len(times))
    return replace(whole, times=times)


@pytest.mark.parametrize(
    ("times", "name", "first"),
    [
        (stamps(np.arange(50), "6h"), "hour of the day", [0, 6, 12, 18, 0]),
        (stamps(np.arange(50), "1D"), "weekday", [0, 1, 2, 3, 4]),
        (stamps(np.arange(50), "7D"), "month", [0, 0, 0, 0, 0, 1]),
        (np.arange("2024-01", "2028-03", dtype="datetime64[M]").astype("datetime64[us]"), "month", [0, 1, 2, 3]),
        (np.arange("1980", "2030", dtype="datetime64[Y]").astype("datetime64[us]"), "load", []),
        (np.arange(50), "load", []),
    ],
)
def test_states_are_coloured_by_what_tells_updates_apart(times: np.ndarray, name: str, first: list[int]) -> None:
    found = colouring(dated(times))
    assert found.name == name
    np.testing.assert_array_equal(found.values[: len(first)], first)


def test_importance_is_a_bar_with_its_spread() -> None:
    chart = drawn("hourly")["importance"].axes[0]
    assert [bar.get_width() for bar in chart.patches] == [0.12, 0.03]
    assert [text.get_text() for text in chart.get_yticklabels()] == ["temperature", "wind"]
    segments = chart.collections[0].get_segments()  # type: ignore[attr-defined]
    np.testing.assert_allclose([segment[:, 0] for segment in segments], [[0.11, 0.13], [0.02, 0.04]])


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_name_is_read_as_mathematics(name: str) -> None:
    figure = drawn("hostile")[name]
    dollars = [text for text in texts(figure) if "$" in text.get_text() and "mathdefault" not in text.get_text()]
    assert dollars or name in {"timescales", "gradients", "states"}
    assert not any(text.get_parse_math() for text in dollars)


def test_names_are_drawn_as_they_are_and_cut_where_they_are_long() -> None:
    shown = [text.get_text() for text in texts(drawn("hostile")["importance"])]
    assert HOSTILE in shown
    assert f"_{'a' * 28}…" in shown


def test_the_files_are_png_with_ink_on_them(tmp_path: Path) -> None:
    paths = write_inside(made("hourly"), tmp_path / "inside")
    assert sorted(paths) == sorted((tmp_path / "inside").iterdir())
    assert {path.stem for path in paths} == EVERY
    assert all(Image.open(path).format == "PNG" for path in paths)


def test_a_file_is_refused_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").write_text("")
    with pytest.raises(OptionError, match=r"written into a folder, but .* is a file"):
        write_inside(made("hourly"), tmp_path / "inside")


def test_two_inspections_stand_side_by_side_on_the_same_axes(tmp_path: Path) -> None:
    figures = draw_beside(made("hourly"), made("stacked"), ("$a$", HOSTILE))
    assert set(figures) == {"memory", "timescales", "gradients"}
    for figure in figures.values():
        left, right = figure.axes
        assert [chart.get_title(loc="left") for chart in (left, right)] == ["$a$", HOSTILE]
        assert left.get_xlim() == right.get_xlim()
        assert left.get_ylim() == right.get_ylim()
    weights = made("stacked").memory.weights
    np.testing.assert_allclose(line(figures["memory"], 1), weights / weights.sum())
    one, other = (figures["memory"].axes[place].get_lines()[0] for place in range(2))
    assert one.get_color() != other.get_color()
    assert one.get_linestyle() != other.get_linestyle()
    assert len(write_beside(made("hourly"), made("stacked"), tmp_path)) == 3


def test_beside_a_net_that_has_learnt_nothing_there_is_nothing_to_draw() -> None:
    assert draw_beside(made("hourly"), made("untrained")) == {}


def test_findings_say_the_numbers() -> None:
    found = made("hourly")
    assert findings.inside_finding(found) == "gru read 400 rows of north, with 1 layer of 16 units."
    z = found.layers[0].gates["z"].mean()
    long = sum(unit.timescale > 24 for unit in found.timescales)
    assert f"z is {z:.2f}" in findings.gates_finding(found)
    assert f"Of 16 units, {long} remember for more than a day (24 rows)." in findings.gates_finding(found)
    lags = found.memory.lag_90 + 1
    assert f"lies in the newest {lags} rows ({lags / 24:.1f} days)" in findings.memory_finding(found)
    assert findings.gradient_finding(found).startswith("The gradient 48 rows (2 days) back is 1e-07 of the newest")
    assert findings.state_finding(found).startswith("Two directions show 71 % (54 and 17) of how")


def test_updates_of_several_rows_are_told_in_both() -> None:
    assert "The gradient 48 updates (192 rows) back" in findings.gradient_finding(made("undated"))


def test_units_that_never_forget_are_counted_and_not_drawn() -> None:
    found = made("hourly")
    first = replace(found.timescales[0], timescale=np.inf)
    odd = replace(found, timescales=(first, UnitTimescale("l0", 1, 3.0)))
    assert findings.timescale_finding(odd).endswith("1 of 2 units never forgets.")
    assert sum(bar.get_height() for bar in draw_inside(odd)["timescales"].axes[0].patches) == 1


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ((Importance("t", 0.12, 0.01), Importance("w", 0.01, 0.02)),
         "Shuffling t makes the error 12 % larger; w changes nothing beyond chance."),
        ((Importance("t", -0.03, 0.01),), "Shuffling t makes the error 3 % smaller."),
        ((Importance("t", 0.0, 0.0), Importance("w", 0.0, 0.1)), "t and w change nothing beyond chance."),
        ((), "There are no covariates to shuffle."),
    ],
)  # fmt: skip
def test_importance_is_told_against_chance(items: tuple[Importance, ...], text: str) -> None:
    assert findings.importance_finding(replace(made("hourly"), importance=items)).lower() == text.lower()
