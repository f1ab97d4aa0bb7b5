"""Who proposes: Optuna's samplers, each proposal a function of the seed, the trial's place and the trials before it.

A sampler's own random state is in no journal, so it is not relied on: every value is drawn from a generator of its own.
A search that was broken off therefore goes on as if it had not been.
"""

import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gatecast.tuning.space import Point

LOST = "lost"  # the mark of a trial whose process died: it counts for nothing, and another takes its place
RANDOM = 8  # trials that are spread at random, the starts among them, before anything can be learnt from them
WARM_UP = 20  # per cent of a training that no trial is stopped in: rates have not come down, and all are poor


def place(study: Study, trial: FrozenTrial) -> int:
    """The trial's place among those that count; one that takes the place of a lost one has that one's."""
    before = study.get_trials(deepcopy=False)[: trial.number]
    return trial.number - sum(LOST in each.user_attrs for each in before)


def tpe(seed: int, *, others: bool) -> BaseSampler:
    """Tree-structured Parzen estimators (Bergstra et al. 2011); where others are at work, away from what they try."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of options that Optuna calls experimental
        return TPESampler(seed=seed, n_startup_trials=RANDOM, multivariate=False, constant_liar=others)


def at_random(seed: int, *, others: bool) -> BaseSampler:  # noqa: ARG001 - as every sampler is made
    """Independent draws."""
    return RandomSampler(seed)


def by_median() -> BasePruner:
    """Stop a trial whose best loss so far is above the median of what finished trials had after the same share."""
    return MedianPruner(n_startup_trials=5, n_warmup_steps=WARM_UP, n_min_trials=3)


@dataclass(frozen=True)
class Strategy:
    """How a search goes about it; functions that a process at work finds by their names.

    Attributes:
        sampler: makes the sampler of a value.
        pruner: makes what decides whether a trial is stopped.
        starts: begin with the defaults and other good points.
    """

    sampler: Callable[..., BaseSampler] = tpe
    pruner: Callable[[], BasePruner] = by_median
    starts: bool = True


USUAL = Strategy()
PLAIN_RANDOM = Strategy(at_random, NopPruner, starts=False)


@final
@dataclass(frozen=True)
class Proposals(BaseSampler):
    """A sampler without memory.

    Attributes:
        strategy: where its values come from.
        seed: of the search.
        starts: the points of the first trials.
        others: whether other trials run at the same time.
    """

    strategy: Strategy
    seed: int
    starts: tuple[Point, ...] = ()
    others: bool = field(default=False)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """Nothing: what is searched depends on what was proposed before."""
        return {}

    def sample_relative(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - of any type
        """A value: that of a start, or one drawn in the light of the trials before."""
        number = place(study, trial)
        start = self.starts[number] if number < len(self.starts) else {}
        if param_name in start:
            return start[param_name]
        name = zlib.crc32(param_name.encode())
        seed = int(np.random.SeedSequence((self.seed, number, name)).generate_state(1)[0])
        sampler = self.strategy.sampler(seed, others=self.others)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def unfinished(study: Study) -> list[FrozenTrial]:
    """Trials that a process is at work on, or was."""
    return list(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
