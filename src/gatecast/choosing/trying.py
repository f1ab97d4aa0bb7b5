"""What the forecast starts from, found by trying: a short training from each start, judged by the validation part.

A start may be poor by itself and still be the best one to learn from: the mean of a window misses the season, which the
net adds, but unlike the season before it carries no noise of a single year.  What is subtracted from the target is
subtracted from each covariate as well; where the level of one tells most, the best start is none.
"""

from collections.abc import Iterator

from msgspec import structs

from gatecast.choosing.asked import Asked
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.normalising import Normalise, Subtract
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import train

SHARE = 5  # a trial takes so much less than training
LEAST_STEPS, MOST_STEPS = 50, 200  # fewer tell nothing; more took the worse start on M4 Weekly, at five times the cost


def can_try(asked: Asked, config: ForecasterConfig) -> bool:
    """Whether the start was left open, and trials are worth their time: windows, of which there are few.

    Where a state was carried, on five tables of hours, days and months, the mean was nowhere clearly a better start.
    """
    left_open = asked.subtract is None and asked.normalise is None and config.subtract != "none"
    plain = not config.network.recursive and config.training.budget is None
    return config.mode == "windows" and left_open and plain and _steps(config) >= LEAST_STEPS


def choose_by_trial(panel: Panel, split: Split, config: ForecasterConfig) -> tuple[ForecasterConfig, Guess]:
    """The start with the lowest validation loss after a fifth of the training steps, but no more than so many."""
    covariates = len(panel.columns.channels) > len(panel.columns.target)
    tried = {_said(each): (_loss(panel, split, each), each) for each in _starts(config, covariates=covariates)}
    best, *others = sorted(tried, key=lambda name: tried[name][0])
    beside = ", ".join(f"{tried[name][0]:.3g} from {name}" for name in others)
    why = f"after {_steps(config)} training steps it errs {tried[best][0]:.3g} on the validation part, {beside}"
    return tried[best][1], Guess("subtract", best, why)


def _starts(config: ForecasterConfig, *, covariates: bool) -> Iterator[ForecasterConfig]:
    """What the forecast may start from, and how values are seen then."""
    ways: list[tuple[Subtract, Normalise]] = [("last", "last"), ("mean", "standard")]
    if 1 < config.season <= config.lookback:
        ways.append(("seasonal", "last"))
    if covariates:
        ways.append(("none", "none"))
    for subtract, normalise in ways:
        yield structs.replace(config, subtract=subtract, normalise=normalise)


def _said(config: ForecasterConfig) -> str:
    words = {"last": "last", "seasonal": f"seasonal ({config.season} rows)", "mean": "mean", "none": "none"}
    return words[config.subtract]


def _steps(config: ForecasterConfig) -> int:
    return min(config.training.steps // SHARE, MOST_STEPS)


def _loss(panel: Panel, split: Split, config: ForecasterConfig) -> float:
    """The best validation loss of a short training."""
    every = min(config.training.evaluate_every, TrainingConfig().evaluate_every)
    training = structs.replace(config.training, steps=_steps(config), evaluate_every=every)
    config = structs.replace(config, network=structs.replace(config.network, ensemble=1), training=training)
    network, course, state = RecurrentForecaster(config).prepare(panel, split)
    for _ in train(network, course, training, state):
        pass
    return state.best_validation
