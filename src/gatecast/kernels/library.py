"""The compiled kernels: which instruction set this machine runs, and the library built for it."""

import os
import platform
from ctypes import CDLL, PyDLL, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch

from gatecast.errors import OptionError

BUILT = Path(__file__).parent / "built"
SWITCH = "GATECAST_KERNELS"
SHORT = 2**17  # multiplications, some microseconds
NAMES = (  # what the library holds
    "gru",
    "gru_reset_before",
    "lstm",
    "elman_tanh",
    "elman_relu",
    "mingru",
    "minlstm",
    "indrnn_tanh",
    "indrnn_relu",
)


def instruction_sets() -> tuple[str, ...]:
    """What this machine runs, fastest first."""
    if platform.machine() in ("aarch64", "arm64"):
        return ("neon",)
    found = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": ("avx512", "avx2"), "AVX2": ("avx2",)}.get(found, ())


def built(instruction_set: str) -> Path:
    """Where the library for an instruction set lies, if it was built."""
    return BUILT / f"{instruction_set}.so"


@cache
def library() -> CDLL | str:
    """The kernels, or the reason why there are none.

    `GATECAST_KERNELS=off` turns them off; `avx512`, `avx2` or `neon` asks for one build.

    Raises:
        OptionError: the switch names something else.
    """
    said = os.environ.get(SWITCH, "").lower()
    if said == "off":
        return f"{SWITCH}=off"
    if said not in ("", "avx512", "avx2", "neon"):
        raise OptionError(f"{SWITCH}={said!r} is unknown; say off, avx512, avx2 or neon, or leave it out.")
    for name in instruction_sets():
        if said in ("", name) and built(name).exists():
            return _declared(CDLL(str(built(name))))
    wanted = said or " or ".join(instruction_sets()) or "a build for this processor"
    return f"no kernels for {wanted} in this installation; they are compiled when it is installed, by a C++ compiler"


def why_missing() -> str | None:
    """The reason why there are no kernels; None if there are."""
    loaded = library()
    return loaded if isinstance(loaded, str) else None


# torch.compile takes the answer as it is.  It is what torch.compiler.assume_constant_result does, after importing the
# compiler, which takes a second.
why_missing._dynamo_marked_constant = True  # type: ignore[attr-defined]  # noqa: SLF001


def _declared(loaded: CDLL) -> CDLL:
    for name in NAMES:
        for function in ("pack_size", "saved_size"):
            getattr(loaded, f"{name}_{function}").restype = c_int64
    return loaded


def step_function(loaded: CDLL, name: str, work: int) -> Any:  # noqa: ANN401 - of ctypes
    """The function that takes a step of a kernel, as quick to call as can be, for so many multiplications.

    A short one keeps Python's lock: to give it up and take it back would cost more than it lets others do.
    """
    step = getattr(loaded if work > SHORT else PyDLL(loaded._name), f"{name}_step")  # noqa: SLF001
    step.argtypes, step.restype = [c_void_p] * (6 if name == "lstm" else 4), None
    return step
