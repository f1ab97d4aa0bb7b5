"""How long each unit remembers by itself: after how many updates e^-1 of its state is left.

A gate that keeps the share f of the past at each update keeps f_1 f_2 ... f_T of it over T of them, so that a unit's
timescale is -1 / mean(log f); where f hardly moves it is 1 / (1 - f) (C. Tallec & Y. Ollivier 2018, arXiv 1804.11188,
section 2).  What other units keep for it and give back is not in this number; `memory.py` measures all of it.

A cell without such a gate keeps of each unit what the diagonal of its step's Jacobian says.
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.equations import Equations
from gatecast.inspection.results import UnitTimescale
from gatecast.nn import Trace

LONGEST = 1e6  # updates: a unit that keeps everything has no end
SHORTEST = 1e-300  # of a share kept, so that a logarithm exists


def unit_timescales(
    equations: Equations, traced: Trace, diagonal: Float[np.ndarray, "sampled rows units"]
) -> tuple[UnitTimescale, ...]:
    """The timescale of each unit of each layer, over the first sequence of a pass.

    Args:
        equations: of the cell.
        traced: the pass, with its gates.
        diagonal: of the step's Jacobian at some updates, for the first state of each layer and direction; read where
            no gate says what is kept.
    """
    found = list[UnitTimescale]()
    for row, (name, gates) in enumerate(traced.gates.items()):
        kept = equations.kept(gates)
        share = np.abs(diagonal[:, row]) if kept is None else _numbers(kept)
        found += [UnitTimescale(name, unit, float(each)) for unit, each in enumerate(timescales(share))]
    return tuple(found)


def timescales(kept: Float[np.ndarray, "updates units"]) -> Float[np.ndarray, " units"]:
    """-1 / mean(log f) of each unit, from the shares f of its past that it keeps at each update; at most a million."""
    shares = np.clip(np.asarray(kept, dtype=np.float64), SHORTEST, None)
    fading = -np.log(shares).mean(axis=0)
    return 1 / np.maximum(fading, 1 / LONGEST)


def _numbers(kept: Tensor) -> np.ndarray:
    return kept[:, 0].detach().numpy()
