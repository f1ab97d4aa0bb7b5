"""How many training steps are taken where nobody says it: by the rows, and aloud where they are more than usual."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from builders import poisoned, waves
from gatecast.choosing import Asked, AskedTraining, Chosen, choose
from gatecast.choosing.steps import MOST_STEPS, USUAL_STEPS, settle_training
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import split_by_time
from gatecast.errors import OptionError
from gatecast.training.config import TrainingConfig
from gatecast.workflow.options import FitOptions, all_settings, build_options

SMALL, LARGE = waves(series=2, rows=240), waves(series=250, rows=600)


def chosen(panel: Panel, **training: Any) -> Chosen:
    """What is chosen with windows of 24 and 6 rows."""
    asked = Asked(horizon=6, lookback=24, subtract="last", training=AskedTraining(**training))
    return choose(panel, split_by_time(panel, 6), asked)


def steps_said(found: Chosen) -> list[str]:
    return [guess.value for guess in found.guesses if guess.what == "steps"]


def test_few_rows_take_the_usual_steps_and_nothing_is_said_of_them() -> None:
    found = chosen(SMALL)
    assert found.config.training == TrainingConfig()
    assert steps_said(found) == []


def test_many_rows_take_a_step_for_every_fifty_in_hundreds_and_it_is_said() -> None:
    found = chosen(LARGE)
    assert found.config.training == TrainingConfig(steps=250 * 360 // 50, evaluate_every=90)
    assert [guess for guess in found.guesses if guess.what == "steps"] == [
        Guess("steps", "1,800", "90,000 rows to train on")
    ]


@pytest.mark.parametrize(
    ("rows", "steps"),
    [(300, 1000), (50_000, 1000), (52_499, 1000), (52_501, 1100), (230_620, 4600), (250_000, 5000), (10**9, 5000)],
)
def test_steps_grow_with_the_rows_from_the_usual_number_to_the_most(rows: int, steps: int) -> None:
    training, guesses = settle_training(rows, AskedTraining())
    assert (training.steps, training.evaluate_every) == (steps, steps // 20)
    assert [guess.value for guess in guesses] == ([f"{steps:,}"] if steps > USUAL_STEPS else [])


@pytest.mark.parametrize("said", [1, USUAL_STEPS, 10 * MOST_STEPS])
def test_steps_that_were_said_are_taken_also_when_they_are_the_usual_number(said: int) -> None:
    found = chosen(LARGE, steps=said)
    assert found.config.training == TrainingConfig(steps=said)
    assert steps_said(found) == []


def test_looks_that_were_said_are_taken_also_when_they_are_the_usual_number() -> None:
    assert chosen(LARGE, evaluate_every=50).config.training == TrainingConfig(steps=1800, evaluate_every=50)


def test_a_budget_stands_in_place_of_steps() -> None:
    found = chosen(LARGE, budget="5s")
    assert found.config.training == TrainingConfig(budget="5s")
    assert steps_said(found) == []


def test_everything_else_that_was_said_of_the_training_is_kept() -> None:
    said = {"learning_rate": 0.1, "patience": 3, "seed": 9, "batch_size": 32}
    assert chosen(SMALL, **said).config.training == TrainingConfig(**said)


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_the_steps_see_no_row_of_the_test_part(poison: float) -> None:
    split = split_by_time(LARGE, 6)
    assert chosen(poisoned(LARGE, split.validation_end, poison)) == chosen(LARGE)


def test_free_running_counts_the_last_of_the_steps_that_were_chosen() -> None:
    asked = AskedTraining(free_running=USUAL_STEPS + 1)
    assert settle_training(10**6, asked)[0].free_running == USUAL_STEPS + 1
    with pytest.raises(OptionError, match=r"free_running counts the last of training\.steps=1000, got 1001"):
        settle_training(300, asked)


@pytest.mark.parametrize(
    ("training", "lesson"),
    [
        ({"steps": 0}, r"training\.steps counts from 1 up, got 0"),
        ({"steps": 5, "free_running": 6}, r"counts the last of training\.steps=5, got 6"),
        ({"free_running": -1}, "free_running counts the last steps, from 0 up, got -1"),
        ({"free_running": 1, "budget": "9s"}, "free_running=1 counts the last steps, and which those are"),
        ({"evaluate_every": 0}, r"training\.evaluate_every counts from 1 up, got 0"),
        ({"patience": 0}, r"training\.patience counts from 1 up, got 0"),
    ],
)
def test_a_training_that_cannot_be_is_refused_when_it_is_asked_for(training: dict[str, Any], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        AskedTraining(**training)


@pytest.mark.parametrize("name", ["steps", "training.steps"])
@pytest.mark.parametrize("said", [USUAL_STEPS, str(USUAL_STEPS)])
def test_the_usual_steps_said_by_any_road_are_not_left_open(tmp_path: Path, name: str, said: int | str) -> None:
    (tmp_path / "fit.toml").write_text(f"{name} = {said}\n")
    for options in (build_options({name: said}), build_options({}, tmp_path / "fit.toml")):
        assert options.training == AskedTraining(steps=USUAL_STEPS)
        assert options != FitOptions()
    assert all_settings()["training.steps"] is None


def test_what_is_asked_and_what_is_settled_have_the_same_settings() -> None:
    asked, settled = (sorted(kind.__struct_fields__) for kind in (AskedTraining, TrainingConfig))
    assert asked == settled


def test_options_stored_with_every_step_said_are_read() -> None:
    stored = msgspec.json.encode({"horizon": 6, "training": msgspec.to_builtins(TrainingConfig())})
    assert msgspec.json.decode(stored, type=FitOptions).training.steps == USUAL_STEPS
