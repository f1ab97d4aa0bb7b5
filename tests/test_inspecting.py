"""An inspection of a forecaster: its numbers against the forecaster itself, poisoned futures, and refusals."""

import json

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import Tensor

from builders import poisoned, small_config, waves, with_values
from gatecast import nn
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, scoring_origins, split_by_time
from gatecast.errors import OptionError, TooShortError
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.inspection import (
    GradientFlow,
    Importance,
    InspectOptions,
    LayerGates,
    Memory,
    captured,
    compare,
    dead_units,
    forecast_memory,
    gradient_advice,
    inspect_forecaster,
    principal_path,
    probe,
    recurrent_part,
    summarise,
    to_json,
)
from gatecast.inspection.advice import advise
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig

HORIZON = 6
SMALL = LayerConfig(hidden_size=5)
NETS: dict[str, tuple[ForecasterConfig, dict[str, int]]] = {
    "windows": (small_config(), {"past": 2}),
    "sequences": (small_config(mode="sequences"), {"past": 2}),
    "seasonal": (small_config(mode="sequences", subtract="seasonal"), {}),
    "mean": (small_config(subtract="mean", normalise="standard"), {}),
    "elman": (small_config(layer=LayerConfig(cell="rnn", hidden_size=5), mode="sequences"), {}),
    "lstm": (small_config(layer=LayerConfig(cell="lstm", hidden_size=5, num_layers=2)), {}),
    "slstm": (small_config(layer=LayerConfig(cell="slstm", hidden_size=5)), {}),
    "grud": (small_config(layer=LayerConfig(cell="grud", hidden_size=5)), {"past": 1}),
    "indrnn": (small_config(layer=LayerConfig(cell="indrnn", hidden_size=5, learn_initial_state=True)), {}),
    "backwards too": (small_config(layer=LayerConfig(hidden_size=5, num_layers=2, bidirectional=True)), {}),
    "dilated": (
        small_config(layer=LayerConfig(cell="mingru", hidden_size=5, num_layers=2, dilations=(1, 4)), mode="sequences"),
        {},
    ),
    "zoneout": (small_config(layer=LayerConfig(hidden_size=5, zoneout=0.1)), {}),
    "recursive": (small_config(network=NetworkConfig(decode="recursive", loss="mse", layer=SMALL)), {}),
    "recursive, carried": (
        small_config(network=NetworkConfig(decode="recursive", loss="mse", layer=SMALL), mode="sequences"),
        {},
    ),
    "segments": (small_config(network=NetworkConfig(segment=4, decode="segments", layer=SMALL)), {}),
    "seq2seq": (small_config(network=NetworkConfig(decode="seq2seq", layer=SMALL)), {}),
    "ensemble": (small_config(network=NetworkConfig(ensemble=2, layer=SMALL), mode="sequences"), {}),
    "normal": (small_config(network=NetworkConfig(loss="normal", layer=SMALL)), {}),
    "student": (small_config(network=NetworkConfig(loss="student", layer=SMALL), mode="sequences"), {}),
    "mixture": (small_config(network=NetworkConfig(loss="mixture", highway=False, layer=SMALL)), {}),
    "targets apart": (small_config(network=NetworkConfig(channels="apart", layer=SMALL)), {"targets": 2}),
}


def fitted(name: str) -> tuple[RecurrentForecaster, Panel, Origins]:
    """A net of a kind, its table, and the origins of its test part."""
    config, columns = NETS[name]
    panel = waves(2, 240, **columns)
    split = split_by_time(panel, HORIZON, 0.2, 0.2)
    forecaster = RecurrentForecaster(config).fit(panel, split)
    return forecaster, panel, scoring_origins(split.validation_end, split.test_end, HORIZON, None)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("context", [24, 150])
def test_a_probe_forecasts_what_the_forecaster_does(name: str, context: int) -> None:
    forecaster, panel, _ = fitted(name)
    cutoffs = [150, 199, 240]
    asked = probe(forecaster, panel, 1, cutoffs, context)
    said = asked(asked.values).detach().numpy().astype(np.float64)
    scaling, targets = forecaster.fitted_.scaling, said.shape[-1]
    said = said * scaling.scale[1, :targets] + scaling.centre[1, :targets]
    expected = forecaster.forecast(panel, Origins(np.ones(3, dtype=np.int64), np.array(cutoffs)), HORIZON)
    np.testing.assert_allclose(said.reshape(expected.mean.shape), expected.mean, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    "name", ["windows", "sequences", "seasonal", "mean", "recursive, carried", "segments", "normal", "mixture"]
)
def test_memory_is_how_much_the_forecast_moves_when_a_row_is_nudged(name: str) -> None:
    """By the forecaster's own forecasts of nudged tables."""
    forecaster, panel, _ = fitted(name)
    cutoff, nudge = 180, 0.02
    memory = forecast_memory(probe(forecaster, panel, 0, [cutoff], 40))
    scale = forecaster.fitted_.scaling.scale[0]
    at = Origins(np.zeros(1, dtype=np.int64), np.array([cutoff]))
    for lag in (0, 1, 5, 11, 12, 20):
        total = np.zeros(HORIZON)
        for channel in range(panel.values.shape[1]):
            ends = []
            for sign in (1, -1):
                values = panel.values.copy()
                values[cutoff - 1 - lag, channel] += sign * nudge * scale[channel]
                ends.append(forecaster.forecast(with_values(panel, values), at, HORIZON).mean[0, :, 0])
            total += np.abs(ends[0] - ends[1]) / (2 * nudge * scale[0])
        np.testing.assert_allclose(memory.by_step[:, lag], total, rtol=0.05, atol=2e-3)
        assert memory.weights[lag] == pytest.approx(memory.by_step[:, lag].mean(), rel=1e-5)


def test_memory_of_a_series_that_copies_itself_after_40_rows_peaks_there() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(1200, 1))
    for row in range(40, 1200):
        y[row] = y[row - 40] + 0.05 * y[row]
    panel = panel_from_arrays({"a": y}, Columns(target=("y",), id="unique_id", time="ds"), parse_frequency("1h"))
    split = split_by_time(panel, 1, 0.2, 0.2)
    training = TrainingConfig(steps=150, batch_size=64, learning_rate=1e-2)
    config = ForecasterConfig(
        lookback=60,
        horizon=1,
        subtract="none",
        normalise="none",
        calendar=(),
        training=training,
        network=NetworkConfig(),
    )
    forecaster = RecurrentForecaster(config).fit(panel, split)
    found = inspect_forecaster(
        forecaster,
        panel,
        scoring_origins(split.validation_end, split.test_end, 1, None),
        options=InspectOptions(8, 50, 0),
    )
    assert int(found.memory.weights.argmax()) == 39, "lag 0 is the newest row, one before the forecast"
    assert found.memory.lag_90 >= 39


@pytest.mark.parametrize("name", NETS)
def test_any_net_can_be_inspected(name: str) -> None:
    forecaster, panel, origins = fitted(name)
    found = inspect_forecaster(forecaster, panel, origins)
    updates = len(found.times)
    units = forecaster.config.network.layer.hidden_size
    assert len(found.values) == updates == len(found.states.points)
    assert {layer.output.shape for layer in found.layers} == {(updates, units)}
    assert all(gate.shape == (updates, units) for layer in found.layers for gate in layer.gates.values())
    assert len(found.timescales) == units * len(found.layers)
    assert all(0 < each.timescale <= 1e6 for each in found.timescales)
    assert np.isfinite(found.gradients.norms).all()
    assert (found.gradients.singular_value >= found.gradients.spectral_radius - 1e-5).all()
    assert [each.covariate for each in found.importance] == sorted(
        panel.columns.past, key=[each.covariate for each in found.importance].index
    )
    json.dumps(to_json(found), allow_nan=False)


@pytest.mark.parametrize("name", ["windows", "sequences", "segments"])
def test_gates_stand_at_the_rows_that_they_read(name: str) -> None:
    forecaster, panel, origins = fitted(name)
    found = inspect_forecaster(forecaster, panel, origins, "s1")
    rows, last = panel.rows(1), int(origins.position.max())
    own = slice(rows.start, rows.start + last)
    step = found.rows
    np.testing.assert_array_equal(found.times, panel.times[own][::-1][: step * len(found.times) : step][::-1])
    np.testing.assert_array_equal(found.values, panel.targets[own, 0][::-1][: step * len(found.times) : step][::-1])
    assert len(found.times) == (last if name == "sequences" else 24 // step)


@pytest.mark.parametrize("name", ["windows", "sequences", "segments"])
def test_forecasts_ahead_are_those_of_the_forecaster_from_each_update(name: str) -> None:
    forecaster, panel, origins = fitted(name)
    found = inspect_forecaster(forecaster, panel, origins, "s1")
    assert found.ahead is not None
    assert len(found.ahead.values) == min(len(found.times), 120)
    rows = np.searchsorted(panel.times[panel.rows(1)], found.times[-len(found.ahead.values) :])
    said = forecaster.forecast(panel, Origins(np.ones_like(rows), rows + 1), HORIZON).mean[..., 0]
    np.testing.assert_allclose(found.ahead.values, said, rtol=1e-6)
    np.testing.assert_array_equal(found.ahead.times[0], panel.horizon_times(1, int(rows[0]) + 1, HORIZON))


def test_gates_are_those_of_the_cell_on_what_the_encoder_reads() -> None:
    forecaster, panel, origins = fitted("sequences")
    found = inspect_forecaster(forecaster, panel, origins)
    layer = recurrent_part(forecaster.network_)
    with captured(layer) as calls:
        forecaster.bounded(panel, Origins(np.zeros(1, dtype=np.int64), origins.position[-1:]), HORIZON, 10_000)
    read = torch.cat([call.x for call in calls if isinstance(call.x, Tensor) and len(call.x)], dim=1)
    expected = nn.trace(layer, read).gates["l0"]
    for letter, gate in found.layers[0].gates.items():
        np.testing.assert_allclose(gate, expected[letter][:, 0].detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("poison", [np.nan, 1e9])
@pytest.mark.parametrize("name", ["windows", "sequences", "recursive, carried"])
def test_the_future_moves_neither_gates_nor_memory_nor_states(name: str, poison: float) -> None:
    forecaster, panel, origins = fitted(name)
    last = int(origins.position.max())
    tables = (panel, poisoned(panel, np.array([last, last]), poison))
    clean, found = (
        inspect_forecaster(forecaster, each, origins, options=InspectOptions(shuffles=0)) for each in tables
    )
    np.testing.assert_array_equal(clean.memory.by_step, found.memory.by_step)
    np.testing.assert_array_equal(clean.states.points, found.states.points)
    np.testing.assert_array_equal(clean.gradients.spectral_radius, found.gradients.spectral_radius)
    for one, other in zip(clean.layers, found.layers, strict=True):
        for letter, gate in one.gates.items():
            np.testing.assert_array_equal(gate, other.gates[letter])


def test_a_longer_past_leaves_the_newest_gates_as_they_are() -> None:
    forecaster, panel, origins = fitted("sequences")
    whole, few = (
        inspect_forecaster(forecaster, panel, origins, options=InspectOptions(updates=n)) for n in (10_000, 20)
    )
    assert len(few.times) == 20
    np.testing.assert_allclose(few.layers[0].gates["z"], whole.layers[0].gates["z"][-20:], rtol=1e-6, atol=1e-6)


def test_json_has_the_names_that_others_read() -> None:
    forecaster, panel, origins = fitted("windows")
    said = to_json(inspect_forecaster(forecaster, panel, origins))
    assert said["memory"]["lags"] == list(range(24))
    assert len(said["memory"]["weights"]) == 24
    assert 0 <= said["memory"]["lag_90"] < 24
    assert [unit["unit"] for unit in said["units"]] == list(range(8))
    assert {unit["layer"] for unit in said["units"]} == {0}
    assert set(said["gates"]["l0"]) == {"r", "z", "n", "dead_units"}
    assert len(said["gradient_by_lag"]) == 24
    assert isinstance(said["advice"], list)


def test_a_series_is_named_and_a_wrong_one_refused() -> None:
    forecaster, panel, origins = fitted("windows")
    assert inspect_forecaster(forecaster, panel, origins, "s1").series == "s1"
    with pytest.raises(OptionError, match="there is no series 's9'; the table has s0, s1"):
        inspect_forecaster(forecaster, panel, origins, "s9")
    only = Origins(origins.series[origins.series == 0], origins.position[origins.series == 0])
    with pytest.raises(OptionError, match="series 's1' has no rows that the net has not learnt from"):
        inspect_forecaster(forecaster, panel, only, "s1")
    with pytest.raises(OptionError, match="there are none"):
        inspect_forecaster(forecaster, panel, Origins(origins.series[:0], origins.position[:0]))
    with pytest.raises(OptionError, match="cutoffs counts from 1 up, got cutoffs=0"):
        InspectOptions(cutoffs=0)


def test_cutoffs_without_rows_before_them_are_refused_by_the_name_of_their_series() -> None:
    forecaster, panel, _ = fitted("sequences")
    with pytest.raises(TooShortError, match='series "s0" has no cutoff with 3 rows before it'):
        inspect_forecaster(forecaster, panel, Origins(np.zeros(1, dtype=np.int64), np.array([2])))
    with pytest.raises(TooShortError, match='series "s0" has 5 rows before a cutoff, 6 are needed'):
        probe(forecaster, panel, 0, [5], 6)


def test_a_module_without_a_recurrent_layer_is_refused() -> None:
    assert isinstance(recurrent_part(torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.GRU(1, 2))), torch.nn.GRU)
    with pytest.raises(OptionError, match="Linear holds no recurrent layer"):
        recurrent_part(torch.nn.Linear(1, 1))


def layer_of(**gates: np.ndarray) -> LayerGates:
    """A layer with these gates, from 0 to 1, whose output is the first of them."""
    return LayerGates("l0", gates, dict.fromkeys(gates, (0.0, 1.0)), next(iter(gates.values())))


def test_a_gate_near_an_end_of_its_range_is_saturated() -> None:
    z = np.array([[0.05, 0.5], [0.02, 0.95], [0.5, 0.99], [0.5, 0.2]])
    (found,) = summarise([layer_of(z=z)])
    assert (found.low, found.high) == (2 / 8, 2 / 8)
    assert found.mean == pytest.approx(z.mean())
    (unbounded,) = summarise([LayerGates("l0", {"n": z}, {"n": (-np.inf, np.inf)}, z)])
    assert (unbounded.low, unbounded.high) == (0, 0)


def test_a_unit_that_never_moves_is_dead() -> None:
    output = np.column_stack([np.zeros(9), np.arange(9), np.full(9, 3.0), 1e-6 * np.arange(9)])
    assert dead_units(LayerGates("l0", {}, {}, output)) == [0, 2, 3]


def test_states_on_a_line_have_one_component() -> None:
    line = np.outer(np.sin(np.arange(50)), [3.0, 4.0, 0.0])
    path = principal_path(line)
    assert path.explained == pytest.approx((1, 0), abs=1e-12)
    np.testing.assert_allclose(
        np.abs(path.points[:, 0]), 5 * np.abs(np.sin(np.arange(50)) - np.sin(np.arange(50)).mean())
    )
    np.testing.assert_allclose(path.points[:, 1], 0, atol=1e-9)
    assert principal_path(np.ones((4, 1))).explained == (0, 0)


def test_principal_components_are_those_of_the_covariance() -> None:
    output = np.random.default_rng(0).normal(size=(200, 6)) @ np.diag([3, 1, 2, 0.1, 0.1, 0.1])
    path = principal_path(output)
    values = np.linalg.eigvalsh(np.cov(output.T))[::-1]
    np.testing.assert_allclose(path.points.var(axis=0, ddof=1), values[:2], rtol=1e-9)
    np.testing.assert_allclose(path.explained, values[:2] / values.sum(), rtol=1e-9)


def test_comparing_puts_the_same_numbers_of_both_side_by_side() -> None:
    one, other = (inspect_forecaster(*fitted(name)) for name in ("windows", "elman"))
    found = {each.what: (each.one, each.other) for each in compare(one, other)}
    assert found["90 % of the memory within, rows"] == (one.memory.lag_90, other.memory.lag_90)
    assert found["spectral radius, mean"][1] == pytest.approx(other.gradients.spectral_radius.mean())
    assert np.isnan(found["shuffled x0: error"][1]), "the other has no covariate"


def memory_of(weights: list[float]) -> Memory:
    rows = np.array([weights])
    return Memory(rows[0], rows, np.array([1]), rows, ("y",))


FLOW = GradientFlow(np.array([1.0, 0.9, 0.8]), np.ones(1), np.ones(1))


def looking_back(lookback: int, cell: str = "rnn", mode: Mode = "windows") -> ForecasterConfig:
    """A net of a cell, whose lookback is so long, or whose season is."""
    config = small_config(layer=LayerConfig(cell=cell), mode=mode)  # type: ignore[arg-type]
    return structs.replace(config, lookback=lookback, season=lookback)


def test_vanished_gradients_are_told_with_the_lag_and_what_to_do() -> None:
    norms = 0.7 ** np.arange(60)
    (said,) = gradient_advice(norms, looking_back(49))
    assert said == (
        "gradient at lag 48 is 5e-08 of lag 1 (below 1e-05 from lag 34 on): use GRU instead of the Elman cell, chrono "
        "initialisation, or a shorter lookback."
    )
    (gated,) = gradient_advice(norms, looking_back(49, "gru"))
    assert gated.endswith("from lag 34 on): chrono initialisation or a shorter lookback.")
    (carried,) = gradient_advice(norms, looking_back(48, "gru", "sequences"))
    assert carried.endswith("from lag 34 on): chrono initialisation or a dilated layer.")
    assert not [*gradient_advice(norms, looking_back(21))], "lag 20 is as far as it is meant to learn"
    assert not [*gradient_advice(np.ones(49), looking_back(49))]
    assert not [*gradient_advice(np.zeros(49), looking_back(49))]


def test_exploding_gradients_are_told() -> None:
    (said,) = gradient_advice(1.2 ** np.arange(49), looking_back(49))
    assert said.startswith("gradient at lag 48 is 6e+03 times that of the newest state: it explodes backwards.")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0] * 4 + [0.0] * 20, "99 % of what moves the forecast, by derivatives, lies in the newest 4 of 24 rows"),
        ([0.1] * 18 + [3.0] * 6, "the oldest fifth of the lookback has"),
        ([0.0] * 23 + [0.0], ""),
        ([1.0] * 24, ""),
    ],
)
def test_a_lookback_that_is_too_long_or_too_short_is_told(weights: list[float], said: str) -> None:
    found = advise(small_config(), [], memory_of(weights), FLOW, [])
    assert [each[: len(said)] for each in found] == ([said] if said else [])
    assert advise(small_config(mode="sequences"), [], memory_of(weights), FLOW, []) == ()


def test_dead_units_stuck_gates_idle_covariates_and_silent_states_are_told() -> None:
    moving = np.random.default_rng(0).uniform(size=(40, 4))
    still = np.where(np.arange(4) < 3, 0.5, moving)
    balanced = memory_of([1.0] * 24)
    (dead,) = advise(small_config(), [layer_of(z=still)], balanced, FLOW, [])
    assert dead == "3 of 4 units of l0 never move: a smaller hidden size does as much."
    shut = LayerGates("l0", {"z": moving / 11}, {"z": (0.0, 1.0)}, moving)
    (stuck,) = advise(small_config(), [shut], balanced, FLOW, [])
    assert stuck.startswith("gate z of l0 is shut nearly always (100%)")
    importance = [Importance("heat", 0.3, 0.01), Importance("wind", 0.001, 0.01), Importance("rain", -0.2, 0.01)]
    (idle,) = advise(small_config(), [], balanced, FLOW, importance)
    assert idle == "shuffling wind, rain makes the forecast no worse than chance: fit without them and compare."
    silent = GradientFlow(np.zeros(3), np.ones(1), np.ones(1))
    (naive,) = advise(small_config(), [], balanced, silent, [])
    assert naive.startswith("no state moves the forecast")
