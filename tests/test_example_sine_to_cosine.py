"""The claims of examples/sine_to_cosine.py."""

import csv
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from example_scripts import Example

EXAMPLE = Example("sine_to_cosine")
CELLS = ("rnn", "lstm", "gru")
SIMPLE = ("input_itself", "mean", "linear_last_two")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run in the small form, and what it printed."""
    folder = tmp_path_factory.mktemp("sine")
    done = EXAMPLE.run("--out", folder)
    assert done.returncode == 0, done.stderr
    folder.joinpath("printed.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def printed(out: Path) -> dict[str, list[float]]:
    """The numbers printed for each method: the main score, all steps, and single steps."""
    return scores_in(out.joinpath("printed.txt").read_text())


def scores_in(text: str) -> dict[str, list[float]]:
    lines = [line.split() for line in text.splitlines() if line]
    names = {*SIMPLE, *(f"{cell}_{readout}" for cell in CELLS for readout in ("every_step", "last_state"))}
    return {name: [float(number) for number in numbers] for name, *numbers in lines if name in names}


@pytest.fixture(scope="module")
def rows(out: Path) -> list[dict[str, str]]:
    with out.joinpath("test.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_read_at_every_step_has_a_test_mse_below_a_thousandth(
    printed: dict[str, list[float]], cell: str
) -> None:
    assert printed[f"{cell}_every_step"][0] < 1e-3


def test_every_net_beats_every_simple_method(printed: dict[str, list[float]]) -> None:
    simple = min(printed[name][0] for name in SIMPLE)
    assert all(scores[0] < simple / 3 for name, scores in printed.items() if name not in SIMPLE)
    assert len(printed) == 9


def test_nobody_knows_the_first_step_but_who_reads_the_whole_sequence(printed: dict[str, list[float]]) -> None:
    first_step = {name: scores[2] for name, scores in printed.items()}
    assert all(first_step[f"{cell}_every_step"] > 0.4 for cell in CELLS)
    assert all(first_step[f"{cell}_last_state"] < 0.1 for cell in CELLS)


def test_printed_mse_equals_a_slow_recomputation(printed: dict[str, list[float]], rows: list[dict[str, str]]) -> None:
    for name, (scored, whole, *_) in printed.items():
        for first, score in ((10, scored), (0, whole)):
            total, count = 0.0, 0
            for row in rows:
                if int(row["step"]) >= first:
                    total += (float(row["output"]) - float(row[name])) ** 2
                    count += 1
            assert count == 500 * (50 - first)
            assert score == pytest.approx(total / count, rel=0.01), (name, first)  # three digits are printed


def test_the_page_shows_what_is_printed(printed: dict[str, list[float]]) -> None:
    page = EXAMPLE.path.parents[1].joinpath("docs/sine_to_cosine.md").read_text(encoding="utf-8")
    shown = scores_in(page.split("```text")[1].split("```")[0])
    assert shown.keys() == printed.keys()
    for name, (score, *_) in shown.items():
        assert 0.5 < score / printed[name][0] < 2, f"{name}: other machines round otherwise, but not by this much"


def test_scored_phases_are_not_among_the_learnt_ones(example: ModuleType, rows: list[dict[str, str]]) -> None:
    learnt = example.made_waves(2000, seed=0)[:, 0]  # (N, 2): the sine and cosine of every start
    phases = np.arctan2(learnt[:, 0], learnt[:, 1])
    starts = [row for row in rows if row["step"] == "0"]
    scored = np.arctan2([float(row["input"]) for row in starts], [float(row["output"]) for row in starts])
    assert len(set(phases)) == 2000
    assert np.abs(scored[:, None] - phases).min() > 1e-7
    assert np.ptp(scored) > 6, "phases from the whole circle"


def test_one_value_of_the_input_does_not_tell_the_output(example: ModuleType) -> None:
    waves = example.made_waves(2000, seed=0).reshape(-1, 2)
    near_half = waves[np.abs(waves[:, 0] - 0.5) < 0.01, 1]
    assert 0.4 < (near_half > 0).mean() < 0.6


@pytest.mark.parametrize("cell", CELLS)
def test_output_read_at_every_step_is_causal(example: ModuleType, cell: str) -> None:
    x = torch.randn(3, 50, 1, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 45] += 1
    with torch.no_grad():
        same, moved = (example.Net(cell, "every_step"), example.Net(cell, "last_state"))
        assert torch.equal(same(x)[:, :45], same(changed)[:, :45])
        assert (same(x)[:, 45] != same(changed)[:, 45]).all()
        assert (moved(x)[:, :45] != moved(changed)[:, :45]).all(), "the last state has seen the change"


def test_animation_moves(out: Path) -> None:
    with Image.open(out / "training.gif") as gif:
        frames = set()
        for number in range(gif.n_frames):
            gif.seek(number)
            frames.add(gif.convert("RGB").tobytes())
    assert len(frames) >= 15
    assert out.joinpath("training.gif").stat().st_size < 1_500_000


def test_two_inputs_tell_the_output_exactly_at_one_frequency_and_not_at_many(example: ModuleType) -> None:
    same, other = (example.made_waves(100, seed, shortest=25, longest=25) for seed in (2, 3))
    assert example.mse(other, example.simple_outputs(same, other)["linear_last_two"]) < 1e-20
    same, other = example.made_waves(100, 2), example.made_waves(100, 3)
    assert example.mse(other, example.simple_outputs(same, other)["linear_last_two"]) > 1e-2


def write_pairs(path: Path, rows: int) -> Path:
    """A wave whose period drifts between 20 and 40 rows, in dollars say."""
    angle = np.cumsum(2 * np.pi / (30 + 10 * np.sin(np.arange(rows) / 200)))
    pairs = np.column_stack([100 + 20 * np.sin(angle), 3 * np.cos(angle)])
    np.savetxt(path, pairs, fmt="%.5f", delimiter=",", header="seen,wanted", comments="")
    return path


def test_a_file_is_learnt_in_its_own_units(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "pairs.csv", rows=2500)
    done = EXAMPLE.run("--data", data, "--out", tmp_path / "out", "--steps", 150)
    assert done.returncode == 0, done.stderr
    scores = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if "e-" in line or "e+" in line}
    assert float(scores["mean"]) == pytest.approx(4.5, rel=0.2)  # the variance of 3 cos
    assert min(float(scores[f"{cell}_every_step"]) for cell in CELLS) < 0.45


def test_what_is_learnt_from_a_file_does_not_change_with_its_last_fifth(example: ModuleType, tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "pairs.csv", rows=1000)
    learnt, scored = example.read_waves(data)
    lines = data.read_text().splitlines()
    data.write_text("\n".join([*lines[:801], *["9999,9999"] * 200]))
    learnt_too, poisoned = example.read_waves(data)
    assert np.array_equal(learnt, learnt_too)
    assert scored.shape == (4, 50, 2)
    assert (poisoned == 9999).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no file"),
        ("a\n1\n2\n", "has 1 column"),
        ("a,b\n1,x\n2,y\n3,z\n", 'column "b"'),
        ("a,b\n" + "1,2\n3,4\n" * 300 + "5,\n6,7\n", "missing values"),
        ("a,b\n1,2\n3,4\n5,6\n", "needs at least 200 rows"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str | None, message: str) -> None:
    data = tmp_path / "pairs.csv"
    if text is not None:
        data.write_text(text)
    done = EXAMPLE.run("--data", data, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_too_few_steps_are_refused(tmp_path: Path) -> None:
    done = EXAMPLE.run("--steps", 3, "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "from 100 up, got 3" in done.stderr
