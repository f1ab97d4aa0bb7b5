"""The files under `/static/`: our own modules and styles, and Bokeh's JavaScript straight out of its wheel.

A file's address holds its version, so that a browser keeps it for a year and still sees a new one at once.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bokeh
from bokeh.util.paths import bokehjs_path

OURS = Path(__file__).parent / "static"
BOKEH = ("bokeh.min.js", "bokeh-api.min.js")
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file as it goes out.

    Attributes:
        media: its type, for the browser.
        body: its bytes.
        packed: the same by gzip.
    """

    media: str
    body: bytes
    packed: bytes


@cache
def bokeh_folder() -> str:
    """Where Bokeh's files stand under `/static/`."""
    return f"bokeh-{bokeh.__version__}"


@cache
def our_folder() -> str:
    """Where our files stand under `/static/`: a digest of all, because modules import each other by name."""
    digest = hashlib.sha256()
    for path in _our_paths():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"page-{digest.hexdigest()[:12]}"


@cache
def asset(folder: str, name: str) -> Asset | None:
    """The file of this name in a folder of `/static/`; None unless it is one of those listed here."""
    path = _paths().get((folder, name))
    if path is None:
        return None
    body = path.read_bytes()
    return Asset(MEDIA[path.suffix], body, gzip.compress(body, mtime=0))


@cache
def _paths() -> dict[tuple[str, str], Path]:
    """Every file there is: a path in a request is only ever compared with these, never opened."""
    bokehjs = Path(bokehjs_path()) / "js"
    ours = {(our_folder(), path.name): path for path in _our_paths()}
    return ours | {(bokeh_folder(), name): bokehjs / name for name in BOKEH}


def _our_paths() -> list[Path]:
    return sorted(path for path in OURS.iterdir() if path.suffix in MEDIA)
