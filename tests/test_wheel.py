"""The wheel: built from the sources, it carries every instruction set and runs where there is no compiler."""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from gatecast.kernels.library import SWITCH, instruction_sets

ROOT = Path(__file__).parents[1]
COMPILER = next(filter(shutil.which, ("c++", "g++", "clang++")), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")
SHOW = """
import torch, gatecast
print(gatecast.__file__)
gatecast.nn.explain_backend(gatecast.nn.GRU(3, 4), torch.ones(2, 1, 3))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", ROOT, "-w", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@needs_compiler
def test_the_wheel_is_tied_to_a_platform_alone_and_holds_every_instruction_set(wheel: Path) -> None:
    assert re.search(rf"-py3-none-(manylinux_2_\d+|\w+)_{platform.machine()}\.whl$", wheel.name)
    libraries = {Path(name).stem for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")}
    assert set(instruction_sets()) <= libraries
    assert wheel.stat().st_size < 3 * 2**19, "no data, pictures or third-party code went in"


@needs_compiler
def test_the_wheel_runs_its_kernels_on_a_machine_without_a_compiler(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "fresh", with_pip=False)
    packages = next(tmp_path.glob("fresh/lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(packages)
    packages.joinpath("others.pth").write_text(sysconfig.get_paths()["purelib"])  # torch and the other dependencies
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CXX", SWITCH)}
    environment |= {"PATH": str(tmp_path / "fresh/bin")}
    python = tmp_path / "fresh/bin/python"
    done = subprocess.run([python, "-c", SHOW], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where, backend = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path), "the wheel's own package ran"
    assert backend == "GRU: kernel gru"


def test_without_a_compiler_the_package_is_built_all_the_same_and_says_so(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": "", "CXX": ""}
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", ROOT, "-w", tmp_path]
    done = subprocess.run([*command, "--verbose"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = tmp_path.glob("*.whl")
    assert built.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(built).namelist() if name.endswith(".so")]
    assert "gatecast is built without its kernels; its layers run on torch.nn." in done.stdout + done.stderr
