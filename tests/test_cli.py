"""The command line: results on stdout, one clear message on stderr, an exit code, and never a traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import gatecast
from gatecast.cli import app as commands
from gatecast.cli import main
from gatecast.cli.flags import JudgingFlags, NetFlags, OutputFlags, TableFlags, TrainingFlags
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.datasets import DATASETS
from gatecast.evaluation.audit import CLAIMS
from gatecast.forecast import Forecast
from gatecast.forecaster import RecurrentForecaster
from gatecast.workflow import FitOptions, build_options, load
from gatecast.workflow.options import SHORT_NAMES, all_settings
from small_tables import wave_table

FLAGS = (
    *("--horizon", "4", "--lookback", "24", "--season", "12", "--hidden-size", "4"),
    *("--set", "batch_size=16", "steps=8", "training.evaluate_every=4", "--baselines", "naive", "seasonal_naive"),
)


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str]) -> Ask:
    """Run a command in this process."""

    def run(*arguments: object) -> Answer:
        code = main([str(argument) for argument in arguments])
        caught = capfd.readouterr()
        assert "Traceback" not in caught.err
        return Answer(code, caught.out, caught.err)

    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run beside its table, `waves.csv`."""
    folder = tmp_path_factory.mktemp("cli")
    wave_table().write_csv(folder / "waves.csv")
    assert main(["fit", str(folder / "waves.csv"), *FLAGS, "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def table_of(run: Path) -> Path:
    return run.parent / "waves.csv"


# Done


def test_fit_prints_scores_a_verdict_and_the_report(run: Path, tmp_path: Path, ask: Ask) -> None:
    done = ask("fit", table_of(run), *FLAGS, "--out", tmp_path / "run")
    assert done.code == 0
    assert all(name in done.out for name in ("MASE", "gru", "seasonal_naive", str(tmp_path / "run" / "report.html")))
    assert gatecast.workflow.runs.read_metrics(run).verdict.text in done.out
    assert "Decided for you" in done.err
    assert "training took all 8 steps" in done.err


def test_quiet_says_nothing_on_stderr_and_json_is_json_alone(run: Path, tmp_path: Path, ask: Ask) -> None:
    done = ask("fit", table_of(run), *FLAGS, "--out", tmp_path / "a", "--quiet")
    assert (done.code, done.err) == (0, "")
    done = ask("fit", table_of(run), *FLAGS, "--out", tmp_path / "b", "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["run"] == str(tmp_path / "b")
    assert told["metrics"] == json.loads((tmp_path / "b" / "metrics.json").read_bytes())
    assert {guess["what"] for guess in told["guesses"]} == {
        "time",
        "target",
        "past",
        "frequency",
        "subtract",
        "calendar",
        "calibrate",
    }


def test_without_out_a_run_gets_a_folder_of_its_own(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert ask("fit", table_of(run), *FLAGS, "--quiet").code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["waves-gru", "waves-gru-2"]


def test_flags_go_over_set_and_set_goes_over_the_config_file(run: Path, tmp_path: Path, ask: Ask) -> None:
    config = tmp_path / "fit.toml"
    config.write_text('horizon = 3\nseed = 4\n[network.layer]\ncell = "rnn"\nhidden_size = 5\n[training]\nsteps = 99\n')
    arguments = ("--config", config, "--set", "hidden_size=3", "steps=50", "lookback=24", "--steps", 2)
    assert ask("fit", table_of(run), *arguments, "--baselines", "naive", "--out", tmp_path / "run").code == 0
    options = load(tmp_path / "run").options
    layer = options.network.layer
    assert (options.horizon, options.training.seed, layer.cell, layer.hidden_size) == (3, 4, "rnn", 3)
    assert options.training.steps == 2


def test_the_decoder_and_its_paths_are_flags_and_settings(run: Path, tmp_path: Path, ask: Ask) -> None:
    config = tmp_path / "fit.toml"
    config.write_text('[network]\ndecode = "seq2seq"\npaths = 7\n[training]\nfree_running = 2\n')
    flags = ("--decode", "recursive", "--loss", "normal", "--paths", 20, "--past", "none", "--config", config)
    assert ask("fit", table_of(run), *flags, *FLAGS, "--out", tmp_path / "run", "--quiet").code == 0
    options = load(tmp_path / "run").options
    assert (options.network.decode, options.network.paths, options.training.free_running) == ("recursive", 20, 2)
    frame = load(tmp_path / "run").predict(table_of(run)).to_frame()
    assert (frame["q0.1"] < frame["q0.9"]).all()
    refused = ask("fit", table_of(run), "--decode", "recursive", "--out", tmp_path / "other")
    assert refused.code == 1
    assert "take loss=normal, student, mixture" in refused.err


@pytest.mark.parametrize(
    ("flags", "meant"), [(("--set", "horizon=3"), 3), (("--set", "horizon=3", "--horizon", "2"), 2)]
)
def test_the_horizon_may_be_set_like_any_other_setting(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask, flags: tuple[str, ...], meant: int
) -> None:
    asked: list[FitOptions] = []
    monkeypatch.setattr(commands, "_fit", lambda *given: asked.append(given[1]))
    monkeypatch.setattr("gatecast.cli.show.evaluated", lambda *_, **__: None)
    assert ask("fit", table_of(run), *flags, "--out", tmp_path / "run").code == 0
    assert asked[0].horizon == meant


def test_predict_prints_writes_and_dumps_the_same_forecast(run: Path, tmp_path: Path, ask: Ask) -> None:
    expected = load(run).predict().to_frame()
    assert ask("predict", run, "--out", tmp_path / "new" / "f.parquet").out.startswith("4 rows written to")
    assert ask("predict", run, "--out", tmp_path / "f.csv").code == 0
    assert pl.read_parquet(tmp_path / "new" / "f.parquet").equals(expected)
    assert pl.read_csv(tmp_path / "f.csv")["q0.9"].to_list() == expected["q0.9"].to_list()
    told = json.loads(ask("predict", run, "--json").out)
    assert [row["mean"] for row in told] == expected["mean"].to_list()
    assert [row["ds"] for row in told] == [time.isoformat() for time in expected["ds"]]
    assert f"{expected['mean'][3]:,.6g}" in ask("predict", run).out


def test_predict_takes_new_data_and_a_shorter_horizon(run: Path, tmp_path: Path, ask: Ask) -> None:
    wave_table(200).write_csv(tmp_path / "later.csv")
    told = json.loads(ask("predict", run, tmp_path / "later.csv", "--horizon", 2, "--json").out)
    assert [row["ds"] for row in told] == ["2024-01-09T08:00:00", "2024-01-09T09:00:00"]


def test_backtest_scores_as_the_run_did(run: Path, tmp_path: Path, ask: Ask) -> None:
    done = ask("backtest", run, "--json", "--out", tmp_path / "report.html")
    assert json.loads(done.out) == json.loads((run / "metrics.json").read_bytes())
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "1 windows of 4 rows" in ask("backtest", run, table_of(run), "--windows", 1).out


def test_audit_prints_every_check_and_passes(run: Path, ask: Ask) -> None:
    done = ask("audit", run)
    assert (done.code, done.err) == (0, "")
    assert all(claim in done.out for claim in CLAIMS.values())
    told = json.loads(ask("audit", run, "--json").out)
    assert told["passed"] is True
    assert [check["name"] for check in told["checks"]] == list(CLAIMS)
    told = json.loads(ask("audit", run / "model", table_of(run), "--json").out)
    assert (told["passed"], told["checks"][-1]["status"]) == (True, "skipped")


def test_a_failed_audit_is_exit_code_1_with_the_table(run: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    honest = RecurrentForecaster.forecast

    def leaking(self: RecurrentForecaster, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        forecast = honest(self, panel, origins, horizon)
        return replace(forecast, mean=forecast.mean + np.nan_to_num(panel.values[-1, 0], posinf=0.0))

    monkeypatch.setattr(RecurrentForecaster, "forecast", leaking)
    done = ask("audit", run)
    assert (done.code, done.err) == (1, "gatecast: gru failed: the future moves nothing, a stream equals a batch.\n")
    assert "the forecaster reads the future" in re.sub(r"\s+", " ", done.out)
    assert json.loads(ask("audit", run, "--json").out)["passed"] is False


def test_compare_puts_runs_side_by_side_and_says_when_they_are_not_of_one_task(
    run: Path, tmp_path: Path, ask: Ask
) -> None:
    assert ask("fit", table_of(run), *FLAGS, "--windows", 2, "--out", tmp_path / "other", "--quiet").code == 0
    told = json.loads(ask("compare", run, tmp_path / "other", "--json").out)
    assert told[str(tmp_path / "other")]["windows"] == 2 < told[str(run)]["windows"]
    assert "not of the same task" in ask("compare", run, tmp_path / "other").out
    assert "not of the same task" not in ask("compare", run).out
    shutil.copytree(run, tmp_path / "twin")
    assert "not of the same task" not in ask("compare", run, tmp_path / "twin").out
    record = json.loads((tmp_path / "twin" / "run.json").read_bytes())
    record["columns"]["target"] = ["temperature"]
    (tmp_path / "twin" / "run.json").write_text(json.dumps(record))
    assert "not of the same task" in ask("compare", run, tmp_path / "twin").out


def test_the_printed_settings_are_a_config_file_that_changes_nothing(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "all.toml").write_text(ask("settings").out)
    assert build_options({}, tmp_path / "all.toml") == FitOptions()
    assert all(name in ask("settings").out for name in all_settings())


def test_the_version_is_that_of_the_package(ask: Ask) -> None:
    assert ask("--version") == Answer(0, f"{gatecast.__version__}\n", "")


def test_the_demo_fits_every_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    fitted: list[tuple[str, int]] = []
    monkeypatch.setattr(commands, "_fit", lambda *given: fitted.append((given[0].name, given[1].horizon)))
    monkeypatch.setattr("gatecast.cli.show.evaluated", lambda *_, **__: None)
    done = ask("demo", "--out", tmp_path, "--quiet")
    assert fitted == [(f"{name}.csv", dataset.horizon) for name, dataset in DATASETS.items()]
    assert all(dataset.title in done.out for dataset in DATASETS.values())
    assert pl.read_csv(tmp_path / "elnino.csv").height == 61 * 12


# Refused


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


TABLES = {
    "": "table.csv is empty",
    "ds,y\n": "has a header and no rows",
    "ds,y\n2024-01-01,1\n": "has one row",
    "ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n": "horizon=24 needs at least 96 rows",
    "ds,y\n2024-01-01,1\n2024-01-02,abc\n2024-01-03,3\n": 'column "y", line 3: "abc" is not a number',
    "\x00\x01\x02": "table.csv",
}


@pytest.mark.parametrize("text", TABLES)
def test_a_table_that_cannot_be_learnt_from_is_refused(tmp_path: Path, ask: Ask, text: str) -> None:
    done = ask("fit", write(tmp_path, text), "--out", tmp_path / "run")
    assert (done.code, done.out) == (1, "")
    assert TABLES[text] in done.err
    assert not (tmp_path / "run").exists()


REFUSALS: Sequence[tuple[str, str]] = (
    ("fit absent.csv", r"there is no file absent.csv \(looked for it in"),
    ("fit .", "holds no partitions: files that end in"),
    ("fit TABLE --horizon 0", "horizon counts rows from 1 up, got horizon=0"),
    ("fit TABLE --horizon 200", "horizon=200 needs at least 800 rows"),
    ("fit TABLE --target yy", r'there is no column "yy" \(target=\). Did you mean "y"\?'),
    ("fit TABLE --set steps", r"--set wants name=value, such as training.steps=2000; got 'steps'"),
    ("fit TABLE --set stepps=3", "there is no setting 'stepps'; did you mean steps"),
    ("fit TABLE --set steps=many", "training.steps='many' cannot be: expected `int`"),
    ("fit TABLE --quantiles 0.1 0.9", "with the median 0.5 among them, .* got 0.1 0.9"),
    ("fit TABLE --frequency fortnight", "frequency 'fortnight' is not understood"),
    ("fit TABLE --frequency 999999999y", "gatecast: "),
    ("fit TABLE --threads 0", "--threads counts from 1 up, got 0"),
    ("fit TABLE --baselines arima", "there is no baseline 'arima'"),
    ("fit TABLE --config absent.toml", "there is no config file absent.toml"),
    ("fit TABLE --config .", "is a folder; give one config file"),
    ("fit TABLE --resume", "say which one with --out RUN"),
    ("fit TABLE --resume --out absent", "there is nothing to resume in absent"),
    ("fit TABLE --out RUN", "holds a run already"),
    ("fit TABLE --out TABLE", "is a file, and a run is written into a folder"),
    ("fit TABLE --out TABLE/run", "Not a directory"),
    ("predict absent", "there is no folder absent; give a run folder or a model folder"),
    ("predict .", "json is missing"),
    ("predict RUN --horizon 5", "up to 4 rows ahead, got horizon=5"),
    ("predict RUN absent.csv", "there is no file absent.csv"),
    ("predict RUN --out f.xlsx", r"--out writes .csv or .parquet, got 'f.xlsx'"),
    ("backtest RUN --windows 0", "windows counts from 1 up, got windows=0"),
    ("backtest absent", "there is no folder absent"),
    ("audit absent", "there is no folder absent"),
    ("audit RUN absent.csv", "there is no file absent.csv"),
    ("compare absent", r"absent is not a finished run: there is no metrics.json"),
)


@pytest.mark.parametrize(("line", "lesson"), REFUSALS, ids=[line for line, _ in REFUSALS])
def test_a_refusal_is_one_message_and_exit_code_1(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask, line: str, lesson: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ask(*line.replace("TABLE", str(table_of(run))).replace("RUN", str(run)).split())
    assert (done.code, done.out) == (1, "")
    assert re.search(lesson, done.err)
    assert done.err.startswith("gatecast: ")
    assert done.err.count("\n") == 1


WRONG_USAGE = (
    ("nonsense", "Unknown command"),
    ("fit", "DATA"),
    ("fit a.csv --hor 3", r"Unknown option: --hor.* Did you mean --horizon\?"),
    ("fit a.csv --horizon many", "Invalid value for --horizon"),
    ("fit a.csv --cell grru", 'Did you mean "gru"'),
    ("predict", "RUN"),
    ("audit", "RUN"),
    ("compare", "RUN"),
    ("predict run --windows 3", "Unknown option"),
)


@pytest.mark.parametrize(("line", "lesson"), WRONG_USAGE, ids=[line for line, _ in WRONG_USAGE])
def test_wrong_usage_is_exit_code_2_and_shows_the_way_to_help(ask: Ask, line: str, lesson: str) -> None:
    done = ask(*line.split())
    assert (done.code, done.out) == (2, "")
    assert re.search(lesson, done.err)
    assert "gatecast --help" in done.err


def test_a_loss_that_is_no_number_ends_with_advice(run: Path, tmp_path: Path, ask: Ask) -> None:
    done = ask("fit", table_of(run), *FLAGS, "--learning-rate", 1e12, "--out", tmp_path / "run", "--quiet")
    assert (done.code, done.out) == (1, "")
    assert "training cannot go on. Lower training.learning_rate" in done.err


def test_a_plan_that_ends_with_the_table_is_asked_for(run: Path, tmp_path: Path, ask: Ask) -> None:
    fit = ("fit", table_of(run), *FLAGS, "--future", "x", "--past", "none", "--out", tmp_path / "run", "--quiet")
    assert ask(*fit).code == 0, "the report then shows the last windows scored"
    done = ask("predict", tmp_path / "run")
    assert done.code == 1
    assert re.search(r"needs x at 2024-01-07.*, step 1 of the horizon: .* Add rows with them", done.err)


def test_too_little_memory_is_advice_and_not_a_traceback(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    def greedy(*_: object) -> None:
        torch.empty(2**60)

    monkeypatch.setattr(commands, "_fit", greedy)
    done = ask("fit", table_of(run), "--out", tmp_path / "run")
    assert done.code == 1
    assert "out of memory: lower hidden_size" in done.err


def test_a_fault_of_our_own_is_not_dressed_as_the_users(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(commands, "_fit", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["fit", str(table_of(run)), "--out", str(tmp_path / "run")])


def test_a_folder_that_cannot_be_written_is_refused(run: Path, tmp_path: Path, ask: Ask) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    done = ask("fit", table_of(run), *FLAGS, "--out", tmp_path / "run", "--quiet")
    assert (done.code, done.out) == (1, "")
    assert "Permission denied" in done.err


COMMAND = (sys.executable, "-c", "from gatecast.cli import main; raise SystemExit(main())")


def test_a_reader_that_stops_listening_is_no_error(run: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, "predict", run, "--json"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_our_letters_is_no_error(run: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    arguments = ("predict", run, "--out", tmp_path / "\xf1and\xfa.csv")
    done = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"/?and?.csv\n")


def test_names_are_not_cut_short_in_a_pipe(run: Path, ask: Ask) -> None:
    assert "seasonal_naive" in ask("compare", run).out
    assert "2024-01-07 15:00:00   2024-01-07 16:00:00" in ask("predict", run).out


# Help


@pytest.mark.parametrize("command", ["fit", "predict", "backtest", "audit", "compare", "demo", "settings"])
def test_every_command_explains_itself(ask: Ask, command: str) -> None:
    done = ask(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: gatecast {command}" in done.out


GROUPS = (TableFlags, NetFlags, TrainingFlags, JudgingFlags, OutputFlags)


def test_the_help_of_fit_names_every_flag(ask: Ask) -> None:
    told = ask("fit", "--help").out
    for group in GROUPS:
        for field in fields(group):
            assert re.search(rf"--{field.name.replace('_', '-')}\b", told), field.name


def said_defaults() -> dict[str, str]:
    """The defaults that the help of `fit` promises, by setting."""
    text = "\n".join(group.__doc__ or "" for group in GROUPS[:-1])
    found = re.findall(r"^    (\w+)\n        .*\(default: ([^()]*)\)\.?$", text, flags=re.MULTILINE)
    return {SHORT_NAMES.get(name, name): default for name, default in found}


def test_the_help_of_fit_tells_the_true_defaults() -> None:
    said = said_defaults()
    for name, default in all_settings().items():
        if name in said and default is not None:
            assert said[name] == spoken(default), name
    flags = {SHORT_NAMES.get(field.name, field.name) for group in GROUPS[:-1] for field in fields(group)}
    assert {name for name in flags if all_settings()[name] is not None} <= said.keys()


def spoken(default: Any) -> str:
    if isinstance(default, tuple):
        return " ".join(map(spoken, default)) or "none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_an_error_in_a_terminal_breaks_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["fit", "no-such-file-anywhere.csv"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 40 or " " not in line for line in lines)
    assert "no-such-file-anywhere.csv" in " ".join(lines)
