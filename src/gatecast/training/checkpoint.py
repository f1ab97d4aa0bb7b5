"""Checkpoints: the whole training state in one safetensors file; a crash leaves the previous one whole.

The file carries its own sha256, for a bit that was lost on a disk would be learnt on from without a word.
"""

import math
from itertools import count, takewhile
from pathlib import Path
from typing import Annotated

import msgspec
import torch
from msgspec import Meta, Struct
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.errors import ArtifactError
from gatecast.files import write_atomic, writing
from gatecast.folders import make_folder
from gatecast.models.ensemble import Network
from gatecast.saved import DTYPES, NOT_SEALED, Header, header_of, read_file, seal
from gatecast.training.loop import TrainingState

KEPT = 2
MOST_CARRIED_BYTES = 2**30  # of the states that are carried; what else there is has the size of the net
Count = Annotated[int, Meta(ge=0)]


class Numbers(Struct, frozen=True):
    """What a checkpoint holds beside tensors; JSON has no infinity, so a loss never seen is null."""

    step: Count
    best_step: Count
    stale: Count
    best_validation: float | None
    seconds: Annotated[float, Meta(ge=0)] = 0.0


def save_checkpoint(folder: Path, network: Network, state: TrainingState, whole: States | None = None) -> Path:
    """Write `step-00000500.safetensors` into `folder` and remove all but the newest two.

    Args:
        folder: of the checkpoints.
        network: the net.
        state: of its training.
        whole: what all workers carry, where there are several; None for what `state` carries.
    """
    numbers = Numbers(state.step, state.best_step, state.stale, state.best_validation, state.seconds)
    make_folder(folder)
    path = folder / f"step-{state.step:08d}.safetensors"
    metadata = {"training": msgspec.json.encode(numbers).decode(), "seal": NOT_SEALED}
    parts = state.carried if whole is None else whole
    carried = {_carried(number): part.contiguous() for number, part in enumerate(parts)}
    write_atomic(path, seal(save(_tensors(network, state) | carried, metadata=metadata), NOT_SEALED))
    with writing(folder):
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
    remedy = f"Remove it to go on from the one before, or begin anew in another folder: rm {path.name}"
    own = _tensors(network, state)
    data = read_file(path, sum(t.nbytes for t in own.values()) + MOST_CARRIED_BYTES, remedy)
    try:
        header = header_of(data)
        numbers = _numbers(data, header)
        _check_net(path, header, own)
        tensors = load(data)
        _check_finite(tensors)
    except OtherNetError:
        raise
    except (ArtifactError, SafetensorError, msgspec.MsgspecError) as error:
        raise ArtifactError(f"the checkpoint {path} is damaged: {str(error).rstrip('.')}. {remedy}") from error
    _restore(network, state, tensors, numbers)


class OtherNetError(ArtifactError):
    """A checkpoint of another net than the one that is trained."""


def _numbers(data: bytes, header: Header) -> Numbers:
    """What stands beside the tensors of a file whose seal fits."""
    if seal(data, header.metadata.get("seal", "")) != data:
        raise ArtifactError("it was altered after it was written (its sha256 differs from its seal)")
    return msgspec.json.decode(header.metadata.get("training", ""), type=Numbers)


def _check_net(path: Path, header: Header, own: dict[str, Tensor]) -> None:
    """Refuse a checkpoint whose weights and moments are not those of this net."""
    found = {name: each for name, each in header.tensors.items() if not name.startswith("carried.")}
    if found != {name: (DTYPES[str(t.dtype)], tuple(t.shape)) for name, t in own.items()}:
        raise OtherNetError(f"the checkpoint {path} belongs to another net; resume with the options it was made with.")


def _check_finite(tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()) or (name == "optimiser.second" and bool((tensor < 0).any())):
            raise ArtifactError(f"{name} holds numbers that training cannot go on from")


def _carried(number: int) -> str:
    """The name of a part of the states that are carried; their order is that of numbers, not of names."""
    return f"carried.{number}"


def _tensors(network: Network, state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best_weights.items()}
    return tensors | {"optimiser.first": state.optimiser.first, "optimiser.second": state.optimiser.second}


def _restore(network: Network, state: TrainingState, tensors: dict[str, Tensor], numbers: Numbers) -> None:
    own = _tensors(network, state)
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
    state.carried = tuple(tensors[name] for name in takewhile(tensors.__contains__, map(_carried, count())))
    state.step, state.best_step, state.stale = numbers.step, numbers.best_step, numbers.stale
    state.seconds = numbers.seconds
    state.best_validation = math.inf if numbers.best_validation is None else numbers.best_validation
