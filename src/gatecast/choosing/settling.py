"""Everything that was left open, settled in order.

Season, lookback and calendar come from the training part; what the forecast starts from is chosen by the validation
part, as the best weights are.  Nothing looks at a row at or after `validation_end`, so a backtest of the settings is
honest.
"""

from typing import Any, TypeVar

import numpy as np
from msgspec import structs

from gatecast.choosing.asked import Asked, Chosen, said_mode
from gatecast.choosing.base import choose_subtract
from gatecast.choosing.reading import (
    choose_calendar,
    choose_fed_back,
    choose_lookback,
    choose_mode,
    usual_normalisation,
)
from gatecast.choosing.seasons import choose_season
from gatecast.choosing.steps import settle_training
from gatecast.choosing.trying import can_try, choose_by_trial
from gatecast.data.calendar import show_time
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Split, part_starts
from gatecast.errors import TooShortError
from gatecast.evaluation.calibration import check_levels
from gatecast.evaluation.conformal import residuals_needed
from gatecast.forecaster import ForecasterConfig
from gatecast.models.distributions import COUNTS
from gatecast.models.normalising import Subtract

T = TypeVar("T")


def choose(panel: Panel, split: Split, asked: Asked, rows: int | None = None) -> Chosen:
    """Settle everything that `asked` leaves open.

    Args:
        panel: the table, or some of its series where they stand for all.
        split: where its parts end.
        asked: what was said.
        rows: of all training parts; None for those of the panel.

    Raises:
        OptionError: an option cannot be.
        TooShortError: the training part has no room for one lookback and one horizon.
    """
    guesses: list[Guess] = []
    season = asked.season or _note(guesses, choose_season(panel, split))
    subtract, base_season = (asked.subtract, asked.base_season or season)
    if asked.network.loss in COUNTS:
        asked, subtract = _for_counts(guesses, asked)
    elif subtract is None:
        subtract, base_season = _note(guesses, choose_subtract(panel, split, asked, season))
    said = said_mode(asked)
    mode = said if said is not None else _note(guesses, choose_mode(split, asked))
    lookback = asked.window or _note(guesses, choose_lookback(panel, split, asked, (season, base_season), mode))
    calendar = asked.calendar if asked.calendar is not None else _note(guesses, choose_calendar(panel, split))
    _check_room(panel, split, lookback, asked.horizon)
    calibrate = bool(asked.calibrate) or asked.adapt
    if calibrate:
        check_levels(asked.network.quantiles)  # a net for a point takes any, and gets them after training
    elif asked.calibrate is None and asked.network.levels:
        calibrate = _note(guesses, choose_calibrate(split, asked))
    normalise = asked.normalise or usual_normalisation(mode, subtract)
    if asked.network.recursive and asked.normalise is None and normalise == "last" and lookback >= base_season:
        normalise = _note(guesses, choose_fed_back())
    training, more_steps = settle_training(int(split.train_end.sum()) if rows is None else rows, asked.training)
    guesses += more_steps
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
        training=training,
    )
    if can_try(asked, config):
        guesses = [guess for guess in guesses if guess.what != "subtract"]
        config = _note(guesses, choose_by_trial(panel, split, config))
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
    }
    if not asked.adapt:  # which says that quantiles are to be moved
        usual["calibrate"] = (False, "a quantile of counts that is moved is no whole number")
    if asked.mode != "sequences" and asked.lookback != "all":
        usual["normalise"] = ("meanabs", "the scaler leaves large counts large")
    left_open = {name: choice for name, choice in usual.items() if getattr(asked, name) is None}
    guesses.extend(Guess(name, "no" if value is False else value, why) for name, (value, why) in left_open.items())
    settled = structs.replace(asked, **{name: value for name, (value, _) in left_open.items()})
    return settled, settled.subtract or "none"


def _note(guesses: list[Guess], choice: tuple[T, Guess]) -> T:
    """Remember the guess and pass its value on."""
    value, guess = choice
    guesses.append(guess)
    return value


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
