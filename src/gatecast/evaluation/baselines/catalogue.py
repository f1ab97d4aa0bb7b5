"""Which baselines there are, and which ones a backtest can afford."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64

from gatecast.data.panel import Panel
from gatecast.errors import OptionError
from gatecast.evaluation.baselines.autoreg import AutoReg
from gatecast.evaluation.baselines.base import Baseline, LearntBaseline
from gatecast.evaluation.baselines.ets import Ets
from gatecast.evaluation.baselines.simple import Drift, Mean, Naive, SeasonalNaive
from gatecast.evaluation.baselines.theta import Theta

BASELINES: dict[str, Callable[[int], Baseline]] = {
    "naive": lambda _season: Naive(),
    "seasonal_naive": SeasonalNaive,
    "drift": lambda _season: Drift(),
    "mean": lambda _season: Mean(),
    "autoreg": AutoReg,
    "ets": Ets,
    "theta": Theta,
}
"""Every baseline by its name, as a function of the season in rows."""

BUDGET = 30.0  # seconds that the learnt baselines may take together


def baselines_by_name(names: Sequence[str], season: int) -> list[Baseline]:
    """The named baselines, unfitted, each once.

    Raises:
        OptionError: a name is not that of a baseline.
    """
    for name in names:
        if name not in BASELINES:
            raise OptionError(f"there is no baseline {name!r}. The baselines are: {', '.join(BASELINES)}.")
    return [BASELINES[name](season) for name in dict.fromkeys(names)]


def default_baselines(
    season: int, panel: Panel, ends: Int64[np.ndarray, " series"]
) -> tuple[list[Baseline], tuple[str, ...]]:
    """Every baseline that can be learnt from rows `[0, ends[i])` in about half a minute together, unfitted.

    Returns:
        The baselines, and a sentence for each one that was left out.
    """
    notes = ["seasonal_naive left out: with season=1 it is the same as naive."] if season == 1 else []
    chosen = [name for name in BASELINES if not (season == 1 and name == "seasonal_naive")]
    seconds = {
        baseline.name: len(panel.columns.target) * sum(baseline.seconds(rows) for rows in ends.tolist())
        for baseline in baselines_by_name(chosen, season)
        if isinstance(baseline, LearntBaseline)
    }
    spent = 0.0
    for name, cost in sorted(seconds.items(), key=lambda item: item[1]):
        spent += cost
        if spent > BUDGET:
            chosen.remove(name)
            notes.append(_left_out(name, cost, panel))
    return baselines_by_name(chosen, season), tuple(notes)


def _left_out(name: str, seconds: float, panel: Panel) -> str:
    series, targets = len(panel.ids), len(panel.columns.target)
    what = f"{series:,} series" + (f" of {targets} targets" if targets > 1 else "")
    time = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    return f"{name} left out: {what} would take about {time}; name it in --baselines to have it."
