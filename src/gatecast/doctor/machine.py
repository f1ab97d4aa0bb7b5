"""The machine as this process may use it: processors, memory, a GPU, and what a container leaves of them."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from gatecast.doctor.results import Finding

ROOT = Path("/")
UNLIMITED = 2**60  # a limit of memory beyond this is none
LITTLE_MEMORY = 2**30  # torch, polars and statsmodels alone take half of it


def machine(root: Path = ROOT) -> Iterator[Finding]:
    """Findings about this machine.

    Args:
        root: where the files of the kernel lie.
    """
    yield Finding("machine", "system", f"{platform.platform()}, {platform.machine()}, {_libc()}")
    yield _processors(root)
    yield _memory(root)
    yield from _environment()


def _libc() -> str:
    return " ".join(platform.libc_ver()).strip() or "C library unknown"


def _processors(root: Path) -> Finding:
    """How many there are, how many this process may run on, and how much time a container gives it."""
    there = os.cpu_count() or 1
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    quota = processor_limit(root)
    told = f"{there}, of which this process may use {may}"
    if quota is None:
        return Finding("machine", "processors", told)
    told += f", for the time of {quota:g}"
    if quota >= may:
        return Finding("machine", "processors", told)
    most = max(1, int(quota))
    return Finding(
        "machine",
        "processors",
        f"{told}: more threads than that wait for each other",
        "note",
        f"export OMP_NUM_THREADS={most}",
    )


def processor_limit(root: Path = ROOT) -> float | None:
    """The processors whose time control groups (version 2 or 1) give this process; None without a limit."""
    limits = list[float]()
    for group in _groups(root, "cpu"):
        if len(both := _numbers(group / "cpu.max")) == 2:
            limits.append(both[0] / both[1])
        quota, period = _numbers(group / "cpu.cfs_quota_us"), _numbers(group / "cpu.cfs_period_us")
        if quota and period and quota[0] > 0:
            limits.append(quota[0] / period[0])
    return min(limits, default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders that tell the limits of this process: those of its control group and of all around it."""
    top = root / "sys/fs/cgroup"
    yield from (top, top / controller)
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for _, names, own in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if names == "" or controller in names.split(","):
            inside = top / names / own.strip("/")
            yield from (folder for folder in (inside, *inside.parents) if top in folder.parents)


def _memory(root: Path) -> Finding:
    there, limit = installed_memory(root), memory_limit(root)
    told = f"{_gib(there)}" if there else "unknown"
    if limit is not None and (not there or limit < there):
        told += f", of which a container leaves {_gib(limit)}"
    room = min(filter(None, (there, limit)), default=None)
    if room is not None and room < LITTLE_MEMORY:
        return Finding(
            "machine", "memory", told, "note", "Give it 1 GiB at least; forecasts of large tables need more."
        )
    return Finding("machine", "memory", told)


def installed_memory(root: Path = ROOT) -> int | None:
    """Bytes, as the kernel tells them; None elsewhere than on Linux."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), None)


def memory_limit(root: Path = ROOT) -> int | None:
    """The bytes that control groups leave this process; None without a limit."""
    names = ("memory.max", "memory.limit_in_bytes")
    found = (_numbers(group / name) for group in _groups(root, "memory") for name in names)
    return min((int(numbers[0]) for numbers in found if numbers and numbers[0] < UNLIMITED), default=None)


def _numbers(path: Path) -> list[float]:
    """The numbers of a file of one line; none where it says `max` or is not there."""
    try:
        return [float(word) for word in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"


def _environment() -> Iterator[Finding]:
    """The variables that change how gatecast runs, where they are set."""
    for name in ("OMP_NUM_THREADS", "GATECAST_KERNELS", "CUDA_VISIBLE_DEVICES"):
        if name in os.environ:
            yield Finding("machine", name, os.environ[name] or "(empty)")
