"""Compile the kernels when the package is built: one shared library for each instruction set of the machine's family.

The libraries have a plain C interface and touch neither Python nor torch, so a wheel is tied to a platform alone
(`py3-none-<platform>`) and carries every instruction set; which one runs is decided on the machine that loads it.
Without a compiler the package is built without them, says so, and runs on torch.nn.
"""

import os
import platform
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-pthread", "-ffp-contract=fast", "-fno-math-errno")
INSTRUCTION_SETS = {
    "x86_64": {"avx512": "-march=x86-64-v4", "avx2": "-march=x86-64-v3"},
    "aarch64": {"neon": "-march=armv8-a"},
    "arm64": {"neon": "-march=armv8-a"},
}


class KernelBuild(BuildHookInterface):  # type: ignore[type-arg]
    """Puts `src/gatecast/kernels/built/<instruction set>.so` into wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what can be compiled; hatchling calls this before it collects files."""
        del version
        kernels = Path(self.root, "src", "gatecast", "kernels")
        built = [
            library
            for name, flag in INSTRUCTION_SETS.get(platform.machine(), {}).items()
            if (library := self._compile(kernels, name, flag))
        ]
        if built:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
            build_data["artifacts"] += [f"/{library.relative_to(self.root)}" for library in built]
        else:
            self.app.display_warning("gatecast is built without its kernels; its layers run on torch.nn.")

    def _compile(self, kernels: Path, name: str, flag: str) -> Path | None:
        """The library for one instruction set, or None where the compiler cannot build it."""
        compiler = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), None)
        if compiler is None:
            return None
        library = kernels / "built" / f"{name}.so"
        library.parent.mkdir(exist_ok=True)
        sources = sorted(map(str, kernels.glob("csrc/*.cpp")))
        command = [compiler, *FLAGS, flag, *sources, "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.app.display_warning(f"{name}: {compiler} failed:\n{done.stderr}")
            return None
        return library
