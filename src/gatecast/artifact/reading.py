"""Reading a model folder, with every check before anything is believed."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from gatecast.artifact.described import described, empty_network, filled
from gatecast.artifact.manifest import MANIFEST, REMEDY, WEIGHTS, About, Manifest, read_manifest, told
from gatecast.artifact.writing import previous_name
from gatecast.errors import ArtifactError
from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import RecurrentForecaster
from gatecast.saved import MOST_HEADER_BYTES, SIZE_BYTES, read_file


class Loaded(NamedTuple):
    """What a model folder holds."""

    forecaster: RecurrentForecaster
    about: About
    calibration: Calibration | None


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
    with told(f"{path / MANIFEST} does not hold a usable model"):
        forecaster = described(manifest)
        network = empty_network(manifest)
    weights = _weights_of(manifest, path, sum(t.nbytes for t in network.state_dict().values()))
    with told(f"{path / WEIGHTS} does not hold a usable model"):
        forecaster.network_ = filled(network, weights)
    return Loaded(forecaster, manifest.about, manifest.calibration)


def _weights_of(manifest: Manifest, path: Path, tensors: int) -> bytes:
    """The weights that the manifest was written for, whose tensors have so many bytes."""
    kept = path / previous_name(manifest.weights_sha256)
    for file in (path / WEIGHTS, *([kept] if kept.exists() else [])):
        weights = read_file(file, tensors + SIZE_BYTES + MOST_HEADER_BYTES, REMEDY)
        if len(weights) == manifest.weights_bytes and hashlib.sha256(weights).hexdigest() == manifest.weights_sha256:
            return weights
    raise ArtifactError(
        f"{path / WEIGHTS} is not the file that {MANIFEST} was written for (its size or sha256 differs). "
        f"If it was saved anew just now, load it again. {REMEDY}"
    )
