"""Letters that matplotlib's own font lacks, Chinese ones above all, from a font that is installed."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

# With the characters of China, Japan and Korea, as systems have them: Linux, Windows, macOS, Android.
FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "Arial Unicode MS"),
    *("Noto Sans CJK JP", "Droid Sans Fallback"),
)


def make_legible(figure: Figure) -> None:
    """Draw every text of a figure with a second font where the first one lacks a letter of any.

    Where no font has such letters they stay boxes, and a warning says so once.
    """
    texts = figure.findobj(Text)
    beyond = {letter for text in texts for letter in text.get_text() if not letter.isascii()}
    missing = sorted(letter for letter in beyond if ord(letter) not in _known())
    if not missing:
        return
    family = installed()
    if family is None:
        warnings.warn(
            f'no font here has letters such as "{missing[0]}", so pictures show boxes for them (the HTML report does '
            f"not). Install one that has them, such as Noto Sans CJK, and draw the pictures again.",
            stacklevel=3,
        )
        return
    for text in texts:
        text.set_fontfamily(["DejaVu Sans", family])


@contextmanager
def letters_or_boxes() -> Iterator[None]:
    """Draw without a warning from matplotlib for each letter that no font has."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@cache
def _known() -> frozenset[int]:
    """What matplotlib's own font can draw."""
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


@cache
def installed() -> str | None:
    """The first of `FONTS` that this machine has; matplotlib's list may be older than a font."""
    manager = font_manager.fontManager
    if not set(FONTS) & {font.name for font in manager.ttflist}:
        for path in sorted({*font_manager.findSystemFonts()} - {font.fname for font in manager.ttflist}):
            try:
                manager.addfont(path)
            except (OSError, RuntimeError):  # damaged, or of a kind that matplotlib does not draw
                continue
    have = {font.name for font in manager.ttflist}
    return next((name for name in FONTS if name in have), None)
