"""`gatecast fit` under torchrun: several real processes, one run; and one of them killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builders import waves
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.training.log import read_steps

FLAGS = ("--horizon", "6", "--lookback", "24", "--hidden-size", "8", "--baselines", "naive", "--quiet")
STEPS = ("--set", "training.steps=60", "training.evaluate_every=5", "training.patience=99", "calibrate=false")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six series in one file."""
    panel = waves(series=6, rows=150, seed=3)
    path = tmp_path_factory.mktemp("table") / "waves.csv"
    names = np.repeat(panel.ids, panel.lengths)
    pl.DataFrame({"unique_id": names, "ds": panel.times, "y": panel.values[:, 0]}).write_csv(path)
    return path


def fit(data: Path, out: Path, workers: int, *more: str) -> subprocess.Popen[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(workers), "--max-restarts", "2"]
    launched = [*launcher, "-m", "gatecast"] if workers > 1 else ["-m", "gatecast"]
    command = [sys.executable, *launched, "fit", str(data), *FLAGS, "--out", str(out), *STEPS, *more]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(run: subprocess.Popen[str]) -> str:
    out, err = run.communicate(timeout=180)
    assert run.returncode == 0, err
    return out


def losses(out: Path) -> list[float]:
    return [step.loss for step in read_steps(out / "steps.jsonl")]


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_two_workers_take_the_steps_of_one_and_the_first_tells(mode: str, table: Path, tmp_path: Path) -> None:
    finished(fit(table, tmp_path / "one", 1, "--mode", mode))
    told = finished(fit(table, tmp_path / "two", 2, "--mode", mode))
    assert told.count("report: ") == 1, "one worker speaks for all"
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=0, atol=1e-5)
    one, two = (json.loads((tmp_path / name / "metrics.json").read_bytes()) for name in ("one", "two"))
    assert [score["model"] for score in one["scores"]] == [score["model"] for score in two["scores"]]
    for mine, other in zip(one["scores"], two["scores"], strict=True):
        assert mine["mase"] == pytest.approx(other["mase"], rel=1e-4)


def test_each_worker_reads_its_own_partitions(table: Path, tmp_path: Path) -> None:
    partition_table([table], tmp_path / "parts", PartitionOptions(parts=3))
    finished(fit(tmp_path / "parts", tmp_path / "one", 1))
    finished(fit(tmp_path / "parts", tmp_path / "two", 2))
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=0, atol=1e-5)
    one, two = (json.loads((tmp_path / name / "run.json").read_bytes()) for name in ("one", "two"))
    assert one["config"] == two["config"], "what was settled does not hang on the number of workers"
    assert one["data"] == two["data"]
    assert [guess["what"] for guess in two["guesses"] if guess not in one["guesses"]] == ["scored on"]


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_a_killed_worker_is_replaced_and_the_run_ends_as_an_undisturbed_one(
    mode: str, table: Path, tmp_path: Path
) -> None:
    finished(fit(table, tmp_path / "calm", 2, "--mode", mode))
    run = fit(table, tmp_path / "killed", 2, "--mode", mode)
    victim = worker_at_step(tmp_path / "killed", run.pid, 17)
    os.kill(victim, signal.SIGKILL)
    finished(run)
    assert losses(tmp_path / "killed") == losses(tmp_path / "calm")
    weights = [(tmp_path / name / "model" / "weights.safetensors").read_bytes() for name in ("calm", "killed")]
    assert weights[0] == weights[1]


def worker_at_step(out: Path, launcher: int, step: int) -> int:
    """The process of the second worker, once the run has taken so many steps."""
    log, until = out / "steps.jsonl", time.monotonic() + 120
    while time.monotonic() < until:
        if log.exists() and log.read_bytes().count(b"\n") >= step:
            return next(process for process in children_of(launcher) if rank_of(process) == "1")
        time.sleep(0.005)
    raise AssertionError("the run never came so far")


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def rank_of(process: int) -> str:
    marks = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next((mark.removeprefix(b"RANK=").decode() for mark in marks if mark.startswith(b"RANK=")), "")


def test_more_workers_than_partitions_are_refused(table: Path, tmp_path: Path) -> None:
    partition_table([table], tmp_path / "parts", PartitionOptions(parts=1))
    run = fit(tmp_path / "parts", tmp_path / "run", 2)
    _, err = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "parts holds 1 partition, and each of 2 workers needs one: take fewer workers, or cut the table" in err


def test_several_workers_must_be_told_where_to_write(table: Path) -> None:
    env = os.environ | {"RANK": "0", "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "gatecast", "fit", str(table)]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "several workers share one run folder, also when they are started again: give --out RUN." in ended.stderr
