"""How many training steps are taken, and how soon they may stop: the usual numbers, and more of both for more rows.

What counts is the rows, not how often the steps read each of them: on M4 Hourly 5,000 steps did better than 3,000 both
with 64 windows a step and with 1,280.
"""

import numpy as np
from msgspec import structs

from gatecast.choosing.asked import AskedTraining
from gatecast.data.columns import Guess
from gatecast.training.config import TrainingConfig

USUAL_STEPS = TrainingConfig().steps
MOST_STEPS = 5000
ROWS_A_STEP = 50  # so that the usual steps are taken of up to 50,000 rows
LOOKS = USUAL_STEPS // TrainingConfig().evaluate_every
"""At the validation part; with as many of them, patience is the same share of a longer training."""


def settle_training(rows: int, asked: AskedTraining) -> tuple[TrainingConfig, tuple[Guess, ...]]:
    """The training with the steps that were said, or with as many as the rows take; a guess where those are more."""
    if asked.steps is not None or asked.budget is not None:
        return _over(TrainingConfig(), asked), ()
    chosen, guess = choose_steps(rows)
    return _over(chosen, asked), (guess,) if chosen.steps > USUAL_STEPS else ()


def choose_steps(rows: int) -> tuple[TrainingConfig, Guess]:
    """One step for so many `rows` of all training parts, in hundreds; a net that has learnt enough stops before."""
    steps = int(np.clip(round(rows / ROWS_A_STEP, -2), USUAL_STEPS, MOST_STEPS))
    guess = Guess("steps", f"{steps:,}", f"{rows:,} rows to train on")
    return TrainingConfig(steps=steps, evaluate_every=steps // LOOKS), guess


def _over(chosen: TrainingConfig, asked: AskedTraining) -> TrainingConfig:
    """What was said, over what was chosen."""
    said = {name: value for name, value in structs.asdict(asked).items() if value is not None}
    return TrainingConfig(**structs.asdict(chosen) | said)
