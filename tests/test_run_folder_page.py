"""The page on the run folder names what lies there, and nothing that does not."""

import re
from pathlib import Path

import msgspec
import polars as pl
import pytest

import gatecast
from gatecast.evaluation.results import Metrics, Score, Verdict

PAGE = Path(__file__).parents[1].joinpath("docs/run_folder.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w.]+)`", PAGE))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "run"
    table = pl.DataFrame({"y": [float(row % 7) for row in range(160)]})
    gatecast.fit(table, out=folder, horizon=2, lookback=8, hidden_size=2, steps=3)
    return folder


@pytest.mark.parametrize("kind", [Metrics, Score, Verdict])
def test_every_key_of_metrics_json_is_named(kind: type[msgspec.Struct]) -> None:
    assert set(kind.__struct_fields__) - NAMED == set()


def test_every_file_of_a_run_is_named_and_every_named_file_is_there(run: Path) -> None:
    drawn = set(re.findall(r"^  ([\w.]+)/? ", PAGE, re.MULTILINE))
    assert drawn == {path.name for path in run.iterdir()}


def test_every_column_of_forecasts_and_every_key_of_steps_is_named(run: Path) -> None:
    assert set(pl.read_parquet(run / "forecasts.parquet").columns) - NAMED <= {"q0.5", "q0.9"}
    step = msgspec.json.decode(run.joinpath("steps.jsonl").read_bytes().splitlines()[0])
    assert set(step) - NAMED == set()
