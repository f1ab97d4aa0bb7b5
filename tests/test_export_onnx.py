"""The ONNX graphs forecast what gatecast forecasts, by onnxruntime alone.

The export runs in a process of its own, as a person would run it: a loop of a graph is traced by torch's compiler,
which the checks of shapes that these tests switch on would confuse.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gatecast
from export_makers import TROUBLES, apart, forecast_of, model_of, panel_of, troubled
from gatecast.data.panel import Panel
from gatecast.errors import MissingExtraError
from gatecast.exporting.probing import MOST_DIFFERENCE
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.clock import Clock

KIND, ROWS = "ensemble with embeddings", 44


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'gatecast[onnx]'")
    place = tmp_path_factory.mktemp("exported")
    gatecast.save(model_of(KIND), place / "model")
    command = [sys.executable, "-m", "gatecast", "export", str(place / "model"), "--out", str(place / "onnx"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["files"] == ["model.json", "sequence.onnx", "step.onnx"]
    assert max(told["check"]["difference"].values()) <= MOST_DIFFERENCE
    return place / "onnx"


def run(folder: Path, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    import onnxruntime  # noqa: PLC0415 - an extra

    session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, given), strict=True))


def begun(folder: Path, batch: int) -> dict[str, np.ndarray]:
    """The state that series begin with, as model.json says it."""
    state = {}
    for part in json.loads((folder / "model.json").read_text())["state"]:
        start = np.array(float("nan") if part["start"] == "nan" else part["start"], dtype=part["dtype"])
        state[part["input"]] = np.ascontiguousarray(np.broadcast_to(start, (batch, *part["shape"][1:])))
    return state


def rows_of(panel: Panel, rows: int) -> dict[str, np.ndarray]:
    """Everything but the state, of all series of a panel."""
    fitted = model_of(KIND).forecaster.fitted_
    calendars = Calendars(Clock(fitted.frequency, dated=True), None, ("day", "week", "year"), 6)
    times = [int(time.astype("datetime64[us]").astype(int)) for time in panel.times[:rows]]
    batch = len(panel.ids)
    return {
        "centre": fitted.scaling.centre,
        "scale": fitted.scaling.scale,
        "identity": np.arange(batch),
        "values": np.stack([panel.values[panel.rows(series)][:rows] for series in range(batch)]),
        "calendar": np.repeat(calendars.of(times)[None], batch, axis=0),
        "calendar_ahead": np.repeat(calendars.after(times[-1], 6)[None], batch, axis=0),
    }


def assert_same(found: dict[str, np.ndarray], panel: Panel) -> None:
    theirs = forecast_of(model_of(KIND), panel, ROWS)
    assert apart(model_of(KIND), found["mean"], theirs.mean) <= MOST_DIFFERENCE
    assert apart(model_of(KIND), found["quantiles"], theirs.quantiles) <= MOST_DIFFERENCE


def test_a_sequence_forecasts_what_the_whole_table_does(folder: Path) -> None:
    panel = panel_of(KIND)
    assert_same(run(folder, "sequence", rows_of(panel, ROWS) | begun(folder, 3)), panel)


def test_a_step_goes_on_where_a_sequence_ended(folder: Path) -> None:
    panel = panel_of(KIND)
    before, now = rows_of(panel, ROWS - 1), rows_of(panel, ROWS)
    after = run(folder, "sequence", before | begun(folder, 3))
    state = {name.replace("next.", "state."): each for name, each in after.items() if name.startswith("next.")}
    newest = {name: each[:, -1] for name, each in now.items() if name in ("values", "calendar")}
    assert_same(run(folder, "step", now | newest | state), panel)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_met_as_gatecast_meets_it(folder: Path, trouble: str) -> None:
    panel = panel_of(KIND)
    panel = troubled(panel, trouble, far=1e6, silent=40)
    assert_same(run(folder, "sequence", rows_of(panel, ROWS) | begun(folder, 3)), panel)


def test_the_file_says_what_it_is_and_holds_no_operators_of_ours(folder: Path) -> None:
    import onnx  # noqa: PLC0415 - an extra

    for name in ("step", "sequence"):
        graph = onnx.load(folder / f"{name}.onnx")
        onnx.checker.check_model(graph, full_check=True)
        assert {each.domain for each in graph.opset_import} <= {"", "ai.onnx"}
        told = {each.key: each.value for each in graph.metadata_props}
        assert told["target"] == "y0, y1"
        assert (told["horizon"], told["quantiles"], told["graph"]) == ("6", "0.1 0.5 0.9", name)
        facts = json.loads((folder / "model.json").read_text())
        assert json.loads(told["model"]) == facts | {"graph": name}
        assert told["weights_sha256"] == facts["weights_sha256"]


def test_without_the_packages_the_remedy_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gatecast\[onnx\]'"):
        gatecast.export(model_of(KIND), tmp_path / "onnx", to="onnx")
    assert list(tmp_path.iterdir()) == []
