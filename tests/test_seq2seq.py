"""The decoder with a layer of its own: the layer over the horizon, from the encoder's output at the cutoff."""

from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
import torch

from builders import SEASON, small_config, waves, with_values
from gatecast.artifact import load, save
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.decoders import AtCutoff, DecoderSizes, RecurrentDecoder
from gatecast.models.distributions import COUNTS
from gatecast.models.losses import LossName
from gatecast.nn import CELLS, LayerConfig

LAYER = LayerConfig(hidden_size=8)
ORIGINS = Origins(np.array([0, 1]), np.array([150, 160]))
both_modes = pytest.mark.parametrize("mode", ["windows", "sequences"])


@pytest.mark.parametrize("cell", CELLS)
def test_it_is_its_layer_over_the_horizon_step_by_step(cell: str) -> None:
    torch.manual_seed(0)
    layer = LayerConfig(cell=cell, hidden_size=8, num_layers=2)
    decoder = RecurrentDecoder(layer, DecoderSizes(horizon=5, segment=1, known=3, outputs=2), dropout=0.0).eval()
    torch.nn.init.normal_(decoder.output.weight)
    output, known = torch.randn(4, 8), torch.randn(4, 5, 3)
    parts = decoder.start(output).unsqueeze(0).split(8, dim=-1)
    first = {"lstm": lambda: (parts[0], parts[1]), "slstm": lambda: (parts[0], *torch.zeros(3, 1, 4, 8))}
    state, expected = first.get(cell, lambda: parts[0])(), []
    for step in range(5):
        x = torch.cat([decoder.place[step].expand(4, -1), known[:, step]], dim=-1)
        said, state = decoder.layer(x[:, None], state)
        expected.append(decoder.output(said[:, 0]))
    found = decoder(AtCutoff(output, None, torch.nn.Identity()), known)
    torch.testing.assert_close(found, torch.stack(expected, dim=1))


@both_modes
@pytest.mark.parametrize("loss", [name for name in get_args(LossName) if name not in COUNTS])
def test_an_untrained_net_forecasts_its_base_with_every_loss(mode: Mode, loss: LossName) -> None:
    panel = waves()
    config = small_config(network=NetworkConfig(layer=LAYER, decode="seq2seq", loss=loss), mode=mode)
    config = msgspec.structs.replace(config, subtract="seasonal", scaler="none")
    forecaster = RecurrentForecaster(config)
    forecaster.prepare(panel, split_by_time(panel, 6))
    forecaster.network_.eval()
    rows = [panel.values[panel.rows(s)][p - SEASON : p - SEASON + 6] for s, p in ((0, 150), (1, 160))]
    np.testing.assert_allclose(forecaster.forecast(panel, ORIGINS, 6).mean, np.stack(rows), rtol=1e-6)


def planned() -> Panel:
    """A covariate that is known in advance, and added to the target."""
    x = np.random.default_rng(0).normal(size=(400, 1))
    y = 0.1 * np.random.default_rng(1).normal(size=(400, 1)).cumsum(axis=0) + x
    return panel_from_arrays(
        {"a": np.concatenate([y, x], axis=1)}, Columns(target=("y",), future=("x",)), waves().frequency
    )


def trained(mode: Mode) -> RecurrentForecaster:
    network = NetworkConfig(layer=LAYER, decode="seq2seq", loss="mse")
    config = small_config(network=network, mode=mode, steps=60, learning_rate=1e-2)
    config = msgspec.structs.replace(config, calendar=())
    return RecurrentForecaster(config).fit(planned(), split_by_time(planned(), 6))


@both_modes
def test_what_is_planned_moves_its_own_step_and_none_before(mode: Mode) -> None:
    panel, origin = planned(), Origins(np.array([0]), np.array([350]))
    forecaster = trained(mode)
    values = panel.values.copy()
    values[352, 1] += 1
    before, after = (forecaster.forecast(one, origin, 6).mean[0, :, 0] for one in (panel, with_values(panel, values)))
    assert (before == after)[:2].all()
    assert (before != after)[2:].all()


@both_modes
def test_it_learns_what_is_planned(mode: Mode) -> None:
    forecaster = RecurrentForecaster(trained(mode).config)
    network, course, _ = forecaster.prepare(planned(), split_by_time(planned(), 6))
    assert course.validation_loss(trained(mode).network_) < 0.7 * course.validation_loss(network.eval())


@both_modes
def test_it_comes_back_from_disk_bit_for_bit(mode: Mode, tmp_path: Path) -> None:
    fitted, origin = trained(mode), Origins(np.array([0, 0]), np.array([350, 380]))
    loaded, *_ = load(save(fitted, tmp_path))
    found, expected = (one.forecast(planned(), origin, 6).mean for one in (loaded, fitted))
    assert np.array_equal(found, expected)
