"""What processes hold, read from /proc, and how that changes by the hour.

Used by `long_run.py`.
"""

import statistics
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from scipy.stats import theilslopes

MEBIBYTE = 2**20


class Held(NamedTuple):
    """What a process and its children hold at a moment.

    Attributes:
        pss: MiB of memory, what is shared with other processes divided by their number; 0 where it is not told.
        rss: MiB of memory, what is shared included.
        descriptors: open files, sockets and pipes.
        threads: how many run.
        processes: itself, and its children.
    """

    pss: float
    rss: float
    descriptors: int
    threads: int
    processes: int


class Slope(NamedTuple):
    """How much a figure grows in an hour, and its 95 % confidence interval."""

    hourly: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.hourly:+.1f} ({self.low:+.1f} to {self.high:+.1f})"


def held(process: int, besides: Collection[int] = ()) -> Held:
    """What a process and its children hold now, but for some of these.

    Raises:
        OSError: there is no such process.
    """
    found = [_held(child) for child in _children(process) if child not in besides]
    return Held(*(sum(figures) for figures in zip(_held(process), *found, strict=True)))


def _held(process: int) -> Held:
    place = Path(f"/proc/{process}")
    threads = next(line for line in (place / "status").read_text().splitlines() if line.startswith("Threads:"))
    count, descriptors = int(threads.split()[1]), len(list((place / "fd").iterdir()))
    rolled = _sizes(place / "smaps_rollup")
    return Held(rolled.get("Pss", 0.0), rolled.get("Rss", 0.0), descriptors, count, 1)


def _sizes(path: Path) -> dict[str, float]:
    """The MiB of each name in a file of /proc."""
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    return {row[0].rstrip(":"): int(row[1]) / 1024 for row in rows if row[-1] == "kB"}


def _children(process: int) -> list[int]:
    told = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in told.split()]


def folder(place: Path) -> tuple[int, float]:
    """How many files a folder and those within it hold, and their MiB."""
    sizes = []
    for path in place.rglob("*"):
        try:
            sizes.append(path.stat().st_size if path.is_file() else None)
        except FileNotFoundError:  # it was replaced while we looked
            continue
    files = [size for size in sizes if size is not None]
    return len(files), sum(files) / MEBIBYTE


def slope(minutes: list[float], figures: list[float]) -> Slope:
    """The median of all slopes between two minutes (Theil 1950, Sen 1968), of the median figure of each minute.

    Figures of one minute are not independent, which would make the interval too narrow.
    """
    own: dict[int, list[float]] = {}
    for minute, figure in zip(minutes, figures, strict=True):
        own.setdefault(int(minute), []).append(figure)
    middles = [statistics.median(part) for part in own.values()]
    if len(middles) < 2:
        return Slope(*[float("nan")] * 3)
    found = theilslopes(middles, [minute / 60 for minute in own])
    return Slope(float(found.slope), float(found.low_slope), float(found.high_slope))
