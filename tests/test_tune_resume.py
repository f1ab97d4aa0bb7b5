"""A search that is killed at any moment goes on to the trials of an undisturbed one, and to no other search's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from gatecast.cli import main
from gatecast.errors import ArtifactError, OptionError
from gatecast.tuning import tune
from gatecast.tuning.journal import JOURNAL, owned
from gatecast.tuning.placing import BEST, PAGE, RECORD
from gatecast.tuning.records import SearchRecord
from gatecast.workflow import build_options, load
from gatecast.workflow.runs import read_record
from small_tables import wave_table

TRIALS = 12  # more than are drawn at random, so that the last ones depend on what all others came to
FLAGS = (
    *("--horizon", "4", "--season", "12", "--steps", "12", "--baselines", "naive", "--quiet"),
    *("--set", "training.evaluate_every=2", "training.time=32", "training.burn_in=4"),
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent by number")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table, and an undisturbed search of it in `whole`."""
    folder = tmp_path_factory.mktemp("search")
    wave_table().write_csv(folder / "waves.csv")
    assert main(tune_command(folder, "whole")) == 0
    return folder


def tune_command(folder: Path, name: str, *more: str, count: int = TRIALS) -> list[str]:
    return ["tune", str(folder / "waves.csv"), *FLAGS, "--trials", str(count), "--out", str(folder / name), *more]


def killed(folder: Path, name: str, *more: str, after: int) -> None:
    """Search in a process of its own, and kill it when so many lines are in the journal."""
    command = [sys.executable, "-c", "from gatecast.cli import main; raise SystemExit(main())"]
    process = subprocess.Popen(command + tune_command(folder, name, *more), stdout=subprocess.DEVNULL)
    journal, deadline = folder / name / JOURNAL, time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") > after:
            break
        time.sleep(0.002)
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL, "it came too late"
    assert not (folder / name / RECORD).exists()


def trials(folder: Path) -> SearchRecord:
    """What came of a search, but for how long it took."""
    record = msgspec.json.decode((folder / RECORD).read_bytes(), type=SearchRecord)
    untimed = tuple(msgspec.structs.replace(trial, seconds=0.0) for trial in record.trials)
    return msgspec.structs.replace(record, trials=untimed)


def test_a_search_killed_twice_and_resumed_equals_an_undisturbed_one(folder: Path) -> None:
    killed(folder, "killed", after=30)
    with (folder / "killed" / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code":5,"half a li')
    (folder / "killed" / f"{JOURNAL}.lock").touch()  # as if it had died while it was writing
    killed(folder, "killed", "--resume", after=190)
    assert main(tune_command(folder, "killed", "--resume")) == 0
    whole, resumed = trials(folder / "whole"), trials(folder / "killed")
    assert len(whole.trials) == TRIALS
    assert resumed == whole
    assert load(folder / "killed").predict().to_frame().equals(load(folder / "whole").predict().to_frame())


def test_a_finished_search_is_an_ordinary_run_with_a_page(folder: Path) -> None:
    assert read_record(folder / "whole").status == "done"
    assert (folder / "whole" / PAGE).read_text().startswith("<!doctype html>")
    assert main(["backtest", str(folder / "whole"), "--json"]) == 0
    assert build_options({}, folder / "whole" / BEST) == read_record(folder / "whole").asked


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("no journal\nat all\n")
    with pytest.raises(ArtifactError, match=r"the journal .*search.jsonl is damaged"):
        tune(wave_table(), horizon=4, steps=8, out=tmp_path, resume=True)


def test_resuming_a_finished_search_changes_nothing_and_more_trials_go_on(folder: Path) -> None:
    before = trials(folder / "whole")
    assert main(tune_command(folder, "whole", "--resume")) == 0
    assert trials(folder / "whole") == before
    assert main(tune_command(folder, "more", count=2)) == 0
    assert main(tune_command(folder, "more", "--resume")) == 0
    assert trials(folder / "more") == before, "two trials and then ten are twelve"
    asked = read_record(folder / "more").asked
    assert asked.network.layer.hidden_size == load(folder / "more").forecaster.config.network.layer.hidden_size


def test_another_search_does_not_go_on_in_the_folder(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str) -> str:
        assert main(list(arguments)) == 1
        return capfd.readouterr().err

    out = ("--out", str(folder / "whole"))
    assert "holds a search already: go on with it by --resume" in refused(*tune_command(folder, "whole"))
    said = refused(*tune_command(folder, "whole", "--resume", "--hidden-size", "8"))
    assert "was begun with other settings (network.layer.hidden_size=64 then, 8 now)" in said
    said = refused(*tune_command(folder, "whole", "--resume", "--hidden-size", "64"))
    assert "searches other settings" in said
    wave_table(seed=1).write_csv(folder / "other.csv")
    assert "searches another table" in refused("tune", str(folder / "other.csv"), *FLAGS, *out, "--resume")
    assert "say which one with --out" in refused("tune", str(folder / "other.csv"), *FLAGS, "--resume")
    assert main(["fit", str(folder / "waves.csv"), "--steps", "2", "--quiet", "--out", str(folder / "fit")]) == 0
    assert "holds a run already" in refused(*tune_command(folder, "fit"))


def test_two_searches_are_not_at_work_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).touch()
    with owned(tmp_path), pytest.raises(OptionError, match=r"another search is at work in .*give more --workers"):
        tune(wave_table(), horizon=4, steps=8, out=tmp_path, resume=True)
    with owned(tmp_path):
        pass
