"""The recurrences of `gatecast.cells`, fast: no public class, only a faster road to a cell."""

from gatecast.kernels.function import is_transformed, is_watched, run_kernel
from gatecast.kernels.many import recurrences  # noqa: F401 - tells torch.vmap how to run the operators
from gatecast.kernels.registry import Kernel, kernel_for
from gatecast.kernels.watching import watch_kernel

__all__ = ["Kernel", "is_transformed", "is_watched", "kernel_for", "run_kernel", "watch_kernel"]
