"""How the net reads a table: in windows or in one pass, how far back, with which cycles, and how values are seen."""

import numpy as np

from gatecast.choosing.asked import Asked
from gatecast.choosing.base import room, seasons_of
from gatecast.data.calendar import Cycle, calendar_feature_names
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import Mode, window_option
from gatecast.models.normalising import Normalise, Subtract

SHORT_SEASON = 24  # rows; of longer seasons two are read, because each row of the lookback costs time
ROWS_TO_CARRY = 1000  # a carried state needs a series that is long beside what it remembers
YEARS_FOR_SEASONS = 10


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
    for longer in seasons_of(panel, split, asked, season):
        if season < longer <= 8 * season:
            wishes["a week and a day"] = longer + season
    why = max(wishes, key=wishes.__getitem__)
    lookback = max(1, min(wishes[why], room(split, asked)))
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


def _training_span(panel: Panel, split: Split) -> float:
    """Days from the first to the last row of the longest training part; 0 without dates."""
    if not panel.dated:
        return 0.0
    longest = int(np.argmax(split.train_end))
    times = panel.times[panel.rows(longest)][: split.train_end[longest]]
    return float((times[-1] - times[0]) / np.timedelta64(1, "D"))


def usual_normalisation(mode: Mode, subtract: Subtract) -> Normalise:
    """How values are seen where nobody says it."""
    if mode == "sequences":
        return "causal"
    return "none" if subtract == "none" else "last"


def choose_fed_back() -> tuple[Normalise, Guess]:
    """Causal, where forecasts are fed back: beside a level that stays at the cutoff, the net has never seen them.

    On the validation part of ETTh1 (oil temperature, 24 hours) the error is 0.53 so, and 0.93 by the last value (MASE).
    """
    return "causal", Guess("normalise", "causal", "the level moves on with the forecasts that are fed back")
