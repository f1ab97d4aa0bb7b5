"""Frames into a film, GIF or MP4, without a window; the file is written whole or not at all."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.figure import Figure

from gatecast.errors import OptionError
from gatecast.files import write_atomic
from gatecast.reporting.fonts import letters_or_boxes, make_legible

MOST_FRAMES = 60
FRAMES_A_SECOND = 8
DOTS = 80  # pixels per inch: with 60 frames a GIF stays well below 2 MB


def stops(count: int) -> list[int]:
    """How much of `count` each frame shows: the last one shows all."""
    return [int(stop) for stop in np.linspace(0, count, min(count, MOST_FRAMES) + 1).round()[1:]]


def write_film(figure: Figure, draw: Callable[[int], None], frames: list[int], path: Path) -> Path:
    """Write a film of `figure`: `draw` changes it for each of `frames`.

    Raises:
        OptionError: `path` has another ending than .gif and .mp4, or MP4 is wanted and ffmpeg is not installed.
    """
    writer = _writer(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / path.name
        with writer.saving(figure, str(film), DOTS):
            for frame in frames:
                draw(frame)
                make_legible(figure)
                with letters_or_boxes():
                    writer.grab_frame()
                figure.set_layout_engine("none")  # the charts must not move from frame to frame
        write_atomic(path, film.read_bytes())
    return path


def _writer(path: Path) -> AbstractMovieWriter:
    if path.suffix.lower() == ".gif":
        return PillowWriter(fps=FRAMES_A_SECOND)
    if path.suffix.lower() != ".mp4":
        raise OptionError(f"a film is a .gif or an .mp4, got {path.name}. Write to {path.with_suffix('.gif').name}.")
    if not FFMpegWriter.isAvailable():
        raise OptionError(
            f"an .mp4 needs ffmpeg, which was not found. Install it, or write to {path.with_suffix('.gif').name}."
        )
    return FFMpegWriter(fps=FRAMES_A_SECOND)
