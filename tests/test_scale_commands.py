"""The commands for partitions, and what they keep in mind of many series."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.cli import main
from gatecast.data.partitions import name_hashes
from gatecast.errors import TableError
from gatecast.scale import seen
from gatecast.scale.seen import Seen
from scale_makers import cut, later_table, saved_model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    saved_model(folder)
    cut(folder, later_table(), 3)
    return folder


def test_predict_takes_a_folder_and_says_what_was_done(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(place / "model"), str(place / "in_3"), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(command) == 0
    told = capsys.readouterr()
    assert told.out.startswith("2 partitions: 1,"), "no series falls to the third"
    assert f"36 rows of forecasts written to {tmp_path / 'out'} in " in told.out
    assert told.err == ""
    assert main([*command, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["partitions"], done["kept"], done["rows"], done["metrics"]) == (2, 2, 0, None)


def test_backtest_takes_a_folder_and_prints_scores_and_the_verdict(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["backtest", str(place / "model"), str(place / "in_3"), "--out", str(tmp_path / "out"), "--windows", "2"]
    assert main([*command, "--workers", "1"]) == 0
    told = capsys.readouterr().out
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_bytes())
    assert metrics["verdict"]["text"] in told
    assert "MASE" in told
    assert main([*command, "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == metrics


def test_a_file_is_a_partition_where_somebody_says_where_work_runs(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later_table().write_parquet(tmp_path / "whole.parquet")
    command = ["predict", str(place / "model"), str(tmp_path / "whole.parquet"), "--workers", "1"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("1 partition: ")
    assert main(command) == 1
    assert "work by partitions reads new data and writes a folder" in capsys.readouterr().err


def test_flags_that_cannot_be_are_refused_before_any_work(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(place / "model"), str(place / "in_3"), "--out", str(tmp_path / "out")]
    for more, words in (
        (["--horizon", "9"], "this net forecasts up to 4 rows ahead, got horizon=9"),
        (["--address", "head:6379"], "add --engine ray"),
        (["--workers", "0"], "workers counts processes from 1 up"),
    ):
        assert main(["predict", *command, *more]) == 1
        assert words in capsys.readouterr().err
    assert main(["backtest", *command, "--windows", "0"]) == 1
    assert "windows counts from 1 up" in capsys.readouterr().err


def sources(folder: Path, parts: list[list[str]]) -> tuple[Path, ...]:
    paths = tuple(folder / f"{number}.parquet" for number in range(len(parts)))
    for path, names in zip(paths, parts, strict=True):
        pl.DataFrame({"shop": names, "y": 1.0}).write_parquet(path)
    return paths


def test_a_series_of_two_partitions_is_found_whatever_lies_between_them(tmp_path: Path) -> None:
    parts = [[f"{number}_{name}" for name in range(size)] for number, size in enumerate((1, 5, 2, 1, 9, 1, 3))]
    parts[6][1] = parts[1][3]
    known = Seen(sources(tmp_path, parts), "shop")
    for number in range(6):
        known.add(number, name_hashes(parts[number]))
    with pytest.raises(TableError, match=r'series "1_3" lies in two partitions, 1.parquet and 6.parquet'):
        known.add(6, name_hashes(parts[6]))


def test_two_names_of_one_hash_are_two_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Seen(sources(tmp_path, [["a"], ["b"]]), "shop")
    monkeypatch.setattr(seen, "name_hashes", lambda names: np.full(len(list(names)), 7, dtype=np.uint64))
    known.add(0, np.array([7], dtype=np.uint64))
    known.add(1, np.array([7], dtype=np.uint64))
