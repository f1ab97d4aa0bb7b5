"""The compiled kernels: which are built, which is in use and why not, and whether they compute their equations."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gatecast.cells.equations import NOTHING, Equations, Weights
from gatecast.cells.unrolling import unroll_by_steps
from gatecast.doctor.results import Finding
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, kernel_for, run_kernel
from gatecast.kernels.library import BUILT, SWITCH, instruction_sets, library
from gatecast.kernels.registry import EQUATIONS

STEPS, BATCH, INPUTS, HIDDEN = 12, 5, 3, 19
# Each step adds some ten roundings of numbers near 1; a wrong kernel is off by far more.
TOLERANCE = 10 * STEPS * torch.finfo(torch.float32).eps
AGAIN = "pip install --force-reinstall --no-deps --no-binary gatecast gatecast, where there is a C++ compiler"


def kernels() -> Iterator[Finding]:
    """Findings about the kernels."""
    built = sorted(path.stem for path in BUILT.glob("*.so"))
    yield Finding("kernels", "built", ", ".join(built) or "none", *(() if built else ("note", AGAIN)))
    yield Finding("kernels", "this processor", ", ".join(instruction_sets()) or "has none of their instruction sets")
    try:
        found = library()
    except OptionError as error:
        yield Finding("kernels", "in use", str(error), "broken", f"unset {SWITCH}")
        return
    except (OSError, AttributeError) as error:
        yield Finding("kernels", "in use", f"{error}", "broken", AGAIN)
        return
    if isinstance(found, str):
        remedy = f"unset {SWITCH}" if SWITCH in found else AGAIN
        yield Finding("kernels", "in use", f"none, but torch's own: {found}", "note", remedy)
        return
    yield Finding("kernels", "in use", found._name.rpartition("/")[2].removesuffix(".so"))  # noqa: SLF001 - of ctypes
    yield _compared()


def _compared() -> Finding:
    """The largest error of each beside its equations in float64."""
    errors = {name: error_of(equations) for name, equations in EQUATIONS.items()}
    worst = max(errors, key=lambda name: errors[name])
    told = f"{len(errors)} beside their equations in float64: off by {errors[worst]:.1e} at most"
    if errors[worst] <= TOLERANCE:
        return Finding("kernels", "right", told)
    wrong = ", ".join(name for name, error in errors.items() if not error <= TOLERANCE)
    return Finding("kernels", "right", f"{told}: {wrong} computes something else", "broken", f"export {SWITCH}=off")


def error_of(equations: Equations) -> float:
    """How far a kernel is from its equations, on small random numbers; infinite where it gives none."""
    kernel = kernel_for(equations, torch.device("cpu"), torch.float32)
    if not isinstance(kernel, Kernel):
        return float("inf")
    draw = torch.Generator().manual_seed(0)
    shapes = equations.shapes(INPUTS, HIDDEN)
    drawn = {name: 0.3 * torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    x = torch.randn(STEPS, BATCH, INPUTS, generator=draw)
    states = tuple(torch.zeros(BATCH, size) for size in equations.state_sizes(HIDDEN))
    with torch.inference_mode():
        ours = run_kernel(kernel, _weights(drawn), x, states).output.double()
        doubled = {name: weight.double() for name, weight in drawn.items()}
        zeros = tuple(state.double() for state in states)
        exact = unroll_by_steps(equations, _weights(doubled), x.double(), zeros).output
    error = float((ours - exact).abs().max())
    return error if error == error else float("inf")  # noqa: PLR0124 - NaN


def _weights(drawn: dict[str, Tensor]) -> Weights:
    return Weights(drawn["weight_ih"], drawn.get("weight_hh", NOTHING), drawn.get("bias_ih"), drawn.get("bias_hh"))
