"""A fit that is killed or stopped at any moment goes on to the very bytes of an unbroken one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatecast.cli import main
from gatecast.training.log import read_steps
from gatecast.training.loop import StepRecord, TrainingState, train
from gatecast.workflow import load
from gatecast.workflow.runs import read_record
from small_tables import wave_table

STEPS, EVERY = 600, 20
FLAGS = (
    *("--horizon", "4", "--lookback", "24", "--season", "12", "--hidden-size", "4", "--num-layers", "2"),
    *("--dropout", "0.3", "--steps", str(STEPS), "--baselines", "naive", "--quiet"),
    *("--set", f"training.evaluate_every={EVERY}", "patience=1000", "batch_size=16"),
)
COMPARED = ("model/weights.safetensors", "steps.jsonl")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent by number")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table, and an unbroken run of it in `unbroken`."""
    folder = tmp_path_factory.mktemp("kill")
    wave_table().write_csv(folder / "waves.csv")
    assert main(fit_command(folder, "unbroken")) == 0
    return folder


def fit_command(folder: Path, name: str, *more: str) -> list[str]:
    return ["fit", str(folder / "waves.csv"), *FLAGS, "--out", str(folder / name), *more]


def interrupt(folder: Path, name: str, *more: str, after: int, with_signal: signal.Signals) -> int:
    """Fit in a process of its own until the log has more than `after` lines, then send the signal; the exit code."""
    command = [sys.executable, "-c", "from gatecast.cli import main; raise SystemExit(main())"]
    process = subprocess.Popen(command + fit_command(folder, name, *more), stdout=subprocess.DEVNULL)
    log, deadline = folder / name / "steps.jsonl", time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and log.read_bytes().count(b"\n") > after:
            break
        time.sleep(0.002)
    process.send_signal(with_signal)
    process.wait(timeout=60)
    assert after < len(read_steps(log)) < STEPS, "the signal came too early or too late"
    return process.returncode


def resume_to_the_unbroken_run(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Go on to the end, compare with the unbroken run, and return the step that it went on from."""
    begun: list[int] = []

    def noted(network: Any, data: Any, config: Any, state: TrainingState) -> Iterator[StepRecord]:
        begun.append(state.step)
        return train(network, data, config, state)

    monkeypatch.setattr("gatecast.workflow.training.train", noted)
    assert main(fit_command(folder, name, "--resume")) == 0
    for file in COMPARED:
        assert (folder / name / file).read_bytes() == (folder / "unbroken" / file).read_bytes(), file
    assert read_record(folder / name).status == "done"
    return begun[0]


def test_a_run_killed_twice_and_resumed_equals_an_unbroken_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill = signal.SIGKILL
    assert interrupt(folder, "killed", after=0, with_signal=kill) == -kill, "before its first checkpoint"
    assert read_record(folder / "killed").status == "training"
    assert interrupt(folder, "killed", "--resume", after=190, with_signal=kill) == -kill
    logged = len(read_steps(folder / "killed" / "steps.jsonl"))
    begun = resume_to_the_unbroken_run(folder, "killed", monkeypatch)
    assert logged - 2 * EVERY < begun <= logged, "from the newest checkpoint, not from the start"


def test_ctrl_c_keeps_what_was_learnt_and_the_run_can_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interrupt(folder, "stopped", after=90, with_signal=signal.SIGINT) == 0
    assert read_record(folder / "stopped").status == "stopped"
    model = load(folder / "stopped")
    assert model.predict().to_frame().height == 4
    assert (folder / "stopped" / "report.html").exists()
    assert resume_to_the_unbroken_run(folder, "stopped", monkeypatch) == len(model.steps) < STEPS


def test_resuming_a_finished_run_changes_nothing(folder: Path) -> None:
    before = [(folder / "unbroken" / file).read_bytes() for file in COMPARED]
    assert main(fit_command(folder, "unbroken", "--resume")) == 0
    assert [(folder / "unbroken" / file).read_bytes() for file in COMPARED] == before
