"""torch: its threads, and whether it sees the GPU that the machine has."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch

from gatecast.doctor.machine import ROOT, processor_limit
from gatecast.doctor.results import Finding


def torchs() -> Iterator[Finding]:
    """Findings about torch."""
    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("torch", "instructions", f"{capability}, {_build()}")
    yield _threads()
    yield gpu()


def _build() -> str:
    return f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for processors alone"


def _threads() -> Finding:
    """More threads than processor time stand in each other's way."""
    threads, limit = torch.get_num_threads(), processor_limit()
    told = f"{threads}; gatecast fit uses one, unless --threads says more"
    if limit is None or threads <= max(1.0, limit):
        return Finding("torch", "threads", told)
    why = f"{told}, and this container has the time of {limit:g} processors"
    return Finding("torch", "threads", why, "note", f"export OMP_NUM_THREADS={max(1, int(limit))}")


def gpu(root: Path = ROOT) -> Finding:
    """Whether there is one, and whether torch can use it.

    Args:
        root: where the files of the kernel lie.
    """
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count()))
        return Finding("torch", "GPU", f"{names}: gatecast fit --device cuda")
    if not any((root / "dev").glob("nvidia[0-9]*")):
        return Finding("torch", "GPU", "none; all work is done on the processor")
    if torch.version.cuda is None:
        return Finding(
            "torch",
            "GPU",
            "there is one, but this torch is built for processors alone",
            "note",
            "Install a torch that is built for the GPU: https://pytorch.org/get-started/locally",
        )
    hidden = "CUDA_VISIBLE_DEVICES hides it" if "CUDA_VISIBLE_DEVICES" in os.environ else "its driver may be too old"
    return Finding("torch", "GPU", f"there is one, but torch cannot use it: {hidden}", "note", "Run nvidia-smi to see")
