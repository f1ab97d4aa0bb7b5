"""Nets with options of the recurrent stack: trained the same again, resumed, saved and loaded."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from builders import small_config, waves
from gatecast.artifact import load, save
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import RecurrentForecaster
from gatecast.nn import LayerConfig, RecurrentStack
from gatecast.training.checkpoint import load_checkpoint, save_checkpoint
from gatecast.training.loop import train
from stack_cases import CASES, CONFIGS, OPTIONS

PANEL = waves()
SPLIT = split_by_time(PANEL, 6)
every_option = pytest.mark.parametrize("option", OPTIONS)


def layer(option: str, **more: Any) -> LayerConfig:
    return LayerConfig(**({"hidden_size": 6, "num_layers": 3} | OPTIONS[option] | more))


def trained(config: LayerConfig) -> tuple[RecurrentForecaster, list[Any]]:
    """A net after its training, and the record of every step."""
    forecaster = RecurrentForecaster(small_config(layer=config))
    network, data, state = forecaster.prepare(PANEL, SPLIT)
    records = list(train(network, data, forecaster.config.training, state))
    return forecaster, [records, *network.state_dict().values()]


def assert_same(left: list[Any], right: list[Any]) -> None:
    assert left[0] == right[0]
    assert all(torch.equal(a, b) for a, b in zip(left[1:], right[1:], strict=True))


@every_option
def test_training_repeats_bit_for_bit_and_leaves_the_callers_generator_alone(option: str) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    _, first = trained(layer(option))
    assert torch.equal(torch.rand(3), expected)
    _, second = trained(layer(option))
    assert_same(first, second)


@every_option
def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path, option: str) -> None:
    config = small_config(layer=layer(option))
    _, unbroken = trained(layer(option))
    network, data, state = RecurrentForecaster(config).prepare(PANEL, SPLIT)
    first = list(islice(train(network, data, config.training, state), 5))
    path = save_checkpoint(tmp_path, network, state)
    resumed, data, state = RecurrentForecaster(config).prepare(PANEL, SPLIT)
    load_checkpoint(path, resumed, state)
    records = first + list(train(resumed, data, config.training, state))
    assert_same([records, *resumed.state_dict().values()], unbroken)


@pytest.mark.parametrize(("cell", "option"), sorted({(CONFIGS[kind]["cell"], option) for kind, option in CASES}))
@pytest.mark.parametrize("learnt", [False, True])
def test_a_net_comes_back_from_its_artifact_bit_equal_and_every_weight_learns(
    tmp_path: Path, cell: str, option: str, *, learnt: bool
) -> None:
    config = layer(option, cell=cell, learn_initial_state=learnt)
    origins = Origins(np.array([0, 1]), np.array([150, 170]))
    forecaster = RecurrentForecaster(small_config(layer=config)).fit(PANEL, SPLIT)
    encoder = forecaster.network_.encoder
    assert isinstance(encoder.layer if learnt else encoder, RecurrentStack)
    loaded, _ = load(save(forecaster, tmp_path))
    expected = forecaster.forecast(PANEL, origins, 6)
    np.testing.assert_array_equal(loaded.forecast(PANEL, origins, 6).quantiles, expected.quantiles)
    start = RecurrentForecaster(forecaster.config).prepare(PANEL, SPLIT)[0].encoder
    moved = zip(start.parameters(), encoder.parameters(), strict=True)
    assert all(not torch.equal(before, after) for before, after in moved), "every weight of the stack learns"


def test_dilations_that_reach_over_the_whole_lookback_are_refused() -> None:
    with pytest.raises(OptionError, match="dilations=1 2 24 reach back 24 steps, and with lookback=24"):
        RecurrentForecaster(small_config(layer=layer("dilations", dilations=(1, 2, 24)))).prepare(PANEL, SPLIT)
