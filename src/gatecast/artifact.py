"""Save and load: `model.json` and `weights.safetensors`; nothing on the load path can execute anything.

safetensors alone still accepts absurd shapes, NaN weights and a swapped file, so loading checks, in this order: the
size of the manifest before it is read, its keys, its types and its own sha256; then, against the net that it describes,
the size of the weights before they are read, their sha256, and every tensor's name, type, shape and finiteness.  A
sha256 guards against accidents: somebody who alters a model on purpose can write a fitting one, and then meets the
other checks.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from gatecast.data.calendar import Frequency
from gatecast.data.columns import Columns, Guess
from gatecast.data.scalers import Scaling
from gatecast.errors import ArtifactError, GatecastError
from gatecast.evaluation.calibration import Calibration
from gatecast.files import write_atomic, writing
from gatecast.folders import make_folder, sweep
from gatecast.forecaster import Fitted, ForecasterConfig, RecurrentForecaster, network_sizes
from gatecast.models.ensemble import Network, build_network
from gatecast.saved import (
    DTYPES,
    MOST_HEADER_BYTES,
    NOT_SEALED,
    SIZE_BYTES,
    header_of,
    read_file,
    seal,
    without_repeats,
)

SCHEMA = 1
MANIFEST, WEIGHTS = "model.json", "weights.safetensors"
MOST_MANIFEST_BYTES = 48 * 2**20  # names and scales of half a million series
MOST_FACTS_BYTES = 4 * 2**20  # of a manifest, without what it has for each series
MOST_LAYERS = 4096  # of all nets of an ensemble
LARGEST = float(np.finfo(np.float32).max)
MOST_SIZE = 2**20  # of the lookback, which the shapes of the weights need not tell, and of others that they do
REMEDY = "Copy the whole model folder again, or train again."


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

    Raises:
        ArtifactError: there are more series than a manifest can hold; nothing is written.
        DiskError: the folder cannot be written to; the previous version is whole.
    """
    path = Path(folder)
    make_folder(path)
    sweep(path)
    weights = save_tensors({name: t.contiguous() for name, t in forecaster.network_.state_dict().items()})
    manifest = msgspec.json.encode(_manifest(forecaster, weights, about or About(), calibration))
    sealed = seal(msgspec.json.format(manifest, indent=1), NOT_SEALED)
    if len(sealed) > MOST_MANIFEST_BYTES:
        raise ArtifactError(
            f"{path / MANIFEST} would have {len(sealed):,} bytes, more than the {MOST_MANIFEST_BYTES:,} that are "
            f"read back, for it names each of {len(forecaster.fitted_.ids):,} series: learn from fewer of them."
        )
    _keep_previous(path)
    write_atomic(path / WEIGHTS, weights)
    write_atomic(path / MANIFEST, sealed)
    with writing(path):
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
    with _told(f"{path / MANIFEST} does not hold a usable model"):
        forecaster = _described(manifest)
        network = _network(manifest)
    weights = _weights_of(manifest, path, sum(t.nbytes for t in network.state_dict().values()))
    with _told(f"{path / WEIGHTS} does not hold a usable model"):
        forecaster.network_ = _filled(network, weights)
    return Loaded(forecaster, manifest.about, manifest.calibration)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever is wrong is said in one line, with `what` before it and the remedy after it."""
    try:
        yield
    except (GatecastError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        why = str(error).partition("\n")[0].replace(". - at", " - at").rstrip(".")  # torch adds where in its sources
        raise ArtifactError(f"{what}: {why}. {REMEDY}") from error


def read_manifest(path: Path) -> Manifest:
    """Read and check model.json alone."""
    file = path / MANIFEST
    raw = read_file(file, MOST_MANIFEST_BYTES, REMEDY)
    with _told(f"{file} is not a model description"):
        schema = msgspec.json.decode(raw, type=_Schema).schema
    if schema != SCHEMA:
        raise ArtifactError(
            f"{file} has schema {schema}, and this gatecast reads schema {SCHEMA}: load it with the version that wrote "
            f"it, or train again."
        )
    with _told(f"{file} is not a model description"):
        _check_keys(raw)
        manifest = msgspec.json.decode(raw, type=Manifest)
    if seal(raw, manifest.seal) != raw:
        raise ArtifactError(f"{file} was altered after it was written (its sha256 differs from its seal). {REMEDY}")
    return manifest


class _Schema(Struct):
    schema: int


class _LongAbout(Struct, frozen=True):
    seen_rows: msgspec.Raw = msgspec.Raw(b"")


class _Long(Struct, frozen=True):
    """What a manifest has for each series, unread."""

    ids: msgspec.Raw = msgspec.Raw(b"")
    centre: msgspec.Raw = msgspec.Raw(b"")
    scale: msgspec.Raw = msgspec.Raw(b"")
    about: _LongAbout = _LongAbout()


def _check_keys(raw: bytes) -> None:
    """Refuse a key that stands there twice; what there is for each series is left out, for memory's sake."""
    long = msgspec.json.decode(raw, type=_Long)
    for part in (long.ids, long.centre, long.scale, long.about.seen_rows):
        if len(part) > MOST_FACTS_BYTES // 64:
            raw = raw.replace(bytes(part), b"0", 1)
    if len(raw) > MOST_FACTS_BYTES:
        raise ArtifactError(
            f"without what it has for each series it has {len(raw):,} bytes, more than the {MOST_FACTS_BYTES:,} it may"
        )
    json.loads(raw, object_pairs_hook=without_repeats)


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


def _weights_of(manifest: Manifest, path: Path, tensors: int) -> bytes:
    """The weights that the manifest was written for, whose tensors have so many bytes."""
    kept = path / _previous_name(manifest.weights_sha256)
    for file in (path / WEIGHTS, *([kept] if kept.exists() else [])):
        weights = read_file(file, tensors + SIZE_BYTES + MOST_HEADER_BYTES, REMEDY)
        if len(weights) == manifest.weights_bytes and hashlib.sha256(weights).hexdigest() == manifest.weights_sha256:
            return weights
    raise ArtifactError(
        f"{path / WEIGHTS} is not the file that {MANIFEST} was written for (its size or sha256 differs). "
        f"If it was saved anew just now, load it again. {REMEDY}"
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


def _described(manifest: Manifest) -> RecurrentForecaster:
    """The forecaster of a manifest, without its net."""
    config, layer, series = manifest.config, manifest.config.network.layer, len(manifest.ids)
    sizes = {"lookback": config.lookback, "horizon": config.horizon, "embedding": config.network.embedding}
    for name, size in sizes.items():
        if size > MOST_SIZE:
            raise ArtifactError(f"{name}={size} is more than the {MOST_SIZE:,} it may be.")
    if config.network.ensemble * layer.num_layers > MOST_LAYERS:
        raise ArtifactError(
            f"ensemble={config.network.ensemble} nets of num_layers={layer.num_layers} have more than {MOST_LAYERS:,} "
            f"layers."
        )
    scaling = _scaling(manifest.centre, manifest.scale, (series, len(manifest.columns.channels)))
    if not series or len(set(manifest.ids)) != series:
        raise ArtifactError("the series names are missing or repeat.")
    columns = (*manifest.columns.channels, *manifest.columns.static)
    if len(set(columns)) < len(columns):
        raise ArtifactError(f"a column has two parts among {', '.join(columns)}.")
    parts = {name.strip().lower() for name in manifest.columns.time_parts}
    if parts and not ("year" in parts and parts & {"month", "quarter"}):
        raise ArtifactError(f"no time is put together from {', '.join(sorted(parts))}: year and month are.")
    static = _scaling((manifest.static_centre,), (manifest.static_scale,), (1, len(manifest.columns.static)))
    _check_calibration(manifest)
    _check_about(manifest.about)
    forecaster = RecurrentForecaster(config)
    forecaster.fitted_ = Fitted(
        columns=manifest.columns,
        frequency=manifest.frequency,
        ids=manifest.ids,
        scaling=scaling,
        static_scaling=static,
    )
    return forecaster


def _check_about(about: About) -> None:
    """What scores hang on must be what it is said to be."""
    if about.season < 1:
        raise ArtifactError(f"about.season counts rows from 1 up, got {about.season}.")
    try:
        np.datetime64(about.seen_until or "NaT", "us")
    except ValueError as error:
        raise ArtifactError(f"about.seen_until is a time, got {about.seen_until[:80]!r}.") from error


def _scaling(
    centre: tuple[tuple[float, ...], ...], scale: tuple[tuple[float, ...], ...], shape: tuple[int, int]
) -> Scaling:
    rows = (*centre, *scale)
    if len(centre) != shape[0] or len(scale) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise ArtifactError(f"the scaler numbers must be {shape[0]:,} x {shape[1]}.")
    centres, scales = (np.array(part, dtype=np.float64).reshape(shape) for part in (centre, scale))
    if not (scales > 0).all() or max(np.abs(centres).max(initial=0), scales.max(initial=0)) > LARGEST:
        raise ArtifactError("a scale is not above 0, or a scaler number is beyond those of 32 bits.")
    return Scaling(centres, scales)


def _network(manifest: Manifest) -> Network:
    """The net that the manifest describes, without memory, so that absurd sizes cost nothing."""
    sizes = network_sizes(manifest.config, manifest.columns, manifest.frequency, len(manifest.ids))
    with torch.device("meta"):
        return build_network(manifest.config.network, sizes)


def _filled(network: Network, weights: bytes) -> Network:
    """The net with its weights, whose header is held to the net before any tensor is made."""
    found = header_of(weights).tensors
    expected = {name: (DTYPES[str(t.dtype)], tuple(t.shape)) for name, t in network.state_dict().items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ArtifactError(f"tensor {_named(name)}: expected {_shown(expected, name)}, got {_shown(found, name)}.")
    tensors = load_tensors(weights)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ArtifactError(f"tensor {name} holds NaN or infinite weights.")
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _named(name: str) -> str:
    """A name that anybody may have chosen, fit for a terminal."""
    return name[:80] if name[:80].isprintable() else ascii(name[:80])


def _shown(tensors: Mapping[str, tuple[str, tuple[int, ...]]], name: str) -> str:
    """The type and shape of a tensor in words."""
    if name not in tensors:
        return "none"
    kind, shape = tensors[name]
    return f"{kind[:16]} of {' x '.join(map(str, shape[:8])) or 'one number'}{' x ...' if len(shape) > 8 else ''}"
