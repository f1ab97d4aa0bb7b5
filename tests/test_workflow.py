"""fit, load, predict, backtest: whole runs on small tables, from the file to the run folder and back."""

import html
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from gatecast.artifact import MANIFEST, WEIGHTS
from gatecast.data.columns import Guess
from gatecast.errors import ArtifactError, ColumnError, InputError, OptionError, TimeError, TooShortError, TrainingError
from gatecast.evaluation.audit import audit_to_json
from gatecast.evaluation.results import Metrics
from gatecast.files import temporary_beside
from gatecast.training.config import TrainingConfig
from gatecast.training.log import read_steps
from gatecast.training.loop import StepRecord
from gatecast.workflow import Model, fit, load, save
from gatecast.workflow import runs as run_files
from gatecast.workflow.following import Begun, Ended, follow, unfollow
from gatecast.workflow.listening import Look
from gatecast.workflow.runs import read_metrics, read_record
from small_tables import SEASON, SMALL, wave_table

SHOPS = ("north", "south")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    """A finished run of two dated series in a file, and the model that `fit` returned; nobody may change it."""
    folder = tmp_path_factory.mktemp("finished")
    table = folder / "shops.csv"
    wave_table(ids=SHOPS).write_csv(table)
    return folder / "run", fit(table, out=folder / "run", **SMALL)


def quantiles(model: Model, data: Any = None) -> np.ndarray:
    return model.predict(data).forecast.quantiles


def weight_bytes(model: Model, folder: Path) -> bytes:
    return (save(model, folder) / WEIGHTS).read_bytes()


# The run folder


def test_a_fit_with_out_writes_every_file_of_the_run_folder(run: tuple[Path, Model]) -> None:
    folder = run[0]
    promised = re.findall(r"^  ([a-z]+)(?:/|\.\w+)", run_files.__doc__ or "", flags=re.MULTILINE)
    assert len(promised) == 9
    assert sorted({path.name.split(".")[0] for path in folder.iterdir()}) == sorted(promised)
    assert sorted(path.name for path in (folder / "model").iterdir()) == [MANIFEST, WEIGHTS]
    assert [path.suffix for path in (folder / "checkpoint").iterdir()] == [".safetensors"] * 2
    assert {path.suffix for path in (folder / "pictures").iterdir()} == {".png"}
    assert not list(folder.rglob("*.tmp"))


def test_the_record_says_what_was_asked_guessed_and_read(run: tuple[Path, Model]) -> None:
    folder, model = run
    record = read_record(folder)
    assert (record.status, record.season, record.guesses) == ("done", SEASON, model.guesses)
    assert (record.asked, record.config) == (model.options, model.forecaster.config)
    assert record.source == str((folder.parent / "shops.csv").resolve())
    assert record.data["name"] == "shops.csv"
    assert {"gatecast", "torch", "python"} == record.versions.keys()
    assert {"training time", "training steps", "total time"} <= record.facts.keys()


def test_metrics_have_the_documented_shape_with_the_net_first(run: tuple[Path, Model]) -> None:
    stored = json.loads((run[0] / "metrics.json").read_bytes())
    assert stored.keys() >= {"season", "horizon", "windows", "scores", "by_step", "verdict"}
    assert (stored["season"], stored["horizon"]) == (SEASON, 4)
    assert [score["model"] for score in stored["scores"]] == ["gru", "naive", "seasonal_naive"]
    assert all(score.keys() >= {"model", "mase", "rmse", "mae", "smape"} for score in stored["scores"])
    assert stored["verdict"].keys() >= {"beats_best_baseline", "skill", "p_value", "text"}
    assert stored["by_step"].keys() == {"gru", "naive", "seasonal_naive"}
    assert all(len(steps) == 4 for errors in stored["by_step"].values() for steps in errors.values())


def test_the_audit_is_stored_and_told_in_the_report(run: tuple[Path, Model]) -> None:
    stored = json.loads((run[0] / "audit.json").read_bytes())
    assert stored["passed"] is True
    status = {check["name"]: check["status"] for check in stored["checks"]}
    assert status["future"] == status["fitting"] == status["past_covariates"] == status["other_series"] == "passed"
    page = html.unescape((run[0] / "report.html").read_text(encoding="utf-8"))
    assert all(check["meaning"] in page for check in stored["checks"])
    assert audit_to_json(load(run[0]).backtest().audit()) == (run[0] / "audit.json").read_bytes()


def test_the_stored_forecasts_give_the_stored_scores(run: tuple[Path, Model]) -> None:
    frame, metrics = pl.read_parquet(run[0] / "forecasts.parquet"), read_metrics(run[0])
    assert frame.columns == ["model", "unique_id", "cutoff", "ds", "y", "mean", "q0.1", "q0.5", "q0.9"]
    table = wave_table(ids=SHOPS).select(unique_id="shop", ds="ds", truth="y")
    joined = frame.join(table, on=["unique_id", "ds"], how="left")
    assert joined.select((pl.col("y") - pl.col("truth")).abs().max()).item() < 1e-5
    for score in metrics.scores:
        error = frame.filter(pl.col("model") == score.model).select((pl.col("y") - pl.col("mean")).abs().mean()).item()
        assert score.mae == pytest.approx(error, rel=1e-9)


def test_the_naive_rows_of_the_stored_forecasts_repeat_the_last_known_value(run: tuple[Path, Model]) -> None:
    frame = pl.read_parquet(run[0] / "forecasts.parquet").filter(pl.col("model") == "naive")
    table = wave_table(ids=SHOPS).select(unique_id="shop", cutoff="ds", last="y")
    joined = frame.join(table, on=["unique_id", "cutoff"], how="left")
    assert joined["last"].null_count() == 0
    assert joined.select((pl.col("mean") - pl.col("last")).abs().max()).item() < 1e-5


def test_the_step_log_has_a_line_for_each_step(run: tuple[Path, Model]) -> None:
    steps = read_steps(run[0] / "steps.jsonl")
    assert [step.step for step in steps] == list(range(1, 9))
    assert [step.step for step in steps if step.validation is not None] == [4, 8]
    assert run[1].steps == tuple(steps)


def test_the_report_opens_without_a_network(run: tuple[Path, Model]) -> None:
    page = (run[0] / "report.html").read_text(encoding="utf-8")
    tags = re.findall(
        r"<(?:script|link|img|iframe)\b[^>]*>", re.sub(r"(<script\b[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)
    )
    assert len(tags) > 3
    assert not [tag for tag in tags if re.search(r"(?:src|href)\s*=", tag)]


def test_the_scores_are_kept_beside_the_model(run: tuple[Path, Model]) -> None:
    scores = load(run[0] / "model").about.scores
    assert scores == {score.model: score.mase for score in read_metrics(run[0]).scores}


# Loading


def test_a_loaded_run_predicts_and_scores_as_the_model_in_memory(run: tuple[Path, Model]) -> None:
    folder, model = run
    loaded = load(folder)
    np.testing.assert_array_equal(quantiles(loaded), quantiles(model))
    assert loaded.backtest().metrics == model.backtest().metrics == read_metrics(folder)
    assert (loaded.options, loaded.guesses, loaded.steps) == (model.options, model.guesses, model.steps)


def test_a_bare_model_folder_needs_data_and_then_predicts_the_same(run: tuple[Path, Model]) -> None:
    folder, model = run
    bare = load(folder / "model")
    with pytest.raises(InputError, match=r"loaded without its table \(shops.csv\).*Give the data to forecast from"):
        bare.predict()
    np.testing.assert_array_equal(quantiles(bare, folder.parent / "shops.csv"), quantiles(model))
    assert (bare.options, bare.season, bare.guesses) == (model.options, model.season, model.guesses)


@pytest.mark.parametrize("fate", ["moved", "changed"])
def test_a_run_whose_table_is_gone_or_changed_asks_for_data(run: tuple[Path, Model], tmp_path: Path, fate: str) -> None:
    folder = copy_of(run[0], tmp_path)
    table = tmp_path / "shops.csv"
    if fate == "moved":
        table.unlink()
    else:
        table.write_bytes(table.read_bytes() + b"south,2024-01-09T00:00:00,1.0,2.0\n")
    model = load(folder)
    with pytest.raises(InputError, match="finds it only where it was and as it was"):
        model.predict()
    np.testing.assert_array_equal(quantiles(model, wave_table(ids=SHOPS)), quantiles(run[1]))


def copy_of(folder: Path, target: Path) -> Path:
    """A run folder and its table, copied, and its record told of the copy."""
    shutil.copytree(folder.parent, target, dirs_exist_ok=True)
    record = read_record(target / folder.name)
    run_files.write_record(
        target / folder.name, msgspec.structs.replace(record, source=str((target / "shops.csv").resolve()))
    )
    return target / folder.name


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"status": "done"}'])
def test_a_damaged_record_is_refused_by_its_path(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "run.json").write_bytes(damage)
    with pytest.raises(ArtifactError, match=r"run\.json is damaged"):
        load(tmp_path)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"there is no folder .*absent; give a run folder or a model folder"):
        load(tmp_path / "absent")
    with pytest.raises(ArtifactError, match=r"model\.json is missing"):
        load(tmp_path)


def test_a_run_whose_training_was_broken_off_says_how_to_go_on(run: tuple[Path, Model], tmp_path: Path) -> None:
    folder = copy_of(run[0], tmp_path)
    (folder / "model" / "model.json").unlink()
    with pytest.raises(ArtifactError, match=r"training was broken off: go on with it by .* --resume"):
        load(folder)
    shutil.rmtree(folder / "model")
    with pytest.raises(ArtifactError, match=r"training was broken off: go on with it by .* --resume"):
        load(folder)


# Fitting


def test_a_fit_in_memory_writes_nothing_and_equals_the_fit_with_a_folder(
    run: tuple[Path, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = fit(wave_table(ids=SHOPS), **SMALL)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(quantiles(model), quantiles(run[1]))
    assert model.backtest().metrics == read_metrics(run[0])


def test_the_same_seed_gives_the_same_weights_file_and_another_seed_another(
    run: tuple[Path, Model], tmp_path: Path
) -> None:
    again = fit(run[0].parent / "shops.csv", **SMALL)
    other = fit(run[0].parent / "shops.csv", seed=1, **SMALL)
    stored = (run[0] / "model" / WEIGHTS).read_bytes()
    assert weight_bytes(again, tmp_path / "again") == stored
    assert weight_bytes(other, tmp_path / "other") != stored


def test_the_order_of_rows_and_columns_of_a_table_changes_nothing(run: tuple[Path, Model]) -> None:
    shuffled = wave_table(ids=SHOPS).sample(fraction=1, shuffle=True, seed=3).select("y", "ds", "x", "shop")
    roles = {"id": "shop", "time": "ds", "target": "y", "past": ["x"]}
    model = fit(shuffled.sort("shop", maintain_order=True), **roles, **SMALL)
    np.testing.assert_array_equal(quantiles(model), quantiles(run[1]))


def test_a_taken_folder_is_refused_and_left_as_it_was(run: tuple[Path, Model]) -> None:
    folder = run[0]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OptionError, match=r"holds a run already: go on with it by --resume, or give another --out"):
        fit(folder.parent / "shops.csv", out=folder, **SMALL)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_file_in_the_place_of_the_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OptionError, match="taken is a file, and a run is written into a folder"):
        fit(wave_table(), out=tmp_path / "taken", **SMALL)


def test_a_resume_with_other_options_names_the_difference(run: tuple[Path, Model]) -> None:
    settings = {**SMALL, "steps": 9, "hidden_size": 5}
    with pytest.raises(OptionError, match=r"network.layer.hidden_size=4 then, 5 now, training.steps=8 then, 9 now\)"):
        fit(run[0].parent / "shops.csv", out=run[0], resume=True, **settings)
    assert read_record(run[0]).status == "done"


def test_a_resume_with_another_file_is_refused(run: tuple[Path, Model], tmp_path: Path) -> None:
    wave_table(ids=SHOPS, seed=1).write_csv(tmp_path / "shops.csv")
    with pytest.raises(OptionError, match="begun with another table"):
        fit(tmp_path / "shops.csv", out=run[0], resume=True, **SMALL)


def test_a_resume_with_another_data_frame_is_refused(tmp_path: Path) -> None:
    fit(wave_table(), out=tmp_path / "run", **SMALL)
    fit(wave_table(), out=tmp_path / "run", resume=True, **SMALL)
    with pytest.raises(OptionError, match="begun with another table"):
        fit(wave_table(seed=1), out=tmp_path / "run", resume=True, **SMALL)


def test_a_resume_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"nothing to resume in .*: it holds no run\.json"):
        fit(wave_table(), out=tmp_path / "run", resume=True, **SMALL)
    with pytest.raises(OptionError, match="need a run folder: give out="):
        fit(wave_table(), resume=True, **SMALL)


def test_options_and_settings_together_are_refused() -> None:
    with pytest.raises(OptionError, match="give options or settings, not both; got options and steps"):
        fit(wave_table(), options=fit(wave_table(), **SMALL).options, steps=3)


@pytest.mark.parametrize("dated", [True, False])
def test_a_fit_without_a_test_part_has_seen_every_row_and_scores_none(tmp_path: Path, *, dated: bool) -> None:
    table = wave_table(80, dated=dated)
    model = fit(table, **SMALL, test=0)
    assert model.split is not None
    assert model.split.validation_end.tolist() == [80]
    with pytest.raises(InputError, match="there are no 4 rows in a row that the net has not learnt from"):
        model.backtest()
    save(model, tmp_path / "model")
    longer = load(tmp_path / "model").backtest(wave_table(84, dated=dated))
    assert longer.backtest.origins.position.tolist() == [80]


def test_a_run_folder_without_a_test_part_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^evaluation\.test=0 keeps no rows to score the net by"):
        fit(wave_table(), **SMALL, test=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_wrong_baseline_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no baseline 'prophet'"):
        fit(wave_table(), out=tmp_path / "run", **(SMALL | {"baselines": "prophet"}))
    assert not (tmp_path / "run").exists()


class Scribe:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def guessed(self, guesses: Sequence[Guess]) -> None:
        self.told.append("guessed " + " ".join(guess.what for guess in guesses))

    def stage(self, text: str) -> None:
        self.told.append(text.split(",", maxsplit=1)[0])

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:
        self.told.append(f"training {config.steps} from {first_step}")
        try:
            yield
        finally:
            self.told.append("training is over")

    def step(self, record: StepRecord) -> None:
        self.told.append(str(record.step))

    def looked(self, look: Look) -> None:
        self.told.append(f"looked after {look.record.step}")


def test_a_listener_is_told_every_stage_in_order(tmp_path: Path) -> None:
    scribe = Scribe()
    fit(wave_table(), out=tmp_path / "run", listener=scribe, **SMALL)
    assert scribe.told == [
        "guessed time target past frequency subtract calendar calibrate",
        "training 8 from 0",
        *(
            "1",
            "looked after 1",
            "2",
            "looked after 2",
            "3",
            "4",
            "looked after 4",
            "5",
            "6",
            "7",
            "8",
            "looked after 8",
        ),
        "training is over",
        "training took all 8 steps",
        "scoring the net and the baselines on the same windows",
    ]


def test_a_listener_hears_the_end_of_a_training_that_fails(tmp_path: Path) -> None:
    scribe = Scribe()
    with pytest.raises(TrainingError):
        fit(wave_table(), out=tmp_path / "run", listener=scribe, **(SMALL | {"learning_rate": 1e12}))
    assert scribe.told[-1] == "training is over"


class Follower:
    """Follows every fit, and writes down how each begins and ends."""

    def __init__(self) -> None:
        self.scribe, self.told = Following(), list[str]()

    @contextmanager
    def __call__(self, begun: Begun) -> Iterator["Following"]:
        self.told.append(f"begun {begun.options.horizon} {begun.config.network.layer.cell} {begun.season} {begun.out}")
        try:
            yield self.scribe
        except TrainingError:
            self.told.append("failed")
            raise
        self.told.append("over")


class Following(Scribe):
    """A scribe that is told of the end, too."""

    def ended(self, ended: Ended) -> None:
        self.told.append(f"ended {len(ended.model.steps)} {ended.evaluation is not None} {ended.stopped}")


@pytest.fixture
def follower() -> Iterator[Follower]:
    found = Follower()
    follow("test", found)
    yield found
    unfollow("test")


def test_a_follower_is_told_of_every_fit_whoever_listens_to_it(follower: Follower, tmp_path: Path) -> None:
    scribe, out = Scribe(), tmp_path / "run"
    fit(wave_table(), out=out, listener=scribe, **SMALL)
    fit(wave_table(), **SMALL)
    assert follower.told == [f"begun 4 gru 12 {out}", "over", "begun 4 gru 12 None", "over"]
    both, first = follower.scribe.told, [*scribe.told, "ended 8 True False"]
    assert both[: len(first)] == first
    assert both[len(first) :] == [*scribe.told[:-1], "ended 8 False False"]


def test_a_follower_sees_a_fit_fail_and_hears_of_no_end(follower: Follower) -> None:
    with pytest.raises(TrainingError):
        fit(wave_table(), **(SMALL | {"learning_rate": 1e12}))
    assert follower.told == ["begun 4 gru 12 None", "failed"]
    assert follower.scribe.told[-1] == "training is over"


def test_a_follower_is_told_of_nothing_before_a_fit_has_begun_or_after_it_was_let_go(follower: Follower) -> None:
    with pytest.raises(ColumnError):
        fit(wave_table(), **(SMALL | {"target": "absent"}))
    unfollow("test")
    fit(wave_table(), **SMALL)
    assert follower.told == []


# Predicting


def test_a_prediction_goes_on_where_the_table_ends(run: tuple[Path, Model]) -> None:
    frame = run[1].predict().to_frame()
    last = wave_table()["ds"].max()
    assert frame["unique_id"].to_list() == ["north"] * 4 + ["south"] * 4
    assert set(frame["cutoff"]) == {last}
    assert ((frame["ds"] - frame["cutoff"]).dt.total_hours()).to_list() == [1, 2, 3, 4] * 2
    assert frame.filter(pl.col("unique_id") == "south")["mean"].is_between(15, 25).all()


def test_a_shorter_horizon_is_the_beginning_and_a_longer_one_is_refused(run: tuple[Path, Model]) -> None:
    model = run[1]
    np.testing.assert_array_equal(model.predict(horizon=2).forecast.mean, model.predict().forecast.mean[:, :2])
    for horizon in (0, 5):
        with pytest.raises(OptionError, match=f"up to 4 rows ahead, got horizon={horizon}"):
            model.predict(horizon=horizon)


def test_new_data_may_have_more_columns_in_another_order(run: tuple[Path, Model]) -> None:
    table = (
        wave_table(ids=SHOPS).with_columns(extra=pl.lit("z"), more=1.5).select("extra", "y", "ds", "more", "x", "shop")
    )
    np.testing.assert_array_equal(quantiles(run[1], table), quantiles(run[1]))
    np.testing.assert_array_equal(quantiles(run[1], table.to_pandas()), quantiles(run[1]))


def test_a_missing_column_is_refused_with_what_is_there(run: tuple[Path, Model]) -> None:
    with pytest.raises(ColumnError, match="needs id=shop and past=x, which the new data lack; they have: ds, y"):
        run[1].predict(wave_table(ids=SHOPS).drop("x", "shop"))


def test_new_data_of_another_step_are_refused(run: tuple[Path, Model]) -> None:
    start = pl.datetime(2024, 1, 1)
    daily = wave_table(ids=SHOPS).with_columns(ds=start + 24 * (pl.col("ds") - start))
    with pytest.raises(TimeError, match=r"1h apart .* 1d apart"):
        run[1].predict(daily)


def test_a_series_never_seen_is_forecast_at_its_own_level(run: tuple[Path, Model]) -> None:
    table = wave_table(ids=("new",)).with_columns(y=500 + 3 * pl.col("y"))
    mean = run[1].predict(table).forecast.mean
    assert np.abs(mean - 530).max() < 10


def test_a_prediction_can_be_drawn(run: tuple[Path, Model]) -> None:
    assert isinstance(run[1].predict().plot(), Figure)


# Backtesting


def test_new_dated_data_are_scored_only_where_the_net_has_learnt_nothing(run: tuple[Path, Model]) -> None:
    model = run[1]
    longer = wave_table(220, ids=SHOPS)
    origins = model.backtest(longer).backtest.origins
    unseen = int(model.split.validation_end[0])
    assert unseen <= origins.position.min() < unseen + 4
    assert origins.position.max() == 216
    two_days_later = longer.filter(pl.col("ds") >= pl.datetime(2024, 1, 3))
    assert model.backtest(two_days_later).backtest.origins.position.min() == origins.position.min() - 48


def test_new_numbered_data_are_scored_only_where_the_net_has_learnt_nothing() -> None:
    model = fit(wave_table(ids=SHOPS, dated=False), **SMALL)
    unseen = int(model.split.validation_end[0])
    assert model.about.seen_rows == {"north": unseen, "south": unseen}
    origins = model.backtest(wave_table(220, ids=("north", "new"), dated=False)).backtest.origins
    assert origins.position[origins.series == 0].min() >= unseen
    assert origins.position[origins.series == 1].min() < unseen, "a new series is unseen from its first row"
    assert origins.position[origins.series == 1].min() >= 24, "but a whole lookback comes first"


def test_a_backtest_on_the_table_of_the_run_is_that_of_the_run(run: tuple[Path, Model]) -> None:
    folder, model = run
    for fresh in (model, load(folder / "model")):
        assert fresh.backtest(folder.parent / "shops.csv").metrics == read_metrics(folder)


def test_data_that_were_learnt_from_cannot_be_scored(run: tuple[Path, Model]) -> None:
    with pytest.raises(InputError, match="no 4 rows in a row that the net has not learnt from"):
        run[1].backtest(wave_table(100, ids=SHOPS))


def test_fewer_windows_are_the_latest(run: tuple[Path, Model]) -> None:
    evaluation = run[1].backtest(windows=2)
    assert evaluation.backtest.origins.position.tolist() == [152, 156] * 2
    with pytest.raises(OptionError, match="windows counts from 1 up, got windows=0"):
        run[1].backtest(windows=0)


def test_a_backtest_can_be_reported_and_framed(run: tuple[Path, Model], tmp_path: Path) -> None:
    evaluation = run[1].backtest(wave_table(200, ids=SHOPS))
    assert evaluation.report(tmp_path / "report.html").stat().st_size > 10_000
    assert evaluation.to_frame()["model"].unique(maintain_order=True).to_list() == ["gru", "naive", "seasonal_naive"]
    assert isinstance(evaluation.metrics, Metrics)


def staggered(rows: int) -> pl.DataFrame:
    """Two hourly shops: `late` has the most rows and ends last; `early` has `rows` and ended before the test part."""
    late = wave_table(500, ("late",)).with_columns(pl.col("ds") + pl.duration(hours=400))
    return pl.concat([late, wave_table(rows, ("early",))])


def test_a_series_that_ended_before_the_test_part_is_trained_on_and_not_scored() -> None:
    model = fit(staggered(450), id="shop", **SMALL)
    late_start = wave_table(1)["ds"][0] + timedelta(hours=400)
    assert np.datetime64(model.about.seen_until) == np.datetime64(late_start + timedelta(hours=500 - 100))
    evaluation = model.backtest()
    assert set(evaluation.to_frame()["unique_id"]) == {"late"}


def test_a_short_series_that_ended_early_is_refused_with_the_date_of_the_validation_part() -> None:
    with pytest.raises(TooShortError, match=r'validation part \(2024-01-30 04:00:00\), but series "early" has 20'):
        fit(staggered(20), id="shop", **SMALL)


def test_a_run_that_was_killed_before_its_record_stood_says_to_fit_once_more(tmp_path: Path) -> None:
    temporary_beside(tmp_path / "run.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"was broken off before it began: do `gatecast fit` once more"):
        load(tmp_path)
