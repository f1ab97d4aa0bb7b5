"""`tune`: the search for good settings, in one call."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.data.sources import Source
from gatecast.engines import EngineOptions
from gatecast.errors import MissingExtraError, OptionError
from gatecast.training.budget import seconds

if TYPE_CHECKING:
    from gatecast.tuning.listening import SearchListener
    from gatecast.tuning.result import Search

TRIALS, MOST_TRIALS = 50, 1_000_000
ON_ONE_CORE = EngineOptions(workers=1)


def tune(  # noqa: PLR0913 - what a search is given, beside settings
    source: Source,
    *,
    out: str | Path | None = None,
    trials: int = TRIALS,
    budget: str | float | None = None,
    engine: EngineOptions = ON_ONE_CORE,
    resume: bool = False,
    listener: "SearchListener | None" = None,
    **settings: Any,  # noqa: ANN401 - the settings of FitOptions, by name
) -> "Search":
    """Search settings by the validation part, fit the best ones, and score them on the test part, which nobody saw.

    The first trial is what `fit` would do, so the search ends with no higher validation loss than that has.

    Args:
        source: a path to a CSV, TSV, Parquet or Arrow file, or a data frame of any library.
        out: the run folder to write: that of a fit, with search.jsonl, search.json and search.html.
        trials: how many settings are tried, at most.
        budget: the time that trials may take, such as `30m`; the last fit comes after it.
        engine: where trials run: processes of this machine, or a Ray cluster that shares the folder.
        resume: go on with the search in `out`; a budget begins anew, and trials count from the first.
        listener: told what happens; nobody by default.
        settings: what is the same in every trial, by name; what is not said is searched.

    Raises:
        MissingExtraError: Optuna is not installed.
        InputError: the table cannot be learnt from.
        OptionError: an option cannot be, the folder is taken, or nothing is left to search.
        TrainingError: no trial came to a loss.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError("optuna", "tune", "gatecast tune")
    if not 1 <= trials <= MOST_TRIALS:
        raise OptionError(f"trials counts from 1 up, got {trials}; the most is {MOST_TRIALS:,}.")
    if resume and out is None:
        raise OptionError("resume goes on with a search that was begun: say which one with out=.")
    if engine.address is not None and out is None:
        raise OptionError("the machines of a cluster share the journal of a search: give out=, a folder that all see.")
    limit = None if budget is None else seconds(str(budget))
    from gatecast.tuning.listening import SilentSearch  # noqa: PLC0415 - Optuna is an extra
    from gatecast.tuning.searching import Plan, search  # noqa: PLC0415

    plan = Plan(trials, limit, engine)
    folder = None if out is None else Path(out)
    return search(source, settings, plan, listener or SilentSearch(), folder, resume=resume)
