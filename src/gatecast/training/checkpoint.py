"""Checkpoints: the whole training state in one safetensors file; a crash leaves the previous one whole."""

import math
from pathlib import Path

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.errors import ArtifactError
from gatecast.files import write_atomic
from gatecast.models.ensemble import Network
from gatecast.training.loop import TrainingState

KEPT = 2


class Numbers(Struct, frozen=True):
    """What a checkpoint holds beside tensors; JSON has no infinity, so a loss never seen is null."""

    step: int
    best_step: int
    stale: int
    best_validation: float | None
    seconds: float = 0.0


def save_checkpoint(folder: Path, network: Network, state: TrainingState, whole: States | None = None) -> Path:
    """Write `step-00000500.safetensors` into `folder` and remove all but the newest two.

    Args:
        folder: of the checkpoints.
        network: the net.
        state: of its training.
        whole: what all workers carry, where there are several; None for what `state` carries.
    """
    numbers = Numbers(state.step, state.best_step, state.stale, state.best_validation, state.seconds)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{state.step:08d}.safetensors"
    metadata = {"training": msgspec.json.encode(numbers).decode()}
    parts = state.carried if whole is None else whole
    carried = {f"carried.{number}": part.contiguous() for number, part in enumerate(parts)}
    write_atomic(path, save(_tensors(network, state) | carried, metadata=metadata))
    for old in checkpoints(folder)[:-KEPT]:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob("step-*.safetensors"))


def load_checkpoint(path: Path, network: Network, state: TrainingState) -> None:
    """Put a saved state back into `network` and `state`.

    Raises:
        ArtifactError: the file is damaged or belongs to another net.
    """
    try:
        with safe_open(path, framework="pt") as file:
            numbers = msgspec.json.decode((file.metadata() or {}).get("training", ""), type=Numbers)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, msgspec.MsgspecError) as error:
        raise ArtifactError(
            f"the checkpoint {path} cannot be read ({error}); remove it to resume from the one before."
        ) from error
    _restore(path, network, state, tensors, numbers)


def _tensors(network: Network, state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best_weights.items()}
    return tensors | {"optimiser.first": state.optimiser.first, "optimiser.second": state.optimiser.second}


def _restore(path: Path, network: Network, state: TrainingState, tensors: dict[str, Tensor], numbers: Numbers) -> None:
    own = _tensors(network, state)
    carried = sorted(name for name in tensors if name.startswith("carried."))
    states = tuple(tensors.pop(name) for name in carried)
    shapes = {name: (t.shape, t.dtype) for name, t in tensors.items()}
    if shapes != {name: (t.shape, t.dtype) for name, t in own.items()}:
        raise ArtifactError(f"the checkpoint {path} belongs to another net; resume with the options it was made with.")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
    state.carried = states
    state.step, state.best_step, state.stale = numbers.step, numbers.best_step, numbers.stale
    state.seconds = numbers.seconds
    state.best_validation = math.inf if numbers.best_validation is None else numbers.best_validation
