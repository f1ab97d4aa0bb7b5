"""What a backtest found, as it is stored in metrics.json."""

from msgspec import Struct


class Score(Struct, frozen=True):
    """One forecaster's errors over every window, on the original scale.

    `mase` is scaled by the in-sample seasonal naive error of each series; `smape` is in percent.  `pinball` (mean over
    levels) and `coverage` (share of actuals between the outermost quantiles) are None for point forecasters.
    """

    model: str
    mase: float
    rmse: float
    mae: float
    smape: float
    pinball: float | None = None
    coverage: float | None = None


class Verdict(Struct, frozen=True):
    """Whether the net is worth its trouble.

    Attributes:
        beats_best_baseline: its MASE is below that of the best baseline, and not by chance.
        best_baseline: the baseline with the lowest MASE.
        skill: 1 - net MASE / best baseline MASE; negative when the net is worse.
        p_value: how likely a difference this large is when both are equally good (two-sided).
        test: which test gave `p_value`.
        text: the verdict in words, for people.
    """

    beats_best_baseline: bool
    best_baseline: str
    skill: float
    p_value: float
    test: str
    text: str


class Metrics(Struct, frozen=True):
    """metrics.json: the net first, then every baseline, all on the same windows.

    `by_step` maps model to metric (`mase`, `mae`, `rmse`) to one value for each step of the horizon.  `notes` says
    what was left out and why (a baseline too slow for this many series, windows without any actual).
    """

    season: int
    horizon: int
    windows: int
    scores: tuple[Score, ...]
    by_step: dict[str, dict[str, tuple[float, ...]]]
    verdict: Verdict
    notes: tuple[str, ...] = ()
