"""The kernels for ARM, cross-built and run by an emulator: they compute the equations, forward and backward.

`GATECAST_TARGET=aarch64 python -m hatchling build --target wheel` builds them, by g++-aarch64-linux-gnu.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gatecast.cells.equations import NOTHING, Equations, Weights
from gatecast.cells.unrolling import unroll_by_steps
from gatecast.kernels.library import BUILT
from gatecast.kernels.registry import EQUATIONS

NEON, COMPILER, EMULATOR = BUILT / "neon.so", "aarch64-linux-gnu-g++", "qemu-aarch64"
LIBRARIES = Path("/usr/aarch64-linux-gnu")
STEPS, BATCH, INPUTS, HIDDEN = 9, 5, 3, 21

missing = [str(each) for each in (NEON, LIBRARIES) if not each.exists()]
missing += [each for each in (COMPILER, EMULATOR) if shutil.which(each) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not here: {', '.join(missing)}")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that calls a kernel, for ARM."""
    program = tmp_path_factory.mktemp("neon") / "foreign_kernel"
    source = Path(__file__).with_name("foreign_kernel.cpp")
    subprocess.run([COMPILER, "-std=c++17", "-O1", "-march=armv8-a", source, "-o", program], check=True)
    return program


def made(equations: Equations) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """The input, the weights, and the gradient to the output, small and the same every time."""
    draw = torch.Generator().manual_seed(1)
    shapes = equations.shapes(INPUTS, HIDDEN)
    drawn = {name: 0.4 * torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return torch.randn(STEPS, BATCH, INPUTS, generator=draw), drawn, torch.randn(STEPS, BATCH, HIDDEN, generator=draw)


def exactly(equations: Equations, x: Tensor, drawn: dict[str, Tensor], pull: Tensor) -> list[np.ndarray]:
    """The output and the gradients by the cell in float64."""
    exact = {name: each.double().requires_grad_() for name, each in drawn.items()}
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = Weights(exact[names[0]], exact.get(names[1], NOTHING), exact[names[2]], exact.get(names[3]))
    given = x.double().requires_grad_()
    states = tuple(torch.zeros(BATCH, size, dtype=torch.float64) for size in equations.state_sizes(HIDDEN))
    output = unroll_by_steps(equations, weights, given, states).output
    wanted = [given, *(exact[name] for name in names if name in exact)]
    found = torch.autograd.grad((output * pull.double()).sum(), wanted)
    return [each.detach().numpy().ravel() for each in (output, *found)]


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_kernel_for_arm_equals_the_cell_in_float64_in_values_and_gradients(name: str, runner: Path) -> None:
    equations = EQUATIONS[name]
    x, drawn, pull = made(equations)
    sizes = [drawn[each].numel() if each in drawn else 0 for each in ("weight_ih", "weight_hh", "bias_ih")]
    second = drawn.get("bias_hh", torch.zeros(sizes[2]))
    parts = (x, drawn["weight_ih"], drawn.get("weight_hh", NOTHING), drawn["bias_ih"], second, pull)
    command = [EMULATOR, "-L", LIBRARIES, runner, NEON, name, *map(str, (STEPS, BATCH, INPUTS, HIDDEN, *sizes))]
    given = b"".join(each.numpy().astype(np.float32).tobytes() for each in parts)
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found, at = np.frombuffer(done.stdout, dtype=np.float32), 0
    for exact in exactly(equations, x, drawn, pull):
        ours, at = found[at : at + exact.size], at + exact.size
        assert np.abs(ours - exact).max() <= 3e-6 * max(1.0, np.abs(exact).max())
