"""What a backtest found, as it is stored in metrics.json."""

from msgspec import DecodeError, Struct, ValidationError, convert, json

from gatecast.errors import ArtifactError


class Score(Struct, frozen=True):
    """One forecaster's errors over every window, on the original scale.

    `mase` is scaled by the in-sample seasonal naive error of each series; `smape` is in percent.  `pinball` (mean over
    levels), `coverage` (share of actuals between the outermost quantiles), `interval_score` and `msis` (of that
    interval) and `below` (share of actuals at or below each quantile, by names such as `q0.1`) are None for point
    forecasters.
    """

    model: str
    mase: float
    rmse: float
    mae: float
    smape: float
    pinball: float | None = None
    coverage: float | None = None
    interval_score: float | None = None
    msis: float | None = None
    below: dict[str, float] | None = None


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


class Duel(Struct, frozen=True):
    """The net against another way to train nets, which is no simple method and so is left out of the verdict.

    Attributes:
        rival: the other's name in the scores.
        beats: the net's MASE is below the rival's, and not by chance.
        skill: 1 - net MASE / rival's MASE; negative when the net is worse.
        p_value: how likely a difference this large is when both are equally good (two-sided).
        test: which test gave `p_value`.
        text: what that tells, in words, for people.
    """

    rival: str
    beats: bool
    skill: float
    p_value: float
    test: str
    text: str


class Metrics(Struct, frozen=True):
    """metrics.json: the net first, then every baseline, all on the same windows.

    `by_step` maps model to metric (`mase`, `mae`, `rmse`, and `coverage` where there are quantiles) to one value for
    each step of the horizon; NaN where no window observed that step.  `notes` says what was left out and why (a
    baseline too slow for this many series, windows without any actual).  `duels` compare the net with other nets, where
    some were asked for.
    """

    season: int
    horizon: int
    windows: int
    scores: tuple[Score, ...]
    by_step: dict[str, dict[str, tuple[float, ...]]]
    verdict: Verdict
    notes: tuple[str, ...] = ()
    duels: tuple[Duel, ...] = ()

    def __repr__(self) -> str:
        from gatecast.evaluation.cards import metrics_card  # noqa: PLC0415 - only where it is shown

        return metrics_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.evaluation.cards import metrics_card  # noqa: PLC0415

        return metrics_card(self).html()


def metrics_to_json(metrics: Metrics) -> bytes:
    """The bytes of metrics.json; NaN (a step at which nothing was ever observed) is written as null."""
    return json.format(json.encode(metrics), indent=2)


def metrics_from_json(data: bytes) -> Metrics:
    """Read `metrics_to_json`'s bytes back, null as NaN.

    Raises:
        ArtifactError: the bytes are not those of a metrics.json.
    """
    try:
        stored = json.decode(data)
        for errors in stored["by_step"].values():
            for metric, steps in errors.items():
                errors[metric] = [float("nan") if value is None else value for value in steps]
        return convert(stored, Metrics)
    except (DecodeError, ValidationError, KeyError, TypeError, AttributeError, RecursionError, UnicodeError) as error:
        raise ArtifactError(
            f"metrics.json holds the scores of a backtest, but this one does not: {error}. "
            f"Run the backtest again to write it anew."
        ) from error
