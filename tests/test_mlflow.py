"""gatecast as a flavour of MLflow's: what is logged, what is read back, and that nothing is unpickled on the way."""

import os
import pickle
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import polars as pl
import pytest

import gatecast
from gatecast.artifact import MANIFEST, WEIGHTS
from gatecast.errors import ArtifactError, MissingExtraError, OptionError, TrainingError
from gatecast.evaluation.results import metrics_from_json, metrics_to_json
from gatecast.workflow import Evaluation, Model
from small_tables import SMALL, wave_table

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # it is read when MLflow is imported
mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")

from gatecast.adapters import mlflow as flavour  # noqa: E402 - not without MLflow

SHOPS = ("north", "south")
LOCAL = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs lie in a folder of this module, and nothing leaves the machine."""
    called: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.connect", lambda _, address: called.append(address))
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri((tmp_path_factory.mktemp("mlflow") / "store").as_uri())
        yield
        mlflow.set_tracking_uri(before)
    assert not called


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    flavour.autolog(disable=True)
    while mlflow.active_run() is not None:
        mlflow.end_run()


@pytest.fixture(scope="module")
def model() -> Model:
    return gatecast.fit(wave_table(ids=SHOPS), **SMALL)


@pytest.fixture(scope="module")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of MLflow's, which nobody may change."""
    path = tmp_path_factory.mktemp("saved") / "model"
    flavour.save_model(model, path)
    return path


def pandas_table(frame: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


def runs() -> list[Any]:
    """All runs, the newest first."""
    client = mlflow.MlflowClient()
    return client.search_runs([each.experiment_id for each in client.search_experiments()])


def history(run: Any, name: str) -> list[tuple[int, float]]:
    return [(each.step, each.value) for each in mlflow.MlflowClient().get_metric_history(run.info.run_id, name)]


# The flavour


def test_the_folder_holds_gatecasts_two_files_and_what_mlflow_writes_and_no_pickle(saved: Path) -> None:
    files = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    ours = {f"data/gatecast/{name}" for name in (MANIFEST, WEIGHTS)}
    theirs = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}
    assert files == ours | theirs | {"input_example.json", "serving_input_example.json"}
    assert not [name for name in files if is_pickle((saved / name).read_bytes())]
    assert is_pickle(pickle.dumps({"weights": [1.0]})), "this test knows one when it sees one"


def is_pickle(data: bytes) -> bool:
    return data[:1] == b"\x80" and data[-1:] == b"."


def test_the_requirements_name_gatecast_and_torch_by_their_versions(saved: Path) -> None:
    lines = (saved / "requirements.txt").read_text().splitlines()
    assert f"gatecast=={gatecast.__version__}" in lines
    assert any(line.startswith("torch==2.") and "+" not in line for line in lines)


def test_python_function_forecasts_a_frame_of_new_observations_as_the_model_does(model: Model, saved: Path) -> None:
    newer = wave_table(170, ids=SHOPS)
    frame = mlflow.pyfunc.load_model(str(saved)).predict(pandas_table(newer))
    expected = model.predict(newer).to_frame()
    assert list(frame.columns) == expected.columns == ["unique_id", "cutoff", "ds", "mean", "q0.1", "q0.5", "q0.9"]
    for name in expected.columns:
        np.testing.assert_array_equal(frame[name].to_numpy(), expected[name].to_numpy())


def test_horizon_and_quantiles_are_parameters_of_a_forecast(model: Model, saved: Path) -> None:
    loaded, table = mlflow.pyfunc.load_model(str(saved)), wave_table(ids=SHOPS)
    frame = loaded.predict(pandas_table(table), params={"horizon": 2, "quantiles": [0.9]})
    assert list(frame.columns) == ["unique_id", "cutoff", "ds", "mean", "q0.9"]
    np.testing.assert_array_equal(frame["q0.9"], model.predict(table, horizon=2).to_frame()["q0.9"].to_numpy())


@pytest.mark.parametrize(
    ("params", "lesson"),
    [
        ({"quantiles": [0.1, 0.99]}, r"quantiles=0.99 are none of the model's, which are 0.1, 0.5, 0.9: ask for some"),
        ({"horizon": 5}, "up to 4 rows ahead, got horizon=5"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_what_can(saved: Path, params: dict[str, Any], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        mlflow.pyfunc.load_model(str(saved)).predict(pandas_table(wave_table(ids=SHOPS)), params=params)


def test_the_signature_names_every_column_and_both_parameters(saved: Path) -> None:
    signature = mlflow.models.get_model_info(str(saved)).signature
    assert signature.inputs.input_names() == ["shop", "ds", "y", "x"]
    assert signature.outputs.input_names() == ["unique_id", "cutoff", "ds", "mean", "q0.1", "q0.5", "q0.9"]
    assert {each.name: each.default for each in signature.params} == {"horizon": 4, "quantiles": [0.1, 0.5, 0.9]}


def test_whole_numbers_times_with_a_zone_and_dates_as_text_pass_the_signature(model: Model, saved: Path) -> None:
    loaded, table = mlflow.pyfunc.load_model(str(saved)), wave_table(ids=SHOPS).with_columns(y=pl.col("y").round())
    expected = model.predict(table).to_frame()["mean"].to_numpy()
    frame = pandas_table(table)
    for changed in (
        frame.assign(y=frame["y"].astype("int64")),
        frame.assign(ds=frame["ds"].dt.tz_localize("UTC")),
        frame.assign(ds=frame["ds"].dt.strftime("%Y-%m-%d %H:%M:%S")),
    ):
        np.testing.assert_array_equal(loaded.predict(changed)["mean"], expected)


def test_the_example_is_the_newest_rows_and_is_forecast_as_they_are(model: Model, saved: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(saved))
    assert len(loaded.input_example) == 24 * len(SHOPS)
    np.testing.assert_array_equal(loaded.predict(loaded.input_example)["mean"], model.predict().to_frame()["mean"])


@pytest.mark.filterwarnings("ignore:.*validate_serving_input:FutureWarning")
def test_the_example_passes_as_a_request_to_a_server_of_mlflows(model: Model, saved: Path) -> None:
    request = (saved / "serving_input_example.json").read_text()
    answer = mlflow.models.validate_serving_input(str(saved), request)
    np.testing.assert_array_equal(answer["mean"], model.predict().to_frame()["mean"])


def test_a_signature_of_ones_own_is_kept(model: Model, tmp_path: Path) -> None:
    own = mlflow.models.ModelSignature(outputs=mlflow.types.Schema([mlflow.types.ColSpec("double", "mean")]))
    flavour.save_model(model, tmp_path / "model", signature=own, input_example=None)
    assert mlflow.models.get_model_info(str(tmp_path / "model")).signature == own
    assert not (tmp_path / "model" / "input_example.json").exists()


def test_words_planned_covariates_and_static_ones_stand_in_the_example_as_in_the_table(tmp_path: Path) -> None:
    table = wave_table(ids=SHOPS).with_columns(
        sky=pl.Series(["sun", "rain"] * 160), plan=pl.col("x") * 2, size=pl.col("shop").str.len_chars() * 1.0
    )
    ahead = table.with_columns(y=pl.when(pl.int_range(pl.len()).over("shop") < 150).then("y"))
    settings = SMALL | {"future": ("plan",), "static": ("size",), "target": "y", "past": ("x", "sky")}
    model = gatecast.fit(ahead, **settings)
    flavour.save_model(model, tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert set(loaded.input_example["sky"]) == {"sun", "rain"}
    assert len(loaded.input_example) == len(SHOPS) * (24 + 10), "the lookback, and what is planned after it"
    np.testing.assert_array_equal(loaded.predict(loaded.input_example)["mean"], model.predict().to_frame()["mean"])


def test_a_table_with_a_series_in_each_column_is_logged_and_forecast(tmp_path: Path) -> None:
    wide = wave_table(ids=SHOPS).pivot("shop", index="ds", values="y")
    model = gatecast.fit(wide, layout="columns", **SMALL)
    flavour.save_model(model, tmp_path / "model")
    frame = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(pandas_table(wide), params={"horizon": 1})
    np.testing.assert_array_equal(frame["mean"], model.predict(horizon=1).to_frame()["mean"])
    assert not (tmp_path / "model" / "input_example.json").exists()


def test_a_model_without_its_table_is_saved_without_an_example(saved: Path, tmp_path: Path) -> None:
    flavour.save_model(flavour.load_model(saved), tmp_path / "again")
    assert not (tmp_path / "again" / "input_example.json").exists()
    same = [(folder / "data/gatecast" / WEIGHTS).read_bytes() for folder in (saved, tmp_path / "again")]
    assert same[0] == same[1]


def test_a_folder_of_another_flavour_is_refused(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    with pytest.raises(ArtifactError, match="no MLflow model of gatecast's: there is no data/gatecast in it"):
        flavour.load_model(tmp_path)


def test_damaged_weights_are_refused_by_both_ways_to_load(saved: Path, tmp_path: Path) -> None:
    flavour.save_model(flavour.load_model(saved), tmp_path / "model")
    weights = tmp_path / "model" / "data/gatecast" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    for load in (flavour.load_model, mlflow.pyfunc.load_model):
        with pytest.raises(ArtifactError, match=r"weights\.safetensors is not the file"):
            load(str(tmp_path / "model"))


PLANTED = ("python_model.pkl", "model.pkl", "data/model.pkl", "data/gatecast/pickle_module_info.txt", "data.pt")


@pytest.fixture(scope="module")
def events() -> list[tuple[str, str]]:
    """What this process opens and unpickles from now on, as Python itself tells; such a hook stays for good."""
    seen: list[tuple[str, str]] = []

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in ("open", "pickle.find_class"):
            seen.append((event, str(args[0])))

    sys.addaudithook(hook)
    return seen


def test_hostile_pickles_planted_in_the_folder_are_never_opened(
    saved: Path, tmp_path: Path, events: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, proof = tmp_path / "model", tmp_path / "it-ran"
    flavour.save_model(flavour.load_model(saved), folder, input_example=pandas_table(wave_table(ids=SHOPS)))

    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(proof),)

    for name in PLANTED:
        (folder / name).write_bytes(pickle.dumps(Hostile()))

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    events.clear()
    assert flavour.load_model(folder).horizon == 4
    loaded = mlflow.pyfunc.load_model(str(folder))
    assert len(loaded.predict(loaded.input_example)) == 8
    opened = {Path(name).name for event, name in events if event == "open" and name.startswith(str(folder))}
    assert {"MLmodel", MANIFEST, WEIGHTS} <= opened, "the watch sees what is opened"
    assert not opened & {Path(name).name for name in PLANTED}
    assert not [event for event, _ in events if event == "pickle.find_class"]
    assert not proof.exists()


def test_a_logged_model_is_loaded_by_its_address(model: Model) -> None:
    with mlflow.start_run() as run:
        info = flavour.log_model(model, "waves", tags={"team": "north"})
    assert info.run_id == run.info.run_id
    expected = model.predict().forecast.mean
    np.testing.assert_array_equal(
        flavour.load_model(info.model_uri).predict(wave_table(ids=SHOPS)).forecast.mean, expected
    )


# autolog


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Model, Path]:
    """The run of one fit, its model, and its run folder, whose report is a short one: real ones take seconds."""
    out = tmp_path_factory.mktemp("tracked") / "run"

    def write_results(folder: Path, evaluation: Evaluation) -> None:
        (folder / "metrics.json").write_bytes(metrics_to_json(evaluation.metrics))
        (folder / "report.html").write_text("a report")

    flavour.autolog()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gatecast.workflow.runs.write_results", write_results)
        model = gatecast.fit(wave_table(ids=SHOPS), out=out, **SMALL)
    flavour.autolog(disable=True)
    return runs()[0], model, out


def test_a_fit_becomes_a_finished_run_with_its_settings(tracked: tuple[Any, Model, Path]) -> None:
    run, model, _ = tracked
    assert run.info.status == "FINISHED"
    asked = {"horizon": "4", "lookback": "24", "season": "12", "network.layer.hidden_size": "4", "training.steps": "8"}
    settled = {"network.layer.cell": "gru", "mode": model.forecaster.config.mode}
    guessed = {"guessed.id": "shop", "guessed.target": "y", "guessed.past": "x", "guessed.frequency": "1h"}
    assert run.data.params.items() >= (asked | settled | guessed).items()
    assert {f"guessed.{guess.what}" for guess in model.guesses} <= run.data.params.keys()
    assert run.data.tags["gatecast.data.sha256"] == model.about.data["sha256"]


def test_every_step_and_every_look_is_in_the_run(tracked: tuple[Any, Model, Path]) -> None:
    run, model, _ = tracked
    assert history(run, "loss") == [(each.step, each.loss) for each in model.steps]
    looks = [(each.step, each.validation) for each in model.steps if each.validation is not None]
    assert history(run, "validation") == looks
    assert [step for step, _ in looks] == [4, 8]


def test_the_scores_stand_beside_those_of_the_baselines(tracked: tuple[Any, Model, Path]) -> None:
    run, model, _ = tracked
    metrics = model.backtest().metrics
    for each in metrics.scores:
        before = "" if each.model == "gru" else f"{each.model}/"
        for name in ("mase", "rmse", "mae", "smape"):
            assert run.data.metrics[f"{before}{name}"] == getattr(each, name)
    assert run.data.tags["gatecast.verdict"] == metrics.verdict.text
    assert run.data.metrics["skill"] == metrics.verdict.skill


def test_report_scores_and_model_are_those_of_the_run_folder(tracked: tuple[Any, Model, Path], tmp_path: Path) -> None:
    run, model, out = tracked
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path)))
    for name in ("report.html", "metrics.json"):
        assert (folder / name).read_bytes() == (out / name).read_bytes()
    logged = flavour.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
    assert logged.about.scores == model.about.scores
    np.testing.assert_array_equal(logged.predict(wave_table(ids=SHOPS)).forecast.mean, model.predict().forecast.mean)


def fit_quickly(**settings: Any) -> Model:
    return gatecast.fit(wave_table(), **(SMALL | {"steps": 2, "training.evaluate_every": 1} | settings))


def test_the_active_run_takes_one_fit_and_a_second_one_goes_below_it() -> None:
    flavour.autolog(log_models=False, log_report=False)
    with mlflow.start_run() as outer:
        fit_quickly()
        fit_quickly(hidden_size=3)
        assert mlflow.active_run().info.run_id == outer.info.run_id
    below = [run for run in runs() if run.data.tags.get("mlflow.parentRunId") == outer.info.run_id]
    first = mlflow.get_run(outer.info.run_id)
    assert (first.info.status, first.data.params["network.layer.hidden_size"]) == ("FINISHED", "4")
    assert [(run.info.status, run.data.params["network.layer.hidden_size"]) for run in below] == [("FINISHED", "3")]
    assert "mase" in first.data.metrics
    assert not first.outputs.model_outputs


def test_a_fit_without_a_run_folder_is_scored_and_reported_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def report(_: Evaluation, path: Path) -> Path:
        path.write_text("a report")
        return path

    monkeypatch.setattr(Evaluation, "report", report)
    flavour.autolog(log_models=False)
    metrics = fit_quickly().backtest().metrics
    folder = Path(mlflow.artifacts.download_artifacts(run_id=runs()[0].info.run_id, dst_path=str(tmp_path)))
    assert (folder / "report.html").read_text() == "a report"
    assert metrics_from_json((folder / "metrics.json").read_bytes()) == metrics
    assert runs()[0].data.metrics["mase"] == metrics.scores[0].mase


def test_a_model_is_registered_under_the_name_that_autolog_was_given() -> None:
    flavour.autolog(log_report=False, registered_model_name="waves")
    model = fit_quickly()
    again = flavour.load_model("models:/waves/1").predict(wave_table()).forecast
    np.testing.assert_array_equal(again.mean, model.predict().forecast.mean)


def test_autolog_is_undone_and_leaves_fits_alone() -> None:
    flavour.autolog()
    flavour.autolog(disable=True)
    before = len(runs())
    fit_quickly()
    assert len(runs()) == before


def test_a_fit_that_is_refused_leaves_no_run() -> None:
    flavour.autolog()
    before = len(runs())
    with pytest.raises(gatecast.GatecastError):
        fit_quickly(target="no such column")
    assert len(runs()) == before
    assert mlflow.active_run() is None


def test_a_fit_that_fails_ends_its_run_as_failed_without_scores_and_without_a_model() -> None:
    flavour.autolog()
    with pytest.raises(TrainingError):
        fit_quickly(learning_rate=1e12, steps=8)
    run = runs()[0]
    assert run.info.status == "FAILED"
    assert run.data.params["training.learning_rate"] == "1000000000000.0"
    assert not run.data.metrics.keys() & {"mase", "skill", "naive/mase"}
    assert not run.outputs.model_outputs
    assert not mlflow.MlflowClient().list_artifacts(run.info.run_id)
    assert mlflow.active_run() is None


def test_a_failed_fit_leaves_somebody_elses_run_open() -> None:
    flavour.autolog()
    with mlflow.start_run() as outer:
        with pytest.raises(TrainingError):
            fit_quickly(learning_rate=1e12, steps=8)
        assert mlflow.active_run().info.run_id == outer.info.run_id
        assert mlflow.get_run(outer.info.run_id).info.status == "RUNNING"


def test_a_store_that_cannot_be_written_to_is_warned_of_once_and_costs_no_fit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "file" / "store").as_uri())
    flavour.autolog()
    try:
        with pytest.warns(UserWarning, match="could not be told of this fit.*The fit goes on") as warned:
            model = fit_quickly()
    finally:
        mlflow.set_tracking_uri(before)
    assert len([each for each in warned if "could not be told" in str(each.message)]) == 1
    assert len(model.steps) == 2


def test_a_training_that_somebody_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    flavour.autolog(log_models=False, log_report=False)

    class Stopping:
        stopped = True

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *args: object) -> None:
            pass

    monkeypatch.setattr("gatecast.workflow.training.stop_on_interrupt", Stopping)
    fit_quickly()
    assert runs()[0].data.tags["gatecast.stopped"] == "true"
    assert len(history(runs()[0], "loss")) == 1


def test_without_mlflow_the_answer_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "gatecast.adapters.mlflow")
    with pytest.raises(
        MissingExtraError, match=r"mlflow-skinny, which is not installed.*pip install 'gatecast\[mlflow\]'"
    ):
        import_module("gatecast.adapters.mlflow")
