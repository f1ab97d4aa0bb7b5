"""Partitions: whole series in each, the same everywhere, nothing lost, in little memory, whole or not at all."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.cli import main
from gatecast.data import partitioning
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.data.partitions import name_hashes, partitions_of
from gatecast.errors import ColumnError, OptionError, TableError
from gatecast.files import is_temporary, replaced, temporary_beside
from gatecast.folders import new_folder


def table(series: int = 30, rows: int = 20) -> pl.DataFrame:
    """Rows of all series in turn, so that no series lies in one piece."""
    return pl.DataFrame(
        {
            "unique_id": [f"s{number}" for number in range(series)] * rows,
            "ds": np.repeat(np.datetime64("2024-01-01T00", "us") + np.arange(rows) * np.timedelta64(1, "h"), series),
            "y": np.random.default_rng(0).normal(size=series * rows),
        }
    )


def parts_of(folder: Path) -> list[pl.DataFrame]:
    return [pl.read_parquet(path) for path in partitions_of(folder)]


# Reading a folder


def test_partitions_are_the_tables_of_a_folder_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a.parquet", "C.TSV", "_SUCCESS", ".hidden.csv", "d.csv.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in partitions_of(tmp_path)] == ["C.TSV", "a.parquet", "b.csv", "d.csv.gz"]
    assert partitions_of(tmp_path / "b.csv") == (tmp_path / "b.csv",)


@pytest.mark.parametrize("name", ["notes.md", "more/"])
def test_what_is_no_partition_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    with pytest.raises(TableError, match=f'"{name.strip("/")}" in .* is no partition: .*begin with _'):
        partitions_of(tmp_path)


def test_a_folder_without_partitions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"holds no partitions: .*`gatecast partition TABLE .*` writes them"):
        partitions_of(tmp_path)
    with pytest.raises(TableError, match="there is no file or folder"):
        partitions_of(tmp_path / "none")


def test_the_hash_of_a_name_is_that_of_the_published_function() -> None:
    # `printf 'abc' | b2sum -l 64` says d8bb14d833d59559.
    assert name_hashes(["abc"]).tolist() == [int.from_bytes(bytes.fromhex("d8bb14d833d59559"), "little")]


# Cutting


def test_partitions_hold_every_row_once_and_whole_series(tmp_path: Path) -> None:
    whole = table()
    whole.write_parquet(tmp_path / "all.parquet")
    done = partition_table([tmp_path / "all.parquet"], tmp_path / "out", PartitionOptions(parts=4))
    parts = parts_of(tmp_path / "out")
    assert (done.partitions, done.rows) == (4, 600)
    names = [set(part["unique_id"]) for part in parts]
    assert sum(len(each) for each in names) == 30, "no series is in two partitions"
    assert pl.concat(parts).sort("unique_id", "ds").equals(whole.sort("unique_id", "ds"))
    for part in parts:
        own = whole.filter(pl.col("unique_id").is_in(list(set(part["unique_id"]))))
        assert part.equals(own), "rows keep their order"


@pytest.mark.parametrize("end", [".csv", ".csv.gz", ".arrow", ".tsv"])
def test_the_partition_of_a_series_depends_on_its_name_alone(end: str, tmp_path: Path) -> None:
    shuffled = table().sample(fraction=1, shuffle=True, seed=1)
    file = tmp_path / f"all{end}"
    if end == ".arrow":
        shuffled.write_ipc(file)
    else:
        text = shuffled.write_csv(separator="\t" if end == ".tsv" else ",").encode()
        file.write_bytes(gzip.compress(text) if end == ".csv.gz" else text)
    table().write_parquet(tmp_path / "all.parquet")
    for name in (file.name, "all.parquet"):
        partition_table([tmp_path / name], tmp_path / f"of_{name}", PartitionOptions(parts=5))
    one, other = (
        [set(part["unique_id"].unique()) for part in parts_of(tmp_path / f"of_{name}")]
        for name in (file.name, "all.parquet")
    )
    assert one == other


def test_cells_of_text_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('unique_id,ds,y\n007,2024-01-01,"1,5"\n007,2024-01-02,NA\n8 ,2024-01-01,1e3\n')
    partition_table([tmp_path / "a.csv"], tmp_path / "out", PartitionOptions(parts=1))
    assert parts_of(tmp_path / "out")[0].rows() == [
        ("007", "2024-01-01", "1,5"),
        ("007", "2024-01-02", "NA"),
        ("8 ", "2024-01-01", "1e3"),
    ]


def test_numbers_name_a_series_however_they_are_stored(tmp_path: Path) -> None:
    for name, kind in (("a", pl.Int64), ("b", pl.Float64), ("c", pl.String)):
        pl.DataFrame({"unique_id": pl.Series([7, 8, 9, 10]).cast(pl.Int64).cast(kind), "y": 1.0}).write_parquet(
            tmp_path / f"{name}.parquet"
        )
        partition_table([tmp_path / f"{name}.parquet"], tmp_path / name, PartitionOptions(parts=3))
    found = [[part["unique_id"].cast(pl.Int64).to_list() for part in parts_of(tmp_path / name)] for name in "abc"]
    assert found[0] == found[1] == found[2]


def test_rows_that_wait_on_disk_come_out_as_those_that_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table().write_parquet(tmp_path / "a.parquet")
    table().with_columns(unique_id="b" + pl.col("unique_id")).write_parquet(tmp_path / "b.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    partition_table(files, tmp_path / "memory", PartitionOptions(rows=200))
    monkeypatch.setattr(partitioning, "WAITING", 1)
    partition_table(files, tmp_path / "disk", PartitionOptions(rows=200))
    memory, disk = parts_of(tmp_path / "memory"), parts_of(tmp_path / "disk")
    assert len(memory) == 6
    assert all(one.equals(other) for one, other in zip(memory, disk, strict=True))
    assert not list((tmp_path / "disk").glob("*.spool"))


def test_what_cannot_be_cut_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "a.csv")
    table().drop("y").write_csv(tmp_path / "b.csv")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "unnamed.csv").write_text("unique_id,y\na,1\n,2\n")
    out = tmp_path / "out"
    with pytest.raises(ColumnError, match=r'no column "shop" to tell series apart: name it with --id'):
        partition_table([tmp_path / "a.csv"], out, PartitionOptions(id="shop"))
    with pytest.raises(TableError, match=r"b.csv and a.csv differ in y"):
        partition_table([tmp_path / "a.csv", tmp_path / "b.csv"], out)
    with pytest.raises(TableError, match=r"empty.csv is empty"):
        partition_table([tmp_path / "empty.csv"], out)
    with pytest.raises(TableError, match=r"there is no file .*none.csv"):
        partition_table([tmp_path / "none.csv"], out)
    with pytest.raises(ColumnError, match=r'unnamed.csv, column "unique_id", row 1 .*has no name'):
        partition_table([tmp_path / "unnamed.csv"], out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "empty.csv", "unnamed.csv"]
    with pytest.raises(OptionError, match="is taken: give the name of a new folder"):
        partition_table([tmp_path / "a.csv"], tmp_path)


def test_the_command_cuts_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table().write_csv(tmp_path / "a.csv")
    table().write_csv(tmp_path / "b.csv")
    arguments = [str(tmp_path / name) for name in ("a.csv", "b.csv", "out")]
    assert main(["partition", *arguments, "--parts", "3"]) == 0
    assert capsys.readouterr().out == f"1,200 rows in 3 partitions written to {tmp_path / 'out'}\n"
    assert main(["partition", arguments[0]]) == 1
    assert "name the new folder after the tables" in capsys.readouterr().err


# Whole or not at all


def write_half(path: Path, *, folder: bool) -> None:
    with new_folder(path) if folder else replaced(path) as temporary:
        (temporary / "file" if folder else temporary).write_text("half")
        raise KeyError


def test_a_large_file_or_folder_takes_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyError):
        write_half(tmp_path / "a", folder=False)
    with pytest.raises(KeyError):
        write_half(tmp_path / "folder", folder=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]
    with replaced(tmp_path / "a") as temporary:
        temporary.write_text("new")
        assert is_temporary(temporary)
        assert (tmp_path / "a").read_text() == "old"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "new")]


def test_only_names_that_nobody_chose_count_as_temporary() -> None:
    assert is_temporary(temporary_beside(Path("a.parquet")))
    assert not any(is_temporary(Path(name)) for name in (".tmp", "a.tmp", ".notes.tmp", "part-00000.parquet"))
