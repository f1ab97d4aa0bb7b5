"""Windows: normalisations of their own, segments of rows, targets read apart, embeddings."""

import msgspec
import numpy as np
import pytest
import torch

from builders import SEASON, small_config, waves
from gatecast.data.batches import Batch
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.network import RecurrentNetwork
from gatecast.models.normalising import Normalise, Subtract
from gatecast.nn import LayerConfig

LAYER = LayerConfig(hidden_size=8)


def random_net(config: ForecasterConfig, panel: Panel) -> tuple[RecurrentForecaster, RecurrentNetwork, Batch]:
    """A net with random weights everywhere, and a batch for it."""
    torch.manual_seed(0)
    forecaster = RecurrentForecaster(config)
    network, course, _ = forecaster.prepare(panel, split_by_time(panel, 6))
    assert isinstance(network, RecurrentNetwork)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    places = course.tensors.place(Origins(np.array([0, 1, 0]), np.array([60, 70, 90])))
    return forecaster, network.eval(), course.tensors.gather(places)


def moved(batch: Batch, scale: float, shift: float) -> Batch:
    return Batch(**{**vars(batch), "past": batch.past * scale + shift})


@pytest.mark.parametrize("normalise", ["standard", "meanabs"])
@pytest.mark.parametrize("subtract", ["last", "seasonal", "none"])
@pytest.mark.parametrize("segment", [1, 4])
def test_a_louder_window_on_another_level_has_a_louder_forecast_there(
    normalise: Normalise, subtract: Subtract, segment: int
) -> None:
    network = NetworkConfig(layer=LAYER, segment=segment, loss="mae")
    config = small_config(network=network, normalise=normalise, subtract=subtract)
    _, net, batch = random_net(config, waves())
    louder = net(moved(batch, 8.0, 32.0))
    torch.testing.assert_close(louder, net(batch) * 8 + 32, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("normalise", ["last", "standard", "meanabs", "none"])
@pytest.mark.parametrize("decode", ["direct", "segments"])
def test_an_untrained_net_forecasts_its_base_however_it_sees_the_window(normalise: Normalise, decode: str) -> None:
    config = small_config(
        network=NetworkConfig(layer=LAYER, segment=4, decode=decode), normalise=normalise, subtract="seasonal"
    )
    network, course, _ = RecurrentForecaster(config).prepare(waves(), split_by_time(waves(), 6))
    batch = course.tensors.gather(course.validation[:4])
    expected = batch.past[:, -SEASON : -SEASON + 6, :1].unsqueeze(-1).expand(-1, -1, -1, 3)
    assert torch.equal(network.eval()(batch), expected)


def test_segments_are_the_layer_over_joined_rows() -> None:
    config = small_config(network=NetworkConfig(layer=LAYER, segment=5, highway=False, loss="mse"), normalise="last")
    _, net, batch = random_net(msgspec.structs.replace(config, calendar=(), flags=False), waves())
    rows = (batch.past - batch.past[:, -1:])[:, -20:]  # four segments of five; the oldest four rows are left out
    x = torch.relu(net.encoder.join(rows.reshape(3, 4, 5)))
    output, _ = net.encoder.layer(x)
    expected = net.decoder.context(output[:, -1]) + batch.past[:, -1]
    torch.testing.assert_close(net(batch)[..., 0, 0], expected)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_segment_decoder_takes_one_more_update_from_the_cutoff_for_each_segment(cell: str) -> None:
    layer = LayerConfig(cell=cell, hidden_size=8, num_layers=2)
    network = NetworkConfig(layer=layer, segment=4, decode="segments", highway=False, loss="mse")
    config = msgspec.structs.replace(small_config(network=network), calendar=(), flags=False)
    _, net, batch = random_net(config, waves())
    rows = (batch.past - batch.past[:, -1:]).reshape(3, 6, 4)
    _, state = net.encoder.layer(torch.relu(net.encoder.join(rows)))
    parts = []
    for place in net.decoder.place:  # two segments of four rows for a horizon of six
        output, _ = net.encoder.layer(place.expand(3, 1, 8), state)
        parts.append(net.decoder.output(output[:, 0]))
    expected = torch.cat(parts, dim=1)[:, :6] + batch.past[:, -1]
    torch.testing.assert_close(net(batch)[..., 0, 0], expected)


def test_targets_read_apart_do_not_see_each_other_but_see_the_covariates() -> None:
    panel = waves(targets=2, past=1)
    config = small_config(network=NetworkConfig(layer=LAYER, channels="apart", embedding=3))
    _, net, batch = random_net(config, panel)
    before = net(batch)
    for channel, moves in ((0, [True, False]), (1, [False, True]), (2, [True, True])):
        past = batch.past.clone()
        past[:, :, channel] += torch.linspace(0, 1, past.shape[1])
        change = (net(Batch(**{**vars(batch), "past": past})) - before).abs().amax(dim=(0, 1, 3))
        assert (change > 1e-6).tolist() == moves


def test_targets_read_apart_are_one_net_with_the_targets_as_series() -> None:
    panel = waves(series=1, targets=2)
    config = small_config(network=NetworkConfig(layer=LAYER, channels="apart"))
    forecaster, net, _ = random_net(config, waves(series=2, targets=2))
    columns = msgspec.structs.replace(panel.columns, target=("y",))
    single = panel_from_arrays({f"t{i}": panel.values[:, i : i + 1] for i in range(2)}, columns, panel.frequency)
    other = RecurrentForecaster(small_config(network=NetworkConfig(layer=LAYER)))
    other.prepare(single, split_by_time(single, 6))
    other.network_.load_state_dict(net.state_dict())
    other.network_.eval()
    both = forecaster.forecast(panel, Origins(np.array([0]), np.array([200])), 6).mean
    apart = other.forecast(single, Origins(np.array([0, 1]), np.array([200, 200])), 6).mean
    scale = forecaster.fitted_.scaling.scale[0, :2], other.fitted_.scaling.scale[:, 0]
    np.testing.assert_allclose(scale[0], scale[1])
    np.testing.assert_allclose(both[0].T, apart[..., 0], rtol=1e-5)


def test_an_embedding_tells_series_apart_and_a_new_series_gets_the_mean() -> None:
    panel = waves(series=2)
    config = small_config(network=NetworkConfig(layer=LAYER, embedding=4))
    _, net, batch = random_net(config, panel)
    assert net.embedding is not None
    first_one = {name: tensor[:1].expand_as(tensor) for name, tensor in vars(batch).items()}
    same = Batch(**{**first_one, "identity": torch.tensor([0, 1, -1])})
    first, second, new = net(same)
    assert not torch.equal(first, second)
    with torch.no_grad():
        net.embedding.weight[:] = net.embedding.weight.mean(dim=0)
    torch.testing.assert_close(net(same)[0], new)


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"segment": 30}, "segment=30 rows are more than the lookback of 24 rows"),
        ({"decode": "segments", "layer": LayerConfig(hidden_size=8, bidirectional=True)}, "goes on from one state"),
    ],
)
def test_what_a_window_cannot_be_is_refused(settings: dict[str, object], lesson: str) -> None:
    config = small_config(network=NetworkConfig(**settings))
    with pytest.raises(OptionError, match=lesson):
        RecurrentForecaster(config).prepare(waves(), split_by_time(waves(), 6))


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"segment": 0}, "segment counts rows from 1 up"),
        ({"embedding": -1}, "embedding counts numbers from 0 up"),
        ({"output_dropout": 1.0}, "output_dropout is a share"),
    ],
)
def test_a_net_that_cannot_be_is_refused(settings: dict[str, object], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        NetworkConfig(**settings)
