"""The next value from windows over features: windows without their target, honest scores, a model file that works."""

import re
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from example_scripts import Example

EXAMPLE = Example("next_value_from_features")


example = EXAMPLE.load()
run_command = sys.modules["command_line.next_value_from_features"].run
report = sys.modules["judging.next_value_from_features"].report
Settings, Net = example.Settings, example.Net


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def printed(out: Path) -> str:
    done = EXAMPLE.run("--out", out)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_table(path: Path, values: np.ndarray) -> Path:
    header = ",".join(f"x{place}" for place in range(1, values.shape[1])) + ",y"
    np.savetxt(path, values, "%.5f", ",", header=header, comments="")
    return path


def make_net(columns: int = 3, **chosen: Any) -> Any:
    return Net(Settings(**chosen), example.Scaling(np.zeros((1, columns)), np.ones((1, columns))))


class Silent:
    """Takes the place of the TensorBoard files."""

    def add(self, *_: object) -> None:
        pass


def small_values(rows: int = 120) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(rows, 3)).cumsum(axis=0) * 0.1 + [0.0, 5.0, -3.0]


@pytest.mark.parametrize("rows", [10, 17, 40, 41, 42, 100])
@pytest.mark.parametrize("lookback", [1, 4, 9])
@pytest.mark.parametrize("stride", [1, 2, 3, 7, 50])
def test_windows_equal_a_slow_loop_and_the_last_row_is_always_forecast(rows: int, lookback: int, stride: int) -> None:
    slow, start = [], 0
    while start + lookback < rows:  # a window and the row after it
        slow.append(start + lookback)
        start += stride
    if slow[-1] != rows - 1:
        slow.append(rows - 1)
    read, places = example.windows(0, rows, lookback, stride)
    assert places.tolist() == slow
    assert len(places) == 1 + -(-(rows - lookback - 1) // stride)
    table = np.arange(rows * 2).reshape(rows, 2)
    found = table[read]
    assert found.shape == (len(slow), lookback, 2)
    for window, place in zip(found, slow, strict=True):
        np.testing.assert_array_equal(window, table[place - lookback : place])
        assert table[place, 1] not in window


def test_windows_of_a_later_part_read_back_before_it_but_forecast_inside_it() -> None:
    read, places = example.windows(50, 60, 8, 4)
    assert places.tolist() == [50, 54, 58, 59]
    assert read[0].tolist() == [42, 43, 44, 45, 46, 47, 48, 49]
    assert example.windows(50, 59, 8, 4)[1].tolist() == [50, 54, 58]


def test_gru_beats_naive_and_linear_on_the_made_table(printed: str) -> None:
    score = {name.strip(): float(mse) for name, mse in re.findall(r"  (\S.*?) +test MSE +(\S+)", printed)}
    assert list(score) == ["GRU", "naive (last target)", "mean of training part", "linear, same windows"]
    assert score["GRU"] < 0.5 * score["linear, same windows"]
    assert score["GRU"] < 0.1 * score["naive (last target)"]
    assert score["GRU"] > 0.3**2, "nobody can be better than the noise"
    assert "GRU beats the best simple method, linear, same windows" in printed


def test_verdict_goes_with_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    actual, noise = np.zeros(100), np.random.default_rng(0).normal(size=(2, 100))
    report(actual, {"GRU": noise[0], "naive": 0.1 * noise[1], "mean": noise[1]})
    assert "GRU does not beat the best simple method, naive" in capsys.readouterr().out
    report(actual, {"GRU": noise[0], "naive": 1.01 * noise[0].mean() + noise[1], "mean": 5 + noise[1]})
    assert "GRU does not beat" in capsys.readouterr().out, "within noise"
    report(actual, {"GRU": 0.1 * noise[0], "naive": noise[1], "mean": 5 + noise[1]})
    assert "GRU beats the best simple method, naive: 0.0" in capsys.readouterr().out


def test_simple_scores_equal_a_slow_loop(printed: str, out: Path) -> None:
    target = np.loadtxt(out / "process.csv", delimiter=",", skiprows=1)[:, -1]
    part = len(target) // 5
    test, train = range(len(target) - part, len(target)), target[: len(target) - 2 * part]
    naive = sum((target[row] - target[row - 1]) ** 2 for row in test) / part
    mean = sum((target[row] - sum(train) / len(train)) ** 2 for row in test) / part
    # Five digits are printed.
    assert float(re.findall(r"naive \(last target\) +test MSE +(\S+)", printed)[0]) == pytest.approx(naive, rel=1e-4)
    assert float(re.findall(r"mean of training part +test MSE +(\S+)", printed)[0]) == pytest.approx(mean, rel=1e-4)


def test_printed_score_is_that_of_the_saved_model_on_the_original_scale(printed: str, out: Path) -> None:
    model = example.load(out / "model.safetensors")
    raw = np.loadtxt(out / "process.csv", delimiter=",", skiprows=1)
    table = raw[:, [6, 0, 1, 2, 3, 4, 5]].astype(np.float32).astype(np.float64)  # the target comes first
    errors = []
    for row in range(len(raw) - len(raw) // 5, len(raw)):
        scaled = (table[row - 8 : row] - model.scaling.centre[0]) / model.scaling.scale[0]
        with torch.no_grad():
            answer = float(model(torch.tensor(scaled[None], dtype=torch.float32))[0, 0])
        errors.append(raw[row, 6] - (answer * model.scaling.scale[0, 0] + model.scaling.centre[0, 0]))
    found = float(re.findall(r"GRU +test MSE +(\S+)", printed)[0])
    assert found == pytest.approx(np.mean(np.square(errors)), rel=1e-3)


def test_scaler_sees_only_the_first_60_percent(printed: str, out: Path) -> None:  # noqa: ARG001 - printed ran it
    model = example.load(out / "model.safetensors")
    raw = np.loadtxt(out / "process.csv", delimiter=",", skiprows=1)
    train = raw[: len(raw) - 2 * (len(raw) // 5)][:, [6, 0, 1, 2, 3, 4, 5]]
    np.testing.assert_allclose(model.scaling.centre[0], train.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.scaling.scale[0], train.std(axis=0), rtol=1e-5)
    assert not np.allclose(model.scaling.centre[0, 0], raw[:, 6].mean(), rtol=1e-5)


def test_forecasts_of_the_reloaded_model_equal_the_first_ones(printed: str) -> None:
    assert "equal those before it was written: True" in printed


@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_model_file_gives_back_settings_scaler_and_every_bit(
    readout: str, *, bidirectional: bool, tmp_path: Path
) -> None:
    settings = Settings(readout=readout, bidirectional=bidirectional, bias=False, layers=2, dropout=0.3, hidden=4)
    rows = small_values()[:40].reshape(5, 8, 3)
    net = Net(settings, example.Standard().fit(rows.reshape(40, 3)))
    example.save(net, tmp_path / "model.safetensors")
    loaded = example.load(tmp_path / "model.safetensors")
    assert loaded.chosen == settings
    np.testing.assert_array_equal(loaded.scaling.scale, net.scaling.scale)
    np.testing.assert_array_equal(example.forecast(loaded, rows), example.forecast(net, rows))


def test_event_file_holds_losses_by_step_and_epoch_and_gradient_histograms(printed: str, out: Path) -> None:
    events = EventAccumulator(str(out), size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    windows = int(re.findall(r"(\d+) windows to learn from", printed)[0])
    steps, epochs = events.Scalars("loss/step"), events.Scalars("loss/epoch")
    a_pass = -(-windows // example.BATCH)
    assert [event.step for event in steps] == list(range(1, 60 * a_pass + 1))
    assert [event.step for event in epochs] == list(range(1, 61))
    assert epochs[4].value == pytest.approx(
        np.mean([event.value for event in steps[4 * a_pass : 5 * a_pass]]), rel=1e-4
    )
    assert len(events.Scalars("loss/validation")) == 60
    names = {f"gradients/{name}" for name, _ in make_net(7).named_parameters()}
    assert names == {name for name in events.Tags()["histograms"] if name.startswith("gradients/")}
    for name in names:
        gradients = events.Histograms(name)
        assert len(gradients) == 60
        assert gradients[0].histogram_value.sum_squares > 0


@pytest.mark.parametrize(
    "choice",
    [
        ["--readout", "mean"],
        ["--no-bias"],
        ["--dropout", "0.5", "--layers", "2"],
        ["--bidirectional"],
        ["--bidirectional", "--readout", "mean", "--layers", "2", "--dropout", "0.1", "--no-bias", "--stride", "3"],
    ],
    ids=" ".join,
)
def test_every_choice_changes_the_net_and_runs(
    choice: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(tmp_path / "small.csv", small_values())
    weights = []
    for options in ([], choice):
        command = [
            str(EXAMPLE.path),
            "--data",
            str(data),
            "--out",
            str(tmp_path / "out"),
            "--epochs",
            "1",
            "--hidden",
            "4",
        ]
        monkeypatch.setattr(sys, "argv", [*command, *options])
        run_command(example.main, "The example.")
        weights.append(load_file(tmp_path / "out" / "model.safetensors"))
    plain, chosen = weights
    assert "next y" in capsys.readouterr().out
    assert set(plain) != set(chosen) or any(not torch.equal(plain[name], chosen[name]) for name in plain)
    assert any("bias" in name for name in chosen if name.startswith("gru")) == ("--no-bias" not in choice)
    assert any("reverse" in name for name in chosen) == ("--bidirectional" in choice)
    assert any("_l1" in name for name in chosen) == ("--layers" in choice)


def test_last_readout_of_a_bidirectional_net_joins_the_two_readings_at_their_ends() -> None:
    net, x = make_net(bidirectional=True, layers=2, hidden=4), torch.randn(6, 8, 3)
    states, _ = net.gru(x)  # (B, L, 2 * H)
    ends = torch.cat([states[:, -1, :4], states[:, 0, 4:]], dim=1)
    torch.testing.assert_close(net(x), net.output(ends))


def test_dropout_acts_while_training_only() -> None:
    net, x = make_net(dropout=0.5, layers=2, hidden=16), torch.randn(6, 8, 3)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_forecast_and_target_have_one_shape_in_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = set()

    def loss(forecast: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        shapes.add((forecast.shape[1:], target.shape[1:], len(forecast) - len(target)))
        return ((forecast - target) ** 2).mean()

    monkeypatch.setattr(example, "mse_loss", loss)
    part = torch.randn(70, 8, 3), torch.randn(70, 1)
    example.train(make_net(hidden=4, epochs=1), part, part, Silent())
    assert shapes == {((1,), (1,), 0)}


def test_weights_are_those_of_the_epoch_with_the_lowest_validation_loss() -> None:
    seen: list[tuple[float, dict[str, torch.Tensor]]] = []

    class Watching:
        def add(self, net: Any, _epoch: int, _losses: list[float], checked: float) -> None:
            seen.append((checked, {name: each.clone() for name, each in net.state_dict().items()}))

    torch.manual_seed(0)
    learnt = torch.randn(40, 8, 3), torch.randn(40, 1)  # noise: the validation loss soon rises
    chosen_by = torch.randn(40, 8, 3), torch.randn(40, 1)
    net = make_net(hidden=16, epochs=40)
    best = example.train(net, learnt, chosen_by, Watching())
    losses = [loss for loss, _ in seen]
    assert best == 1 + int(np.argmin(losses))
    assert best < 40, "the last epoch would be chosen by anybody"
    assert all(torch.equal(each, seen[best - 1][1][name]) for name, each in net.state_dict().items())
    with torch.no_grad():
        assert losses[best - 1] == pytest.approx(float(((net(chosen_by[0]) - chosen_by[1]) ** 2).mean()), rel=1e-5)


def test_poisoned_test_rows_change_no_trained_weight_and_no_scaler_number(tmp_path: Path) -> None:
    models = []
    for first in (200, 160, 119):  # nothing, the test part, and for contrast the last training row too
        values = small_values(200)
        values[first:] = 1e9 * (1 + np.arange(values[first:].size).reshape(-1, 3))
        table, _, ends = example.read(write_table(tmp_path / "table.csv", values))
        assert ends == [120, 160, 200]
        models.append(example.learn(table, ends, Settings(hidden=8, epochs=3, stride=3), tmp_path / str(first)))
    plain, poisoned, spoilt = models
    np.testing.assert_array_equal(plain.scaling.centre, poisoned.scaling.centre)
    np.testing.assert_array_equal(plain.scaling.scale, poisoned.scaling.scale)
    for name, weights in plain.state_dict().items():
        assert torch.equal(weights, poisoned.state_dict()[name]), name
    assert not torch.equal(plain.output.weight, spoilt.output.weight)


def test_dates_sort_the_rows_and_holidays_are_no_rows(tmp_path: Path) -> None:
    days = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
    days = days[np.is_busday(days) & (np.arange(len(days)) % 31 != 3)]
    lines = [f"{day},{place},{place * place % 17}" for place, day in enumerate(days)]
    path = tmp_path / "days.csv"
    path.write_text("\n".join(["Date,x,y", *lines[::-1]]) + "\n")
    table, target, ends = example.read(path)
    assert target == "y"
    np.testing.assert_array_equal(table[:, 1], np.arange(len(days)))
    assert ends[-1] == len(days)
    assert 0.5 < ends[0] / len(days) < ends[1] / len(days) < 0.85


def test_picture_is_drawn(printed: str, out: Path) -> None:  # noqa: ARG001 - printed ran it
    picture = matplotlib.image.imread(out / "forecast.png")[..., :3]
    assert picture.shape[1] > 800
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_without_tensorboard_the_remedy_is_one_line_and_everything_else_is_done(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked" / "tensorboard"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError\n")
    data = write_table(tmp_path / "small.csv", small_values())
    done = EXAMPLE.run("--data", data, "--out", tmp_path / "out", "--epochs", "1", PYTHONPATH=str(blocked.parent))
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'gatecast[tensorboard]'" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["forecast.png", "model.safetensors"]


def test_missing_file_is_one_line_on_stderr_and_exit_1(tmp_path: Path) -> None:
    done = EXAMPLE.run("--data", tmp_path / "nowhere.csv", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("there is no file")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("cells", "options", "lesson"),
    [
        ("{x},word", [], 'column "y" must hold numbers'),
        ("{x},", [], 'column "y" has no values'),
        ("{gap},{y}", [], 'column "x" has no value in row 30'),
        ("{x},{y}", ["--dropout", "0.2"], "set --layers 2"),
        ("{x},{y}", ["--lookback", "40"], "lookback=40 needs more than 40 rows"),
        ("{x},{y}", ["--stride", "0"], "for --stride. Must be >= 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    cells: str, options: list[str], lesson: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [cells.format(x=row % 7, y=row % 5, gap="" if row == 30 else row % 7) for row in range(50)]
    (tmp_path / "plant.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    command = [str(EXAMPLE.path), "--data", str(tmp_path / "plant.csv"), "--out", str(tmp_path / "out"), *options]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stopped:
        run_command(example.main, "The example.")
    message = stopped.value.code  # text: Python prints it on stderr and exits with 1
    assert isinstance(message, str)
    assert lesson in message
    assert "\n" not in message
