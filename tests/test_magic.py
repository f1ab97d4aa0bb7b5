"""`%gatecast` and a fit in a real kernel, where IPython is installed."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import gatecast
from small_tables import wave_table

IPYTHON = "IPython is not installed; `pip install ipykernel nbclient` lets this run"
FLAGS = "--horizon 4 --lookback 24 --season 12 --hidden-size 4 --set batch_size=16 steps=8 training.evaluate_every=4"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """IPython without a notebook, which knows the magic."""
    found = pytest.importorskip("IPython.core.interactiveshell", reason=IPYTHON)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    shell = found.InteractiveShell()
    shell.user_ns["df"] = wave_table()
    shell.run_line_magic("load_ext", "gatecast")
    return shell


def test_the_magic_fits_on_a_data_frame_by_its_name_and_gives_the_model(shell: Any, tmp_path: Path) -> None:
    model = shell.run_line_magic("gatecast", f"fit df {FLAGS}")
    assert isinstance(model, gatecast.Model)
    assert (model.horizon, model.forecaster.config.training.steps) == (4, 8)
    assert model.predict().to_frame().height == 4
    assert not (tmp_path / "runs").exists(), "without --out nothing is written"


def test_the_magic_takes_files_too_and_writes_a_run_where_out_says(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wave_table().write_csv(tmp_path / "waves.csv")
    shell.run_line_magic("gatecast", f"fit waves.csv {FLAGS} --baselines naive --out run --quiet")
    assert (tmp_path / "run" / "report.html").exists()
    shell.run_line_magic("gatecast", "predict run --horizon 2")
    assert "cutoff" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fit nowhere.csv", "there is no file nowhere.csv"),
        ("fit df --horizont 4", "Did you mean --horizon"),
        ("fit df --horizon 0", "horizon"),
        ("fit df --watch", "leave out --watch, --film"),
        ("fit df --workers 2", "leave out --watch, --film"),
    ],
)
def test_what_cannot_be_is_one_line_without_a_traceback(shell: Any, line: str, why: str) -> None:
    usage = pytest.importorskip("IPython.core.error", reason=IPYTHON).UsageError
    with pytest.raises(usage, match=why):
        shell.run_line_magic("gatecast", line)


CELLS = (
    "import gatecast as gc; from small_tables import SMALL, wave_table; df = wave_table(160, ('a', '<script>b'))",
    "model = gc.fit(df, **{**SMALL, 'steps': 30}); model",
    "model.predict()",
    "%load_ext gatecast",
    f"%gatecast fit df {FLAGS}",
    "%gatecast fit nowhere",
)


def test_a_real_kernel_shows_one_output_a_fit_and_a_card_a_value(tmp_path: Path) -> None:
    client = pytest.importorskip("nbclient", reason=IPYTHON)
    formats = pytest.importorskip("nbformat", reason=IPYTHON)
    pytest.importorskip("ipykernel", reason=IPYTHON)
    book = formats.v4.new_notebook(cells=[formats.v4.new_code_cell(cell) for cell in CELLS])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "IPYTHONDIR": str(tmp_path)}
    runner = client.NotebookClient(book, timeout=120, allow_errors=True, resources={"metadata": {"path": tmp_path}})
    runner.execute(env=environment)
    outputs = [cell.outputs for cell in book.cells]
    assert [len(each) for each in outputs] == [0, 2, 1, 0, 2, 1]
    bar, card = (output.data["text/html"] for output in outputs[1])
    assert "step 30 of 30" in bar
    assert "gru, forecasting 4 rows of y" in card
    assert "&lt;script&gt;b" in outputs[2][0].data["text/html"]
    assert "<script" not in outputs[2][0].data["text/html"]
    assert outputs[5][0].text.startswith("UsageError: there is no file nowhere")
