"""What the forecast starts from: the last value, or the season before."""

import numpy as np

from gatecast.choosing.asked import Asked
from gatecast.choosing.seasons import MOST_LAG
from gatecast.data.calendar import season_candidates
from gatecast.data.columns import Guess
from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.data.windows import thin, windows_between
from gatecast.errors import TooShortError
from gatecast.models.normalising import Subtract

MOST_ORIGINS = 2000
CLEARLY_BETTER = 0.7  # a seasonal naive error below this share of the naive one means the season leads


def choose_subtract(panel: Panel, split: Split, asked: Asked, season: int) -> tuple[tuple[Subtract, int], Guess]:
    """Subtract the seasonal last value where repeating it is clearly better than repeating the last value.

    The longer seasons of the calendar compete too (a week of hours), unless one was said; the validation part is the
    judge.
    """
    last = _repeat_error(panel, split, asked.horizon, 1)
    seasons = [asked.base_season] if asked.base_season else seasons_of(panel, split, asked, season)
    errors = {m: _repeat_error(panel, split, asked.horizon, m) for m in seasons}
    best = min(errors, key=errors.__getitem__, default=season)
    if not errors or errors[best] >= CLEARLY_BETTER * last:
        why = _why_last(last, errors.get(best, np.inf), best)
        return ("last", asked.base_season or season), Guess("subtract", "last", why)
    better = f"on the validation part, repeating the last {best} rows errs {1 - errors[best] / last:.0%} less"
    return ("seasonal", best), Guess("subtract", f"seasonal ({best} rows)", better)


def _why_last(last: float, seasonal: float, season: int) -> str:
    """In words, from the errors of repeating the last value and of repeating the season."""
    if seasonal >= last:
        return "on the validation part, repeating the last value is hard to beat"
    less = f"{1 - seasonal / last:.0%} less than the last value"
    return f"on the validation part, repeating the last {season} rows errs only {less}"


def seasons_of(panel: Panel, split: Split, asked: Asked, season: int) -> list[int]:
    """The season and the longer ones around it that training saw three times and a lookback can hold: days, weeks.

    Without dates, a season of 24 rows or more is taken for a day.
    """
    week = (7 * season,) if season >= 24 else ()
    longer = season_candidates(panel.frequency) if panel.dated else week
    most = min(asked.window or room(split, asked), int(split.train_end.max()) // 3, MOST_LAG)
    return sorted(m for m in {season, *longer} if 1 < m <= most)


def room(split: Split, asked: Asked) -> int:
    """The longest lookback that leaves the shortest training part a quarter of its windows."""
    return 3 * (int(split.train_end.min()) - asked.horizon) // 4


def _repeat_error(panel: Panel, split: Split, horizon: int, season: int) -> float:
    """Mean absolute error of repeating the last `season` rows, each series measured by its own spread."""
    try:
        origins = windows_between(panel, split.train_end, split.validation_end, season, horizon)
    except TooShortError:
        return np.inf
    origins = thin(origins, MOST_ORIGINS)
    targets = panel.targets.astype(np.float64)
    filled = carry_forward(targets, panel.offsets)
    first = panel.offsets[origins.series] + origins.position
    steps = np.arange(horizon)
    repeated = filled[first[:, None] - season + steps % season]
    errors = np.abs(targets[first[:, None] + steps] - repeated) / _spread(filled, panel, split)[origins.series][:, None]
    return float(np.nanmean(errors))


def _spread(filled: np.ndarray, panel: Panel, split: Split) -> np.ndarray:
    """Mean absolute deviation of each series' training part, to weigh series alike; (series, targets)."""
    parts = [filled[panel.rows(i)][:end] for i, end in enumerate(split.train_end.tolist())]
    spread = np.array([np.abs(part - part.mean(axis=0)).mean(axis=0) for part in parts])
    return np.where(spread > 0, spread, 1.0)
