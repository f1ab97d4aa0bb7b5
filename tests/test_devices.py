"""Training on another device than the CPU."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from builders import small_config, waves
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training.loop import train
from gatecast.workflow import fit
from small_tables import SMALL, wave_table

PANEL = waves(series=3, rows=300)
SPLIT = split_by_time(PANEL, 6)
ORIGINS = Origins(np.arange(3), np.full(3, 294))
WANTED = {
    "windows": small_config(steps=20),
    "sequences": small_config(mode="sequences", steps=20),
    "segments": small_config(
        network=NetworkConfig(layer=LayerConfig(hidden_size=8), segment=2, decode="segments"), steps=20
    ),
    "ensemble": small_config(network=NetworkConfig(layer=LayerConfig(hidden_size=8), ensemble=2), steps=20),
    "lstm": small_config(layer=LayerConfig(cell="lstm", hidden_size=8), steps=20),
    "mingru": small_config(layer=LayerConfig(cell="mingru", hidden_size=8), steps=20),
    "fed back": small_config(
        network=NetworkConfig(layer=LayerConfig(hidden_size=8), decode="recursive", loss="normal"), steps=20
    ),
}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")


def on(device: str, config: ForecasterConfig) -> ForecasterConfig:
    return msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, device=device))


@needs_gpu
@pytest.mark.parametrize("name", list(WANTED))
def test_the_gpu_learns_what_the_cpu_learns(name: str) -> None:
    losses = {}
    for device in ("cpu", "cuda"):
        config = on(device, WANTED[name])
        forecaster = RecurrentForecaster(config)
        network, course, state = forecaster.prepare(PANEL, SPLIT)
        losses[device] = [record.loss for record in train(network, course, config.training, state)]
        assert {p.device.type for p in network.parameters()} == {device}
        forecaster.keep_best(state)
        assert np.isfinite(forecaster.forecast(PANEL, ORIGINS, 6).quantiles).all()
        assert {p.device.type for p in network.parameters()} == {"cpu"}, "forecasts are made by the kernels"
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=2e-3)


@needs_gpu
def test_dropout_on_the_gpu_is_a_function_of_the_seed_and_the_step() -> None:
    network = NetworkConfig(layer=LayerConfig(hidden_size=8), output_dropout=0.5)
    config = on("cuda", small_config(network=network, steps=5))
    before = torch.cuda.get_rng_state()
    runs = []
    for _ in range(2):
        torch.cuda.manual_seed(17 + len(runs))
        net, course, state = RecurrentForecaster(config).prepare(PANEL, SPLIT)
        runs.append([record.loss for record in train(net, course, config.training, state)])
    assert runs[0] == pytest.approx(runs[1], rel=1e-6)
    torch.cuda.set_rng_state(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a CUDA device here")
def test_a_device_that_is_not_there_is_refused_with_a_remedy() -> None:
    with pytest.raises(OptionError, match=r"no cuda device on this machine.*training\.device=cpu"):
        RecurrentForecaster(on("cuda", small_config())).prepare(PANEL, SPLIT)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a CUDA device here")
def test_a_run_on_a_device_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no cuda device"):
        fit(wave_table(), out=tmp_path / "run", device="cuda", **SMALL)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "", "meta"])
def test_what_names_no_device_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=r"training\.device is cpu, or a GPU"):
        on(name, small_config())
