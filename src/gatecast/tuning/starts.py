"""What a forecast may start from, how values are seen then, and how far back a window may reach."""

from collections.abc import Iterator
from itertools import pairwise

from gatecast.choosing import Asked
from gatecast.choosing.base import room, seasons_of
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import ForecasterConfig, Mode
from gatecast.models.distributions import COUNTS
from gatecast.models.normalising import Normalise, Subtract
from gatecast.tuning.dimensions import Choice, Ladder, Settings

WAYS: dict[Mode, tuple[tuple[Subtract, Normalise], ...]] = {
    "windows": (
        ("last", "last"),
        ("mean", "standard"),
        ("seasonal", "last"),
        ("none", "none"),
        ("last", "causal"),
        ("seasonal", "causal"),
    ),
    "sequences": (("last", "causal"), ("seasonal", "causal"), ("mean", "causal"), ("none", "causal")),
}
MOST_LONGER = 4  # a lookback this many times the usual one costs as much more time
MOST_RUNGS = 6


def starts(panel: Panel, split: Split, asked: Asked, config: ForecasterConfig, mode: Mode) -> Choice:
    """What the forecast starts from; of seasons all that the training part has seen often enough.

    Counts, and forecasts that are fed back, stay as `gatecast fit` would have them: other ways are refused or poor.
    """
    usual = _way(config.subtract, config.normalise, config.season)
    ways = dict([usual]) if config.mode == mode else {}
    if config.network.loss in COUNTS or config.network.recursive:
        return Choice(f"{mode}.start", ways, {"mode": (mode,)})
    for subtract, normalise in WAYS[mode]:
        said = all(got in (None, want) for got, want in ((asked.subtract, subtract), (asked.normalise, normalise)))
        for season in _seasons(panel, split, asked, config) if subtract == "seasonal" else [config.season]:
            ways |= dict([_way(subtract, normalise, season)]) if said else {}
    return Choice(f"{mode}.start", ways, {"mode": (mode,)})


def _way(subtract: Subtract, normalise: Normalise, season: int) -> tuple[str, Settings]:
    """One way, by its name."""
    start = f"seasonal ({season} rows)" if subtract == "seasonal" else subtract
    return f"{start}, {normalise}", {"subtract": subtract, "normalise": normalise, "base_season": season}


def _seasons(panel: Panel, split: Split, asked: Asked, config: ForecasterConfig) -> list[int]:
    """The seasons that a forecast may start from, within the lookbacks that there is room for."""
    said = [asked.base_season] if asked.base_season is not None else None
    found = said or seasons_of(panel, split, asked, config.loss_season or config.season)
    return [season for season in found if 1 < season <= _rungs(split, asked, config)[-1]]


def lookbacks(split: Split, asked: Asked, config: ForecasterConfig, ways: Choice) -> Iterator[Ladder]:
    """One ladder for the starts that need a season in the lookback, for each season, and one for the others.

    Rungs are the usual lookback, its half and multiples, and whole seasons and horizons between them.
    """
    needs: dict[int, list[str]] = {}
    for name, way in ways.options.items():
        needs.setdefault(way["base_season"] if way["subtract"] == "seasonal" else 1, []).append(name)
    for least, names in needs.items():
        rungs = [rung for rung in _rungs(split, asked, config) if rung >= least]
        if rungs:
            mode = ways.key.partition(".")[0]
            yield Ladder(f"{mode}.lookback.{least}", "lookback", tuple(rungs), ways.when | {ways.key: tuple(names)})


def _rungs(split: Split, asked: Asked, config: ForecasterConfig) -> list[int]:
    if asked.lookback is not None:
        return [config.lookback]
    usual, season = config.lookback, max(config.season, config.loss_season or 1)
    wishes = {usual // 2, 2 * usual, 3 * usual, MOST_LONGER * usual, season, 2 * season, asked.horizon}
    most = max(usual, min(room(split, asked), MOST_LONGER * usual))
    fitting = sorted(rung for rung in wishes | {usual} if usual // 4 < rung <= most)
    while len(fitting) > MOST_RUNGS:  # the closest pair says the least
        gaps = {b / a: (a if b == usual else b) for a, b in pairwise(fitting)}
        fitting.remove(gaps[min(gaps)])
    return fitting
