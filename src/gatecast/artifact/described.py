"""What a manifest describes: the forecaster without its net, the net without its weights, and the weights in it.

Sizes are held to limits before anything of that size is made.
"""

from collections.abc import Mapping

import numpy as np
import torch
from safetensors.torch import load as load_tensors

from gatecast.artifact.manifest import About, Manifest
from gatecast.data.scalers import Scaling
from gatecast.data.timecolumn import make_a_time
from gatecast.errors import ArtifactError
from gatecast.forecaster import Fitted, RecurrentForecaster, network_sizes
from gatecast.models.ensemble import Network, build_network
from gatecast.saved import DTYPES, header_of

MOST_LAYERS = 4096  # of all nets of an ensemble
LARGEST = float(np.finfo(np.float32).max)
MOST_SIZE = 2**20  # of the lookback, which the shapes of the weights need not tell, and of others that they do


def described(manifest: Manifest) -> RecurrentForecaster:
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
    parts = manifest.columns.time_parts
    if parts and not make_a_time(parts):
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


def _check_calibration(manifest: Manifest) -> None:
    """A calibration must be one of this net."""
    calibration, network = manifest.calibration, manifest.config.network
    if calibration is None:
        return
    found = (len(calibration.offsets), len(calibration.offsets[0]), calibration.levels)
    expected = (manifest.config.horizon, len(manifest.columns.target), network.levels or calibration.levels)
    if found != expected:
        raise ArtifactError(f"the calibration is of (steps, targets, levels) {found}, but the net has {expected}.")


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


def empty_network(manifest: Manifest) -> Network:
    """The net that the manifest describes, without memory, so that absurd sizes cost nothing."""
    sizes = network_sizes(manifest.config, manifest.columns, manifest.frequency, len(manifest.ids))
    with torch.device("meta"):
        return build_network(manifest.config.network, sizes)


def filled(network: Network, weights: bytes) -> Network:
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
