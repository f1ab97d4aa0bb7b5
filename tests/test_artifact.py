"""The model folder: what is saved is what is loaded, and a hostile or broken one is refused without running it."""

import contextlib
import pickle
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import small_config, waves
from gatecast.artifact import MANIFEST, WEIGHTS, About, load, save, writing
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import ArtifactError
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig

PANEL = waves(past=1)
ORIGINS = Origins(np.array([0, 1]), np.array([150, 170]))


def fitted(panel: Panel = PANEL, seed: int = 0, **network: Any) -> RecurrentForecaster:
    config = small_config(network=NetworkConfig(layer=LayerConfig(hidden_size=4), **network), steps=4, seed=seed)
    return RecurrentForecaster(config).fit(panel, split_by_time(panel, 6))


def forecasts(forecaster: RecurrentForecaster, panel: Panel = PANEL) -> np.ndarray:
    return forecaster.forecast(panel, ORIGINS, 6).quantiles


NET = fitted()
EXPECTED = forecasts(NET)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(NET, tmp_path / "model")


# What is saved is what is loaded


@pytest.mark.parametrize("loss", ["quantile", "mse", "student", "mixture"])
def test_a_loaded_model_forecasts_bit_for_bit_the_same(tmp_path: Path, loss: str) -> None:
    forecaster = fitted(loss=loss)
    loaded, _ = load(save(forecaster, tmp_path))
    np.testing.assert_array_equal(loaded.forecast(PANEL, ORIGINS, 6).mean, forecaster.forecast(PANEL, ORIGINS, 6).mean)
    np.testing.assert_array_equal(forecasts(loaded), forecasts(forecaster))
    assert (loaded.config, loaded.fitted_.columns) == (forecaster.config, forecaster.fitted_.columns)


def test_a_model_with_static_covariates_forecasts_the_same_after_loading(tmp_path: Path) -> None:
    columns = msgspec.structs.replace(PANEL.columns, static=("size",))
    static = np.array([[1.0], [9.0]], dtype=np.float32)
    panel = Panel(columns, PANEL.frequency, PANEL.ids, PANEL.offsets, PANEL.times, PANEL.values, static)
    forecaster = fitted(panel)
    np.testing.assert_array_equal(forecasts(load(save(forecaster, tmp_path))[0], panel), forecasts(forecaster, panel))


def test_where_a_model_comes_from_is_kept(tmp_path: Path) -> None:
    about = About(
        versions={"gatecast": "0"},
        data={"name": 'a "name" ünicode'},
        guesses=(Guess("season", "12", "an echo"),),
        asked=msgspec.Raw(b'{"horizon":6}'),
        season=12,
        scores={"gru": 0.5},
        seen_until="2024-01-05T00:00:00",
    )
    found = load(save(NET, tmp_path, about))[1]
    assert msgspec.json.decode(found.asked) == {"horizon": 6}
    assert msgspec.structs.replace(found, asked=about.asked) == about


def test_a_saved_model_is_two_files_and_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = save(NET, tmp_path / "a"), save(NET, save(fitted(seed=1), tmp_path / "b"))
    for folder in (first, second):
        assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, WEIGHTS]
    for name in (MANIFEST, WEIGHTS):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_link_to_a_model_folder_is_as_good_as_the_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    np.testing.assert_array_equal(forecasts(load(tmp_path / "link")[0]), EXPECTED)


# Nothing on the load path executes anything; what is tried against it stands in attacks/test_attacks_models.py


def test_loading_needs_neither_pickle_nor_torch_load(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an unpickler was called")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    np.testing.assert_array_equal(forecasts(load(folder)[0]), EXPECTED)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), name=st.sampled_from([MANIFEST, WEIGHTS]))
def test_a_flipped_bit_anywhere_is_refused(tmp_path: Path, place: float, bit: int, name: str) -> None:
    folder = save(NET, tmp_path / "flipped")
    data = bytearray((folder / name).read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    (folder / name).write_bytes(data)
    with pytest.raises(ArtifactError):
        load(folder)


# A crash while saving


def writes_of_a_save(folder: Path, monkeypatch: pytest.MonkeyPatch, *, dies_at: int) -> int:
    """Save another net over `folder`, dying just before write number `dies_at`; returns how many were begun."""
    begun = 0
    write = writing.write_atomic

    def mortal(path: Path, data: bytes) -> None:
        nonlocal begun
        begun += 1
        if begun == dies_at:
            raise OSError(28, "No space left on device")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_atomic", mortal)
        with contextlib.suppress(OSError):
            save(fitted(seed=1), folder)
    return begun


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_save_that_dies_at_any_write_leaves_the_previous_model_usable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    assert writes_of_a_save(folder, monkeypatch, dies_at=dies_at) == dies_at
    np.testing.assert_array_equal(forecasts(load(folder)[0]), EXPECTED)
    writes_of_a_save(folder, monkeypatch, dies_at=2)
    np.testing.assert_array_equal(forecasts(load(folder)[0]), EXPECTED)


def test_a_save_after_one_that_died_leaves_only_the_new_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writes_of_a_save(folder, monkeypatch, dies_at=0) == 3, "the test above lets every write fail"
    writes_of_a_save(folder, monkeypatch, dies_at=3)
    writes_of_a_save(folder, monkeypatch, dies_at=0)
    np.testing.assert_array_equal(forecasts(load(folder)[0]), forecasts(fitted(seed=1)))
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, WEIGHTS]


def test_a_first_save_that_dies_leaves_nothing_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes_of_a_save(tmp_path, monkeypatch, dies_at=2)
    with pytest.raises(ArtifactError, match=r"model\.json is missing"):
        load(tmp_path)


def test_saving_over_a_broken_model_mends_it(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"{")
    save(NET, folder)
    np.testing.assert_array_equal(forecasts(load(folder)[0]), EXPECTED)
