"""Where training runs."""

import re

import torch
from torch import nn

from gatecast.errors import OptionError


def check_device_name(name: str) -> None:
    """Refuse what names no device.

    Raises:
        OptionError: it is neither `cpu` nor the name of an accelerator.
    """
    if not re.fullmatch(r"cpu|mps|(cuda|xpu)(:\d+)?", name):
        raise OptionError(f"training.device is cpu, cuda, cuda:1, xpu or mps, got {name!r}.")


def device_named(name: str) -> torch.device:
    """The device of that name on this machine.

    Raises:
        OptionError: torch finds no such device here.
    """
    device = torch.device(name)
    if device.type == "cpu":
        return device
    accelerator = getattr(torch, device.type)
    count = accelerator.device_count() if accelerator.is_available() else 0
    if (device.index or 0) >= count:
        raise OptionError(
            f"torch finds {count or 'no'} {device.type} device{'s' if count > 1 else ''} on this machine, so "
            f"training.device={name} cannot be; give training.device=cpu, or install a torch built for the device."
        )
    return device


def generators_beside_cpu(network: nn.Module) -> list[torch.device]:
    """The devices, other than the CPU, whose random numbers a net's dropout draws."""
    return list({p.device for p in network.parameters() if p.device.type != "cpu"})
