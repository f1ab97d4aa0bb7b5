"""How a net is trained; defined once, for Python, TOML, the command line and the artifact."""

from typing import Literal

from msgspec import Struct

from gatecast.errors import OptionError
from gatecast.training.budget import seconds
from gatecast.training.devices import check_device_name

MOST = {
    "batch_size": 65_536,
    "patience": 1_000_000_000,
    "time": 16_384,
    "streams": 16_384,
    "chunks": 10_000,
    "pieces": 1024,
    "steps": 1_000_000_000,
    "evaluate_every": 1_000_000_000,
}
MOST_RATE, MOST_DECAY = 1e30, 100.0
MOST_SEED = 2**63 - 1


class TrainingOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the training loop, but for those that the data may decide.

    Attributes:
        budget: the time that training may take, such as `60s` or `5min`, in place of `steps`; None for no limit.
        batch_size: windows a step; the nets of an ensemble share them out.
        optimiser: `adam`, or `adamw` (weight decay apart from the gradient).
        learning_rate: the highest learning rate of the schedule.
        schedule: `cosine` (a short warm-up, then down to 1 % along a cosine), or `constant`.
        weight_decay: pull of the weights towards zero.
        clip_norm: gradients with a larger norm are scaled down to it.
        patience: looks without a better validation loss before training stops.
        time: rows of a chunk, when training reads sequences.
        streams: chunks read side by side; the nets of an ensemble share them out.
        chunks: how many chunks in a row read on from the state of the one before.
        burn_in: rows after a state of zeros from which nothing is learnt.
        free_running: how many of the last steps run a recursive net on its own forecasts over the whole horizon; the
            validation part is then judged over the whole horizon at every look.
        pieces: in how many pieces a step is learnt from.  Sums over them are made in their order, so any number of
            workers that divides them has the same losses to the last bit; 1 for one piece a worker, which is faster.
        seed: of the first weights, the order of what is read, and dropout.
        device: where training runs: `cpu`, or `cuda` (`cuda:1`) where torch finds one.  Forecasts are made on the CPU
            wherever a net was trained.
    """

    budget: str | float | None = None
    batch_size: int = 64
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    patience: int = 10
    time: int = 192
    streams: int = 16
    chunks: int = 4
    burn_in: int = 24
    free_running: int = 0
    pieces: int = 1
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("batch_size", "patience", "time", "streams", "chunks", "pieces"):
            _check_count(name, getattr(self, name))
        if not 0 < self.learning_rate <= MOST_RATE:
            raise OptionError(
                f"training.learning_rate must be above 0 and at most {MOST_RATE:g}, got {self.learning_rate}; usual is "
                f"0.002."
            )
        if not 0 < self.clip_norm <= MOST_RATE:  # JSON, where a run is kept, has no infinity
            raise OptionError(
                f"training.clip_norm must be above 0 and at most {MOST_RATE:g}, got {self.clip_norm}; usual is 1, and "
                f"{MOST_RATE:g} leaves gradients as they are."
            )
        self.most_seconds  # noqa: B018 - a wrong time is refused now
        if not 0 <= self.weight_decay <= MOST_DECAY:
            raise OptionError(
                f"training.weight_decay must be from 0 to {MOST_DECAY:g}, got {self.weight_decay}; usual is 0.0001."
            )
        if not 0 <= self.burn_in < self.time:
            raise OptionError(
                f"training.burn_in leaves rows of a chunk to learn from: a number from 0 up to (not including) "
                f"training.time={self.time}, got {self.burn_in}."
            )
        if self.free_running < 0:
            raise OptionError(f"training.free_running counts the last steps, from 0 up, got {self.free_running}.")
        if self.free_running and self.budget is not None:
            raise OptionError(
                f"training.free_running={self.free_running} counts the last steps, and which those are is not known "
                f"under a budget: give training.steps in its place."
            )
        if not 0 <= self.seed <= MOST_SEED:
            raise OptionError(f"training.seed must not be below 0, nor above {MOST_SEED}; got {self.seed}.")
        check_device_name(self.device)

    @property
    def most_seconds(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else seconds(str(self.budget))


class TrainingConfig(TrainingOptions, frozen=True, forbid_unknown_fields=True):
    """Settings of the training loop, with nothing left to choose.

    Attributes:
        steps: the most optimiser steps taken; early stopping may take fewer.
        evaluate_every: steps between two looks at the validation part.
    """

    steps: int = 1000
    evaluate_every: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.evaluate_every, self.free_running)


def _check_count(name: str, value: int) -> None:
    if not 1 <= value <= MOST[name]:
        raise OptionError(f"training.{name} counts from 1 up, got {value}; the most is {MOST[name]:,}.")


def check_steps(steps: int | None, evaluate_every: int | None, free_running: int) -> None:
    """Refuse numbers of steps that cannot be; None is one that is not known yet."""
    for name, value in (("steps", steps), ("evaluate_every", evaluate_every)):
        if value is not None:
            _check_count(name, value)
    if steps is not None and free_running > steps:
        raise OptionError(
            f"training.free_running counts the last of training.steps={steps}, got {free_running}: lower it."
        )
