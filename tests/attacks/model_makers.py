"""A small model folder, and the tools of somebody who alters one and knows how to make the sums fit again."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors

from builders import small_config, waves
from gatecast.artifact import MANIFEST, WEIGHTS, save
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.saved import seal

PANEL = waves(past=1)
Tree = dict[str, Any]


@cache
def net(seed: int = 0) -> RecurrentForecaster:
    """A net with a covariate, trained for a moment."""
    config = small_config(network=NetworkConfig(layer=LayerConfig(hidden_size=4)), steps=4, seed=seed)
    return RecurrentForecaster(config).fit(PANEL, split_by_time(PANEL, 6))


def forecasts(forecaster: RecurrentForecaster) -> np.ndarray:
    return forecaster.forecast(PANEL, Origins(np.array([0, 1]), np.array([150, 170])), 6).quantiles


def saved(place: Path, seed: int = 0) -> Path:
    return save(net(seed), place / f"model{seed or ''}")


def alter(folder: Path, change: Callable[[Tree], object]) -> None:
    """Rewrite the manifest, and seal it."""
    tree = json.loads((folder / MANIFEST).read_bytes())
    change(tree)
    rewrite(folder, json.dumps(tree).encode())


def rewrite(folder: Path, manifest: bytes) -> None:
    """Put a manifest there, and seal it."""
    old = json.loads((folder / MANIFEST).read_bytes())["seal"]
    (folder / MANIFEST).write_bytes(seal(manifest, old))


def put_weights(folder: Path, weights: bytes) -> None:
    """Replace the weights, and write their sha256 and size into the manifest."""
    (folder / WEIGHTS).write_bytes(weights)
    facts = {"weights_sha256": hashlib.sha256(weights).hexdigest(), "weights_bytes": len(weights)}
    alter(folder, lambda tree: tree.update(facts))


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_tensors((folder / WEIGHTS).read_bytes())


def opened(data: bytes) -> tuple[Tree, bytes]:
    """The header and the body of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def closed(header: bytes | Tree, body: bytes) -> bytes:
    """A safetensors file of them, whatever they are."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body
