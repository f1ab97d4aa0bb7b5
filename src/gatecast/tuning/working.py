"""What each process at work does: ask the shared study for a trial, train, tell, until trials or time are spent."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import msgspec
from optuna.study import Study
from optuna.trial import Trial, TrialState

from gatecast.choosing import choose
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.errors import GatecastError
from gatecast.forecaster import RecurrentForecaster
from gatecast.training.loop import train
from gatecast.tuning.dimensions import Settings
from gatecast.tuning.journal import WORKER, bury, give_up, open_study
from gatecast.tuning.proposing import LOST, Proposals, place
from gatecast.tuning.space import Space
from gatecast.workflow import FitOptions, build_options
from gatecast.workflow.options import flatten

SETTINGS, REASON, ENDED, STEPS = "settings", "reason", "ended", "steps"


@dataclass(frozen=True, eq=False)
class Job:
    """Everything that a process needs; it goes there as a whole, so the table is read once.

    Attributes:
        number: of the process, from 0.
        journal: the file of the study.
        proposals: where values come from.
        panel: the table.
        split: where its parts end.
        options: what was asked for, and is the same in every trial.
        space: what is searched.
        trials: how many there are to be in all.
        until: the end, in seconds since 1970; None for none.
    """

    number: int
    journal: Path
    proposals: Proposals
    panel: Panel
    split: Split
    options: FitOptions
    space: Space
    trials: int
    until: float | None

    @property
    def over(self) -> bool:
        """Whether the time is spent."""
        return self.until is not None and time.time() >= self.until


def work(job: Job) -> int:
    """Try until nothing is left to try; returns how many trials this process has made.

    A process that died is begun anew with the same job, so the first thing is to give up the trial it died in.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")  # of what it calls experimental
        return _work(job)


def _work(job: Job) -> int:
    study, made = open_study(job.journal, job.proposals), 0
    bury(study, job.number)
    while not (job.over and _begun(study)) and _left(study, job.trials):
        trial = study.ask()
        asked = study.get_trials(deepcopy=False)[trial.number]
        if place(study, asked) >= job.trials:  # another process took the last one meanwhile
            give_up(study, asked)
            break
        trial.set_user_attr(WORKER, job.number)
        try_one(job, study, trial)
        made += 1
    return made


def _begun(study: Study) -> bool:
    """Whether any trial has ended: without one a search has nothing to say, however short its time."""
    return any(trial.state.is_finished() and LOST not in trial.user_attrs for trial in study.get_trials(deepcopy=False))


def _left(study: Study, most: int) -> bool:
    trials = study.get_trials(deepcopy=False)
    waiting = any(trial.state == TrialState.WAITING for trial in trials)
    return waiting or sum(LOST not in trial.user_attrs for trial in trials) < most


def try_one(job: Job, study: Study, trial: Trial) -> None:
    """One trial: its settings, its training, and what came of it; a combination that cannot be is a failed trial."""
    settings = job.space.propose(trial)
    trial.set_user_attr(SETTINGS, settings)
    try:
        ended, loss = _train(job, trial, settings)
    except (GatecastError, MemoryError, RuntimeError, ValueError) as error:
        trial.set_user_attr(REASON, _reason(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    trial.set_user_attr(ENDED, ended)
    if ended == "":
        study.tell(trial, loss)
    else:
        study.tell(trial, state=TrialState.PRUNED)


def _reason(error: Exception) -> str:
    """Why a trial failed: a refusal in its own words, anything else by its kind too, for it may be a fault of ours."""
    return str(error) if isinstance(error, GatecastError) else f"{type(error).__name__}: {error}"


def _train(job: Job, trial: Trial, settings: Settings) -> tuple[str, float]:
    """Train as `gatecast fit` does, and tell of every look at the validation part; how it ended, and the best loss.

    What is told is the best loss so far after so many per cent of the training: trials of different length compare.
    """
    config = choose(job.panel, job.split, options_of(job.options, settings)).config
    network, course, state = RecurrentForecaster(config).prepare(job.panel, job.split)
    trial.set_user_attr(STEPS, config.training.steps)
    for record in train(network, course, config.training, state):
        if record.validation is None:
            continue
        trial.report(state.best_validation, round(100 * state.done(config.training)))
        if job.over:
            return "time", state.best_validation
        if trial.should_prune():
            return "pruned", state.best_validation
    return "", state.best_validation


def options_of(options: FitOptions, settings: Settings) -> FitOptions:
    """What was asked for, with the settings of a trial."""
    return build_options(flatten(msgspec.to_builtins(options)) | settings)
