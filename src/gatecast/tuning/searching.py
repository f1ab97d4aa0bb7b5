"""The search, step by step: read, lay out what is open, try, choose by the validation part, fit, write."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from msgspec import structs
from optuna.study import Study

from gatecast.engines import EngineOptions, engine_for
from gatecast.errors import TrainingError
from gatecast.files import writing
from gatecast.tuning.following import followed
from gatecast.tuning.gathering import importance, records
from gatecast.tuning.journal import JOURNAL, bury, check_task, open_study, owned, repair
from gatecast.tuning.listening import SearchListener, WithoutGuesses
from gatecast.tuning.placing import claim, fit_winner, write
from gatecast.tuning.proposing import USUAL, Proposals, Strategy
from gatecast.tuning.records import SearchRecord, TrialRecord, best_of
from gatecast.tuning.result import Search
from gatecast.tuning.space import Point, Space
from gatecast.tuning.table import Prepared, prepare
from gatecast.tuning.working import Job, options_of, work


@dataclass(frozen=True)
class Plan:
    """How long to search, where, and how.

    Attributes:
        trials: how many in all.
        seconds: the time that trials may take in this session; None for no limit.
        engine: where they run.
        strategy: how settings are proposed.
    """

    trials: int
    seconds: float | None
    engine: EngineOptions
    strategy: Strategy = USUAL


def search(
    source: Any,  # noqa: ANN401 - a path, or a data frame of any library
    settings: dict[str, Any],
    plan: Plan,
    listener: SearchListener,
    out: Path | None,
    *,
    resume: bool,
) -> Search:
    """As `gatecast.tune`."""
    prepared = prepare(source, settings)
    with _folder(out, resume=resume) as folder, owned(folder):
        with writing(folder / JOURNAL):
            job, study = _begin(prepared, plan, folder)
        listener.fit.guessed([guess for guess in prepared.guesses if not _is_searched(guess.what, prepared.space)])
        told = listener.searching(prepared.space.names, plan.trials, plan.seconds)
        with told, followed(study, listener), writing(folder / JOURNAL):
            _try_all(job, plan.engine)
        record = _record(study, prepared.space)
        options = options_of(prepared.options, record.trials[record.best].settings)
        listener.fit.stage(f"fitting the settings of trial {record.best + 1} to the end")
        found = Search(record, options, fit_winner(source, options, out, WithoutGuesses(listener.fit)))
        if out is not None:
            write(found, out)
        return found


def _begin(prepared: Prepared, plan: Plan, folder: Path) -> tuple[Job, Study]:
    """The study, begun or gone on with, and what a process at work needs."""
    journal, space, options = (folder / JOURNAL).resolve(), prepared.space, prepared.options
    repair(journal)
    others = plan.engine.engine == "ray" or plan.engine.workers != 1
    starts = good_points(space) if plan.strategy.starts else ()
    proposals = Proposals(plan.strategy, options.training.seed, starts, others)
    study = open_study(journal, proposals)
    check_task(study, prepared.task(), folder)
    bury(study)
    until = None if plan.seconds is None else time.time() + plan.seconds
    return Job(0, journal, proposals, prepared.panel, prepared.split, options, space, plan.trials, until), study


def good_points(space: Space) -> tuple[Point, ...]:
    """Where a search begins: the defaults, a larger net, and the other way of reading."""
    known = space.known
    larger = {"network.layer.hidden_size": 2 * known["network.layer.hidden_size"], "network.output_dropout": 0.1}
    other = {"mode": "windows" if known["mode"] == "sequences" else "sequences"}
    points = [space.encode(), space.encode(**larger), space.encode(**other)]
    return tuple(point for place, point in enumerate(points) if point not in points[:place])


def _try_all(job: Job, engine: EngineOptions) -> None:
    """Trials in as many processes as were asked for, one thread each."""
    with engine_for(engine) as running, _one_thread():
        for _ in running.run(work, [replace(job, number=number) for number in range(running.workers)]):
            pass


@contextmanager
def _one_thread() -> Iterator[None]:
    """Also where the only worker is this process: a trial must not depend on where it runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _record(study: Study, space: Space) -> SearchRecord:
    """What came out, numbered anew: a trial that the end of the time left waiting has no place."""
    trials = tuple(structs.replace(trial, number=place) for place, trial in enumerate(records(study)))
    best, usual = best_of(trials), space.usual()
    if best is None:
        raise TrainingError(f"none of {len(trials)} trials came to a loss; the first one says: {_why(trials)}")
    defaults = next((trial.number for trial in trials if trial.settings == usual), None)
    return SearchRecord(space.names, best.number, defaults, trials, importance(study, space))


def _why(trials: Sequence[TrialRecord]) -> str:
    return next((trial.reason for trial in trials if trial.reason), "nothing.")


def _is_searched(what: str, space: Space) -> bool:
    return any(name.rpartition(".")[2] == what for name in space.names)


@contextmanager
def _folder(out: Path | None, *, resume: bool) -> Iterator[Path]:
    """The run folder, taken; or one for the journal alone, for the while."""
    if out is not None:
        claim(out, resume=resume)
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="gatecast-") as name:
        yield Path(name)
