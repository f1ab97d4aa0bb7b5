"""Chinese names in pictures: drawn by a font that is installed, or boxes and one line that says what to do."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from gatecast.reporting import fonts
from gatecast.reporting.filming import write_film
from gatecast.reporting.paper import label, png, sheet

NAMES = "朝阳店", "海淀店"  # as many letters, of about the same width


def chart(name: str) -> Figure:
    figure, charts = sheet(f"{name}: the 7 steps after 2024-05-14")
    charts[0].set_yticks([0, 1], labels=[name, name])
    label(charts[0], "time", "销量", name)
    return figure


def pixels(figure: Figure, folder: Path) -> np.ndarray:
    path = folder / "picture.png"
    path.write_bytes(png(figure))
    return imread(path)


@pytest.mark.skipif(fonts.installed() is None, reason="no font with Chinese letters is installed")
def test_chinese_names_are_drawn_and_not_as_boxes(tmp_path: Path) -> None:
    """Boxes of two names are alike; letters are not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = (pixels(chart(name), tmp_path) for name in NAMES)
    assert one.shape == other.shape
    assert not np.array_equal(one, other)


@pytest.mark.skipif(fonts.installed() is None, reason="no font with Chinese letters is installed")
def test_the_font_that_is_taken_has_the_letters() -> None:
    family = fonts.installed()
    assert family is not None
    charmap = font_manager.get_font(font_manager.findfont(family, fallback_to_default=False)).get_charmap()
    assert {ord(letter) for letter in "销量预测朝阳店"} <= charmap.keys()


@pytest.mark.skipif(fonts.installed() is None, reason="no font with Chinese letters is installed")
def test_a_font_is_found_that_is_newer_than_the_list_of_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = font_manager.fontManager
    new = {font.fname for font in manager.ttflist if font.name in fonts.FONTS}
    monkeypatch.setattr(manager, "ttflist", [font for font in manager.ttflist if font.fname not in new])
    assert fonts.installed.__wrapped__() in fonts.FONTS


def test_without_such_a_font_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: None)
    with pytest.warns(UserWarning, match=r"no font here has letters such as .* Install one that has them") as caught:
        png(chart(NAMES[0]))
    assert len(caught) == 1, "no warning for every letter"


def test_a_film_says_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: None)
    with pytest.warns(UserWarning, match="Install one that has them") as caught:
        write_film(chart(NAMES[0]), lambda _: None, [1], tmp_path / "film.gif")
    assert len(caught) == 1


def test_pictures_without_such_letters_keep_their_font() -> None:
    figure = chart("Größe in µm")
    figure.axes[0].set_ylabel("y")
    before = [text.get_fontfamily() for text in figure.findobj(Text)]
    png(figure)
    assert [text.get_fontfamily() for text in figure.findobj(Text)][: len(before)] == before
