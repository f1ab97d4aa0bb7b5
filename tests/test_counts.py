"""Counts: the negative binomial against scipy, and nets that forecast whole numbers."""

import msgspec
import numpy as np
import pytest
import scipy.stats
import torch

from builders import poisoned
from gatecast.choosing import Asked, choose
from gatecast.data.batches import Batch
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import InputError, OptionError
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.inspection import inspect_forecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.decoders import DecoderName
from gatecast.models.distributions import DENSITIES
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig

COUNTED = DENSITIES["negative_binomial"]
LEVELS = torch.tensor([0.01, 0.1, 0.5, 0.9, 0.99], dtype=torch.float64)


def drawn(spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw outputs and the scale of the window for 40 steps: from hardly anything to ten thousand."""
    torch.manual_seed(0)
    return spread * torch.randn(40, 2, dtype=torch.float64), torch.logspace(0, 4, 40, dtype=torch.float64)


def scipys(raw: torch.Tensor, scale: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Salinas et al. 2020, section 3.1, as scipy says it: r failures, each with probability p."""
    mean = scale.numpy() * (np.logaddexp(0, raw[:, 0].numpy() + np.log(np.e - 1)) + 1e-6)
    shape = (np.logaddexp(0, raw[:, 1].numpy()) + 1e-3) / np.sqrt(scale.numpy())
    return 1 / shape, 1 / (1 + shape * mean)


@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_the_loss_is_the_negative_log_likelihood_of_scipy(spread: float) -> None:
    raw, scale = drawn(spread)
    actual = torch.poisson(scale)
    expected = -scipy.stats.nbinom.logpmf(actual.numpy(), *scipys(raw, scale))
    np.testing.assert_allclose(COUNTED.loss(actual, raw, scale), expected, rtol=1e-8)


def test_outputs_of_zero_put_the_mean_on_the_scale() -> None:
    _, scale = drawn()
    torch.testing.assert_close(COUNTED.point(torch.zeros(40, 2, dtype=torch.float64), scale), scale, rtol=2e-6, atol=0)


def test_quantiles_and_draws_are_the_whole_numbers_of_scipy() -> None:
    raw, scale = drawn()
    failures, share = scipys(raw, scale)
    expected = scipy.stats.nbinom.ppf(LEVELS.numpy(), failures[:, None], share[:, None])
    np.testing.assert_allclose(COUNTED.quantiles(raw, scale, LEVELS), expected, atol=1)
    uniform = torch.rand(5000, 40, 2, dtype=torch.float64)
    found = COUNTED.draw(raw.expand(5000, -1, -1), scale.expand(5000, -1), uniform)
    assert torch.equal(found, found.round())
    error = found.std(dim=0) / 5000**0.5
    assert ((found.mean(dim=0) - COUNTED.point(raw, scale)).abs() < 5 * error).all()


def test_gradients_are_those_of_finite_differences() -> None:
    raw, scale = drawn()
    actual = torch.poisson(scale)
    assert torch.autograd.gradcheck(lambda raw: COUNTED.loss(actual, raw, scale), (raw.requires_grad_(),))


@pytest.mark.parametrize("extreme", [-1e4, 1e4])
@pytest.mark.parametrize("count", [0.0, 1e5])
def test_extreme_outputs_stay_finite(extreme: float, count: float) -> None:
    raw = torch.full((1, 2), extreme, requires_grad=True)
    loss = COUNTED.loss(torch.full((1,), count), raw, torch.ones(1)).sum()
    loss.backward()
    assert loss.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


def visitors(series: int = 3, rows: int = 400) -> Panel:
    """Counts with a weekly pattern, each series ten times as large as the one before.

    Large counts vary less for their size, as the shape softplus(.) / sqrt(v) has it.
    """
    rng = np.random.default_rng(0)
    pattern = np.array([1.0, 1.0, 1.5, 1.0, 2.0, 3.0, 0.5])[np.arange(rows) % 7]
    arrays = {}
    for i in range(series):
        mean, failures = 4 * 10.0**i * pattern, 2 * np.sqrt(4 * 10.0**i)
        arrays[f"s{i}"] = rng.negative_binomial(failures, failures / (failures + mean))[:, None].astype(float)
    return panel_from_arrays(arrays, Columns(target=("y",), id="unique_id", time="ds"), parse_frequency("1d"))


def config(mode: Mode = "windows", decode: DecoderName = "direct", steps: int = 12) -> ForecasterConfig:
    return ForecasterConfig(
        lookback=28,
        horizon=7,
        mode=mode,
        season=7,
        normalise="causal" if mode == "sequences" else "meanabs",
        subtract="none",
        scaler="none",
        calendar=("week",),
        network=NetworkConfig(layer=LayerConfig(hidden_size=16), decode=decode, loss="negative_binomial", paths=50),
        training=TrainingConfig(steps=steps, batch_size=32, learning_rate=1e-2, streams=8, time=64, evaluate_every=10),
    )


@pytest.mark.parametrize("mode", ["windows", "sequences"])
@pytest.mark.parametrize("decode", ["direct", "seq2seq", "recursive"])
def test_forecasts_are_counts_and_do_not_see_the_future(mode: Mode, decode: DecoderName) -> None:
    panel = visitors()
    split = split_by_time(panel, 7)
    forecaster = RecurrentForecaster(config(mode, decode)).fit(panel, split)
    origins = Origins(np.arange(3), split.validation_end)
    found = forecaster.forecast(panel, origins, 7)
    assert (found.quantiles >= 0).all()
    dirty = forecaster.forecast(poisoned(panel, split.validation_end, np.inf), origins, 7)
    assert np.array_equal(found.quantiles, dirty.quantiles)
    assert np.array_equal(found.quantiles, found.quantiles.round())
    if decode == "recursive":
        paths = forecaster.sample(panel, origins, 7).samples
        assert paths is not None
        assert np.array_equal(paths, paths.round())


def test_a_net_of_counts_can_be_inspected() -> None:
    panel = visitors()
    split = split_by_time(panel, 7)
    forecaster = RecurrentForecaster(config()).fit(panel, split)
    found = inspect_forecaster(forecaster, panel, Origins(np.zeros(2, dtype=np.int64), np.array([300, 320])))
    assert found.memory.weights.sum() > 0


def test_training_finds_the_weekly_pattern_at_every_scale() -> None:
    panel = visitors()
    split = split_by_time(panel, 7)
    forecaster = RecurrentForecaster(config(steps=200)).fit(panel, split)
    first = split.validation_end[0]
    origins = Origins(np.repeat(np.arange(3), 20), np.tile(first + np.arange(20), 3))
    found = forecaster.forecast(panel, origins, 7)
    rows = panel.offsets[origins.series][:, None] + origins.position[:, None] + np.arange(7)
    below = (panel.targets[rows] <= found.quantiles[..., 2]).reshape(3, -1).mean(axis=1)
    # 26 different rows of each series tell a share of 0.9 (and a little more, for counts jump) up to three deviations.
    assert (below > 0.9 - 3 * np.sqrt(0.09 / 26)).all()
    day = (rows % len(panel.times[panel.rows(0)])) % 7
    busy, quiet = (np.where(day == which, found.mean[..., 0], np.nan) for which in (5, 6))
    times = np.nanmean(busy.reshape(3, -1), axis=1) / np.nanmean(quiet.reshape(3, -1), axis=1)
    assert (times > 2).all()


def test_missing_targets_move_no_weight() -> None:
    network, course, _ = RecurrentForecaster(config()).prepare(visitors(), split_by_time(visitors(), 7))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    batch = course.tensors.gather(course.validation[:8])
    mask = batch.mask.clone()
    mask[:, 3:] = 0
    gradients = []
    for value in (0.0, 1e6):
        actual = torch.where(mask > 0, batch.actual, value)
        network.zero_grad()
        network.loss(Batch(**{**vars(batch), "actual": actual, "mask": mask})).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    assert torch.equal(gradients[0], gradients[1])
    assert gradients[0].abs().max() > 0


@pytest.mark.parametrize("value", [-1.0, 2.5])
def test_what_is_no_count_is_refused_with_its_series_and_row(value: float) -> None:
    panel = visitors()
    values = panel.values.copy()
    values[panel.rows(1)][10] = value
    wrong = panel_from_arrays(
        {name: values[panel.rows(i)] for i, name in enumerate(panel.ids)}, panel.columns, panel.frequency
    )
    with pytest.raises(InputError, match=f'y of series "s1" is {value:g} at 2024-01-11, and counts are whole numbers'):
        RecurrentForecaster(config()).prepare(wrong, split_by_time(wrong, 7))


def test_what_is_missing_is_no_wrong_count() -> None:
    panel = visitors()
    values = panel.values.copy()
    values[50:60] = np.nan
    gaps = panel_from_arrays(
        {name: values[panel.rows(i)] for i, name in enumerate(panel.ids)}, panel.columns, panel.frequency
    )
    forecaster = RecurrentForecaster(config()).fit(gaps, split_by_time(gaps, 7))
    assert np.isfinite(forecaster.forecast(gaps, Origins(np.array([0]), np.array([58])), 7).quantiles).all()


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_the_loss_alone_sets_what_counts_need_and_says_so(mode: Mode) -> None:
    panel = visitors()
    asked = Asked(horizon=7, mode=mode, network=NetworkConfig(loss="negative_binomial"))
    chosen = choose(panel, split_by_time(panel, 7), asked)
    said = {guess.what: guess.value for guess in chosen.guesses}
    assert (chosen.config.scaler, chosen.config.subtract, chosen.calibrate) == ("none", "none", False)
    assert (said["scaler"], said["subtract"], said["calibrate"]) == ("none", "none", "no")
    assert chosen.config.normalise == {"windows": "meanabs", "sequences": "causal"}[mode]


@pytest.mark.parametrize("settings", [{"scaler": "standard"}, {"subtract": "last"}])
def test_what_counts_cannot_be_is_refused(settings: dict[str, str]) -> None:
    panel = visitors()
    asked = msgspec.structs.replace(Asked(horizon=7, network=NetworkConfig(loss="negative_binomial")), **settings)
    with pytest.raises(OptionError, match="take scaler='none' and subtract='none', not"):
        choose(panel, split_by_time(panel, 7), asked)
