"""Covariates that are words: looked up, never scaled, and never read from the future."""

import msgspec
import numpy as np
import pytest
import torch

from builders import small_config
from gatecast.data.batches import Batch
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.network import RecurrentNetwork
from gatecast.models.words import Codes, WordEmbedding, lookup
from gatecast.nn import LayerConfig

COLUMNS = Columns(
    target=("y",),
    past=("x", "wind"),
    future=("shop", "price"),
    categories={"wind": ("N", "S", "W"), "shop": ("open", "shut")},
)
either_mode = pytest.mark.parametrize("mode", ["windows", "sequences"])


def weather(rows: int = 400, seed: int = 0) -> Panel:
    """Each value is told by the wind of the row before and by whether the shop is open."""
    rng = np.random.default_rng(seed)
    wind, shop = rng.integers(1, 4, rows), rng.integers(1, 3, rows)
    y = np.array([0.0, 5.0, -5.0, 1.0])[np.roll(wind, 1)] + 3 * shop + 0.1 * rng.normal(size=rows)
    values = np.column_stack([y, rng.normal(size=rows), wind, shop, rng.normal(size=rows)])
    return panel_from_arrays({"a": values}, COLUMNS, parse_frequency("1h"))


PANEL = weather()


def config(mode: Mode, **training: object) -> ForecasterConfig:
    network = NetworkConfig(layer=LayerConfig(hidden_size=16), highway=False)
    settings = small_config(network=network, mode=mode, **training)
    return msgspec.structs.replace(settings, horizon=1, calendar=())


def test_vectors_stand_where_codes_stood_and_nobodys_word_is_zero() -> None:
    embedding = WordEmbedding(4, Codes(places=(1, 3), levels=(4, 9)))
    rows = torch.tensor([[0.5, 2.0, -1.0, 0.0], [0.25, 0.0, 3.0, 8.0]])
    found = embedding(rows)
    assert found.shape == (2, embedding.width) == (2, 2 + 3 + 4)
    assert torch.equal(found[:, :2], rows[:, [0, 2]])
    assert torch.equal(found[0, 2:5], embedding.tables[0].weight[2])
    assert torch.equal(found[1, 5:], embedding.tables[1].weight[8])
    assert not found[0, 5:].any()
    assert not found[1, 2:5].any()


@either_mode
def test_codes_are_not_scaled(mode: Mode) -> None:
    _, course, _ = RecurrentForecaster(config(mode)).prepare(PANEL, split_by_time(PANEL, 1))
    batch = course.tensors.gather(course.validation[:50])
    assert set(batch.past[..., 2].unique().tolist()) == {1.0, 2.0, 3.0}
    assert set(batch.known[..., 0].unique().tolist()) == {1.0, 2.0}


@either_mode
def test_a_net_learns_what_words_tell(mode: Mode) -> None:
    forecaster = RecurrentForecaster(config(mode, steps=250, learning_rate=2e-2))
    split = split_by_time(PANEL, 1)
    forecaster.fit(PANEL, split)
    origins = Origins(np.zeros(60, dtype=np.int64), np.arange(330, 390))
    errors = np.abs(forecaster.forecast(PANEL, origins, 1).mean[:, 0, 0] - PANEL.values[330:390, 0])
    assert errors.mean() < 1, "a spread of about four, told by two words"


@either_mode
def test_words_of_the_past_are_not_read_from_the_future_but_known_ones_are(mode: Mode) -> None:
    forecaster = RecurrentForecaster(config(mode)).fit(PANEL, split_by_time(PANEL, 1))
    origins = Origins(np.array([0]), np.array([350]))
    before = forecaster.forecast(PANEL, origins, 1).mean
    for column, moves in ((2, False), (3, True)):
        values = PANEL.values.copy()
        values[350:, column] = 3 - values[350:, column] if column == 3 else 1
        changed = panel_from_arrays({"a": values}, COLUMNS, PANEL.frequency)
        assert (forecaster.forecast(changed, origins, 1).mean != before).any() == moves


def test_the_net_of_targets_read_apart_finds_the_words_too() -> None:
    values = np.column_stack([PANEL.values[:, 0], PANEL.values[:, 0] * 2, PANEL.values[:, 1:3]])
    columns = Columns(target=("y", "z"), past=("x", "wind"), categories={"wind": ("N", "S", "W")})
    panel = panel_from_arrays({"a": values}, columns, PANEL.frequency)
    network = NetworkConfig(layer=LayerConfig(hidden_size=8), channels="apart")
    forecaster = RecurrentForecaster(small_config(network=network))
    net, course, _ = forecaster.prepare(panel, split_by_time(panel, 6))
    assert isinstance(net, RecurrentNetwork)
    batch = course.tensors.gather(course.validation[:3])
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    before = net.eval()(batch)
    past = batch.past.clone()
    past[..., 3] = 4 - past[..., 3]  # N and W change places
    assert ((net(Batch(**{**vars(batch), "past": past})) - before).abs().amax(dim=(0, 1, 3)) > 1e-6).all()


@pytest.mark.parametrize("zero", [None, 0])
def test_a_table_begins_with_the_weights_of_torchs_own(zero: int | None) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        own = torch.nn.Embedding(5, 3, padding_idx=zero)
        torch.manual_seed(1)
        assert torch.equal(lookup(5, 3, zero).weight, own.weight)
