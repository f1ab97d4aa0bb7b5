"""The states that a pass leaves for the next one: the same forecasts, and no row read twice."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from builders import small_config, waves
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import RecurrentForecaster
from gatecast.models import remembering
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig

PANEL = waves(series=3, rows=300)
EVERY = Origins(np.repeat(np.arange(3), 40), np.tile(np.arange(240, 280), 3))
LATE = Origins(np.arange(3), np.full(3, 299))
NETS = {
    "gru": NetworkConfig(layer=LayerConfig(hidden_size=8)),
    "lstm of two layers": NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=8, num_layers=2)),
    "ensemble": NetworkConfig(layer=LayerConfig(hidden_size=8), ensemble=2),
    "embedding": NetworkConfig(layer=LayerConfig(hidden_size=8), embedding=2),
    "paths": NetworkConfig(layer=LayerConfig(hidden_size=8), decode="recursive", loss="normal", paths=5),
}


def fitted(name: str = "gru") -> RecurrentForecaster:
    config = small_config(mode="sequences", network=NETS[name], steps=3)
    return RecurrentForecaster(config).fit(PANEL, split_by_time(PANEL, 6))


def anew(forecaster: RecurrentForecaster, panel: Panel, origins: Origins) -> np.ndarray:
    """The forecast of the same net when it remembers nothing."""
    other = RecurrentForecaster(forecaster.config)
    other.network_, other.fitted_ = forecaster.network_, forecaster.fitted_
    return other.forecast(panel, origins, 6).quantiles


def changed(panel: Panel, change: Callable[[np.ndarray], object]) -> Panel:
    """The panel after a change of its values."""
    arrays = {name: panel.values[panel.rows(index)].copy() for index, name in enumerate(panel.ids)}
    change(arrays[panel.ids[1]])
    return panel_from_arrays(arrays, panel.columns, panel.frequency)


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows of each series every call of the net has read."""
    from gatecast.models.network import RecurrentNetwork  # noqa: PLC0415 - what is watched

    counts: list[int] = []
    read = RecurrentNetwork.read

    def watched(self: RecurrentNetwork, stretch: object, states: object) -> object:
        counts.append(stretch.causal.shape[1])
        return read(self, stretch, states)

    monkeypatch.setattr(RecurrentNetwork, "read", watched)
    return counts


@pytest.mark.parametrize("name", list(NETS))
def test_what_is_remembered_changes_no_bit_of_a_forecast(name: str) -> None:
    forecaster = fitted(name)
    for origins in (EVERY, EVERY, LATE, EVERY):
        assert np.array_equal(forecaster.forecast(PANEL, origins, 6).quantiles, anew(forecaster, PANEL, origins))


def test_a_second_backtest_reads_no_row_before_its_first_cutoff(rows_read: list[int]) -> None:
    forecaster = fitted()
    forecaster.forecast(PANEL, EVERY, 6)
    rows_read.clear()
    forecaster.forecast(PANEL, EVERY, 6)
    assert sum(rows_read) == 279 - 239, "from the row before the first cutoff to the last one"


def test_a_table_that_grew_by_a_row_costs_two_rows(rows_read: list[int]) -> None:
    forecaster = fitted()
    arrays = {name: PANEL.values[PANEL.rows(index)] for index, name in enumerate(PANEL.ids)}
    for rows in (298, 299, 300):
        panel = panel_from_arrays({name: own[:rows] for name, own in arrays.items()}, PANEL.columns, PANEL.frequency)
        rows_read.clear()
        found = forecaster.forecast(panel, Origins(np.arange(3), np.full(3, rows)), 6).quantiles
        assert sum(rows_read) == (rows if rows == 298 else 2)
        assert np.array_equal(found, anew(forecaster, panel, Origins(np.arange(3), np.full(3, rows))))


@pytest.mark.parametrize("row", [0, 17, 238])
def test_a_past_row_that_changed_is_read_again(row: int) -> None:
    forecaster = fitted()
    before = forecaster.forecast(PANEL, EVERY, 6).quantiles

    def change(values: np.ndarray) -> None:
        values[row] += 5

    other = changed(PANEL, change)
    found = forecaster.forecast(other, EVERY, 6).quantiles
    assert np.array_equal(found, anew(forecaster, other, EVERY))
    assert not np.array_equal(found, before)


def test_other_weights_read_everything_again() -> None:
    forecaster = fitted()
    forecaster.forecast(PANEL, EVERY, 6)
    with torch.no_grad():
        for weight in forecaster.network_.parameters():
            weight.mul_(1.5)
    assert np.array_equal(forecaster.forecast(PANEL, EVERY, 6).quantiles, anew(forecaster, PANEL, EVERY))


def test_other_series_read_everything_again() -> None:
    forecaster = fitted("embedding")
    forecaster.forecast(PANEL, EVERY, 6)
    arrays = {name: PANEL.values[PANEL.rows(0)] for name in reversed(PANEL.ids)}
    panel = panel_from_arrays(arrays, PANEL.columns, PANEL.frequency)
    forecaster.forecast(panel, EVERY, 6)
    for some in (Origins(np.array([1]), np.array([250])), Origins(np.array([0, 2]), np.array([250, 260]))):
        assert np.array_equal(forecaster.forecast(panel, some, 6).quantiles, anew(forecaster, panel, some))


def test_a_table_too_large_to_keep_is_read_again(monkeypatch: pytest.MonkeyPatch, rows_read: list[int]) -> None:
    monkeypatch.setattr(remembering, "MOST_VALUES", 10)
    forecaster = fitted()
    forecaster.forecast(PANEL, EVERY, 6)
    rows_read.clear()
    forecaster.forecast(PANEL, EVERY, 6)
    assert sum(rows_read) == 279
