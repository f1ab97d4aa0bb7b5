"""One task in several libraries: ours runs everywhere, theirs where the library is installed."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import gatecast as gc
from gatecast import nn
from same_task import SCRIPTS, code_lines

LIBRARIES = {"darts": "darts", "neuralforecast": "neuralforecast", "gluonts": "gluonts", "keras": "keras"}
LIBRARIES |= {"pytorch_forecasting": "pytorch_forecasting"}
FEWER = {r"1000": "8", r"num_batches_per_epoch=100": "num_batches_per_epoch=8", r'"max_epochs": 10': '"max_epochs": 1'}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small made table, where the test runs."""
    monkeypatch.chdir(tmp_path)
    script = (SCRIPTS / "made_load.py").read_text(encoding="utf-8").replace("days, coming = 120", "days, coming = 25")
    exec(compile(script, "made_load.py", "exec"), {})  # noqa: S102 - a script of this repository
    return tmp_path


def test_our_side_of_the_task_runs(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gc, "fit", partial(gc.fit, steps=30, baselines=("naive",)))
    runpy.run_path(str(SCRIPTS / "ours.py"))
    said = capsys.readouterr().out
    assert re.search(r"MAE \d+\.\d\d, \d+% of the actuals", said)
    assert said.count("shape: (24, 7)") == 2, "a forecast beyond the end, and one after the live observation"
    assert sorted(path.name for path in (table / "saved").iterdir()) == ["model.json", "weights.safetensors"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_their_side_of_the_task_runs(name: str, table: Path) -> None:
    if importlib.util.find_spec(LIBRARIES[name]) is None:
        pytest.skip(f"{name} is not installed")
    script = (SCRIPTS / f"{name}_side.py").read_text(encoding="utf-8")
    for much, few in FEWER.items():
        script = re.sub(much, few, script)
    (table / "side.py").write_text(script, encoding="utf-8")
    own = os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "side.py"], cwd=table, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"MAE \d+\.\d\d, \d+% of the actuals", done.stdout)


def test_lines_are_counted_without_blanks_comments_and_docstrings(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        '"""Two\nlines."""\n\nimport os  # one\n\n# none\ndef f():\n    """None."""\n    return os  # three\n'
    )
    assert code_lines(script) == 3


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_gru_of_keras_itself_and_ours_compute_the_same(*, reset_after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    theirs = keras.layers.GRU(5, reset_after=reset_after, return_sequences=True, bias_initializer="normal")
    x = np.random.default_rng(0).normal(size=(3, 12, 4)).astype(np.float32)
    expected = np.asarray(keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(x))))
    ours = nn.gru_from_keras(theirs.get_weights())
    assert ours.reset_after == reset_after
    rounding = 12 * 16 * np.finfo(np.float32).eps  # a dozen steps, each of some sums of nine products
    np.testing.assert_allclose(ours(torch.from_numpy(x))[0].detach().numpy(), expected, rtol=0, atol=rounding)
