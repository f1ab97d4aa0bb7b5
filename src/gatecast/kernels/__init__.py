"""The recurrences of `gatecast.cells`, fast: no public class, only a faster road to a cell."""

from gatecast.kernels.registry import Kernel, kernel_for
from gatecast.kernels.running import run_kernel

__all__ = ["Kernel", "kernel_for", "run_kernel"]
