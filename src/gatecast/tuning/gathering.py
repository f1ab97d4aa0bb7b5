"""From the study to records: what trials came to, and which settings mattered."""

import warnings

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gatecast.tuning.proposing import LOST
from gatecast.tuning.records import Status, TrialRecord
from gatecast.tuning.space import Space
from gatecast.tuning.working import ENDED, REASON, SETTINGS

FEWEST = 12  # finished trials, of which the best quarter is compared with all
STATUS: dict[TrialState, Status] = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def records(study: Study) -> tuple[TrialRecord, ...]:
    """Every trial that has ended and counts, in the order in which they were begun."""
    return tuple(ended(study).values())


def ended(study: Study) -> dict[int, TrialRecord]:
    """The same, by the numbers of the study, which stay as they are when a trial before is given up."""
    counted = [trial for trial in study.get_trials(deepcopy=False) if LOST not in trial.user_attrs]
    return {t.number: _record(place, t) for place, t in enumerate(counted) if t.state.is_finished()}


def _record(number: int, trial: FrozenTrial) -> TrialRecord:
    looks = dict(sorted(trial.intermediate_values.items()))
    failed = trial.state == TrialState.FAIL
    return TrialRecord(
        number=number,
        status="stopped" if trial.user_attrs.get(ENDED) == "time" else STATUS[trial.state],
        settings=trial.user_attrs.get(SETTINGS, {}),
        loss=None if failed or not looks else min(looks.values()),
        share=max(looks, default=0),
        seconds=trial.duration.total_seconds() if trial.duration else 0.0,
        looks=looks,
        reason=trial.user_attrs.get(REASON, ""),
    )


def importance(study: Study, space: Space) -> dict[str, float]:
    """The share of each setting in a loss being low, the largest first; empty where too few trials were finished.

    PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255): how unlike each other the settings of the best quarter and of
    all trials are.  It needs no model of the losses, so a handful of trials is enough, and no other package.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(finished) < FEWEST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=0.25))
    shown, shares = space.shown_as(), dict[str, float]()
    for key, share in found.items():
        shares[shown[key]] = shares.get(shown[key], 0.0) + share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
