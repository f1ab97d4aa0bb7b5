"""Examples as their tests need them: run in a process of their own, or imported."""

import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

DIVERGING = """
import runpy, sys, torch
torch.optim.Adam = lambda weights, lr: torch.optim.SGD(weights, lr=1e30)
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Example:
    """A script of the folder `examples`, by its name."""

    name: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return EXAMPLES / f"{self.name}.py"

    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it, on one thread, as a user would."""
        command = [sys.executable, self.path, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def run_diverging(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run it as it stands, but for an optimiser whose steps are far too long."""
        command = [sys.executable, "-c", DIVERGING, EXAMPLES, self.path, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def load(self) -> ModuleType:
        """Import it; as when it is run, its side modules lie beside it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(EXAMPLES)
            return importlib.import_module(self.name)
