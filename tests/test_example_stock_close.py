"""The example stock_close.py does what its page says."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.stats import t as student

from example_scripts import Example

EXAMPLE = Example("stock_close")
MODELS = ("lstm", "lstm_change", "naive", "drift")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the small form prints, and the folder it writes to."""
    folder = tmp_path_factory.mktemp("stock")
    done = EXAMPLE.run("--out", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.fixture(scope="module")
def forecasts(small: tuple[str, Path]) -> pl.DataFrame:
    return pl.read_csv(small[1] / "forecasts.csv", try_parse_dates=True)


@pytest.fixture(scope="module")
def close(example: ModuleType) -> np.ndarray:
    """Every made price; (700,)."""
    return np.asarray(example.made_prices()["Close"].to_numpy())


def fitted(
    example: ModuleType, close: np.ndarray, name: str, epochs: int = 2
) -> tuple[Any, list[float], Callable[[int], float]]:
    """A trained net, its validation losses, and its forecast of any row."""
    panel, _ = example.load_panel(pl.DataFrame({"Close": close}), example.TableOptions(target=("Close",)))
    split = example.split_by_time(panel, horizon=1)
    torch.manual_seed(0)
    net = example.Net(name, example.MinMax().fit(panel.targets[: int(split.train_end[0])]))
    losses = example.fit(net, panel, split, epochs)

    def forecast(row: int) -> float:
        origin = example.Origins(np.array([0]), np.array([row]))
        return float(net.forecast(panel, origin, 1).mean.item())

    return net, losses, forecast


def test_scaler_sees_only_the_first_60_percent(small: tuple[str, Path], example: ModuleType, close: np.ndarray) -> None:
    first = close[:420]
    assert f"rows 0 to 419: lowest {first.min():.2f}, range {np.ptp(first):.2f}" in small[0]
    poisoned = np.where(np.arange(700) < 420, close, 1e9)
    for prices in (close, poisoned):
        net, _, _ = fitted(example, prices, "lstm")
        assert_allclose(net.scaling.centre, first.min(), rtol=1e-6)
        assert_allclose(net.scaling.scale, np.ptp(first), rtol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "lstm_change"])
def test_poisoned_test_prices_change_no_weight_and_no_earlier_forecast(
    example: ModuleType, close: np.ndarray, name: str
) -> None:
    poisoned = np.where(np.arange(700) < 560, close, 1e9)
    clean_net, clean_losses, clean = fitted(example, close, name)
    net, losses, forecast = fitted(example, poisoned, name)
    assert losses == clean_losses
    for key, weight in clean_net.state_dict().items():
        assert torch.equal(weight, net.state_dict()[key])
    assert [forecast(row) for row in (61, 420, 559, 560)] == [clean(row) for row in (61, 420, 559, 560)]
    assert forecast(561) != clean(561), "the poison is there"


def test_weights_learn_from_the_first_60_percent_alone(example: ModuleType, close: np.ndarray) -> None:
    """With one epoch the validation part has nothing to choose."""
    poisoned = np.where(np.arange(700) < 420, close, 1e9)
    clean_net, clean_losses, _ = fitted(example, close, "lstm", epochs=1)
    net, losses, _ = fitted(example, poisoned, "lstm", epochs=1)
    assert losses[0] > 1e6 * clean_losses[0], "the poison is there"
    for key, weight in clean_net.state_dict().items():
        assert torch.equal(weight, net.state_dict()[key])


def test_the_kept_weights_are_those_of_the_lowest_validation_loss(example: ModuleType, close: np.ndarray) -> None:
    """Training anew for just as many epochs as the best one took ends at the same weights."""
    net, losses, _ = fitted(example, close, "lstm", epochs=8)
    best = losses.index(min(losses)) + 1
    assert best < 8, "otherwise the last epoch is the best, and nothing is shown"
    again, _, _ = fitted(example, close, "lstm", epochs=best)
    for key, weight in again.state_dict().items():
        assert torch.equal(weight, net.state_dict()[key])


def test_scaling_back_to_dollars_is_exact(example: ModuleType, close: np.ndarray) -> None:
    prices = close.astype(np.float32)[:, None]
    scaling = example.MinMax().fit(prices[:420])
    assert_array_equal(scaling.inverse(scaling.transform(prices, 0), 0).astype(np.float32), prices)


@pytest.mark.parametrize("name", ["lstm", "lstm_change"])
def test_forecasts_are_in_dollars(example: ModuleType, close: np.ndarray, name: str) -> None:
    net, _, forecast = fitted(example, close, name)
    lowest, spread = close[:420].min(), np.ptp(close[:420])
    window = torch.tensor((close[540:600] - lowest) / spread, dtype=torch.float32)[None, :, None]  # (1, 60, 1)
    with torch.no_grad():
        by_hand = net(window).item() * spread + lowest
    assert forecast(600) == pytest.approx(by_hand, rel=1e-5)


def test_an_untaught_change_is_tomorrow_equals_today(example: ModuleType, close: np.ndarray) -> None:
    net, _, forecast = fitted(example, close, "lstm_change")
    torch.nn.init.zeros_(net.output.weight)
    torch.nn.init.zeros_(net.output.bias)
    assert_allclose([forecast(row) for row in (100, 699)], close[[99, 698]], rtol=1e-6)


def test_every_method_is_scored_on_the_same_last_fifth(forecasts: pl.DataFrame, close: np.ndarray) -> None:
    assert len(forecasts) == 140
    assert_allclose(forecasts["Close"], close[560:], rtol=1e-6)


def test_naive_row_equals_a_slow_loop(small: tuple[str, Path], forecasts: pl.DataFrame, close: np.ndarray) -> None:
    squared, absolute = 0.0, 0.0
    for day in range(560, 700):
        assert forecasts["naive"][day - 560] == pytest.approx(close[day - 1], rel=1e-6)
        squared += (close[day] - close[day - 1]) ** 2 / 140
        absolute += abs(close[day] - close[day - 1]) / 140
    assert small[0].count(f"MSE {squared:9.4f}   MAE {absolute:8.4f}") == 2


def test_printed_scores_are_those_of_the_written_forecasts(small: tuple[str, Path], forecasts: pl.DataFrame) -> None:
    for name in MODELS:
        error = (forecasts[name] - forecasts["Close"]).to_numpy()
        assert f"{name:12} MSE {np.mean(error**2):9.4f}   MAE {np.abs(error).mean():8.4f}" in small[0]


def verdict(printed: str, name: str) -> str:
    starts = tuple(f"  {name} {verb}" for verb in ("does not beat", "is ahead", "beats"))
    return next(line for line in printed.splitlines() if line.startswith(starts))


@pytest.mark.parametrize("name", ["lstm", "lstm_change"])
def test_verdict_agrees_with_the_numbers(small: tuple[str, Path], forecasts: pl.DataFrame, name: str) -> None:
    loss = {model: (forecasts[model] - forecasts["Close"]).abs().to_numpy() for model in MODELS}
    best = min(("naive", "drift"), key=lambda model: loss[model].mean())
    p_value = diebold_mariano(loss[name] - loss[best])
    text = verdict(small[0], name)
    assert {"naive": "(naive), the best", "drift": "drift, the best"}[best] in text
    ahead = loss[name].mean() < loss[best].mean()
    assert ("does not beat" in text) != ahead
    assert f"{name} beats" not in text or (ahead and p_value < 0.05)
    assert ("p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}") in text


def diebold_mariano(difference: np.ndarray) -> float:
    """The p-value by slow loops: autocovariances up to n^(1/3) days, small-sample correction of Harvey et al. 1997."""
    n, mean, lags = len(difference), difference.mean(), int(len(difference) ** (1 / 3))
    variance = 0.0
    for lag in range(lags + 1):
        for day in range(n - lag):
            pair = (difference[day] - mean) * (difference[day + lag] - mean)
            variance += (1 if lag == 0 else 2) * pair / n**2
    h = lags + 1
    statistic = mean / np.sqrt(variance) * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return float(2 * student.sf(abs(statistic), n - 1))


def test_the_trap_is_told_with_its_numbers(small: tuple[str, Path], forecasts: pl.DataFrame, close: np.ndarray) -> None:
    highest, test = close[:420].max(), close[560:]
    above = test > highest
    assert f"{above.sum()} of 140 test prices lie above {highest:.2f}" in small[0]
    for name in ("lstm", "lstm_change"):
        off = (forecasts[name].to_numpy() - test)[above].mean()
        assert f"there {name} is off by {off:+.2f} dollars" in small[0]


def test_a_net_on_levels_falls_far_behind_once_the_price_leaves_its_range(forecasts: pl.DataFrame) -> None:
    error = {name: (forecasts[name] - forecasts["Close"]).abs().mean() for name in MODELS}
    assert error["lstm"] > 3 * error["naive"]
    assert error["lstm_change"] < 1.1 * error["naive"]


def test_picture_is_written_and_not_blank(small: tuple[str, Path]) -> None:
    picture = Image.open(small[1] / "last_100_days.png").convert("RGB")
    pixels = np.asarray(picture)
    third = len(pixels) // 3
    for chart in range(3):
        part = pixels[chart * third : (chart + 1) * third].astype(int)
        blue = (abs(part - np.array([0, 0x72, 0xB2])).sum(axis=2) < 30).sum()
        black = (part.sum(axis=2) < 200).sum()
        assert blue > 100, "the net's line"
        assert black > 100, "the price"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,Open\n2020-01-01,1\n2020-01-02,2\n", 'there is no column "Close"'),
        ("Day,Close\n2020-01-01,1\n2020-01-02,2\n", 'there is no column "Date"'),
        ("Date,Close\n2020-01-01,1\n2020-01-02,cheap\n", '"cheap"'),
        ("Date,Close\n" + "".join(f"2020-01-{d:02},{d}\n" for d in range(1, 31)), "lookback=60"),
        (None, "there is no file"),
    ],
)
def test_a_wrong_table_is_one_line_and_exit_1(tmp_path: Path, text: str | None, message: str) -> None:
    table = tmp_path / "prices.csv"
    if text:
        table.write_text(text)
    done = EXAMPLE.run("--data", table, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_training_that_ends_in_no_number_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = EXAMPLE.run_diverging("--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.strip() == "lstm: the loss is nan, not a finite number. Look for extreme prices."
    assert not (tmp_path / "out").exists()


def test_a_price_too_great_for_a_loss_is_one_line_and_exit_1(tmp_path: Path, example: ModuleType) -> None:
    late = pl.int_range(pl.len()) == 500
    table = tmp_path / "prices.csv"
    example.made_prices().with_columns(Close=pl.when(late).then(3e38).otherwise("Close")).write_csv(table)
    done = EXAMPLE.run("--data", table, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.strip() == "lstm: the loss is inf, not a finite number. Look for extreme prices."
