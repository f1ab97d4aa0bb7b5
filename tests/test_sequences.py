"""Sequences: one pass over the series with a carried state, in training, backtest and forecast."""

import msgspec
import numpy as np
import pytest
import torch

from builders import poisoned, small_config, waves
from gatecast.cells.equations import States
from gatecast.data.batches import Cutoffs
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.sampling import StreamSampler
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models import passing
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Sequences
from gatecast.training.loop import train

CONFIG = small_config(mode="sequences")
PANEL = waves(series=3, rows=300)
EVERY = Origins(np.repeat(np.arange(3), 60), np.tile(np.arange(240, 300), 3))


def fitted(config: ForecasterConfig = CONFIG, panel: Panel = PANEL) -> RecurrentForecaster:
    return RecurrentForecaster(config).fit(panel, split_by_time(panel, 6))


def cut(panel: Panel, length: int) -> Panel:
    """The first rows of each series."""
    arrays = {name: panel.values[panel.rows(i)][:length] for i, name in enumerate(panel.ids)}
    return panel_from_arrays(arrays, panel.columns, panel.frequency)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn", "mingru"])
def test_a_backtest_of_all_origins_equals_reading_each_one_anew(cell: str) -> None:
    forecaster = fitted(small_config(mode="sequences", layer=LayerConfig(cell=cell, hidden_size=8)))
    together = forecaster.forecast(PANEL, EVERY, 6).quantiles
    for length in (240, 263, 299):
        alone = forecaster.forecast(cut(PANEL, length), Origins(np.arange(3), np.full(3, length)), 6).quantiles
        assert np.array_equal(alone, together[EVERY.position == length]), "bit for bit"


def test_where_the_pass_is_cut_into_chunks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    forecaster = fitted()
    whole = forecaster.forecast(PANEL, EVERY, 6).quantiles
    for rows, memory in ((1, 1), (7, 100), (64, 64)):
        monkeypatch.setattr(passing, "ROWS_AT_ONCE", rows)
        monkeypatch.setattr(passing, "MOST_ROWS", memory)
        assert np.array_equal(forecaster.forecast(PANEL, EVERY, 6).quantiles, whole)


def test_series_of_different_lengths_are_read_side_by_side() -> None:
    forecaster = fitted()
    arrays = {name: PANEL.values[PANEL.rows(i)][: 300 - 40 * i] for i, name in enumerate(PANEL.ids)}
    uneven = panel_from_arrays(arrays, PANEL.columns, PANEL.frequency)
    found = forecaster.forecast(uneven, Origins(np.arange(3), uneven.lengths), 6).quantiles
    for index, length in enumerate(uneven.lengths.tolist()):
        alone = forecaster.forecast(cut(PANEL, length), Origins(np.array([index]), np.array([length])), 6)
        assert np.array_equal(found[index], alone.quantiles[0])


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e9])
def test_the_future_moves_neither_weights_nor_forecasts(poison: float) -> None:
    split = split_by_time(PANEL, 6)
    dirty = poisoned(PANEL, split.validation_end, poison)
    origins = Origins(np.arange(3), split.validation_end)
    clean = fitted().forecast(PANEL, origins, 6).quantiles
    assert np.array_equal(RecurrentForecaster(CONFIG).fit(dirty, split).forecast(dirty, origins, 6).quantiles, clean)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e9])
def test_no_gradient_comes_from_rows_after_the_training_part(poison: float) -> None:
    split = split_by_time(PANEL, 6)
    losses = []
    for panel in (PANEL, poisoned(PANEL, split.train_end, poison)):
        network, course, state = RecurrentForecaster(CONFIG).prepare(panel, split)
        network.train()
        losses.append([course.loss(network, step, state.carried)[0].item() for step in (0, 3, 6)])
    assert losses[0] == losses[1]


def sequences(config: ForecasterConfig = CONFIG) -> tuple[RecurrentForecaster, Sequences]:
    forecaster = RecurrentForecaster(config)
    _, course, _ = forecaster.prepare(PANEL, split_by_time(PANEL, 6))
    assert isinstance(course, Sequences)
    for parameter in forecaster.network_.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return forecaster, course


def as_cutoffs(course: Sequences, series: int, rows: range) -> Cutoffs:
    places = torch.tensor([[series, int(course.tensors.starts[series]) + row + 1] for row in rows])
    return course.tensors.cutoffs(places)


@pytest.mark.parametrize("skip", [0, 3])
def test_cutoffs_of_a_stretch_are_those_of_windows_at_the_same_rows(skip: int) -> None:
    _, course = sequences()
    starts = course.tensors.starts
    places = torch.tensor([[0, 40], [2, int(starts[2])]])
    found = course.tensors.stretch(places, 10, course.ends[[0, 2]]).cutoffs(skip)
    expected = [as_cutoffs(course, 0, range(40 + skip, 50)), as_cutoffs(course, 2, range(skip, 10))]
    for name in ("past", "spread", "known", "actual", "mask"):
        both = torch.cat([getattr(one, name) for one in expected])
        assert torch.equal(getattr(found, name), both), name


def test_the_loss_is_the_mean_over_a_forecast_from_every_row() -> None:
    forecaster, course = sequences()
    network, sampler = forecaster.network_, course.sampler
    chunk = sampler.batch(0)
    loss, _ = course.loss(network, 0, ())
    total, count = 0.0, 0.0
    for series, first in zip(chunk.series.tolist(), chunk.position.tolist(), strict=True):
        stretch = course.tensors.stretch(
            torch.tensor([[series, int(course.tensors.starts[series]) + first]]), sampler.time, course.ends[[series]]
        )
        output, _ = network.read(stretch, ())
        rows = range(first + course.burn_in, first + sampler.time)
        cutoffs = as_cutoffs(course, series, rows)
        learnt = cutoffs.mask * (torch.tensor(rows)[:, None] + 1 + torch.arange(6) < split_end(series))[..., None]
        masked = Cutoffs(cutoffs.past, cutoffs.spread, cutoffs.known, cutoffs.actual * learnt, learnt)
        total += network.loss_from(output[0, course.burn_in :], masked).item() * float(learnt.sum())
        count += float(learnt.sum())
    assert loss.item() == pytest.approx(total / count, rel=1e-5)


def split_end(series: int) -> int:
    return int(split_by_time(PANEL, 6).train_end[series])


def test_the_state_of_one_chunk_is_where_the_next_begins() -> None:
    forecaster, course = sequences()
    network, sampler = forecaster.network_, course.sampler
    carried: States = ()
    for step in range(sampler.chunks):
        _, carried = course.loss(network, step, carried)
    chunk = sampler.batch(0)
    places = torch.stack(
        [torch.from_numpy(chunk.series), course.tensors.starts[chunk.series] + torch.from_numpy(chunk.position)], dim=1
    )
    whole = course.tensors.stretch(places, sampler.chunks * sampler.time, course.ends[chunk.series])
    _, states = network.read(whole, ())
    assert torch.equal(carried[0], states[0])


def test_pieces_follow_each_other_chunk_by_chunk_and_long_series_come_more_often() -> None:
    sampler = StreamSampler(np.array([1000, 100]), streams=8, time=20, chunks=3, seed=0)
    drawn = []
    for piece in range(200):
        chunks = [sampler.batch(3 * piece + number) for number in range(3)]
        assert [chunk.fresh for chunk in chunks] == [True, False, False]
        assert all(np.array_equal(chunk.position, chunks[0].position + 20 * i) for i, chunk in enumerate(chunks))
        assert all(np.array_equal(chunk.series, chunks[0].series) for chunk in chunks)
        assert (chunks[2].position + 20 <= sampler.lengths[chunks[2].series]).all()
        drawn.append(chunks[0].series)
    share = np.mean(drawn)  # series 1 has a tenth of the rows of series 0
    assert share == pytest.approx(1 / 11, abs=0.03)


def test_training_finds_the_waves() -> None:
    config = small_config(mode="sequences", layer=LayerConfig(hidden_size=16), steps=150, learning_rate=1e-2)
    forecaster = RecurrentForecaster(config)
    network, course, state = forecaster.prepare(PANEL, split_by_time(PANEL, 6))
    untrained = course.validation_loss(network.eval())
    for _ in train(network, course, config.training, state):
        pass
    assert state.best_validation < 0.5 * untrained


@pytest.mark.parametrize(
    ("changes", "lesson"),
    [
        ({"normalise": "last"}, "take normalise='causal', not 'last'"),
        ({"network": NetworkConfig(segment=4)}, "segment=4 reads windows; take mode='windows'"),
        ({"network": NetworkConfig(decode="segments")}, "decode='segments' reads windows"),
        ({"network": NetworkConfig(readout="mean")}, "readout='mean' reads windows"),
        ({"network": NetworkConfig(layer=LayerConfig(bidirectional=True))}, "bidirectional=True reads windows"),
    ],
)
def test_what_needs_a_window_is_refused_where_a_state_is_carried(changes: dict[str, object], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        msgspec.structs.replace(CONFIG, **changes)


def test_a_burn_in_that_leaves_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(OptionError, match="burn_in leaves rows of a chunk"):
        TrainingConfig(time=24, burn_in=24)


def test_a_series_never_seen_can_be_forecast() -> None:
    forecaster = fitted()
    other = panel_from_arrays({"new": PANEL.values[:200] + 500}, PANEL.columns, PANEL.frequency)
    forecast = forecaster.forecast(other, Origins(np.array([0]), np.array([200])), 6)
    assert np.isfinite(forecast.quantiles).all()
    assert abs(forecast.mean.mean() - 510) < 5


def test_a_bounded_context_as_long_as_the_past_is_the_carried_state() -> None:
    forecaster = fitted()
    whole = forecaster.forecast(PANEL, EVERY, 6).quantiles
    assert np.array_equal(forecaster.bounded(PANEL, EVERY, 6, 300).quantiles, whole)
    assert not np.array_equal(forecaster.bounded(PANEL, EVERY, 6, 5).quantiles, whole)


def test_a_bounded_context_forgets_what_lay_before_it() -> None:
    forecaster, course = sequences()
    network, tensors = forecaster.network_, course.tensors
    places = as_places(course, 1, [250, 299])
    found = passing.bounded_outputs_at(network, tensors, places, 40)
    for place, output in zip(places, found, strict=True):
        start = torch.stack([place[0], place[1] - 40])[None]
        read, _ = network.read(tensors.stretch(start, 40, place[1:]), ())
        torch.testing.assert_close(output, read[0, -1], rtol=0, atol=0)


def as_places(course: Sequences, series: int, positions: list[int]) -> torch.Tensor:
    return torch.tensor([[series, int(course.tensors.starts[series]) + position] for position in positions])


def test_a_net_of_windows_has_no_state_to_bound() -> None:
    forecaster = fitted(small_config())
    with pytest.raises(OptionError, match="no state is carried"):
        forecaster.bounded(PANEL, EVERY, 6, 10)
    with pytest.raises(OptionError, match="context counts rows from 1 up"):
        fitted().bounded(PANEL, EVERY, 6, 0)
