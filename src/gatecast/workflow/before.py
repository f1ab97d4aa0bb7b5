"""`fit_before`: learn from everything before given rows, where `fit` keeps a share of each series back to score on."""

import msgspec
import numpy as np
from jaxtyping import Int64

from gatecast.artifact import About
from gatecast.choosing import choose
from gatecast.data.categories import recode, seen_categories
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Split, split_before
from gatecast.workflow import runs
from gatecast.workflow.calibrating import calibrate_forecaster
from gatecast.workflow.listening import Silent
from gatecast.workflow.model import Model
from gatecast.workflow.options import FitOptions
from gatecast.workflow.telling import versions
from gatecast.workflow.training import train_forecaster


def fit_before(
    panel: Panel, ends: Int64[np.ndarray, " series"], options: FitOptions, guesses: tuple[Guess, ...] = ()
) -> tuple[Model, Panel]:
    """Train on rows `[0, ends)` of each series, whose last share chooses the weights; read no later row.

    Gives the model, and the table in which only words are known that it has learnt.

    Args:
        panel: the table.
        ends: the first row of each series that may not be learnt from; `panel.known()` learns from all there is.
        options: as for `fit`; `evaluation.test` says nothing here.
        guesses: what was decided while reading the table.

    Raises:
        InputError: there is too little to learn from.
        OptionError: an option cannot be.
        TrainingError: the loss is no longer a number.
    """
    split = split_before(panel, ends, options.horizon, options.evaluation.validation)
    panel = recode(panel, seen_categories(panel, split.train_end))
    chosen = choose(panel, split, options)
    trained = train_forecaster(chosen.config, (panel, split), Silent(), None)
    guesses = (*guesses, *chosen.guesses)
    about = About(
        versions=versions(),
        data=runs.fingerprint(panel, panel),
        guesses=guesses,
        asked=msgspec.Raw(msgspec.json.encode(options)),
        season=chosen.season,
        seen_until=str(_seen_until(panel, split)) if panel.dated else "",
        seen_rows={} if panel.dated else dict(zip(panel.ids, ends.tolist(), strict=True)),
    )
    calibration = calibrate_forecaster(trained.forecaster, panel, split) if chosen.calibrate else None
    model = Model(
        trained.forecaster,
        options,
        chosen.season,
        guesses,
        about,
        panel,
        split,
        trained.steps,
        trained.facts,
        calibration,
    )
    return model, panel


def _seen_until(panel: Panel, split: Split) -> np.generic:
    """The first time that no series was learnt from, be it in the table or the one after."""
    last = panel.times[panel.offsets[:-1] + split.validation_end - 1]
    newest = int(np.argmax(last))
    after = panel.times[panel.rows(newest)][split.validation_end[newest] :]
    return after[0] if len(after) else panel.horizon_times(newest, int(split.validation_end[newest]), 1)[0]
