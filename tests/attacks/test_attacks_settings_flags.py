"""Flags that cannot be: one message, exit code 1 for what is refused, 2 for what is no command at all."""

from pathlib import Path

import pytest
from ledger import Ledger
from trying import SECONDS, within

from gatecast.cli import main
from small_tables import wave_table

LINES = (
    "fit w.csv --set steps=3 steps=4",
    "fit w.csv --set steps",
    "fit w.csv --set stepps=4",
    "fit w.csv --threads 1000000000",
    "fit w.csv --threads -1",
    "fit w.csv --horizon 99999999999999999999999999",
    "fit w.csv --horizon 1e3",
    "fit w.csv --steps 5 --steps 6",
    "fit w.csv --learning-rate nan",
    "fit w.csv --config w.csv",
    "fit w.csv --cell",
    "fit w.csv --cell GRUU",
    "fit w.csv --workers 3",
    "fit w.csv --watch --quiet",
    "fit w.csv --resume",
    "observe http://127.0.0.1:1 w.csv --speed fast",
    "observe http://127.0.0.1:1 w.csv --speed nan",
    "observe http://127.0.0.1:1 w.csv --batch 0",
    "observe javascript:alert(1) w.csv",
    "observe file:///etc/passwd w.csv",
    "keys ../../x",
    "keys a --scopes all",
    "keys \x1b[31mred\x07",
    "tune w.csv --trials many",
    "tune w.csv --budget soon",
    "partition w.csv",
    "partition w.csv out --parts 0",
    "partition w.csv out --rows -3",
    "partition w.csv out --id \x1b[31m",
    "predict absent\x1b[31m",
    "settings --x\x1b[31m",
    "fot w.csv",
)


@pytest.mark.parametrize("line", LINES)
def test_flags_that_cannot_be_are_refused_in_one_message(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wave_table().write_csv("w.csv")
    with within(SECONDS, 1024):
        code = main(line.split())
    said = capfd.readouterr()
    assert said.out == ""
    assert "\x1b" not in said.err
    assert {path.name for path in tmp_path.iterdir()} == {"w.csv"}, "nothing was begun"
    told = " ".join(said.err.removeprefix("gatecast: ").split())
    Ledger("Settings").enter(f"gatecast {line}", f"refused with exit code {code}: {told}")
