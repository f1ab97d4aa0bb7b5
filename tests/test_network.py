"""The network: normalisation, readout, head, losses."""

from typing import get_args

import msgspec
import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from builders import SEASON, small_config, waves
from gatecast.data.batches import Batch
from gatecast.data.scalers import fit_scaling
from gatecast.data.splits import Origins
from gatecast.data.tabulating import Layout, panel_tensors
from gatecast.errors import OptionError
from gatecast.evaluation.metrics import smape
from gatecast.forecaster import network_sizes
from gatecast.models.config import NetworkConfig
from gatecast.models.distributions import COUNTS
from gatecast.models.losses import POINT_LOSSES, LossName, masked_mean, quantile_loss, relative_error
from gatecast.models.network import RecurrentNetwork
from gatecast.models.normalising import Frame, Subtract, forecast_base
from gatecast.nn import CELLS, LayerConfig, recurrent_layer


def build(
    config: NetworkConfig, subtract: Subtract = "last", *, targets: int = 1, past: int = 0, seed: int = 0
) -> tuple[RecurrentNetwork, Batch]:
    """A net with random weights everywhere, and a batch of four windows for it."""
    panel = waves(targets=targets, past=past)
    settings = small_config(network=config, subtract=subtract)
    torch.manual_seed(seed)
    network = RecurrentNetwork(config, network_sizes(settings, panel.columns, panel.frequency, len(panel.ids)))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    layout = Layout(settings.lookback, settings.horizon, since=settings.flags)
    scaling = fit_scaling("standard", panel, panel.lengths)
    tensors = panel_tensors(panel, scaling, panel.static.astype(np.float64), layout)
    places = tensors.place(Origins(np.array([0, 1, 0, 1]), np.array([30, 50, 70, 90])))
    return network.eval(), tensors.gather(places)


def replace(batch: Batch, **changes: torch.Tensor) -> Batch:
    return Batch(**{**vars(batch), **changes})


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("subtract", ["last", "seasonal"])
@pytest.mark.parametrize("readout", ["last", "mean"])
def test_a_level_shift_shifts_the_forecast_and_nothing_else(cell: str, subtract: str, readout: str) -> None:
    network, batch = build(NetworkConfig(layer=LayerConfig(cell=cell, hidden_size=8), readout=readout), subtract)
    shifted = network(replace(batch, past=batch.past + 64))
    torch.testing.assert_close(shifted, network(batch) + 64, rtol=0, atol=1e-4)


def test_without_subtraction_the_level_matters() -> None:
    network, batch = build(NetworkConfig(), "none")
    assert (network(replace(batch, past=batch.past + 64)) - network(batch) - 64).abs().max() > 1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_moving_the_last_observation_moves_step_one(cell: str, readout: str, *, bidirectional: bool) -> None:
    layer = LayerConfig(cell=cell, hidden_size=8, bidirectional=bidirectional)
    network, batch = build(NetworkConfig(layer=layer, readout=readout, highway=False), "none")
    moved = batch.past.clone()
    moved[:, -1] += 0.5
    change = (network(replace(batch, past=moved)) - network(batch)).abs().amax(dim=(2, 3))
    assert (change > 1e-6).all(), "every step of the direct head reads the state at the cutoff"


@pytest.mark.parametrize("subtract", ["last", "seasonal", "none"])
def test_an_untrained_net_forecasts_its_base(subtract: str) -> None:
    _, batch = build(NetworkConfig(), subtract)
    panel = waves()
    settings = small_config(subtract=subtract)
    network = RecurrentNetwork(
        settings.network, network_sizes(settings, panel.columns, panel.frequency, len(panel.ids))
    )
    last = batch.past[:, -1:, :1].expand(-1, 6, 1)
    base = {"last": last, "seasonal": batch.past[:, -SEASON : -SEASON + 6, :1], "none": torch.zeros_like(last)}[
        subtract
    ]
    torch.testing.assert_close(network(batch), base.unsqueeze(-1).expand(-1, -1, -1, 3), rtol=0, atol=0)


def test_seasonal_subtraction_repeats_the_season_over_a_longer_horizon() -> None:
    past = torch.arange(10.0)[None, :, None]
    base = forecast_base(past, 7, Frame("last", "seasonal", 3), past[:, -1:])
    assert base.flatten().tolist() == [7, 8, 9, 7, 8, 9, 7]


def test_encoder_is_torch_nn_with_state_in_and_state_out() -> None:
    layer = recurrent_layer(LayerConfig(cell="gru", hidden_size=5), 3, lookback=8).double()
    x = torch.randn(2, 8, 3, dtype=torch.float64)
    whole, _ = layer(x)
    first, state = layer(x[:, :5])
    second, _ = layer(x[:, 5:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=1e-12, atol=1e-12)


def test_several_targets_have_their_own_forecasts_and_scales() -> None:
    network, batch = build(NetworkConfig(), targets=3, past=2)
    assert network(batch).shape == (4, 6, 3, 3)


def test_gradients_of_the_whole_net_are_those_of_finite_differences() -> None:
    network, batch = build(NetworkConfig(layer=LayerConfig(hidden_size=3), loss="mse"))
    network = network.double()
    batch = Batch(**{name: t.double() if t.is_floating_point() else t for name, t in vars(batch).items()})
    names, parameters = zip(*network.named_parameters(), strict=True)

    def loss(*values: torch.Tensor) -> torch.Tensor:
        output = torch.func.functional_call(network, dict(zip(names, values, strict=True)), (batch,))
        return masked_mean(POINT_LOSSES["mse"](output[..., 0], batch.actual), batch.mask)

    assert torch.autograd.gradcheck(loss, tuple(p.detach().requires_grad_() for p in parameters), fast_mode=True)


def test_quantile_loss_is_twice_the_pinball_loss_of_scikit_learn() -> None:
    actual, output = torch.randn(50, dtype=torch.float64), torch.randn(50, 2, dtype=torch.float64)
    levels = torch.tensor([0.1, 0.8], dtype=torch.float64)
    for i, level in enumerate(levels):
        ours = quantile_loss(actual, output[:, i : i + 1], levels[i : i + 1]).mean()
        expected = 2 * mean_pinball_loss(actual, output[:, i], alpha=float(level))
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
    both = [quantile_loss(actual, output[:, i : i + 1], levels[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(quantile_loss(actual, output, levels), (both[0] + both[1]) / 2)


def test_gradients_of_the_quantile_loss_are_those_of_finite_differences() -> None:
    actual, output = torch.randn(50, dtype=torch.float64), torch.randn(50, 2, dtype=torch.float64)
    levels = torch.tensor([0.1, 0.8], dtype=torch.float64)
    inputs = (actual.requires_grad_(), output.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, o: quantile_loss(a, o, levels), inputs)


@pytest.mark.parametrize("loss", [name for name in get_args(LossName) if name not in COUNTS])
def test_missing_targets_move_no_weight(loss: str) -> None:
    network, batch = build(NetworkConfig(loss=loss))
    mask = batch.mask.clone()
    mask[:, 3:] = 0
    gradients = []
    for value in (0.0, 1e6):
        actual = torch.where(mask == 1, batch.actual, torch.tensor(value))
        network.zero_grad()
        network.loss(replace(batch, actual=actual, mask=mask)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)
    assert gradients[0].abs().max() > 0


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"cell": "grru"}, "cells are rnn, lstm, gru, mingru, minlstm, indrnn, slstm, grud"),
        ({"dropout": 0.2}, "num_layers=1 has no between"),
        ({"dropout": 1.0, "num_layers": 2}, "share from 0 up to"),
        ({"hidden_size": 0}, "hidden_size is a number from 1"),
        ({"num_layers": 65}, "num_layers is a number from 1 to 64, got 65"),
        ({"nonlinearity": "relu"}, "choice of the rnn and indrnn cells only"),
    ],
)
def test_a_layer_that_cannot_be_built_is_refused_with_a_lesson(settings: dict[str, object], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        LayerConfig(**settings)


@pytest.mark.parametrize("quantiles", [(), (0.1, 0.9), (0.5, 0.1), (0.0, 0.5), (0.5, 0.5)])
def test_quantiles_without_a_median_or_out_of_order_are_refused(quantiles: tuple[float, ...]) -> None:
    with pytest.raises(OptionError, match=r"with the median 0\.5 among them"):
        NetworkConfig(quantiles=quantiles)


def test_a_lookback_shorter_than_the_season_is_refused() -> None:
    panel = waves()
    sizes = network_sizes(small_config(), panel.columns, panel.frequency, len(panel.ids))
    with pytest.raises(OptionError, match="needs a lookback of at least 48, got 24"):
        RecurrentNetwork(NetworkConfig(), msgspec.structs.replace(sizes, frame=Frame("last", "seasonal", 48)))


def test_the_relative_error_is_a_hundredth_of_smape() -> None:
    actual, output = torch.rand(40, dtype=torch.float64) + 0.5, torch.rand(40, dtype=torch.float64) - 0.5
    expected = smape(actual.numpy(), output.numpy()) / 100
    assert float(relative_error(actual, output).mean()) == pytest.approx(expected, rel=1e-12)


def test_a_share_of_the_relative_error_is_added_to_the_loss() -> None:
    network, batch = build(NetworkConfig(loss="mae"), "none")
    plain, output = network.loss(batch), network(batch)[..., 0]
    network.config = NetworkConfig(loss="mae", relative=0.25)
    expected = plain + 0.25 * masked_mean(relative_error(batch.actual, output), batch.mask)
    torch.testing.assert_close(network.loss(batch), expected)


def test_a_relative_error_of_values_without_their_zero_is_refused() -> None:
    with pytest.raises(OptionError, match="take scaler='meanabs' or 'none'"):
        small_config(network=NetworkConfig(loss="mae", relative=0.5))
    with pytest.raises(OptionError, match="the losses of a point are mae, mse, huber"):
        NetworkConfig(relative=0.5)
