"""Save and load: `model.json` and `weights.safetensors`; nothing on the load path can execute anything.

safetensors alone still accepts absurd shapes, NaN weights and a swapped file, so loading checks, in this order: the
sizes of both files before either is read, the manifest against its types and its own sha256, the sha256 of the weights,
and every tensor's name, shape, type and finiteness against the net that the manifest describes.  A sha256 guards
against accidents: somebody who alters a model on purpose can write a fitting one, and then meets the other checks.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from gatecast.data.calendar import Frequency
from gatecast.data.columns import Columns, Guess
from gatecast.data.scalers import Scaling
from gatecast.errors import ArtifactError, GatecastError, OptionError
from gatecast.evaluation.calibration import Calibration
from gatecast.files import write_atomic
from gatecast.forecaster import Fitted, ForecasterConfig, RecurrentForecaster, network_sizes
from gatecast.models.ensemble import Network, build_network

SCHEMA = 1
NOT_SEALED = "0" * 64
MANIFEST, WEIGHTS = "model.json", "weights.safetensors"
MOST_MANIFEST_BYTES = 64 * 2**20
MOST_WEIGHT_BYTES = 2 * 2**30
MOST_LOOKBACK = 2**20  # rows; the shapes of the weights need not tell the lookback


class About(Struct, frozen=True):
    """Where a model comes from: facts for people, which loading does not depend on.

    Attributes:
        versions: of gatecast, torch and Python.
        data: fingerprint of the table, its file name and its size.
        guesses: what was decided because nobody said it.
        asked: what the user asked for, as `workflow.options` reads it.
        season: rows of one season in the scores.
        scores: MASE of the net and of each baseline on the test part.
        seen_until: the time of the first row that neither training nor the choice of weights has seen; empty without
            dates.
        seen_rows: without dates, how many rows of each series they have seen.
    """

    versions: dict[str, str] = {}
    data: dict[str, str] = {}
    guesses: tuple[Guess, ...] = ()
    asked: msgspec.Raw = msgspec.Raw(b"{}")
    season: int = 1
    scores: dict[str, float] = {}
    seen_until: str = ""
    seen_rows: dict[str, int] = {}


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """model.json; `seal` is the sha256 of the file as it is while the seal is all zeros."""

    schema: int
    seal: str
    columns: Columns
    frequency: Frequency
    config: ForecasterConfig
    ids: tuple[str, ...]
    centre: tuple[tuple[float, ...], ...]
    scale: tuple[tuple[float, ...], ...]
    static_centre: tuple[float, ...]
    static_scale: tuple[float, ...]
    weights_sha256: str
    weights_bytes: int
    about: About = About()
    calibration: Calibration | None = None


class Loaded(NamedTuple):
    """What a model folder holds."""

    forecaster: RecurrentForecaster
    about: About
    calibration: Calibration | None


def save(
    forecaster: RecurrentForecaster,
    folder: str | Path,
    about: About | None = None,
    calibration: Calibration | None = None,
) -> Path:
    """Write a fitted forecaster; a crash at any byte leaves the previous version loadable.

    The previous weights keep a second name until the new manifest stands; meanwhile the old manifest finds them there.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    weights = save_tensors({name: t.contiguous() for name, t in forecaster.network_.state_dict().items()})
    manifest = _manifest(forecaster, weights, about or About(), calibration)
    _keep_previous(path)
    write_atomic(path / WEIGHTS, weights)
    write_atomic(path / MANIFEST, seal(msgspec.json.format(msgspec.json.encode(manifest), indent=1), NOT_SEALED))
    for old in path.glob(_previous_name("*")):
        old.unlink()
    return path


def load(folder: str | Path) -> tuple[RecurrentForecaster, About]:
    """Read the net that `save` wrote, and where it comes from; its calibration comes with `load_all`.

    Raises:
        ArtifactError: a file is missing, damaged, too large, not what the manifest says, or of another version.
    """
    forecaster, about, _ = load_all(folder)
    return forecaster, about


def load_all(folder: str | Path) -> Loaded:
    """Read everything that `save` wrote.

    Raises:
        ArtifactError: a file is missing, damaged, too large, not what the manifest says, or of another version.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    weights = _weights_of(manifest, path)
    try:
        _check_calibration(manifest)
        return Loaded(_rebuild(manifest, weights), manifest.about, manifest.calibration)
    except (GatecastError, SafetensorError, RuntimeError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path} does not hold a usable model: {error}") from error


def read_manifest(path: Path) -> Manifest:
    """Read and check model.json alone."""
    raw = _read(path / MANIFEST, MOST_MANIFEST_BYTES)
    try:
        schema = msgspec.json.decode(raw, type=_Schema).schema
        if schema != SCHEMA:
            raise ArtifactError(
                f"{path / MANIFEST} has schema {schema}, and this gatecast reads schema {SCHEMA}: "
                f"load it with the version that wrote it, or train again."
            )
        manifest = msgspec.json.decode(raw, type=Manifest)
        json.loads(raw, object_pairs_hook=_refuse_repeats)
    except (msgspec.MsgspecError, GatecastError, RecursionError, UnicodeDecodeError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"{path / MANIFEST} is not a model description: {error}. Copy the whole model folder again, or train again."
        ) from error
    if seal(raw, manifest.seal) != raw:
        raise ArtifactError(
            f"{path / MANIFEST} was altered after it was written (its sha256 differs from its seal): "
            f"copy the whole model folder again, or train again."
        )
    return manifest


def seal(manifest: bytes, old: str) -> bytes:
    """The bytes of model.json with a fitting seal in the place of the `old` one."""
    blank = manifest.replace(old.encode(), NOT_SEALED.encode(), 1)
    return blank.replace(NOT_SEALED.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


class _Schema(Struct):
    schema: int


def _refuse_repeats(pairs: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that names a key twice: readers may disagree on which one counts."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise OptionError(f"the key {max(names, key=names.count)!r} stands there twice")


def _read(path: Path, most: int) -> bytes:
    """The bytes of a file whose size is looked at before it is opened."""
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: a model folder holds {MANIFEST} and {WEIGHTS}.")
    size = path.stat().st_size
    if size > most:
        raise ArtifactError(f"{path} has {size:,} bytes, more than the {most:,} a model may have; it was not opened.")
    return path.read_bytes()


def _previous_name(sha256: str) -> str:
    return f"weights.{sha256[:16]}.safetensors"


def _keep_previous(path: Path) -> None:
    """Give the weights of a complete older version a second name."""
    if not (path / MANIFEST).exists() or not (path / WEIGHTS).exists():
        return
    try:
        kept = path / _previous_name(read_manifest(path).weights_sha256)
    except ArtifactError:
        return  # what is overwritten was not loadable, so there is nothing to keep
    if not kept.exists():
        write_atomic(kept, (path / WEIGHTS).read_bytes())  # a copy, for not every disk can link


def _weights_of(manifest: Manifest, path: Path) -> bytes:
    """The weights that the manifest was written for."""
    kept = path / _previous_name(manifest.weights_sha256)
    for file in (path / WEIGHTS, *([kept] if kept.exists() else [])):
        weights = _read(file, MOST_WEIGHT_BYTES)
        if len(weights) == manifest.weights_bytes and hashlib.sha256(weights).hexdigest() == manifest.weights_sha256:
            return weights
    raise ArtifactError(
        f"{path / WEIGHTS} is not the file that {MANIFEST} was written for (its size or sha256 differs): "
        f"copy the whole model folder again, or train again."
    )


def _manifest(
    forecaster: RecurrentForecaster, weights: bytes, about: About, calibration: Calibration | None
) -> Manifest:
    fitted = forecaster.fitted_
    return Manifest(
        schema=SCHEMA,
        seal=NOT_SEALED,
        columns=fitted.columns,
        frequency=fitted.frequency,
        config=forecaster.config,
        ids=fitted.ids,
        centre=tuple(map(tuple, fitted.scaling.centre.tolist())),
        scale=tuple(map(tuple, fitted.scaling.scale.tolist())),
        static_centre=tuple(fitted.static_scaling.centre[0].tolist()),
        static_scale=tuple(fitted.static_scaling.scale[0].tolist()),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        weights_bytes=len(weights),
        about=about,
        calibration=calibration,
    )


def _check_calibration(manifest: Manifest) -> None:
    """A calibration must be one of this net."""
    calibration, network = manifest.calibration, manifest.config.network
    if calibration is None:
        return
    found = (len(calibration.offsets), len(calibration.offsets[0]), calibration.levels)
    expected = (manifest.config.horizon, len(manifest.columns.target), network.levels or calibration.levels)
    if found != expected:
        raise ArtifactError(f"the calibration is of (steps, targets, levels) {found}, but the net has {expected}.")


def _rebuild(manifest: Manifest, weights: bytes) -> RecurrentForecaster:
    if manifest.config.lookback > MOST_LOOKBACK:
        raise ArtifactError(f"lookback={manifest.config.lookback} is more than the {MOST_LOOKBACK:,} rows it may be.")
    forecaster = RecurrentForecaster(manifest.config)
    series = len(manifest.ids)
    if not series or len(set(manifest.ids)) != series:
        raise ArtifactError("the series names are missing or repeat.")
    forecaster.fitted_ = Fitted(
        columns=manifest.columns,
        frequency=manifest.frequency,
        ids=manifest.ids,
        scaling=_scaling(manifest.centre, manifest.scale, (series, len(manifest.columns.channels))),
        static_scaling=_scaling((manifest.static_centre,), (manifest.static_scale,), (1, len(manifest.columns.static))),
    )
    forecaster.network_ = _network(manifest, load_tensors(weights))
    return forecaster


def _scaling(
    centre: tuple[tuple[float, ...], ...], scale: tuple[tuple[float, ...], ...], shape: tuple[int, int]
) -> Scaling:
    centres, scales = np.array(centre, dtype=np.float64), np.array(scale, dtype=np.float64)
    if centres.shape != shape or scales.shape != shape or not (scales > 0).all():
        raise ArtifactError(f"the scaler numbers must be {shape[0]} x {shape[1]}, with every scale above 0.")
    return Scaling(centres, scales)


def _network(manifest: Manifest, tensors: dict[str, Tensor]) -> Network:
    """The net with these weights; it is described without memory first, so that absurd sizes cost nothing."""
    sizes = network_sizes(manifest.config, manifest.columns, manifest.frequency, len(manifest.ids))
    with torch.device("meta"):
        network = build_network(manifest.config.network, sizes)
    expected = {name: (tuple(t.shape), t.dtype) for name, t in network.state_dict().items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ArtifactError(f"tensor {name}: expected {expected.get(name)}, got {found.get(name)}.")
        if not bool(torch.isfinite(tensors[name]).all()):
            raise ArtifactError(f"tensor {name} holds NaN or infinite weights.")
    network.load_state_dict(tensors, assign=True)
    return network.eval()
