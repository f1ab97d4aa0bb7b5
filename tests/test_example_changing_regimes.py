"""The claims of examples/changing_regimes.py, the third part of docs/what_your_net_remembers.md."""

from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from example_scripts import Example

EXAMPLE = Example("changing_regimes")


class Looked(NamedTuple):
    net: Any
    learnt: Any
    held_back: Any
    chosen: dict[str, int]
    said: np.ndarray
    gates: Any


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.fixture(scope="module")
def looked(example: ModuleType) -> Looked:
    series = example.made_series(example.ROWS, seed=0)
    learnt, held_back = series.half(0), series.half(1)
    net = example.fit(learnt.values, seed=0)
    chosen = example.most_apart(example.look(net, learnt)[1], learnt)
    return Looked(net, learnt, held_back, chosen, *example.look(net, held_back))


@pytest.mark.parametrize("letter", ["z", "r"])
def test_a_unit_chosen_by_the_rows_learnt_from_tells_the_regimes_of_the_others_apart(
    example: ModuleType, looked: Looked, letter: str
) -> None:
    means = example.by_regime(looked.gates.gates[letter], looked.held_back)
    drift, zigzag = means[:, looked.chosen[letter]]
    assert abs(drift - zigzag) > 0.3
    all_units = np.abs(np.subtract(*means.mean(axis=1)))
    assert all_units < 0.05, "the mean over the units does not"


@pytest.mark.parametrize("letter", ["z", "r"])
def test_gates_move_more_where_the_regime_has_just_changed(example: ModuleType, looked: Looked, letter: str) -> None:
    fresh, settled = example.moving(looked.gates.gates[letter], looked.held_back)
    assert fresh > 1.2 * settled


def test_the_net_errs_as_who_knows_the_regime_but_for_the_rows_after_a_switch(looked: Looked) -> None:
    values, regime, since = looked.held_back
    known = np.where(regime[1:] == 0, 0.98, -0.9) * values[:-1]
    late = since[1:] >= 5
    net, best, today = (np.sqrt(np.mean((each - values[1:])[late] ** 2)) for each in (looked.said, known, values[:-1]))
    assert best < net < 1.1 * best
    assert net < today / 3
    fresh = np.sqrt(np.mean((looked.said - values[1:])[~late] ** 2))
    assert fresh > 3 * net


def test_the_regimes_are_what_they_are_said_to_be(example: ModuleType) -> None:
    series = example.made_series(8000, seed=0)
    switches = np.flatnonzero(np.diff(series.regime)) + 1
    assert np.array_equal(np.flatnonzero(series.since == 0)[1:], switches)
    assert np.diff(switches).min() >= 60
    assert np.diff(switches).max() <= 140
    for regime, kept in ((0, 0.98), (1, -0.9)):
        rows = np.flatnonzero(series.regime[1:] == regime) + 1
        before, after = series.values[rows - 1], series.values[rows]
        assert before @ after / (before @ before) == pytest.approx(kept, abs=0.02)


def test_nothing_is_learnt_from_the_rows_held_back(example: ModuleType, looked: Looked) -> None:
    series = example.made_series(example.ROWS, seed=0)
    series.values[example.ROWS // 2 :] = 1e9
    net = example.fit(series.half(0).values, seed=0)
    for name, weight in looked.net.state_dict().items():
        assert weight.equal(net.state_dict()[name])


def test_the_page_shows_what_is_printed_and_the_pictures_are_written(tmp_path: Path) -> None:
    done = EXAMPLE.run("--out", tmp_path)
    assert done.returncode == 0, done.stderr
    page = EXAMPLE.path.parents[1].joinpath("docs/what_your_net_remembers.md").read_text(encoding="utf-8")
    shown, printed = (
        {
            name: float(line.removeprefix(name).split()[0])
            for line in text.splitlines()
            for name in ("gru ", "regime known ", "tomorrow = today ", "mean z of all units", "mean r of all units")
            if line.startswith(name) and "." in line.removeprefix(name).split()[0]
        }
        for text in (page.split("## Gates, where")[1], done.stdout)
    )
    assert len(shown) == 5
    assert printed == pytest.approx(shown, rel=0.1)
    assert {Image.open(tmp_path / name).format for name in ("gates.png", "switches.png")} == {"PNG"}
