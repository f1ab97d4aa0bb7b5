"""A net that is fed its own forecasts: every step against re-encoding everything, and its sample paths."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from builders import SEASON, poisoned, small_config, waves, with_values
from gatecast.artifact import load, save
from gatecast.data.batches import Batch
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays, some_series
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.forecaster.laying import lay_out, layout_of
from gatecast.models.config import NetworkConfig
from gatecast.models.decoders import AtCutoff
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.losses import POINT_LOSSES, LossName, masked_mean
from gatecast.models.network import RecurrentNetwork
from gatecast.models.normalising import Normalise, Subtract
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Windows

ORIGINS = Origins(np.array([0, 1, 0, 1]), np.array([150, 160, 170, 30]))
SHIFTED = [name for name in DENSITIES if name not in COUNTS]  # densities around a base
both_modes = pytest.mark.parametrize("mode", ["windows", "sequences"])
both_cells = pytest.mark.parametrize("cell", ["gru", "lstm"])


def planned(rows: int = 240) -> Panel:
    """Two targets, and a covariate that is known in advance and moves the first."""
    rng = np.random.default_rng(3)
    columns = Columns(target=("a", "b"), future=("x",), id="unique_id", time="ds")
    arrays = {}
    for name, level in (("s0", 10.0), ("s1", 30.0)):
        x = rng.normal(size=rows)
        a = level + np.sin(2 * np.pi * np.arange(rows) / SEASON) + x + 0.1 * rng.normal(size=rows)
        arrays[name] = np.stack([a, 5 + 0.5 * rng.normal(size=rows).cumsum(), x], axis=1)
    for values in arrays.values():
        values[[100, 148, 149], 0] = np.nan  # just before the first origin too
        values[167:170, 1] = np.nan
    return panel_from_arrays(arrays, columns, parse_frequency("1h"))


def recursive(loss: LossName = "normal", cell: str = "gru", **settings: object) -> NetworkConfig:
    layer = LayerConfig(cell=cell, hidden_size=8, num_layers=2)
    return NetworkConfig(**{"layer": layer, "decode": "recursive", "loss": loss, "paths": 40} | settings)


def random_net(config: ForecasterConfig, panel: Panel) -> RecurrentForecaster:
    """A net with random weights everywhere: what is fed back matters."""
    forecaster = RecurrentForecaster(config)
    forecaster.prepare(panel, split_by_time(panel, 6))
    torch.manual_seed(1)
    for parameter in forecaster.network_.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    forecaster.network_.eval()
    return forecaster


def windows_of(forecaster: RecurrentForecaster, panel: Panel, origins: Origins = ORIGINS) -> Batch:
    tensors = lay_out(forecaster.fitted_, panel, forecaster.fitted_.scaling, layout_of(forecaster.config))
    return tensors.gather(tensors.place(origins))


def slowly(network: RecurrentNetwork, batch: Batch) -> Tensor:
    """Each step from reading the whole window anew, with all forecasts so far as its last rows."""
    frame, lookback, targets = network.sizes.frame, batch.past.shape[1], batch.actual.shape[2]
    reach = batch.past[:, -SEASON:] if frame.subtract == "seasonal" else batch.past
    level, unit = batch.past[:, -1:], torch.ones_like(batch.past[:, -1:])
    if frame.normalise == "standard":
        level, unit = reach.mean(dim=1, keepdim=True), reach.std(dim=1, keepdim=True, correction=0)
    grown, observed, out = batch.past, batch.observed, []
    for step in range(batch.actual.shape[1]):
        y = grown[..., :targets]
        rows = [(grown - level) / unit, torch.diff(y, dim=1, prepend=y[:, :1]) / unit[..., :targets]]
        if frame.subtract == "seasonal":
            ago = torch.cat([y[:, :SEASON], y[:, :-SEASON]], dim=1)
            rows.append((y - ago) / unit[..., :targets])
        rows += [observed, batch.known[:, : lookback + step]]
        output = network.encoder(torch.cat(rows, dim=-1), network.named(batch.static, batch.identity)).output
        next_known = batch.known[:, lookback + step, None]
        raw = network.decoder(AtCutoff(output[:, -1], None, network.encoder.layer), next_known)
        raw = raw + network.highway((y[:, -lookback:] - level[..., :targets]) / unit[..., :targets])
        base = {"last": y[:, -1:], "seasonal": y[:, -SEASON, None], "none": level[..., :targets]}[frame.subtract]
        out.append(base + unit[..., :targets] * raw)
        grown = torch.cat([grown, torch.cat([out[-1], next_known[..., : len("x")]], dim=-1)], dim=1)
        seen, since = observed[:, -1:].chunk(2, dim=-1)
        waited = torch.where(seen > 0, 1.0, 1 + torch.expm1(since))
        observed = torch.cat([observed, torch.cat([torch.ones_like(seen), torch.log1p(waited)], dim=-1)], dim=1)
    return torch.cat(out, dim=1)


@both_cells
@pytest.mark.parametrize("normalise", ["last", "standard"])
@pytest.mark.parametrize("subtract", ["last", "seasonal", "none"])
def test_windows_fed_back_equal_reading_everything_anew(cell: str, normalise: Normalise, subtract: Subtract) -> None:
    config = small_config(network=recursive("mse", cell, embedding=2), normalise=normalise, subtract=subtract)
    forecaster = random_net(config, planned())
    batch = windows_of(forecaster, planned())
    with torch.no_grad():
        torch.testing.assert_close(
            forecaster.network_(batch)[..., 0], slowly(forecaster.network_, batch), rtol=1e-4, atol=1e-5
        )


@both_cells
@pytest.mark.parametrize("subtract", ["last", "seasonal"])
def test_sequences_fed_back_equal_reading_everything_anew(cell: str, subtract: Subtract) -> None:
    config = small_config(network=recursive("mse", cell, embedding=2), mode="sequences", subtract=subtract)
    _equals_taking_forecasts_for_observations(config, np.array([150, 160, 170, 30]))


@pytest.mark.parametrize("position", [1, 2, 7, 11])
def test_young_series_fed_back_equal_reading_everything_anew(position: int) -> None:
    config = small_config(network=recursive("mse"), mode="sequences")
    _equals_taking_forecasts_for_observations(config, np.full(4, position))


def _equals_taking_forecasts_for_observations(config: ForecasterConfig, positions: np.ndarray) -> None:
    panel = planned()
    forecaster = random_net(config, panel)
    for series, position in zip(ORIGINS.series.tolist(), positions.tolist(), strict=True):
        origin = Origins(np.array([series]), np.array([position]))
        at_once = forecaster.forecast(panel, origin, 6).mean[0]
        values = panel.values.copy()
        for step in range(6):
            one = forecaster.forecast(
                with_values(panel, values), Origins(origin.series, origin.position + step), 1
            ).mean[0, 0]
            np.testing.assert_allclose(at_once[step], one, rtol=2e-5, atol=2e-4)
            values[panel.rows(series)][position + step, :2] = one


@pytest.mark.parametrize("loss", ["mse", "normal"])
def test_a_bounded_context_that_holds_the_series_changes_nothing(loss: LossName) -> None:
    forecaster = random_net(small_config(network=recursive(loss), mode="sequences"), planned())
    whole, enough, less = (
        forecaster.forecast(planned(), ORIGINS, 6).mean,
        *(forecaster.bounded(planned(), ORIGINS, 6, context).mean for context in (200, 40)),
    )
    assert np.array_equal(whole, enough)
    assert (whole != less)[:3].any(axis=(1, 2)).all()
    assert np.array_equal(whole[3], less[3]), "it has 30 rows before it"


def test_planned_words_are_read_too() -> None:
    panel = planned()
    words = msgspec.structs.replace(panel.columns, future=("x", "w"), categories={"w": ("u", "v")})
    rng = np.random.default_rng(0)
    arrays = {
        name: np.concatenate([panel.values[panel.rows(i)], rng.integers(1, 3, size=(240, 1))], axis=1)
        for i, name in enumerate(panel.ids)
    }
    panel = panel_from_arrays(arrays, words, panel.frequency)
    for mode in ("windows", "sequences"):
        forecaster = random_net(small_config(network=recursive("mse"), mode=mode), panel)
        values = panel.values.copy()
        values[152, 3] = 3 - values[152, 3]
        origin = Origins(np.array([0]), np.array([150]))
        before, after = (forecaster.forecast(one, origin, 6).mean[0] for one in (panel, with_values(panel, values)))
        assert (before != after).any(axis=1).tolist() == [False, False, True, True, True, True]


@both_modes
@pytest.mark.parametrize("loss", [*SHIFTED, *POINT_LOSSES])
@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e9])
def test_the_future_moves_nothing(mode: Mode, loss: LossName, poison: float) -> None:
    panel = waves(targets=2)
    forecaster = random_net(small_config(network=recursive(loss), mode=mode, subtract="seasonal"), panel)
    for series, position in ((0, 150), (1, 170)):
        origin = Origins(np.array([series]), np.array([position]))
        clean = forecaster.forecast(panel, origin, 6)
        dirty = forecaster.forecast(poisoned(panel, np.array([position, position]), poison), origin, 6)
        assert np.array_equal(clean.mean, dirty.mean)
        assert np.array_equal(clean.quantiles, dirty.quantiles)


@both_modes
def test_what_is_planned_moves_its_own_step_and_those_after_it(mode: Mode) -> None:
    panel = planned()
    forecaster = random_net(small_config(network=recursive("mse"), mode=mode), panel)
    values = panel.values.copy()
    values[150 + 2, 2] += 1
    origin = Origins(np.array([0]), np.array([150]))
    before, after = (forecaster.forecast(one, origin, 6).mean[0] for one in (panel, with_values(panel, values)))
    assert (before != after).any(axis=1).tolist() == [False, False, True, True, True, True]


@both_modes
@both_cells
@pytest.mark.parametrize("loss", SHIFTED)
def test_paths_do_not_depend_on_what_else_is_forecast(mode: Mode, cell: str, loss: LossName) -> None:
    panel = waves()
    forecaster = random_net(small_config(network=recursive(loss, cell), mode=mode), panel)
    together = forecaster.sample(panel, ORIGINS, 6)
    backwards = Origins(ORIGINS.series[::-1].copy(), ORIGINS.position[::-1].copy())
    assert together.samples is not None
    assert np.array_equal(_samples(forecaster, panel, backwards, 6)[::-1], together.samples)
    for window in range(len(ORIGINS)):
        one = Origins(ORIGINS.series[[window]], ORIGINS.position[[window]])
        assert np.array_equal(_samples(forecaster, panel, one, 6)[0], together.samples[window])
        assert np.array_equal(forecaster.forecast(panel, one, 6).quantiles[0], together.quantiles[window])
        alone = some_series(panel, one.series)
        shorter = forecaster.sample(alone, Origins(np.array([0]), one.position), 4, 7).samples
        assert shorter is not None
        assert np.array_equal(shorter[0], together.samples[window, :7, :4])


def _samples(forecaster: RecurrentForecaster, panel: Panel, origins: Origins, horizon: int) -> np.ndarray:
    found = forecaster.sample(panel, origins, horizon).samples
    assert found is not None
    return found


def test_paths_differ_by_path_by_origin_and_by_seed() -> None:
    panel = waves()
    config = small_config(network=recursive())
    other = msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, seed=1))
    first, second = (_samples(random_net(one, panel), panel, ORIGINS, 6) for one in (config, other))
    assert len(np.unique(first[0, :, 0])) == 40
    noise = first - first.mean(axis=1, keepdims=True)
    assert abs(np.corrcoef(noise[0, :, 0, 0], noise[1, :, 0, 0])[0, 1]) < 4 / np.sqrt(40)
    assert not np.isin(first, second).any()


def test_quantiles_are_those_of_the_paths_and_the_point_is_their_median() -> None:
    panel = waves()
    found = random_net(small_config(network=recursive()), panel).sample(panel, ORIGINS, 6, paths=1000)
    assert found.samples is not None
    assert found.samples.shape == (4, 1000, 6, 1)
    expected = np.moveaxis(np.quantile(found.samples, found.levels, axis=1), 0, -1)
    np.testing.assert_allclose(found.quantiles, expected, rtol=1e-6)
    assert np.array_equal(found.mean, found.quantiles[..., 1])


@both_modes
def test_many_origins_come_in_parts(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = waves()
    forecaster = random_net(small_config(network=recursive(), mode=mode), panel)
    whole = forecaster.forecast(panel, ORIGINS, 6).quantiles
    for most in (1, 80, 120):
        monkeypatch.setattr("gatecast.forecaster.running.PATHS_AT_ONCE", most)
        assert np.array_equal(forecaster.forecast(panel, ORIGINS, 6).quantiles, whole)


@both_modes
def test_a_recursive_net_comes_back_from_disk_bit_for_bit(mode: Mode, tmp_path: Path) -> None:
    panel = waves()
    fitted = RecurrentForecaster(small_config(network=recursive("student"), mode=mode)).fit(
        panel, split_by_time(panel, 6)
    )
    loaded, *_ = load(save(fitted, tmp_path))
    assert np.array_equal(_samples(loaded, panel, ORIGINS, 6), _samples(fitted, panel, ORIGINS, 6))


@both_modes
def test_the_paths_of_an_ensemble_are_the_medians_of_its_members(mode: Mode) -> None:
    panel = waves()
    config = small_config(network=recursive(ensemble=3), mode=mode)
    together = random_net(config, panel)
    alone = []
    for member in together.network_.members:
        single = RecurrentForecaster(msgspec.structs.replace(config, network=recursive()))
        single.prepare(panel, split_by_time(panel, 6))
        single.network_.load_state_dict(member.state_dict())
        single.network_.eval()
        alone.append(_samples(single, panel, ORIGINS, 6))
    assert not np.array_equal(alone[0], alone[1])
    np.testing.assert_allclose(_samples(together, panel, ORIGINS, 6), np.median(alone, axis=0), rtol=1e-6)


@both_modes
def test_training_looks_one_step_ahead_and_learns_it(mode: Mode) -> None:
    panel = waves()
    config = small_config(network=recursive("mse"), mode=mode, steps=100, learning_rate=1e-2)
    forecaster = RecurrentForecaster(config)
    network, course, _ = forecaster.prepare(panel, split_by_time(panel, 6))
    assert course.tensors.horizon == 1
    untrained = course.validation_loss(network.eval())
    assert course.validation_loss(forecaster.fit(panel, split_by_time(panel, 6)).network_) < 0.5 * untrained


def test_free_running_is_the_loss_of_the_forecasts_that_are_fed_back() -> None:
    panel = planned()
    forecaster = random_net(small_config(network=recursive("mse")), panel)
    network, batch = forecaster.network_, windows_of(forecaster, panel)
    expected = masked_mean(POINT_LOSSES["mse"](network(batch)[..., 0], batch.actual), batch.mask)
    torch.testing.assert_close(network.loss(batch, free=True), expected)
    assert network.loss(batch) != expected


@pytest.mark.parametrize("loss", ["mse", "normal"])
@pytest.mark.parametrize("normalise", ["standard", "causal"])
def test_gradients_flow_through_what_is_fed_back(loss: LossName, normalise: Normalise) -> None:
    panel = planned()
    small = NetworkConfig(layer=LayerConfig(hidden_size=3), decode="recursive", loss=loss)
    forecaster = random_net(small_config(network=small, normalise=normalise), panel)
    network, batch = forecaster.network_.double(), windows_of(forecaster, panel)
    batch = Batch(**{name: t.double() if t.is_floating_point() else t for name, t in vars(batch).items()})
    names, parameters = zip(*network.named_parameters(), strict=True)

    def loss_of(*values: Tensor) -> Tensor:
        own = dict(zip(names, values, strict=True))
        return torch.func.functional_call(FreeLoss(network), {f"network.{k}": v for k, v in own.items()}, (batch,))

    assert torch.autograd.gradcheck(loss_of, tuple(p.detach().requires_grad_() for p in parameters), fast_mode=True)


class FreeLoss(torch.nn.Module):
    """The free-running loss as a call."""

    def __init__(self, network: RecurrentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> Tensor:
        return self.network.loss(batch, free=True)


def test_a_budget_without_free_running_runs_nothing_free() -> None:
    panel = waves()
    network, course, _ = RecurrentForecaster(small_config(budget="1h", steps=1)).prepare(panel, split_by_time(panel, 6))
    assert isinstance(course, Windows)
    batch = course.tensors.gather(course.train[torch.from_numpy(course.sampler.batch(5))])
    assert course.loss(network, 5, ())[0] == network.loss(batch)


def test_the_last_steps_run_free_and_the_validation_part_always_does() -> None:
    panel = waves()
    config = small_config(network=recursive("mse"), free_running=4)
    network, course, _ = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    assert isinstance(course, Windows)
    for step in (0, 7, 8, 11):
        batch = course.tensors.gather(course.train[torch.from_numpy(course.sampler.batch(step))])
        assert course.loss(network, step, ())[0] == network.loss(batch, free=step >= 8)
    whole = course.tensors.gather(course.validation)
    assert course.validation_loss(network.eval()) == pytest.approx(network.loss(whole, free=True).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"loss": "quantile"}, "take loss=normal, student, mixture.* for sample paths, or mae, mse, huber for a point"),
        ({"channels": "apart"}, "which channels='apart' does not"),
        ({"segment": 4}, "which segment=4 does not"),
        ({"readout": "mean"}, "which readout='mean' does not"),
        ({"layer": LayerConfig(bidirectional=True)}, "which bidirectional=True does not"),
        ({"paths": 0}, "paths counts sample paths, from 1 to 100,000; got paths=0"),
    ],
)
def test_what_cannot_be_fed_back_is_refused(settings: dict[str, object], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        NetworkConfig(**{"decode": "recursive", "loss": "normal"} | settings)


def test_past_covariates_are_refused_by_name() -> None:
    panel = waves(past=2)
    with pytest.raises(OptionError, match=r"where x0, x1 are not known: leave past covariates out \(past=none\)"):
        RecurrentForecaster(small_config(network=recursive())).prepare(panel, split_by_time(panel, 6))


def test_a_lookback_that_does_not_hold_the_season_is_refused() -> None:
    config = msgspec.structs.replace(small_config(network=recursive(), mode="sequences"), season=48)
    with pytest.raises(OptionError, match="a season of 48 needs a lookback of at least 48, got 24"):
        RecurrentForecaster(config).prepare(waves(), split_by_time(waves(), 6))


def test_paths_of_a_net_that_makes_none_are_refused() -> None:
    panel = waves()
    with pytest.raises(OptionError, match="sample paths need decode='recursive' and loss=normal, student, mixture"):
        random_net(small_config(network=NetworkConfig(loss="normal")), panel).sample(panel, ORIGINS, 6)
    with pytest.raises(OptionError, match="from 1 to 100,000; got paths=0"):
        random_net(small_config(network=recursive()), panel).sample(panel, ORIGINS, 6, paths=0)


@pytest.mark.parametrize(
    ("changes", "lesson"),
    [
        ({"mode": "sequences", "normalise": "causal"}, "take decode='recursive' and mode='windows'"),
        ({"network": NetworkConfig()}, "take decode='recursive' and mode='windows'"),
    ],
)
def test_free_running_without_windows_that_are_fed_back_is_refused(changes: dict[str, object], lesson: str) -> None:
    config = small_config(network=recursive(), free_running=4)
    with pytest.raises(OptionError, match=lesson):
        msgspec.structs.replace(config, **changes)


@pytest.mark.parametrize("settings", [{"free_running": 13}, {"free_running": -1}, {"free_running": 1, "budget": "9s"}])
def test_free_running_counts_the_last_steps(settings: dict[str, object]) -> None:
    lesson = r"free_running=1 counts|counts the last of training\.steps=12|counts the last steps, from 0 up, got -1"
    with pytest.raises(OptionError, match=lesson):
        TrainingConfig(**{"steps": 12} | settings)
