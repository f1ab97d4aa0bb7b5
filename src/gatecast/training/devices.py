"""Where training runs."""

import re

import torch
from torch import nn

from gatecast.errors import OptionError


def check_device_name(name: str) -> None:
    """Refuse what names no device.

    Raises:
        OptionError: it is neither `cpu` nor a CUDA device.
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise OptionError(f"training.device is cpu, or a GPU as cuda or cuda:1, got {name!r}.")


def device_named(name: str) -> torch.device:
    """The device of that name on this machine.

    Raises:
        OptionError: torch finds no such device here.
    """
    device = torch.device(name)
    if device.type == "cpu":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise OptionError(
            f"torch finds {count or 'no'} cuda device{'s' if count > 1 else ''} on this machine, so training.device="
            f"{name} cannot be; give training.device=cpu, or install a torch that is built for the GPU."
        )
    return device


def generators_beside_cpu(network: nn.Module) -> list[torch.device]:
    """The devices, other than the CPU, whose random numbers a net's dropout draws."""
    return list({p.device for p in network.parameters() if p.device.type != "cpu"})
