"""Ensembles: several nets trained together; their median is the forecast."""

from pathlib import Path

import numpy as np
import pytest
import torch

from builders import small_config, waves
from gatecast.artifact import load, save
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import Ensemble, nets_of
from gatecast.nn import LayerConfig
from gatecast.training.checkpoint import load_checkpoint, save_checkpoint
from gatecast.training.courses import Share
from gatecast.training.loop import train

PANEL = waves()
SPLIT = split_by_time(PANEL, 6)
ORIGINS = Origins(np.array([0, 1, 0]), np.array([200, 210, 240]))
either_mode = pytest.mark.parametrize("mode", ["windows", "sequences"])


def config(mode: Mode, members: int = 3, cell: str = "gru") -> ForecasterConfig:
    network = NetworkConfig(layer=LayerConfig(cell=cell, hidden_size=8), ensemble=members)
    return small_config(network=network, mode=mode)


@either_mode
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_forecast_is_the_median_of_its_members(mode: Mode, cell: str) -> None:
    together = RecurrentForecaster(config(mode, cell=cell)).fit(PANEL, SPLIT)
    ensemble = together.network_
    assert isinstance(ensemble, Ensemble)
    alone = []
    for member in ensemble.members:
        single = RecurrentForecaster(config(mode, members=1, cell=cell))
        single.prepare(PANEL, SPLIT)
        single.network_.load_state_dict(member.state_dict())
        single.network_.eval()
        alone.append(single.forecast(PANEL, ORIGINS, 6).quantiles)
    assert not np.array_equal(alone[0], alone[1])
    np.testing.assert_allclose(together.forecast(PANEL, ORIGINS, 6).quantiles, np.median(alone, axis=0), rtol=1e-5)


@either_mode
def test_the_first_member_starts_as_the_net_alone_and_the_others_differ(mode: Mode) -> None:
    ensemble, _, _ = RecurrentForecaster(config(mode)).prepare(PANEL, SPLIT)
    alone, _, _ = RecurrentForecaster(config(mode, members=1)).prepare(PANEL, SPLIT)
    assert isinstance(ensemble, Ensemble)
    first, second, third = (member.state_dict()["encoder.layer.weight_hh_l0"] for member in ensemble.members)
    assert torch.equal(first, alone.state_dict()["encoder.layer.weight_hh_l0"])
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


@either_mode
def test_an_ensemble_comes_back_from_disk_bit_for_bit(mode: Mode, tmp_path: Path) -> None:
    fitted = RecurrentForecaster(config(mode)).fit(PANEL, SPLIT)
    loaded, _ = load(save(fitted, tmp_path))
    found, expected = (one.forecast(PANEL, ORIGINS, 6).quantiles for one in (loaded, fitted))
    assert np.array_equal(found, expected)


@either_mode
@pytest.mark.parametrize("members", [1, 3])
def test_a_resumed_run_equals_an_unbroken_one(mode: Mode, members: int, tmp_path: Path) -> None:
    settings = config(mode, members)
    network, course, state = RecurrentForecaster(settings).prepare(PANEL, SPLIT)
    unbroken = list(train(network, course, settings.training, state))
    broken, course, broken_state = RecurrentForecaster(settings).prepare(PANEL, SPLIT)
    for record in train(broken, course, settings.training, broken_state):
        if record.step == 5:  # in the middle of a piece of three chunks
            break
    path = save_checkpoint(tmp_path, broken, broken_state)
    resumed, course, resumed_state = RecurrentForecaster(settings).prepare(PANEL, SPLIT)
    load_checkpoint(path, resumed, resumed_state)
    assert list(train(resumed, course, settings.training, resumed_state)) == unbroken[5:]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name])


@pytest.mark.parametrize(("batch", "nets"), [(64, 5), (64, 1), (17, 3), (20, 2), (3, 5), (256, 7)])
def test_shares_together_are_all_of_a_step_and_alike_in_size(batch: int, nets: int) -> None:
    windows = np.random.default_rng(0).permutation(1000)[:batch]
    shares = [Share(number, nets).of(windows, 16) for number in range(nets)]
    assert set(np.concatenate(shares).tolist()) == set(windows.tolist())
    assert {len(share) for share in shares} == {min(batch, max(-(-batch // nets), 16))}
    assert all(len(set(share.tolist())) == len(share) for share in shares), "no window twice in one share"


@either_mode
def test_each_net_learns_from_its_own_share_alone(mode: Mode) -> None:
    settings = config(mode, members=2)
    network, course, _ = RecurrentForecaster(settings).prepare(PANEL, SPLIT)
    assert isinstance(network, Ensemble)
    loss, states = course.loss(network, 0, ())
    parts = [course.loss_of(net, 0, (), Share(number, 2)) for number, net in enumerate(nets_of(network))]
    assert loss.item() == pytest.approx(np.mean([part.loss.item() for part in parts]))
    for found, learnt in zip((states[: len(states) // 2], states[len(states) // 2 :]), parts, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(found, learnt.states, strict=True))
    alone, other_course, _ = RecurrentForecaster(config(mode, members=1)).prepare(PANEL, SPLIT)
    first = other_course.loss_of(nets_of(alone)[0], 0, (), Share(0, 2)).loss
    assert first.item() == parts[0][0].item(), "the first net of an ensemble, on the first share"


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(OptionError, match="ensemble counts nets from 1 up, got ensemble=0"):
        NetworkConfig(ensemble=0)
