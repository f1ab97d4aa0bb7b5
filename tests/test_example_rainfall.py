"""The example rainfall.py does what its page says."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from torch.optim.optimizer import register_optimizer_step_pre_hook

from example_scripts import Example

EXAMPLE = Example("rainfall")
NETS = ("rnn_1to1", "rnn_1to1_clipped", "rnn_4to4", "rnn_4to4_clipped")
SIMPLE = ("naive", "seasonal_naive", "month_mean", "autoreg", "autoreg_refit")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the small form prints, and the folder it writes to."""
    folder = tmp_path_factory.mktemp("rain")
    done = EXAMPLE.run("--out", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.fixture(scope="module")
def weather(example: ModuleType) -> pl.DataFrame:
    return example.made_weather()


@pytest.fixture(scope="module")
def rain(weather: pl.DataFrame) -> np.ndarray:
    """Every made month of rain; (252,)."""
    return weather["Precipitation"].to_numpy()


@pytest.fixture(scope="module")
def forecasts(small: tuple[str, Path]) -> dict[str, pl.DataFrame]:
    """For each model: the months (`ds`), what came (`y`) and what it said (`mean`)."""
    table = pl.read_csv(small[1] / "forecasts.csv")
    return {str(name): part for (name,), part in table.group_by("model", maintain_order=True)}


def poison(weather: pl.DataFrame, first: int) -> pl.DataFrame:
    """Every value from row `first` on replaced by 1e9."""
    late = pl.int_range(pl.len()) >= first
    return weather.with_columns(pl.when(late).then(1e9).otherwise(pl.all()).name.keep())


def values(example: ModuleType, table: pl.DataFrame) -> np.ndarray:
    """The months as the example reads them, rain first; (252, 4)."""
    return table.select(example.RAIN, *example.OTHERS).to_numpy().astype(np.float32)


def test_every_method_is_scored_on_the_same_last_50_months(
    forecasts: dict[str, pl.DataFrame], rain: np.ndarray
) -> None:
    assert set(forecasts) == {*NETS, *SIMPLE}
    for part in forecasts.values():
        assert_array_equal(part["ds"], np.arange(202, 252))
        assert_allclose(part["y"], rain[202:], rtol=1e-6)


def test_printed_scores_are_those_of_the_written_forecasts(
    small: tuple[str, Path], forecasts: dict[str, pl.DataFrame], rain: np.ndarray
) -> None:
    scale = np.abs(rain[12:202] - rain[:190]).mean()
    for name, part in forecasts.items():
        error = (part["mean"] - part["y"]).to_numpy()
        absolute = np.abs(error).mean()
        assert f"{name:18} {np.mean(error**2):10.1f} {absolute:8.2f} {absolute / scale:7.4f}" in small[0]


def test_autoreg_equals_a_slow_loop(forecasts: dict[str, pl.DataFrame], rain: np.ndarray) -> None:
    weights = least_squares(rain[:202])
    for place in range(50):
        assert forecasts["autoreg"]["mean"][place] == pytest.approx(one_ahead(rain[: 202 + place], weights), rel=1e-4)


def test_refitted_autoreg_equals_a_slow_loop(forecasts: dict[str, pl.DataFrame], rain: np.ndarray) -> None:
    for place in range(50):
        past = rain[: 202 + place]
        expected = one_ahead(past, least_squares(past))
        assert forecasts["autoreg_refit"]["mean"][place] == pytest.approx(expected, rel=1e-4)


def least_squares(values: np.ndarray) -> np.ndarray:
    """A constant and the weights of 1, 2, ... 12 months ago, by the normal equations."""
    table, wanted = np.zeros((13, 13)), np.zeros(13)
    for month in range(12, len(values)):
        row = np.array([1.0, *(values[month - lag] for lag in range(1, 13))])
        table += np.outer(row, row)
        wanted += row * values[month]
    return np.linalg.solve(table, wanted)


def one_ahead(past: np.ndarray, weights: np.ndarray) -> float:
    total = weights[0]
    for lag in range(1, 13):
        total += weights[lag] * past[-lag]
    return float(total)


def test_simple_rows_equal_slow_loops(forecasts: dict[str, pl.DataFrame], rain: np.ndarray) -> None:
    for place in range(50):
        month = 202 + place
        same_month = [rain[earlier] for earlier in range(month) if (month - earlier) % 12 == 0]
        assert forecasts["naive"]["mean"][place] == pytest.approx(rain[month - 1], rel=1e-6)
        assert forecasts["seasonal_naive"]["mean"][place] == pytest.approx(rain[month - 12], rel=1e-6)
        assert forecasts["month_mean"]["mean"][place] == pytest.approx(np.mean(same_month), rel=1e-6)


def test_poisoned_test_months_change_no_parameter_and_no_first_forecast(
    example: ModuleType, weather: pl.DataFrame
) -> None:
    assert tuple(example.NETS) == NETS
    for name in NETS:
        same, clean_rain, clean_norms = example.fit(name, values(example, weather), seed=0, epochs=3)
        net, rain, norms = example.fit(name, values(example, poison(weather, 202)), seed=0, epochs=3)
        assert_array_equal(norms, clean_norms)
        assert_array_equal(net.scaling.centre, same.scaling.centre)
        assert_array_equal(net.scaling.scale, same.scaling.scale)
        for key, weight in same.state_dict().items():
            assert torch.equal(weight, net.state_dict()[key])
        assert rain[0] == clean_rain[0]
        assert rain[1] != clean_rain[1], "the poison is there"


def test_scalers_see_only_the_training_months(example: ModuleType, weather: pl.DataFrame) -> None:
    training = values(example, weather)[:152]
    for name in NETS:
        net, _, _ = example.fit(name, values(example, poison(weather, 152)), seed=0, epochs=1)
        assert_allclose(net.scaling.centre[0], training.mean(axis=0)[: net.columns], rtol=1e-5)
        assert_allclose(net.scaling.scale[0], training.std(axis=0)[: net.columns], rtol=1e-5)


def test_poisoned_test_months_change_no_simple_method_before_them(example: ModuleType, weather: pl.DataFrame) -> None:
    """Naive and seasonal naive are gatecast's own."""
    clean = example.classical(weather[example.RAIN].to_numpy())
    said = example.classical(poison(weather, 202)[example.RAIN].to_numpy())
    for name, rain in clean.items():
        assert said[name][0] == rain[0]
        assert said[name][-1] != rain[-1], "the poison is there"


def test_weights_learn_from_the_first_152_months_alone(example: ModuleType, weather: pl.DataFrame) -> None:
    """With one epoch the validation part has nothing to choose."""
    clean, _, _ = example.fit("rnn_4to4_clipped", values(example, weather), seed=0, epochs=1)
    net, _, _ = example.fit("rnn_4to4_clipped", values(example, poison(weather, 152)), seed=0, epochs=1)
    for key, weight in clean.state_dict().items():
        assert torch.equal(weight, net.state_dict()[key])


@pytest.mark.parametrize("columns", [1, 4])
def test_clipping_limits_the_gradient_that_the_optimiser_sees(
    example: ModuleType, weather: pl.DataFrame, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"rnn_{columns}to{columns}"
    train = partial(example.fit, name, values(example, weather), seed=0, epochs=3)
    free, found = seen_by_the_optimiser(train)
    assert_allclose(found, free[:, 0], rtol=1e-5)
    limit = float(np.median(free[:, 0])) / 2
    monkeypatch.setitem(example.NETS, name, (columns, limit))
    clipped, found = seen_by_the_optimiser(train)
    assert found.max() <= limit * (1 + 1e-5)
    assert (clipped[:, 0] > limit).mean() > 0.3, "there was something to clip"
    assert_allclose(found, np.minimum(clipped[:, 0], limit), rtol=1e-4)
    assert_allclose(clipped[:, 1], found, rtol=1e-5)


def seen_by_the_optimiser(train: Any) -> tuple[np.ndarray, np.ndarray]:
    """The norms that training reports, and those measured at each step of the optimiser."""
    found: list[float] = []

    def measure(optimiser: torch.optim.Optimizer, *_: object) -> None:
        gradients = [p.grad for group in optimiser.param_groups for p in group["params"]]
        found.append(float(np.sqrt(sum((g.double() ** 2).sum().item() for g in gradients))))

    handle = register_optimizer_step_pre_hook(measure)
    try:
        _, _, norms = train()
    finally:
        handle.remove()
    return norms, np.array(found)


def test_without_clipping_a_gradient_was_longer_than_the_limit(small: tuple[str, Path]) -> None:
    for name in NETS:
        line = next(line for line in small[0].splitlines() if line.startswith(f"{name} "))
        largest, used = (float(line.split(word)[1].split(",")[0]) for word in ("largest gradient ", "used "))
        assert largest > 0.5
        assert used == (0.5 if "clipped" in name else largest)


def test_verdicts_agree_with_the_numbers(small: tuple[str, Path], forecasts: dict[str, pl.DataFrame]) -> None:
    error = {name: (part["mean"] - part["y"]).abs().mean() for name, part in forecasts.items()}
    best = min(SIMPLE, key=lambda name: error[name])
    spoken = {"autoreg": "AutoReg", "seasonal_naive": "seasonal naive"}.get(best, best)
    for net in NETS:
        starts = tuple(f"{net} {verb}" for verb in ("does not beat", "is ahead", "beats"))
        (text,) = (line for line in small[0].splitlines() if line.startswith(starts))
        assert f"{spoken}, the best simple method" in text
        assert text.startswith(f"{net} does not beat") == (error[net] >= error[best])


def test_overview_has_four_panels(small: tuple[str, Path]) -> None:
    pixels = np.asarray(Image.open(small[1] / "overview.png").convert("RGB")).astype(int)
    blue = (np.abs(pixels - np.array([0, 0x72, 0xB2])).sum(axis=2) < 30).sum(axis=1) > 0  # rows with the line
    assert sum(height > 60 for height in bands(blue)) == 4, "four bands of lines, each a chart"


def bands(flags: np.ndarray) -> np.ndarray:
    """How many rows each run of true rows has."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0])).reshape(-1, 2)
    return np.asarray(edges[:, 1] - edges[:, 0])


def test_every_picture_is_written(small: tuple[str, Path]) -> None:
    for name in ("overview", "last_50_months", "gradient_norm"):
        picture = Image.open(small[1] / f"{name}.png")
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(maxcolors=1_000_000) or []) > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop("Temperature"), 'there is no column "Temperature"'),
        (lambda table: table.drop("Precipitation"), 'there is no column "Precipitation"'),
        (lambda table: table.head(149), "give at least 150 months, not 149"),
        (lambda table: table.with_columns(Temperature=pl.col("Temperature").shift()), 'column "Temperature", month 0'),
        (None, "there is no file"),
    ],
)
def test_a_wrong_table_is_one_line_and_exit_1(tmp_path: Path, weather: pl.DataFrame, change: Any, message: str) -> None:
    table = tmp_path / "rain.csv"
    if change:
        change(weather).write_csv(table)
    done = EXAMPLE.run("--data", table, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_training_that_ends_in_no_number_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = EXAMPLE.run_diverging("--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.strip() == "rnn_1to1: the loss is nan, not a finite number. Look for extreme values."
    assert not (tmp_path / "out").exists()


def test_a_month_too_great_for_a_loss_is_one_line_and_exit_1(tmp_path: Path, weather: pl.DataFrame) -> None:
    late = pl.int_range(pl.len()) == 160
    table = tmp_path / "rain.csv"
    weather.with_columns(Precipitation=pl.when(late).then(3e38).otherwise("Precipitation")).write_csv(table)
    done = EXAMPLE.run("--data", table, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.strip() == "rnn_1to1: the loss is inf, not a finite number. Look for extreme values."


def test_the_snippet_of_the_page_lowers_the_error_by_forbidding_rain_below_zero(
    small: tuple[str, Path], tmp_path: Path, forecasts: dict[str, pl.DataFrame]
) -> None:
    tmp_path.joinpath("runs/examples").mkdir(parents=True)
    tmp_path.joinpath("runs/examples/rainfall").symlink_to(small[1])
    snippet = EXAMPLE.path.parents[1] / "docs/snippets/rain_not_below_zero.py"
    done = subprocess.run([sys.executable, snippet], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, part in forecasts.items():
        cut = np.abs(part["y"].to_numpy() - np.maximum(part["mean"].to_numpy(), 0)).mean()
        assert re.search(rf"{name} +┆ {cut:.3f}"[:-1], done.stdout), f"{name} {cut}"
        assert cut <= np.abs(part["y"].to_numpy() - part["mean"].to_numpy()).mean()
