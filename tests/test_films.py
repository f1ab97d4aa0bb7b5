"""The films: so many frames, the right values in each, written whole or not at all."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gatecast.errors import OptionError
from gatecast.inspection import Ahead
from gatecast.reporting.filming import stops
from gatecast.reporting.films import Fitting, fitting_figure, gates_film, write_fitting_film, write_gates_film
from inspection_makers import INSPECTIONS, inspection, stamps
from reporting_runs import HOSTILE


def fitting(frames: int = 12, horizon: int = 24) -> Fitting:
    """A forecast that comes closer to a wave."""
    rows = np.arange(72)
    actual = np.sin(rows / 4)
    progress = 1 - np.exp(-np.arange(frames) / 4)
    forecasts = progress[:, None] * actual[-horizon:]
    return Fitting(np.arange(frames) * 50, 1.2 - progress, stamps(rows, "1h"), actual, forecasts, "load $x$")


def frames_of(path: Path) -> int:
    film = Image.open(path)
    assert film.format == "GIF"
    return int(getattr(film, "n_frames", 0))


def test_a_film_of_the_gates_has_sixty_frames_and_stays_small(tmp_path: Path) -> None:
    path = write_gates_film(inspection(layers=("l0", "l1"), units=256), tmp_path / "new" / "gates.gif")
    assert frames_of(path) == 60
    assert path.stat().st_size < 2_000_000
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["hostile", "without_gates", "undated", "two_ways"])
def test_every_inspection_can_be_filmed(name: str, tmp_path: Path) -> None:
    assert frames_of(write_gates_film(INSPECTIONS[name](), tmp_path / "gates.gif")) == 60


def test_few_updates_have_a_frame_each(tmp_path: Path) -> None:
    assert frames_of(write_gates_film(inspection(updates=9), tmp_path / "gates.gif")) == 9


def test_each_frame_shows_the_series_so_far_and_the_forecast_that_was_made_then() -> None:
    whole = inspection(updates=200)
    times = whole.times[-120:, None] + np.timedelta64(1, "h") * np.arange(1, 25)
    values = np.random.default_rng(0).normal(50, 10, (120, 24))
    figure, reveal = gates_film(replace(whole, ahead=Ahead(times, values)))
    series, forecast = figure.axes[0].get_lines()
    low, high = figure.axes[0].get_ylim()
    assert low < values.min() < values.max() < high
    for shown in (1, 60, 120):
        reveal(shown)
        np.testing.assert_array_equal(series.get_ydata(), whole.values[-120:][:shown])
        np.testing.assert_array_equal(forecast.get_ydata(), values[shown - 1])
        np.testing.assert_array_equal(forecast.get_xdata(orig=True), times[shown - 1])


@pytest.mark.parametrize(("count", "frames"), [(1, 1), (9, 9), (60, 60), (61, 60), (120, 60)])
def test_the_frames_go_forward_and_end_with_everything(count: int, frames: int) -> None:
    found = stops(count)
    assert len(found) == frames
    assert found[-1] == count
    assert all(later > earlier for earlier, later in pairwise(found))


def test_a_film_of_the_fitting_has_a_frame_for_each_forecast(tmp_path: Path) -> None:
    path = write_fitting_film(fitting(), tmp_path / "fit.gif")
    assert frames_of(path) == 12
    assert path.stat().st_size < 2_000_000


def test_many_forecasts_are_thinned_to_sixty_frames(tmp_path: Path) -> None:
    assert frames_of(write_fitting_film(fitting(frames=90), tmp_path / "fit.gif")) == 60


def test_the_fitting_shows_the_window_and_the_validation_loss() -> None:
    told = fitting()
    _, (window, course) = fitting_figure(told)
    actual, forecast = window.get_lines()
    np.testing.assert_array_equal(actual.get_ydata(), told.actual)
    np.testing.assert_array_equal(forecast.get_ydata(), told.forecasts[-1])
    np.testing.assert_array_equal(course.get_lines()[0].get_xydata(), np.stack([told.steps, told.validation], axis=1))
    assert window.get_ylabel() == "load $x$"
    assert not window.yaxis.label.get_parse_math()
    low, high = window.get_ylim()
    assert low < min(told.actual.min(), told.forecasts.min())
    assert high > max(told.actual.max(), told.forecasts.max())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"a film is a \.gif or an \.mp4, got fit\.avi\. Write to fit\.gif\."):
        write_fitting_film(fitting(), tmp_path / "fit.avi")
    assert not list(tmp_path.iterdir())


def test_mp4_without_ffmpeg_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.reporting.filming.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(OptionError, match=r"an \.mp4 needs ffmpeg, which was not found\. Install it, or write to"):
        write_gates_film(inspection(), tmp_path / "gates.mp4")
    assert not list(tmp_path.iterdir())


def test_a_film_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"{HOSTILE[:7]}.gif"
    path.write_bytes(b"old")

    def stop(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr("matplotlib.animation.PillowWriter.finish", stop)
    with pytest.raises(OSError, match="full"):
        write_fitting_film(fitting(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("part", "text"), [("steps", "as many of each"), ("times", "context and horizon of both")])
def test_a_fitting_whose_shapes_do_not_fit_is_refused(part: str, text: str) -> None:
    whole = {name: getattr(fitting(), name) for name in Fitting.__dataclass_fields__}
    with pytest.raises(OptionError, match=text):
        Fitting(**{**whole, part: whole[part][1:]})
