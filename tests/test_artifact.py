"""The model folder: what is saved is what is loaded, and a hostile or broken one is refused without running it."""

import contextlib
import io
import json
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from builders import small_config, waves
from gatecast import artifact
from gatecast.artifact import MANIFEST, WEIGHTS, About, load, save
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


def alter(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite the manifest as somebody would who knows how to seal it."""
    tree = json.loads((folder / MANIFEST).read_bytes())
    change(tree)
    rewrite(folder, json.dumps(tree).encode())


def rewrite(folder: Path, manifest: bytes) -> None:
    old = json.loads((folder / MANIFEST).read_bytes())["seal"]
    (folder / MANIFEST).write_bytes(artifact.seal(manifest, old))


def put_weights(folder: Path, weights: bytes) -> None:
    """Replace the weights and write their sha256 and size into the manifest."""
    (folder / WEIGHTS).write_bytes(weights)
    facts = {"weights_sha256": artifact.hashlib.sha256(weights).hexdigest(), "weights_bytes": len(weights)}
    alter(folder, lambda tree: tree.update(facts))


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_tensors((folder / WEIGHTS).read_bytes())


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


# Nothing on the load path executes anything


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def test_the_bomb_of_the_next_test_goes_off_when_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "canary")))  # noqa: S301 - that is the point
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("kind", ["pickle", "torch", "zip"])
@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_loading_a_hostile_file_runs_nothing(folder: Path, tmp_path: Path, kind: str, name: str) -> None:
    bomb, buffer = Bomb(tmp_path / "canary"), io.BytesIO()
    if kind == "torch":
        torch.save(bomb, buffer)
    elif kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(bomb))
    else:
        buffer.write(pickle.dumps(bomb))
    if name == WEIGHTS:
        put_weights(folder, buffer.getvalue())
    else:
        (folder / MANIFEST).write_bytes(buffer.getvalue())
    with pytest.raises(ArtifactError):
        load(folder)
    assert not (tmp_path / "canary").exists()


def test_loading_needs_neither_pickle_nor_torch_load(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an unpickler was called")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    np.testing.assert_array_equal(forecasts(load(folder)[0]), EXPECTED)


# Weights that are not those of the manifest, or not those of a net


def test_the_weights_of_another_model_are_refused(folder: Path, tmp_path: Path) -> None:
    other = save(fitted(seed=1), tmp_path / "other")
    assert (other / WEIGHTS).stat().st_size == (folder / WEIGHTS).stat().st_size
    (folder / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())
    with pytest.raises(ArtifactError, match=r"not the file that model.json was written for .* copy the whole model"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_refused(folder: Path, name: str, kept: float) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ArtifactError):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
@pytest.mark.parametrize("instead", ["nothing", "folder", "pipe"])
def test_a_file_that_is_none_is_refused_without_waiting_for_it(folder: Path, name: str, instead: str) -> None:
    (folder / name).unlink()
    if instead == "folder":
        (folder / name).mkdir()
    elif instead == "pipe":
        os.mkfifo(folder / name)
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_file_that_is_too_large_is_refused_before_it_is_opened(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.truncate(2**40)  # a sparse file: a terabyte that nobody can read into memory
    started = time.perf_counter()
    with pytest.raises(ArtifactError, match="1,099,511,627,776 bytes, more than"):
        load(folder)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(folder: Path, poison: float) -> None:
    tensors = tensors_of(folder)
    tensors["encoder.layer.weight_hh_l0"][1, 2] = poison
    put_weights(folder, save_tensors(tensors))
    with pytest.raises(ArtifactError, match=r"encoder\.layer\.weight_hh_l0 holds NaN or infinite"):
        load(folder)


CHANGES: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "another shape": lambda tensors: tensors.update({"decoder.context.bias": torch.zeros(3)}),
    "a transposed shape": lambda tensors: tensors.update({"highway.linear.weight": torch.zeros(24, 6)}),
    "another type": lambda tensors: tensors.update({"decoder.context.bias": tensors["decoder.context.bias"].double()}),
    "whole numbers": lambda tensors: tensors.update({"decoder.context.bias": tensors["decoder.context.bias"].int()}),
    "another name": lambda tensors: tensors.update({"decoder.bias": tensors.pop("decoder.context.bias")}),
    "one too few": lambda tensors: tensors.pop("decoder.context.bias"),
    "one too many": lambda tensors: tensors.update({"extra": torch.zeros(1)}),
    "none": lambda tensors: tensors.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_of_another_net_are_refused_by_name(tmp_path: Path, change: str) -> None:
    columns = msgspec.structs.replace(PANEL.columns, past=())
    panel = Panel(columns, PANEL.frequency, PANEL.ids, PANEL.offsets, PANEL.times, PANEL.values[:, :1], PANEL.static)
    config = msgspec.structs.replace(small_config(steps=1), calendar=())
    folder = save(RecurrentForecaster(config).fit(panel, split_by_time(panel, 6)), tmp_path)
    tensors = tensors_of(folder)
    CHANGES[change](tensors)
    put_weights(folder, save_tensors(tensors))
    with pytest.raises(ArtifactError, match=r"tensor [\w.]+: expected .*, got"):
        load(folder)


# Manifests that are wrong, though somebody sealed them


def config_of(tree: dict[str, Any]) -> dict[str, Any]:
    return tree["config"]


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another schema": (lambda tree: tree.update(schema=2), "has schema 2, and this gatecast reads schema 1"),
    "a schema in words": (lambda tree: tree.update(schema="1"), "Expected `int`, got `str`"),
    "an unknown key": (lambda tree: tree.update(run="rm -rf /"), "unknown field `run`"),
    "a missing key": (lambda tree: tree.pop("scale"), "missing required field `scale`"),
    "an unknown cell": (lambda tree: config_of(tree)["network"]["layer"].update(cell="os.system"), "Invalid enum"),
    "an unknown scaler": (lambda tree: config_of(tree).update(scaler="log"), "scaler='log' is unknown"),
    "a negative horizon": (lambda tree: config_of(tree).update(horizon=-1), "horizon counts rows from 1 up"),
    "a zero scale": (lambda tree: tree["scale"][0].__setitem__(0, 0.0), "every scale above 0"),
    "a negative scale": (lambda tree: tree["scale"][1].__setitem__(1, -2.0), "every scale above 0"),
    "a negative static scale": (lambda tree: tree.update(static_scale=[-1.0], static_centre=[0.0]), "1 x 0"),
    "a scale too few": (lambda tree: tree["scale"].pop(), "2 x 2"),
    "a ragged scale": (lambda tree: tree["scale"][0].pop(), "does not hold a usable model"),
    "a series too few": (lambda tree: tree["ids"].pop(), "1 x 2"),
    "no series": (lambda tree: tree.update(ids=[], scale=[], centre=[]), "series names are missing or repeat"),
    "a series twice": (lambda tree: tree.update(ids=["s0", "s0"]), "series names are missing or repeat"),
    "a column too few": (lambda tree: tree["columns"].update(past=[]), "2 x 1"),
    "a step of zero": (lambda tree: tree["frequency"].update(multiple=0), "units from 1 to"),
    "a lone surrogate": (lambda tree: tree.update(seal="\ud800"), "not a model description"),
    "an empty seal": (lambda tree: tree.update(seal=""), "altered after it was written"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_cannot_be_is_refused_with_the_reason(folder: Path, lie: str) -> None:
    change, reason = LIES[lie]
    alter(folder, change)
    with pytest.raises(ArtifactError, match=reason):
        load(folder)


ABSURD: dict[str, Callable[[dict[str, Any]], object]] = {
    "hidden_size": lambda tree: config_of(tree)["network"]["layer"].update(hidden_size=65_536, num_layers=64),
    "hidden_size past the cap": lambda tree: config_of(tree)["network"]["layer"].update(hidden_size=10**9),
    "num_layers": lambda tree: config_of(tree)["network"]["layer"].update(num_layers=10**6),
    "lookback": lambda tree: config_of(tree).update(lookback=10**9),
    "lookback without a highway": lambda tree: (
        config_of(tree).update(lookback=10**9),
        config_of(tree)["network"].update(highway=False),
    ),
    "horizon": lambda tree: config_of(tree).update(horizon=10**9),
    "a horizon that memory could hold": lambda tree: config_of(tree).update(horizon=2_000_000),
    "horizon past 64 bits": lambda tree: config_of(tree).update(horizon=10**30),
    "season": lambda tree: config_of(tree).update(season=10**18, subtract="seasonal"),
    "quantiles": lambda tree: config_of(tree)["network"].update(quantiles=[k / 2**18 for k in range(1, 2**18)]),
}


@pytest.mark.parametrize("size", ABSURD)
def test_absurd_sizes_are_refused_without_allocating_them(folder: Path, size: str) -> None:
    alter(folder, ABSURD[size])
    started, before = time.perf_counter(), peak_memory()
    with pytest.raises(ArtifactError):
        load(folder)
    assert time.perf_counter() - started < 2
    assert peak_memory() - before < 200 * 2**20


def peak_memory() -> int:
    """The most bytes this process has had in memory so far."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("peak memory is read from /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_a_repeated_key_is_refused(folder: Path) -> None:
    raw = (folder / MANIFEST).read_bytes()
    rewrite(folder, raw.replace(b'"horizon": 6,', b'"horizon": 5, "horizon": 6,', 1))
    with pytest.raises(ArtifactError, match="the key 'horizon' stands there twice"):
        load(folder)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_scaler_number_that_is_none_is_refused(folder: Path, number: str) -> None:
    tree = json.loads((folder / MANIFEST).read_bytes())
    tree["centre"][0][0] = "HERE"
    rewrite(folder, json.dumps(tree).replace('"HERE"', number).encode())
    with pytest.raises(ArtifactError, match="not a model description"):
        load(folder)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deeply_nested_json_is_refused(folder: Path, opening: str) -> None:
    (folder / MANIFEST).write_bytes(opening.encode() * 200_000)
    with pytest.raises(ArtifactError, match="not a model description"):
        load(folder)


def test_a_manifest_altered_by_hand_is_refused(folder: Path) -> None:
    raw = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(raw.replace(b'"season": 12', b'"season": 13', 1))
    with pytest.raises(ArtifactError, match="altered after it was written"):
        load(folder)


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
    write = artifact.write_atomic

    def mortal(path: Path, data: bytes) -> None:
        nonlocal begun
        begun += 1
        if begun == dies_at:
            raise OSError(28, "No space left on device")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(artifact, "write_atomic", mortal)
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
