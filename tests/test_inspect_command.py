"""`gatecast inspect`, and the flags of `fit` that show a net while it learns."""

import json
from pathlib import Path

import pytest
from PIL import Image

from gatecast.cli import main
from gatecast.inspection import to_json
from gatecast.workflow import load
from small_tables import wave_table

FLAGS = (
    *("--horizon", "4", "--lookback", "24", "--season", "12", "--hidden-size", "4"),
    *("--set", "batch_size=16", "steps=8", "training.evaluate_every=4", "--baselines", "naive"),
)
PICTURES = {"gates.png", "memory.png", "timescales.png", "gradients.png", "states.png", "importance.png"}


def fitted(folder: Path, *more: str) -> Path:
    """A run on a table of two series with a covariate."""
    folder.mkdir(exist_ok=True)
    wave_table(ids=("a", "b")).write_csv(folder / "waves.csv")
    run = folder / "run"
    assert main(["fit", str(folder / "waves.csv"), *FLAGS, "--out", str(run), "--quiet", *more]) == 0
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("inspected"))


@pytest.fixture(scope="module")
def elman(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("elman"), "--cell", "rnn")


def test_inspect_says_a_sentence_for_each_view_and_writes_the_pictures(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(run)]) == 0
    lines = capfd.readouterr().out.splitlines()
    said = [line.split(":")[0] for line in lines]
    assert [name for name in dict.fromkeys(said) if name != "advice"] == [
        *("gates", "timescales", "memory", "gradients", "states", "covariates", "pictures"),
    ]
    written = {Path(path).name for path in lines[-1].removeprefix("pictures: ").split(", ")}
    assert written == PICTURES
    for name in PICTURES:
        Image.open(run / "pictures" / name).verify()


def test_inspect_writes_json_with_the_numbers_of_the_model(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(run), "--series", "b", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said == json.loads(json.dumps(to_json(load(run).inspect(series="b"))))
    assert said["series"] == "b"
    assert {"memory", "units", "gates", "gradient_by_lag", "advice"} <= set(said)


def test_inspect_of_new_data_and_of_a_model_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wave_table(300, ids=("a", "b"), seed=1).write_csv("longer.csv")
    assert main(["inspect", str(run / "model"), "longer.csv"]) == 0
    assert {path.name for path in Path("inspection").iterdir()} == PICTURES
    capfd.readouterr()
    assert main(["inspect", str(run / "model")]) == 1
    assert "this model was loaded without its table (waves.csv)" in capfd.readouterr().err


def test_two_runs_side_by_side(run: Path, elman: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(run), "--beside", str(elman), "--out", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert "side by side" in out
    assert "90 % of the memory within, rows" in out
    beside = {path.name for path in (tmp_path / "beside").iterdir()}
    assert beside == {"memory.png", "timescales.png", "gradients.png"}
    for name in beside:
        Image.open(tmp_path / "beside" / name).verify()
    assert main(["inspect", str(run), "--beside", str(elman), "--json"]) == 0
    both = json.loads(capfd.readouterr().out)
    assert both["one"]["gates"]["l0"].keys() == {"r", "z", "n", "dead_units"}
    assert both["other"]["gates"]["l0"].keys() == {"dead_units"}


def test_animate_writes_the_gates_as_a_film(run: Path, tmp_path: Path) -> None:
    assert main(["inspect", str(run), "--animate", "--out", str(tmp_path)]) == 0
    film = Image.open(tmp_path / "gates.gif")
    assert getattr(film, "n_frames", 1) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--series", "zz"], "there is no series 'zz'; the table has a, b"),
        (["--beside", "nowhere"], "there is no folder nowhere"),
        (["--out", "{file}"], "is a file"),
    ],
)
def test_what_cannot_be_inspected_is_refused_in_one_line(
    run: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = run.parent / "waves.csv"
    assert main(["inspect", str(run), *(each.format(file=file) for each in arguments)]) == 1
    err = capfd.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_fit_can_be_filmed(tmp_path: Path) -> None:
    run = fitted(tmp_path / "filmed", "--film")
    film = Image.open(run / "pictures" / "training.gif")
    assert getattr(film, "n_frames", 1) == 4, "after 1, 2, 4 and 8 steps"


def test_watch_and_quiet_are_refused_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wave_table().write_csv(tmp_path / "waves.csv")
    assert main(["fit", str(tmp_path / "waves.csv"), *FLAGS, "--out", str(tmp_path / "run"), "--quiet", "--watch"]) == 1
    assert "--watch shows what --quiet and --json leave out" in capfd.readouterr().err


def test_a_fit_can_be_watched(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wave_table().write_csv(tmp_path / "waves.csv")
    assert main(["fit", str(tmp_path / "waves.csv"), *FLAGS, "--out", str(tmp_path / "run"), "--watch"]) == 0
    assert "updates back" in capfd.readouterr().err
