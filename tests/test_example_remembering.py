"""The claims of examples/remembering.py, the second part of docs/what_your_net_remembers.md."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from example_scripts import Example
from gatecast.inspection import Call, spectra, step_jacobians

EXAMPLE = Example("remembering")
LEARNT = ("elman_identity_clipped", "gru_chrono", "lstm_chrono")
FORGOT = ("elman", "elman_clipped", "gru", "lstm")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.fixture(scope="module")
def courses(example: ModuleType) -> dict[str, Any]:
    return {name: example.fit(kind, delay=40, steps=400, seed=0) for name, kind in example.kinds(rows=41).items()}


@pytest.mark.parametrize("name", LEARNT)
def test_a_net_that_learns_the_task_remembers_the_first_value_and_no_other(courses: dict[str, Any], name: str) -> None:
    memory = courses[name].memory
    assert courses[name].mse < 0.01
    assert memory.argmax() == 40
    assert memory[40] == pytest.approx(1, abs=0.15), "of the right answer the derivative is 1"
    assert memory[:40].max() < 0.04
    assert memory[40] / memory.sum() > 0.75


@pytest.mark.parametrize("name", FORGOT)
def test_where_no_gradient_comes_from_lag_40_nothing_is_learnt(courses: dict[str, Any], name: str) -> None:
    assert courses[name].before[40] < 1e-8
    assert courses[name].mse == pytest.approx(1 / 3, rel=0.05), "no better than to say 0"
    assert courses[name].memory[40] < 1e-8


@pytest.mark.parametrize("name", LEARNT)
def test_where_gradients_come_from_lag_40_the_first_value_is_learnt(courses: dict[str, Any], name: str) -> None:
    assert courses[name].before[40] > 0.1


def test_clipping_cures_the_explosion_of_the_identity_net(courses: dict[str, Any]) -> None:
    free, clipped = courses["elman_identity"], courses["elman_identity_clipped"]
    assert np.array_equal(free.norms[0], clipped.norms[0]), "the same net on the same batch"
    assert free.norms[1] > 100
    assert free.losses[1] > 10 * free.losses[0]
    assert free.mse == pytest.approx(1 / 3, rel=0.05)
    assert clipped.mse < 0.01


def test_one_step_of_training_makes_the_identity_net_stretch(example: ModuleType) -> None:
    torch.manual_seed(0)
    net, random = example.Net(example.elman_identity()), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.005)
    x, y = example.sequences(64, 40, random)
    before = net.recurrent(x)[0][:, -1].norm(dim=1).mean().item()
    torch.nn.functional.mse_loss(net(x), y).backward()
    optimiser.step()
    x, y = example.sequences(64, 40, random)
    radius, _ = spectra(step_jacobians(net.recurrent, Call(x, None), range(0, 40, 5)))
    assert radius.mean() == pytest.approx(1.03, abs=0.02)
    assert example.gradient_by_lag(net, x, y)[40] == pytest.approx(4, abs=1)
    assert net.recurrent(x)[0][:, -1].norm(dim=1).mean().item() == pytest.approx(6 * before, rel=0.2)


def test_clipping_does_nothing_for_a_gradient_that_vanishes(courses: dict[str, Any]) -> None:
    assert courses["elman_clipped"].norms.max() <= 1
    assert courses["elman_clipped"].mse == courses["elman"].mse


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_a_short_delay_needs_no_other_first_weights(example: ModuleType, name: str) -> None:
    course = example.fit(example.kinds(rows=11)[name], delay=10, steps=400, seed=0)
    assert course.mse < 0.001
    assert course.memory.argmax() == 10


def test_the_answer_is_the_number_beside_the_mark(example: ModuleType) -> None:
    x, y = example.sequences(50, 40, torch.Generator().manual_seed(0))
    assert x.shape == (50, 41, 2)
    assert torch.equal((x[..., 0] * x[..., 1]).sum(dim=1, keepdim=True), y)
    assert x[..., 1].sum() == 50
    assert x[..., 0].abs().max() <= 1


def test_the_page_shows_what_was_measured(courses: dict[str, Any]) -> None:
    page = EXAMPLE.path.parents[1].joinpath("docs/what_your_net_remembers.md").read_text(encoding="utf-8")
    for name, course in courses.items():
        (line,) = re.findall(rf"^{name} +(\de-.*)$", page, re.MULTILINE)
        before, largest, mse, _, share = (float(word.rstrip("%")) for word in line.split())
        assert 0.5 < course.before[40] / before < 2
        assert 0.5 < course.norms.max() / largest < 2
        assert course.mse == pytest.approx(mse, rel=0.5, abs=0.005), "other machines round otherwise"
        assert 100 * course.memory[40] / course.memory.sum() == pytest.approx(share, abs=10)


def test_it_runs_as_it_stands_and_draws(tmp_path: Path) -> None:
    done = EXAMPLE.run("--out", tmp_path, "--steps", 20, "--delay", 5)
    assert done.returncode == 0, done.stderr
    assert "lag 5" in done.stdout
    assert {Image.open(path).format for path in tmp_path.iterdir()} == {"PNG"}
    assert {path.name for path in tmp_path.iterdir()} == {"clipping.png", "memory.png"}


def test_no_delay_is_refused_in_one_line(tmp_path: Path) -> None:
    done = EXAMPLE.run("--delay", 1, "--out", tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "from 2 up" in done.stderr
