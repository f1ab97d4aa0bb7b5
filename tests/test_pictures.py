"""The pictures: every run gets them, they show the numbers, and names stay names."""

import io
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gatecast.errors import OptionError
from gatecast.reporting.paper import png
from gatecast.reporting.pictures import draw, plot_forecast, write_pictures
from reporting_runs import HOSTILE, RUNS, run

drawn = cache(lambda name: draw(RUNS[name]()))
EVERY = {"data", "forecast", "backtest", "error_by_step", "training"}


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def line(figure: Figure, name: str) -> np.ndarray:
    return np.asarray(next(item for item in figure.axes[0].get_lines() if item.get_label() == name).get_ydata())


@pytest.mark.parametrize("name", ["daily", "many_series", "undated", "two_targets", "long", "undecided", "hostile"])
def test_every_run_has_every_picture_with_labelled_axes(name: str) -> None:
    assert set(drawn(name)) == EVERY
    for figure in drawn(name).values():
        assert figure.get_suptitle()
        assert all(chart.get_xlabel() and chart.get_ylabel() for chart in figure.axes)


def test_what_was_not_made_is_not_drawn() -> None:
    assert set(drawn("bare")) == {"data", "backtest"}


def test_the_files_are_png_with_ink_on_them(tmp_path: Path) -> None:
    paths = write_pictures(RUNS["two_targets"](), tmp_path / "pictures")
    assert sorted(paths) == sorted((tmp_path / "pictures").iterdir())
    for path in paths:
        picture = Image.open(path)
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(maxcolors=1_000_000) or []) > 50


def test_a_file_is_refused_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("")
    with pytest.raises(OptionError, match=r"written into a folder, but .* is a file"):
        write_pictures(RUNS["bare"](), tmp_path / "pictures")


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_name_is_read_as_mathematics(name: str) -> None:
    figure = drawn("hostile")[name]
    png(figure)  # unbalanced mathematics would be refused here
    dollars = [text for text in texts(figure) if "$" in text.get_text()]
    assert dollars or name == "training"
    assert not any(text.get_parse_math() for text in dollars)


def test_names_are_drawn_as_they_are() -> None:
    shown = [text.get_text() for text in texts(drawn("hostile")["forecast"])]
    assert f"{HOSTILE} · a_{{b$" in shown
    assert "温度" in shown


def test_a_name_with_an_underscore_in_front_stays_in_the_legend() -> None:
    legend = drawn("hostile")["error_by_step"].axes[0].get_legend()
    assert legend is not None
    assert any(text.get_text().strip().startswith("_@{x}") for text in legend.get_texts())


def test_the_fan_shows_the_frames() -> None:
    small = run(rows=200, windows=2)
    figure = plot_forecast(small.history, small.forecast)
    np.testing.assert_allclose(line(figure, "forecast"), small.forecast["mean"].to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(line(figure, "actual"), small.history["y"].to_numpy()[-150:], rtol=1e-6)
    edges = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(small.forecast["q0.1"].min(), rel=1e-6)
    assert edges.max() == pytest.approx(small.forecast["q0.9"].max(), rel=1e-6)


def test_a_missing_value_is_a_gap_in_the_line() -> None:
    history = pl.DataFrame({"unique_id": "a", "ds": range(6), "y": [1.0, None, 3.0, float("nan"), 5.0, 6.0]})
    forecast = pl.DataFrame({"unique_id": "a", "cutoff": 5, "ds": [6, 7], "mean": [7.0, 8.0]})
    figure = plot_forecast(history, forecast)
    np.testing.assert_array_equal(np.isnan(line(figure, "actual")), [False, True, False, True, False, False])


def test_many_series_without_a_choice_are_cut_at_six() -> None:
    history = pl.DataFrame({"unique_id": [f"s{i}" for i in range(9)], "ds": 0, "y": 1.0})
    forecast = history.select("unique_id", cutoff="ds", ds=pl.lit(1), mean="y")
    assert len(plot_forecast(history, forecast).axes) == 6


def test_the_shaded_parts_meet_where_the_data_were_cut() -> None:
    whole = RUNS["daily"]()
    patches = drawn("daily")["data"].axes[0].patches
    edges = [patch.get_x() for patch in patches]
    assert edges == pytest.approx([date2num(whole.history["ds"][0]), *(date2num(time) for time in whole.parts)])
    assert len({to_hex(patch.get_facecolor()) for patch in patches}) == 3


def test_titles_say_the_finding() -> None:
    titles = {name: figure.get_suptitle() for name, figure in drawn("daily").items()}
    assert titles["training"] == "The validation loss is lowest, 0.4348, at step 800 of 2,000."
    assert titles["backtest"].startswith("Mean absolute error over 12 windows: gru 0.4566, theta 0.55")
    assert "lower than that of theta at 28 of 28 steps" in titles["error_by_step"]


def test_drawing_leaves_no_global_figure_behind() -> None:
    code = (
        "import sys, polars as pl; from gatecast.reporting.pictures import plot_forecast;"
        "h = pl.DataFrame({'unique_id': ['a'], 'ds': [0], 'y': [1.0]});"
        "plot_forecast(h, h.select('unique_id', 'ds', mean='y')); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_picture_is_the_same_bytes_every_time() -> None:
    small = run(rows=100, windows=1)
    first, second = (png(plot_forecast(small.history, small.forecast)) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size[0] == 1080
