"""Partitions that are not what they should be: refused by name, what is finished kept, and nothing half written."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import gatecast
from gatecast.cli import main
from gatecast.engines import EngineOptions
from gatecast.errors import ColumnError, GatecastError, InputError, OptionError, TableError, TimeError
from gatecast.files import is_temporary
from gatecast.scale import backtest_partitions, predict_partitions
from scale_makers import NEW, TRAINED, assert_same_bits, frames_of, in_order, later_table, many_table, saved_model
from small_tables import SMALL, wave_table

ONE = EngineOptions(workers=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_model(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two good partitions, a and c; there is room for another between them."""
    (tmp_path / "in").mkdir()
    many_table(TRAINED[:3], 190).write_parquet(tmp_path / "in" / "a.parquet")
    many_table(TRAINED[3:], 190).write_parquet(tmp_path / "in" / "c.parquet")
    return tmp_path / "in"


def odd_table() -> pl.DataFrame:
    return many_table(NEW, 60, first=120)


ODD: dict[str, tuple[pl.DataFrame, type[GatecastError], str]] = {
    "a series of another partition": (
        many_table(("s1", "s9"), 60),
        TableError,
        r'^series "s1" lies in two partitions, a.parquet and b.parquet',
    ),
    "a column is missing": (odd_table().drop("x"), ColumnError, r"^partition b.parquet: the model needs past=x"),
    "another step": (
        odd_table().with_columns(ds=pl.datetime(2024, 1, 1) + pl.duration(days=pl.int_range(pl.len()).over("shop"))),
        TimeError,
        r"^partition b.parquet: the model learnt from rows 1h apart .* 1d apart",
    ),
    "a series of nothing": (
        odd_table().with_columns(y=pl.when(pl.col("shop") == NEW[0]).then(np.nan).otherwise("y")),
        TableError,
        r'^partition b.parquet: series "new, one" has no value of y',
    ),
    "a cell that is no number": (
        odd_table()
        .with_columns(pl.col("y").cast(pl.String))
        .with_columns(y=pl.when(pl.int_range(pl.len()) == 70).then(pl.lit("broken")).otherwise("y")),
        TableError,
        r'^partition b.parquet: column "y", row 70 \(counted from 0\) of series "new "two"": "broken" is not a number',
    ),
    "infinity": (
        odd_table().with_columns(y=pl.when(pl.int_range(pl.len()) == 3).then(np.inf).otherwise("y")),
        TableError,
        r'^partition b.parquet: .*row 3 .* of series "new, one": the value is infinite',
    ),
    "commas in numbers": (
        odd_table().with_columns(y=pl.col("y").fill_nan(1.5).cast(pl.String).str.replace(".", ",", literal=True)),
        TableError,
        r'^partition b.parquet: column "y" writes numbers with commas',
    ),
    "a row twice": (
        pl.concat([odd_table(), odd_table().head(1).with_columns(y=7.0)]),
        TimeError,
        r'^partition b.parquet: series "new, one" has two rows with different values',
    ),
    "a name is missing": (
        odd_table().with_columns(shop=pl.when(pl.int_range(pl.len()) == 5).then(None).otherwise("shop")),
        ColumnError,
        r'^partition b.parquet: column "shop", row 5 .*: the series has no name',
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_bad_partition_is_refused_by_name_and_the_rest_is_kept(
    kind: str, run: Path, data: Path, tmp_path: Path
) -> None:
    table, error, words = ODD[kind]
    table.write_parquet(data / "b.parquet")
    for work in (predict_partitions, backtest_partitions):
        out = tmp_path / work.__name__
        with pytest.raises(error, match=words):
            work(run, data, out, ONE)
        assert (out / "part-00000.parquet").exists()
        assert not (out / "metrics.json").exists()
        assert not [path for path in out.rglob("*") if is_temporary(path)]
    odd_table().write_parquet(data / "b.parquet")
    done = predict_partitions(run, data, tmp_path / "predict_partitions", ONE)
    assert done.kept == 1, "what was finished is kept, and a partition that was mended is done"
    assert frames_of(Path(done.out))["unique_id"].n_unique() == len(TRAINED) + len(NEW)


def test_a_file_without_a_byte_is_refused_and_a_table_without_rows_adds_nothing(
    run: Path, data: Path, tmp_path: Path
) -> None:
    (data / "b.csv").touch()
    with pytest.raises(TableError, match=r"^partition b.csv: b.csv is empty"):
        predict_partitions(run, data, tmp_path / "refused", ONE)
    (data / "b.csv").unlink()
    expected = [
        work(run, data, tmp_path / f"{work.__name__}", ONE) for work in (predict_partitions, backtest_partitions)
    ]
    odd_table().clear().write_parquet(data / "b.parquet")
    for work, before in zip((predict_partitions, backtest_partitions), expected, strict=True):
        done = work(run, data, tmp_path / f"{work.__name__}_with_none", ONE)
        assert (done.partitions, done.forecasts, done.metrics) == (3, before.forecasts, before.metrics)
        assert pl.read_parquet(Path(done.out) / "part-00001.parquet").is_empty()
        assert_same_bits(frames_of(Path(done.out)), frames_of(Path(before.out)))


def test_a_damaged_partition_is_refused_by_name(run: Path, data: Path, tmp_path: Path) -> None:
    (data / "b.parquet").write_bytes((data / "a.parquet").read_bytes()[:500])
    with pytest.raises(TableError, match=r"^partition b.parquet: b.parquet is damaged or cut short"):
        predict_partitions(run, data, tmp_path / "out", ONE)


def test_hostile_names_are_names(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    names = ["*.parquet", "a b'\"$(x).csv", "-rf.parquet", "\u00fc\U0001f600.parquet", "part-00000.parquet"]
    for number, name in enumerate(names):
        own = later_table().filter(pl.col("shop") == TRAINED[number])
        own.write_csv(tmp_path / "in" / name) if name.endswith("csv") else own.write_parquet(tmp_path / "in" / name)
    done = predict_partitions(run, tmp_path / "in", tmp_path / "out", ONE)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == [
        f"part-{number:05d}.parquet" for number in range(5)
    ]
    assert done.forecasts == 5 * 4


def test_results_and_partitions_are_kept_apart(run: Path, data: Path, tmp_path: Path) -> None:
    for out in (data, data / "out", tmp_path / "x" / ".." / "in" / "out"):
        with pytest.raises(OptionError, match="where it would be taken for a partition"):
            predict_partitions(run, data, out, ONE)
    assert sorted(path.name for path in data.iterdir()) == ["a.parquet", "c.parquet"]


def test_results_of_other_work_are_not_mixed(run: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict_partitions(run, data, out, ONE)
    with pytest.raises(OptionError, match="holds results of other options"):
        predict_partitions(run, data, out, ONE, horizon=2)
    with pytest.raises(OptionError, match="holds results of other options"):
        backtest_partitions(run, data, out, ONE)
    odd_table().write_parquet(data / "b.parquet")
    with pytest.raises(OptionError, match="holds results of other partitions"):
        predict_partitions(run, data, out, ONE)
    (data / "b.parquet").unlink()
    with pytest.raises(OptionError, match="holds results of another model"):
        predict_partitions(saved_model(tmp_path / "other", seed=3), data, out, ONE)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(OptionError, match="holds other files than those of such work"):
        predict_partitions(run, data, tmp_path / "mine", ONE)


def test_a_partition_that_has_changed_is_done_again(run: Path, data: Path, tmp_path: Path) -> None:
    predict_partitions(run, data, tmp_path / "out", ONE)
    many_table(TRAINED[3:], 170).write_parquet(data / "c.parquet")
    done = predict_partitions(run, data, tmp_path / "out", ONE)
    assert done.kept == 1
    predict_partitions(run, data, tmp_path / "fresh", ONE)
    assert_same_bits(frames_of(tmp_path / "out"), frames_of(tmp_path / "fresh"))


def test_a_model_that_tells_no_series_apart_reads_one_partition(tmp_path: Path) -> None:
    model = gatecast.fit(wave_table(), **SMALL)
    alone = gatecast.save(model, tmp_path / "alone")
    (tmp_path / "in").mkdir()
    wave_table().write_parquet(tmp_path / "in" / "a.parquet")
    predict_partitions(alone, tmp_path / "in", tmp_path / "one", ONE)
    assert_same_bits(frames_of(tmp_path / "one"), in_order(model.predict().to_frame()))
    wave_table().write_parquet(tmp_path / "in" / "b.parquet")
    with pytest.raises(InputError, match="knows no column that tells series apart, so it cannot read 2 partitions"):
        predict_partitions(alone, tmp_path / "in", tmp_path / "out", ONE)


def test_rows_that_were_learnt_from_are_not_scored(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    many_table(rows=90).write_parquet(tmp_path / "in" / "a.parquet")
    with pytest.raises(InputError, match="there are no 4 rows in a row that the net has not learnt from"):
        backtest_partitions(run, tmp_path / "in", tmp_path / "out", ONE)


def test_a_place_that_cannot_be_written_is_told(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(run), str(data), "--workers", "1", "--out", "/proc/none/out"]) == 1
    assert "gatecast: /proc/none cannot be written: No such file or directory." in capsys.readouterr().err


FULL = """
    import resource, sys
    from gatecast.engines import EngineOptions
    from gatecast.scale import predict_partitions
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    predict_partitions(*sys.argv[1:4], EngineOptions(workers=1))
"""


def test_a_disk_without_room_is_told_and_leaves_nothing_half_written(run: Path, data: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in (run, data, tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), *paths], capture_output=True, text=True, check=False, timeout=120
    )
    assert "out/part-00000.parquet cannot be written: File too large." in done.stderr
    assert "File too large. Make room, and do the same again" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["batch.json"]
    predict_partitions(run, data, tmp_path / "out", ONE)
    assert in_order(frames_of(tmp_path / "out")).height == 4 * len(TRAINED)
