"""Writing a model folder: a crash at any byte leaves the previous version loadable."""

import hashlib
from pathlib import Path

import msgspec
from safetensors.torch import save as save_tensors

from gatecast.artifact.manifest import MANIFEST, MOST_MANIFEST_BYTES, SCHEMA, WEIGHTS, About, Manifest, read_manifest
from gatecast.errors import ArtifactError
from gatecast.evaluation.calibration import Calibration
from gatecast.files import write_atomic, writing
from gatecast.folders import make_folder, sweep
from gatecast.forecaster import RecurrentForecaster
from gatecast.saved import NOT_SEALED, seal


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
    weights = weights_bytes(forecaster)
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
        for old in path.glob(previous_name("*")):
            old.unlink()
    return path


def weights_bytes(forecaster: RecurrentForecaster) -> bytes:
    """The file of a fitted forecaster's weights."""
    return save_tensors({name: t.contiguous() for name, t in forecaster.network_.state_dict().items()})


def previous_name(sha256: str) -> str:
    """The second name of weights that a manifest still asks for."""
    return f"weights.{sha256[:16]}.safetensors"


def _keep_previous(path: Path) -> None:
    """Give the weights of a complete older version a second name."""
    if not (path / MANIFEST).exists() or not (path / WEIGHTS).exists():
        return
    try:
        kept = path / previous_name(read_manifest(path).weights_sha256)
    except ArtifactError:
        return  # what is overwritten was not loadable, so there is nothing to keep
    if not kept.exists():
        write_atomic(kept, (path / WEIGHTS).read_bytes())  # a copy, for not every disk can link


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
