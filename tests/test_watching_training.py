"""What is seen of a fit while it goes on: `--watch`, films, and several listeners at once."""

import io

import numpy as np
import pytest
from rich.console import Console

from builders import small_config, waves
from gatecast import fit
from gatecast.data.splits import split_by_time
from gatecast.forecaster import RecurrentForecaster
from gatecast.inspection import forecast_gradients, probe
from gatecast.nn import LayerConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow.listening import Listener, Look, Silent, Together
from gatecast.workflow.terminal import Terminal
from gatecast.workflow.watching import BLOCKS, WIDTH, Watching, bar, curve, gradients_now, some_lags
from small_tables import SMALL, wave_table


class Noting:
    """A listener that remembers what it is told."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.steps: list[StepRecord] = []
        self.modes: list[bool] = []
        self.ended = False

    guessed = Silent.guessed
    stage = Silent.stage

    def training(self, config: object, first_step: int) -> "Noting":
        del config, first_step
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def step(self, record: StepRecord) -> None:
        self.steps.append(record)

    def looked(self, look: Look) -> None:
        self.looks.append(look)
        self.modes.append(look.forecaster.network_.training)


def test_a_listener_is_shown_the_net_as_it_forecasts_after_the_first_steps_and_at_every_look() -> None:
    told = Noting()
    model = fit(wave_table(), listener=told, **SMALL)
    assert [look.record for look in told.looks] == [model.steps[step - 1] for step in (1, 2, 4, 8)]
    assert [look.record.validation is not None for look in told.looks] == [False, False, True, True]
    assert told.modes == [False] * 4
    assert told.ended


def test_looking_changes_nothing_of_the_training() -> None:
    class Curious(Noting):
        def looked(self, look: Look) -> None:
            gradients_now(look.forecaster, look.panel, look.split)
            super().looked(look)

    settings = SMALL | {"num_layers": 2, "dropout": 0.3}
    alone, watched = fit(wave_table(), **settings), fit(wave_table(), listener=Curious(), **settings)
    assert alone.steps == watched.steps


def test_several_listeners_are_all_told() -> None:
    one, other = Noting(), Noting()
    both = Together(one, other)
    assert isinstance(both, Listener)
    fit(wave_table(), listener=both, **SMALL)
    assert one.steps == other.steps != []
    assert len(one.looks) == len(other.looks) > 0
    assert one.ended
    assert other.ended


def shown(cell: str, mode: str) -> str:
    """What `--watch` shows of a fit, at its end."""
    terminal = Terminal()
    terminal.console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    fit(wave_table(), listener=Watching(terminal), cell=cell, mode=mode, **SMALL)
    assert isinstance(terminal.console.file, io.StringIO)
    return terminal.console.file.getvalue()


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_watch_shows_losses_and_the_gradient_by_lag(mode: str) -> None:
    text = shown("gru", mode)
    last = text[text.rindex("training step") :]
    assert last.startswith("training step 8 of 8")
    for name in ("loss", "validation", "updates back", "|d loss / d state|", "lowest"):
        assert name in last
    assert max(len(line.split("\x1b")[0]) for line in last.splitlines()) <= 80


def test_watch_says_how_to_mend_vanished_gradients() -> None:
    terminal = Terminal()
    terminal.console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    settings = SMALL | {"lookback": 48, "steps": 4}
    fit(wave_table(400), listener=Watching(terminal), cell="rnn", **settings)
    assert isinstance(terminal.console.file, io.StringIO)
    assert "advice: gradient at lag 47 is" in terminal.console.file.getvalue()


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_the_gradients_of_a_look_are_those_of_validation_cutoffs(mode: str) -> None:
    panel = waves(2, 240)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config(mode=mode)).fit(panel, split)  # type: ignore[arg-type]
    found = gradients_now(forecaster, panel, split)
    first, last = int(split.train_end[0]), int(split.validation_end[0]) - 6
    cutoffs = np.unique(np.linspace(first, last, 4).round().astype(int)).tolist()
    expected = forecast_gradients(probe(forecaster, panel, 0, cutoffs, 128))
    np.testing.assert_array_equal(found, expected)
    assert found[0] > 0


def test_without_room_in_the_validation_part_there_is_no_gradient_to_show() -> None:
    panel = waves(1, 240)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config(layer=LayerConfig(hidden_size=2))).fit(panel, split)
    none = split_by_time(panel, 6, 0.2, 0.2)
    none.validation_end[:] = none.train_end
    assert len(gradients_now(forecaster, panel, none)) == 0


def test_a_curve_goes_from_its_highest_block_to_its_lowest() -> None:
    assert curve([4.0, 2.0, 1.0]) == "█▅▁", "in logarithms: 2 lies in the middle of 1 and 4"
    assert curve([1.0, 0.0, -1.0]) == "█▅▁"
    assert curve([3.0, 3.0]) == BLOCKS[0] * 2
    assert len(curve([float(n) for n in range(1, 500)])) == WIDTH


def test_a_bar_loses_four_blocks_a_decade() -> None:
    norms = np.array([1.0, 0.1, 1e-9, 0.0])
    assert [len(bar(norms, lag)) for lag in range(4)] == [36, 32, 0, 0]
    assert bar(np.zeros(3), 0) == ""


def test_lags_are_doubled_and_the_last_is_among_them() -> None:
    assert some_lags(100) == [0, 1, 2, 4, 8, 16, 32, 64, 99]
    assert some_lags(1) == [0]
