"""The kernels read and write nothing but what they were given: random calls, watched by AddressSanitizer."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatecast import kernels
from gatecast.kernels.library import instruction_sets

CALLS = os.environ.get("GATECAST_FUZZ", "150")
BUILD = runpy.run_path(str(Path(__file__).parents[1] / "hatch_build.py"))
MARCH: dict[str, str] = BUILD["INSTRUCTION_SETS"]["x86_64"]
WATCHED = ("-fsanitize=address", "--param", "asan-instrumentation-with-call-threshold=0")  # calls compile sooner
FLAGS = (*BUILD["FLAGS"], "-O2", "-g1", "-shared", *WATCHED)
SOURCES = sorted(Path(kernels.__file__).parent.glob("csrc/*.cpp"))


def runtime() -> str | None:
    """Where g++ keeps the library that has to be loaded before all others."""
    if shutil.which("g++") is None or not set(instruction_sets()) & set(MARCH):
        return None
    found = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return found.stdout.strip() if Path(found.stdout.strip()).is_absolute() else None


@pytest.mark.skipif(runtime() is None, reason="no g++ with AddressSanitizer for this machine's kernels")
@pytest.mark.parametrize("instructions", [name for name in instruction_sets() if name in MARCH])
def test_no_call_steps_beyond_its_memory(instructions: str, tmp_path: Path) -> None:
    command = ["g++", *FLAGS, MARCH[instructions], *SOURCES, "-o", tmp_path / f"{instructions}.so"]
    subprocess.run(command, check=True, timeout=600)
    watched = {
        "LD_PRELOAD": str(runtime()),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python and torch leave memory to the end of the process
        "GATECAST_KERNELS": instructions,
    }
    run = [sys.executable, str(Path(__file__).with_name("fuzz_kernels.py")), CALLS, str(tmp_path)]
    done = subprocess.run(run, env=os.environ | watched, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert f"{CALLS} calls in <CDLL '{tmp_path}" in done.stdout
