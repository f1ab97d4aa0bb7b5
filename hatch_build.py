"""Compile the kernels when the package is built: one shared library for each instruction set of the machine's family.

The libraries have a plain C interface and touch neither Python nor torch, so a wheel is tied to a platform alone
(`py3-none-<platform>`) and carries every instruction set; which one runs is decided on the machine that loads it.
The platform says the oldest C library that the libraries run on (`manylinux_2_34_x86_64`), read from the libraries
themselves.  Without a compiler the package is built without them, says so, and runs on torch.nn.

GATECAST_TARGET=aarch64 builds for that family of processors, by its own compiler (aarch64-linux-gnu-g++, or CXX).
"""

import os
import platform
import re
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-std=c++17", "-O3", "-fPIC", "-pthread", "-ffp-contract=fast", "-fno-math-errno")
EXACTLY = {"rows": "-ffp-contract=off"}  # the bits of numpy, which rounds every product before it is added
# GNU C library 2.x comes with a C++ library that has the names GLIBCXX_3.4.y, as the manylinux policies say.
CXX_OF_GLIBC = {17: 19, 24: 22, 27: 24, 31: 28, 34: 29, 35: 30, 39: 33}
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
        sets = INSTRUCTION_SETS.get(target(), {})
        built = [library for name, flag in sets.items() if (library := self._built(kernels, name, flag))]
        if not built and "GATECAST_TARGET" in os.environ:
            self.app.abort(
                f"nothing could be built for GATECAST_TARGET={target()}; the targets are x86_64 and aarch64."
            )
        if built:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_of(built)}"
            build_data["artifacts"] += [f"/{library.relative_to(self.root)}" for library in built]
        else:
            self.app.display_warning("gatecast is built without its kernels; its layers run on torch.nn.")

    def _built(self, kernels: Path, name: str, flag: str) -> Path | None:
        """The library for one instruction set, compiled if it is older than its sources; None without a compiler."""
        usual = ("c++", "g++", "clang++") if target() == platform.machine() else (f"{target()}-linux-gnu-g++",)
        compiler = os.environ.get("CXX") or next(filter(shutil.which, usual), None)
        library = kernels / "built" / f"{name}.so"
        if compiler is None:
            return None
        sources = [Path(__file__), *kernels.glob("csrc/*")]
        if library.exists() and library.stat().st_mtime > max(source.stat().st_mtime for source in sources):
            return library
        library.parent.mkdir(exist_ok=True)
        library.unlink(missing_ok=True)  # an old one would be loaded where the new one cannot be built
        try:
            compile_library(compiler, flag, sorted(kernels.glob("csrc/*.cpp")), library)
        except subprocess.CalledProcessError as error:
            self.app.display_warning(f"{name}: {compiler} failed:\n{error.stderr}")
            return None
        return library


def target() -> str:
    """The family of processors that is built for."""
    return os.environ.get("GATECAST_TARGET") or platform.machine()


def platform_of(libraries: list[Path]) -> str:
    """The platform of a wheel with these libraries: the oldest GNU C library that has, or comes with, all they ask for.

    It is this machine's own platform without that library, where a newer one is asked for than is known here, and where
    this machine has an older one, with a newer C++ library beside it: pip would not install here what it built here.
    """
    code = b"".join(library.read_bytes() for library in libraries)
    c, cxx = (newest(code, name) for name in (rb"GLIBC_2\.(\d+)", rb"GLIBCXX_3\.4\.(\d+)"))
    ages = [age for age, brings in CXX_OF_GLIBC.items() if brings >= cxx]
    if ages and b"GLIBC_2." in code and runs_here(age := max(c, ages[0])):
        return f"manylinux_2_{age}_{target()}"
    here = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return here.replace(platform.machine(), target())


def runs_here(age: int) -> bool:
    """Whether this machine has that version of the GNU C library; when building for another one, nobody asks."""
    kind, version = platform.libc_ver()
    return target() != platform.machine() or (kind == "glibc" and int(version.split(".")[1]) >= age)


def newest(code: bytes, name: bytes) -> int:
    """The highest number in such names; 0 where there is none."""
    return max(map(int, re.findall(name, code)), default=0)


def compile_library(compiler: str, flag: str, sources: list[Path], library: Path) -> None:
    """Compile each source on its own, as many at once as there are processors, and link them.

    Raises:
        CalledProcessError: what the compiler could not do stands in its `stderr`.
    """

    def run(*command: str | Path) -> None:
        subprocess.run([compiler, *FLAGS, flag, *command], capture_output=True, text=True, check=True)

    with TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = [Path(folder, f"{source.stem}.o") for source in sources]
        own = [(EXACTLY[source.stem],) if source.stem in EXACTLY else () for source in sources]
        list(pool.map(lambda source, to, flags: run(*flags, "-c", source, "-o", to), sources, objects, own))
        run("-shared", *objects, "-o", library)
