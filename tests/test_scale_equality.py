"""A table in partitions has the forecasts of the whole table, bit by bit, and its scores, whatever the net."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gatecast.engines import EngineOptions
from gatecast.scale import backtest_partitions, blocks, predict_partitions
from gatecast.workflow import load
from scale_makers import (
    TRAINED,
    assert_same_bits,
    assert_same_scores,
    cut,
    frames_of,
    in_order,
    later_table,
    many_table,
    saved_model,
)

ONE = EngineOptions(workers=1)
KINDS: dict[str, dict[str, Any]] = {
    "windows": {},
    "sequences": {"mode": "sequences"},
    "lstm with embeddings": {"cell": "lstm", "embedding": 3},
    "an ensemble": {"ensemble": 3},
    "an ensemble that carries states": {"ensemble": 2, "mode": "sequences"},
    "sample paths": {"decode": "recursive", "loss": "normal", "paths": 7, "past": ()},
    "sample paths from carried states": {
        "mode": "sequences",
        "decode": "recursive",
        "loss": "student",
        "paths": 7,
        "past": (),
    },
    "points that are fed back": {"decode": "recursive", "loss": "mae", "past": ()},
    "two targets": {"target": ("y", "x"), "past": ()},
    "two targets read apart": {"target": ("y", "x"), "past": (), "channels": "apart"},
    "words and static covariates": {"past": ("x", "kind"), "static": ("size", "place"), "embedding": 2},
    "static words and carried states": {"static": ("size", "place"), "past": ("kind",), "mode": "sequences"},
    "calibrated": {"calibrate": True, "validation": 0.3},
    "a calibration that moves": {"calibrate": True, "adapt": True, "validation": 0.3, "mode": "sequences"},
    "counts": {"target": ("count",), "past": (), "loss": "negative_binomial"},
    "a mixture": {"loss": "mixture"},
    "segments": {"segment": 4, "decode": "segments"},
    "encoder and decoder": {"decode": "seq2seq"},
    "two layers, dilated": {"num_layers": 2, "dilations": (1, 2)},
    "a scan": {"cell": "mingru", "mode": "sequences"},
    "a net that reads ages of values": {"cell": "grud"},
    "exponential gates": {"cell": "slstm", "mode": "sequences"},
    "values scaled by each window": {"normalise": "standard", "subtract": "none"},
    "learnt baselines": {"baselines": ("naive", "seasonal_naive", "drift", "mean", "autoreg", "ets", "theta")},
}


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole table, and cut in 1, 3 and 8."""
    folder = tmp_path_factory.mktemp("later")
    later_table().write_parquet(folder / "whole.parquet")
    for parts in (1, 3, 8):
        cut(folder, later_table(), parts)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_and_scores_are_those_of_the_whole_table(
    kind: str, later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = saved_model(tmp_path, **KINDS[kind])
    model = load(run)
    predicted = in_order(model.predict(later / "whole.parquet").to_frame())
    judged = model.backtest(later / "whole.parquet")
    for parts, block in ((3, blocks.BLOCK), (1, 400), (8, 1)):
        monkeypatch.setattr(blocks, "BLOCK", block)
        data, out = later / f"in_{parts}", tmp_path / str(parts)
        predict_partitions(run, data, out / "predicted", ONE)
        assert_same_bits(frames_of(out / "predicted"), predicted)
        done = backtest_partitions(run, data, out / "judged", ONE)
        assert_same_bits(frames_of(out / "judged"), in_order(judged.to_frame()))
        assert done.metrics is not None
        assert_same_scores(done.metrics, judged.metrics)


def test_a_partition_larger_than_memory_is_cut_first_and_comes_out_the_same(
    later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = saved_model(tmp_path)
    monkeypatch.setattr(blocks, "MOST_ROWS", 100)
    monkeypatch.setattr(blocks, "MOST_TEXT", 100)
    monkeypatch.setattr(blocks, "PIECE", 300)
    expected = in_order(load(run).predict(later / "whole.parquet").to_frame())
    pl.read_parquet(later / "whole.parquet").write_csv(tmp_path / "whole.csv")
    pl.read_parquet(later / "whole.parquet").write_ipc(tmp_path / "whole.arrow")
    for source in (later / "whole.parquet", tmp_path / "whole.csv", tmp_path / "whole.arrow"):
        predict_partitions(run, source, tmp_path / f"of{source.suffix}", ONE)
        assert_same_bits(frames_of(tmp_path / f"of{source.suffix}"), expected)


@pytest.mark.parametrize("windows", [1, 2])
def test_asked_windows_are_those_of_the_whole_table(windows: int, later: Path, tmp_path: Path) -> None:
    run = saved_model(tmp_path)
    whole = load(run).backtest(later / "whole.parquet", windows)
    done = backtest_partitions(run, later / "in_3", tmp_path / "out", ONE, windows)
    assert_same_bits(frames_of(tmp_path / "out"), in_order(whole.to_frame()))
    assert done.metrics is not None
    assert_same_scores(done.metrics, whole.metrics)


def test_few_windows_lie_as_close_as_in_the_whole_table(tmp_path: Path) -> None:
    run = saved_model(tmp_path, horizon=6)
    short = later_table().filter(pl.col("shop").is_in(["s1", "s2"]) & (pl.col("ds") < pl.datetime(2024, 1, 6, 4)))
    short.write_parquet(tmp_path / "short.parquet")
    whole = load(run).backtest(tmp_path / "short.parquet")
    data = cut(tmp_path, short, 2)
    done = backtest_partitions(run, data, tmp_path / "out", ONE)
    assert 0 < whole.backtest.origins.position[1] - whole.backtest.origins.position[0] < 6
    assert_same_bits(frames_of(tmp_path / "out"), in_order(whole.to_frame()))
    assert done.metrics is not None
    assert_same_scores(done.metrics, whole.metrics)
    again = backtest_partitions(run, data, tmp_path / "out", ONE)
    assert (again.rows, again.metrics) == (0, done.metrics)


@pytest.mark.parametrize("series", [("s1", "s2", "s3"), TRAINED])
def test_numbered_rows_of_few_series_are_judged_as_in_the_whole_table(series: tuple[str, ...], tmp_path: Path) -> None:
    run = saved_model(tmp_path, frequency="row")
    longer = many_table(TRAINED, 190).filter(pl.col("shop").is_in(series))
    longer.write_parquet(tmp_path / "whole.parquet")
    whole = load(run).backtest(tmp_path / "whole.parquet")
    done = backtest_partitions(run, cut(tmp_path, longer, 2), tmp_path / "out", ONE)
    assert_same_bits(frames_of(tmp_path / "out"), in_order(whole.to_frame()))
    assert done.metrics is not None
    assert done.metrics.verdict.test == "paired bootstrap"
    assert_same_scores(done.metrics, whole.metrics)
