"""What the user left open, decided before the test part, and said aloud.

Season, lookback and calendar come from the training part; what is subtracted is chosen by the validation part, as the
best weights are.  Nothing looks at a row at or after `validation_end`, so a backtest of the settings is honest.
"""

from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Float64
from msgspec import Struct, structs

from gatecast.data.calendar import Cycle, calendar_feature_names, season_candidates, show_time
from gatecast.data.columns import Guess
from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.splits import Split, part_starts
from gatecast.data.windows import thin, windows_between
from gatecast.errors import OptionError, TooShortError
from gatecast.evaluation.calibration import check_levels
from gatecast.evaluation.conformal import residuals_needed
from gatecast.forecaster import ForecasterConfig, Mode, window_option
from gatecast.models.config import NetworkConfig
from gatecast.models.distributions import COUNTS
from gatecast.models.normalising import Normalise, Subtract
from gatecast.training.config import TrainingConfig

MOST_LAG = 500  # lags searched for a season when rows have no dates
MOST_ORIGINS = 2000
SHORT_SEASON = 24  # rows; of longer seasons two are read, because each row of the lookback costs time
ROWS_TO_CARRY = 1000  # a carried state needs a series that is long beside what it remembers
YEARS_FOR_SEASONS = 10
CLEARLY_BETTER = 0.7  # a seasonal naive error below this share of the naive one means the season leads

T = TypeVar("T")


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user asks of a forecaster; None means "choose, and say so".

    Attributes:
        horizon: rows to forecast.
        lookback: rows the net reads before the cutoff; `all` carries a state over the whole past (mode `sequences`).
        season: rows of one season, of the scores and of the seasonal baselines.
        subtract: what the forecast starts from: the `last` value, the `seasonal` last values, or `none`.
        mode: `windows` or `sequences`.
        normalise: how values are seen: `last`, `standard`, `meanabs`, `causal` or `none`.
        calendar: which cycles the net reads the place in: `day`, `week` or (every day apart) `weekday`, `year` or (by
            several waves) `season`.
        scaler: `standard` (which is usual), `minmax`, `robust`, `meanabs` or `none`.
        calibrate: move the quantiles until each has its share of the validation part below it.
        network: the net.
        training: how it is trained.
    """

    horizon: int = 24
    lookback: int | Literal["all"] | None = None
    season: int | None = None
    subtract: Subtract | None = None
    mode: Mode | None = None
    normalise: Normalise | None = None
    calendar: tuple[Cycle, ...] | None = None
    scaler: str | None = None
    calibrate: bool | None = None
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        for name in ("horizon", "lookback", "season"):
            value = getattr(self, name)
            if isinstance(value, int) and value < 1:
                raise OptionError(f"{name} counts rows from 1 up, got {name}={value}.")
        if self.lookback == "all" and self.mode == "windows":
            raise OptionError("lookback='all' carries a state over the whole past, which mode='windows' does not.")

    @property
    def window(self) -> int | None:
        """The rows of a window, where they were said."""
        return self.lookback if isinstance(self.lookback, int) else None


class Chosen(Struct, frozen=True):
    """The settled configuration, the season of the scores, whether to calibrate, and what was guessed on the way."""

    config: ForecasterConfig
    season: int
    calibrate: bool
    guesses: tuple[Guess, ...]


def choose(panel: Panel, split: Split, asked: Asked) -> Chosen:
    """Settle everything that `asked` leaves open.

    Raises:
        OptionError: an option cannot be.
        TooShortError: the training part has no room for one lookback and one horizon.
    """
    guesses: list[Guess] = []
    season = asked.season or _note(guesses, choose_season(panel, split))
    subtract, base_season = (asked.subtract, season)
    if asked.network.loss in COUNTS:
        asked, subtract = _for_counts(guesses, asked)
    elif subtract is None:
        subtract, base_season = _note(guesses, choose_subtract(panel, split, asked, season))
    said = said_mode(asked)
    mode = said if said is not None else _note(guesses, choose_mode(split, asked))
    lookback = asked.window or _note(guesses, choose_lookback(panel, split, asked, (season, base_season), mode))
    calendar = asked.calendar if asked.calendar is not None else _note(guesses, choose_calendar(panel, split))
    _check_room(panel, split, lookback, asked.horizon)
    calibrate = bool(asked.calibrate)
    if calibrate:
        check_levels(asked.network.quantiles)  # a net for a point takes any, and gets them after training
    elif asked.calibrate is None and asked.network.levels:
        calibrate = _note(guesses, choose_calibrate(split, asked))
    normalise = asked.normalise or _usual_normalisation(mode, subtract)
    if asked.network.recursive and asked.normalise is None and normalise == "last" and lookback >= base_season:
        normalise = _note(guesses, choose_fed_back())
    config = ForecasterConfig(
        mode=mode,
        normalise=normalise,
        lookback=lookback,
        horizon=asked.horizon,
        season=base_season,
        subtract=subtract,
        loss_season=season,
        flags=asked.network.layer.cell == "grud" or _gaps(panel, split),
        ahead=mode == "windows" or bool(panel.columns.future) or panel.columns.holidays is not None,
        scaler=asked.scaler or "standard",
        calendar=calendar,
        network=asked.network,
        training=asked.training,
    )
    return Chosen(config, season, calibrate, tuple(guesses))


def _gaps(panel: Panel, split: Split) -> bool:
    """Whether a value is missing in the training part: without any, flags of observation say nothing."""
    ends = zip(range(len(panel.ids)), split.train_end.tolist(), strict=True)
    return any(not np.isfinite(panel.values[panel.rows(index)][:end]).all() for index, end in ends)


def _for_counts(guesses: list[Guess], asked: Asked) -> tuple[Asked, Subtract]:
    """What counts need, where nothing else was said; what was said and cannot be is refused by the configuration."""
    usual: dict[str, tuple[Any, str]] = {
        "scaler": ("none", "counts are learnt as they are"),
        "subtract": ("none", "counts are forecast by their mean, not by a change"),
        "calibrate": (False, "a quantile of counts that is moved is no whole number"),
    }
    if asked.mode != "sequences" and asked.lookback != "all":
        usual["normalise"] = ("meanabs", "the scaler leaves large counts large")
    left_open = {name: choice for name, choice in usual.items() if getattr(asked, name) is None}
    guesses.extend(Guess(name, "no" if value is False else value, why) for name, (value, why) in left_open.items())
    settled = structs.replace(asked, **{name: value for name, (value, _) in left_open.items()})
    return settled, settled.subtract or "none"


def _usual_normalisation(mode: Mode, subtract: Subtract) -> Normalise:
    if mode == "sequences":
        return "causal"
    return "none" if subtract == "none" else "last"


def choose_fed_back() -> tuple[Normalise, Guess]:
    """Causal, where forecasts are fed back: beside a level that stays at the cutoff, the net has never seen them.

    On the validation part of ETTh1 (oil temperature, 24 hours) the error is 0.53 so, and 0.93 by the last value (MASE).
    """
    return "causal", Guess("normalise", "causal", "the level moves on with the forecasts that are fed back")


def _note(guesses: list[Guess], choice: tuple[T, Guess]) -> T:
    """Remember the guess and pass its value on."""
    value, guess = choice
    guesses.append(guess)
    return value


def said_mode(asked: Asked) -> Mode | None:
    """The mode that was said, be it by a lookback: a fixed one is a window, all of the past a carried state."""
    if asked.mode is not None or asked.lookback is None:
        return asked.mode
    return "sequences" if asked.lookback == "all" else "windows"


def choose_mode(split: Split, asked: Asked) -> tuple[Mode, Guess]:
    """One pass over the series where they are long; windows where they are short, or where an option needs them."""
    if asked.network.decode == "seq2seq":
        return "windows", Guess("mode", "windows", "a run over the horizon from every row would take long")
    need = "free_running" if asked.training.free_running else window_option(asked.network)
    if need is None and asked.normalise not in {None, "causal"}:
        need = "normalise"
    if need is not None:
        return "windows", Guess("mode", "windows", f"{need} reads windows")
    rows = int(np.median(split.train_end))
    if rows < ROWS_TO_CARRY:
        return "windows", Guess("mode", "windows", f"{rows:,} rows to train on are few to carry a state over")
    why = f"{rows:,} rows to train on: one pass learns from a forecast at every row"
    return "sequences", Guess("mode", "sequences", why)


def choose_season(panel: Panel, split: Split) -> tuple[int, Guess]:
    """Find the season of the scores: what the frequency suggests, or the first clear echo of the changes."""
    longest = int(split.train_end.max())
    calendar = [m for m in season_candidates(panel.frequency) if 2 * m <= longest]
    if calendar:
        return calendar[0], Guess("season", str(calendar[0]), f"usual for rows {panel.frequency.name}")
    season, strength = _echo(panel, split)
    why = (
        f"the changes echo after so many rows, correlation {strength:.2f}" if season > 1 else "no clear echo was found"
    )
    return season, Guess("season", str(season), why)


def _echo(panel: Panel, split: Split) -> tuple[int, float]:
    """The first lag at which the autocorrelation of the differences has a high peak, averaged over series."""
    most = min(MOST_LAG, int(np.median(split.train_end)) // 3)
    curves = [_autocorrelation(changes, most) for changes in _changes(panel, split) if len(changes) > most + 1]
    if most < 3 or not curves:
        return 1, 0.0
    curve = np.mean(curves, axis=0)
    peaks = [lag for lag in range(2, most) if curve[lag] > max(curve[lag - 1], curve[lag + 1], 0.3)]
    high = [lag for lag in peaks if curve[lag] > 0.8 * max(curve[peak] for peak in peaks)]
    return (high[0], float(curve[high[0]])) if high else (1, 0.0)


def _changes(panel: Panel, split: Split) -> list[Float64[np.ndarray, " rows"]]:
    """Differences of the first target over the training part of (at most 200) series."""
    filled = carry_forward(panel.targets[:, :1].astype(np.float64), panel.offsets)[:, 0]
    chosen = np.linspace(0, len(panel.ids) - 1, min(200, len(panel.ids))).round().astype(int)
    return [np.diff(filled[panel.rows(i)][: split.train_end[i]]) for i in chosen.tolist()]


def _autocorrelation(changes: Float64[np.ndarray, " rows"], most: int) -> Float64[np.ndarray, " lags"]:
    """Autocorrelation at lags 0 .. most; zeros for a constant."""
    centred = changes - changes.mean()
    power = np.fft.rfft(centred, 2 * len(centred))
    products = np.fft.irfft(np.abs(power) ** 2)[: most + 1]
    return products / products[0] if products[0] > 0 else np.zeros(most + 1)


def choose_subtract(panel: Panel, split: Split, asked: Asked, season: int) -> tuple[tuple[Subtract, int], Guess]:
    """Subtract the seasonal last value where repeating it is clearly better than repeating the last value.

    The longer seasons of the calendar compete too (a week of hours); the validation part is the judge.
    """
    last = _repeat_error(panel, split, asked.horizon, 1)
    errors = {m: _repeat_error(panel, split, asked.horizon, m) for m in _seasons(panel, split, asked, season)}
    best = min(errors, key=errors.__getitem__, default=season)
    if not errors or errors[best] >= CLEARLY_BETTER * last:
        return ("last", season), Guess("subtract", "last", _why_last(last, errors.get(best, np.inf), best))
    better = f"on the validation part, repeating the last {best} rows errs {1 - errors[best] / last:.0%} less"
    return ("seasonal", best), Guess("subtract", f"seasonal, {best} rows", better)


def _why_last(last: float, seasonal: float, season: int) -> str:
    """In words, from the errors of repeating the last value and of repeating the season."""
    if seasonal >= last:
        return "on the validation part, repeating the last value is hard to beat"
    less = f"{1 - seasonal / last:.0%} less than the last value"
    return f"on the validation part, repeating the last {season} rows errs only {less}"


def _seasons(panel: Panel, split: Split, asked: Asked, season: int) -> list[int]:
    """The season and the longer ones around it that training saw three times and a lookback can hold: days, weeks.

    Without dates, a season of 24 rows or more is taken for a day.
    """
    week = (7 * season,) if season >= 24 else ()
    longer = season_candidates(panel.frequency) if panel.dated else week
    most = min(asked.window or _room(split, asked), int(split.train_end.max()) // 3, MOST_LAG)
    return sorted(m for m in {season, *longer} if 1 < m <= most)


def _room(split: Split, asked: Asked) -> int:
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


def choose_lookback(
    panel: Panel, split: Split, asked: Asked, seasons: tuple[int, int], mode: Mode
) -> tuple[int, Guess]:
    """Two horizons, some seasons, or a week and a day of hours, where the shortest training part has the room.

    A year of days is more than a net of this kind can use, unless the forecast starts from it.  Where a state is
    carried it reads everything; then these rows are what its linear part sees.  `seasons` are that of the scores, and
    that of the base.
    """
    season, base = seasons
    wishes = {"two horizons": 2 * asked.horizon, "two seasons": 2 * season, "enough to see a pattern": 24}
    if base > season:
        wishes["the season it starts from, and one horizon"] = base + asked.horizon
    if season <= SHORT_SEASON:
        wishes["three seasons"] = 3 * season
    for longer in _seasons(panel, split, asked, season):
        if season < longer <= 8 * season:
            wishes["a week and a day"] = longer + season
    why = max(wishes, key=wishes.__getitem__)
    lookback = max(1, min(wishes[why], _room(split, asked)))
    if lookback < wishes[why]:
        why = "what the shortest training part has room for"
    if mode == "sequences":
        return lookback, Guess("lookback", "all", f"a carried state; its linear part reads {lookback} rows: {why}")
    return lookback, Guess("lookback", str(lookback), why)


def choose_calendar(panel: Panel, split: Split) -> tuple[tuple[Cycle, ...], Guess]:
    """Read the place in a cycle only where training saw that cycle twice: else its later part would be unknown land.

    Days of the week are told apart where a row is a day, and times of the year by several waves after ten years: fewer
    would be learnt by heart.
    """
    seen = _training_span(panel, split)
    days: dict[Cycle, float] = {"day": 1.0, "week": 7.0, "year": 365.25}
    names = {name.split("_")[0] for name in calendar_feature_names(panel.frequency)} if panel.dated else set()
    finer: dict[Cycle, Cycle] = {}
    if "day" not in names:
        finer["week"] = "weekday"
    if seen >= YEARS_FOR_SEASONS * 365.25:
        finer["year"] = "season"
    found = [cycle for cycle, length in days.items() if cycle in names and seen >= 2 * length]
    cycles = tuple(finer.get(cycle, cycle) for cycle in found)
    why = "cycles that training saw at least twice" if panel.dated else "rows have no dates"
    return cycles, Guess("calendar", ", ".join(cycles) or "none", why)


def choose_calibrate(split: Split, asked: Asked) -> tuple[bool, Guess]:
    """Calibrate where the validation part alone, in windows that do not overlap, holds enough for the outermost level.

    Overlapping windows are many but tell little more, and a quantile moved by chance is worse than one left alone.
    """
    needed = max(residuals_needed(level) for level in (asked.network.quantiles[0], asked.network.quantiles[-1]))
    apart = int(((split.validation_end - split.train_end) // asked.horizon).sum())
    holds = f"the validation part holds {apart:,} windows that do not overlap"
    if apart >= needed:
        return True, Guess("calibrate", "yes", f"{holds}, enough to see where its quantiles should lie")
    return False, Guess("calibrate", "no", f"{holds}, and the outermost quantiles take {needed:,}")


def _training_span(panel: Panel, split: Split) -> float:
    """Days from the first to the last row of the longest training part; 0 without dates."""
    if not panel.dated:
        return 0.0
    longest = int(np.argmax(split.train_end))
    times = panel.times[panel.rows(longest)][: split.train_end[longest]]
    return float((times[-1] - times[0]) / np.timedelta64(1, "D"))


def _check_room(panel: Panel, split: Split, lookback: int, horizon: int) -> None:
    """Every series must be able to train at least one window."""
    shortest = int(np.argmin(split.train_end))
    rows = int(split.train_end[shortest])
    if rows >= lookback + horizon:
        return
    first, _ = part_starts(panel, split)
    cutoff = f"before the validation part ({show_time(first)})," if panel.dated else "to train on,"
    or_drop = ", or drop short series with min_rows" if len(panel.ids) > 1 else ""
    raise TooShortError(
        f"lookback={lookback} and horizon={horizon} need at least {lookback + horizon} rows {cutoff} but series "
        f'"{panel.ids[shortest]}" has {rows}. Shorten the lookback or the horizon{or_drop}.'
    )
