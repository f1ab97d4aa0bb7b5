"""How far back a forecast depends on what came in: |d forecast / d input at lag k|.

One backward pass gives all lags, and all steps of the horizon, each of which has its own copy of the input.  A
derivative tells what a small change does: what is kept in units at the end of their range weighs nothing in it, and
`attribution.occlusion` finds it.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.data.splits import evenly
from gatecast.inspection.probing import Probe
from gatecast.inspection.results import Memory

MOST_STEPS = 12  # of the horizon, each of which costs a forecast


def memory_by_lag(
    function: Callable[[Tensor], Tensor], x: Float[Tensor, "batch time features"]
) -> Float[np.ndarray, " lags"]:
    """|d output / d input| at lag 0 (the last step of x), 1, 2, ...: summed over features, the mean over the batch.

    A feature that never moves, such as a mark, counts too; leave it out by a function that puts it in itself.

    Args:
        function: any net, from (B, T, features) to outputs of each row of the batch; several outputs are added up.
        x: where to look.
    """
    given = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(given).sum(), given)
    return gradient.abs().sum(dim=-1).mean(dim=0).flip(0).numpy()


def forecast_memory(probe: Probe) -> Memory:
    """How far back forecasts from the cutoffs of a probe look; in units of the scaled values on both sides."""
    steps = evenly(np.arange(probe.horizon), MOST_STEPS)
    copies = probe.repeated(len(steps))
    values = copies.values.clone().requires_grad_()
    own = torch.from_numpy(np.tile(steps, len(probe.values)))
    said = copies(values)[torch.arange(len(own)), own]  # (cutoffs * steps, targets)
    (gradient,) = torch.autograd.grad(said.sum(), values)
    by_lag = gradient.abs().unflatten(0, (-1, len(steps))).mean(dim=0).flip(1)  # (steps, lags, inputs)
    return Memory(
        weights=by_lag.sum(dim=2).mean(dim=0).numpy(),
        by_step=by_lag.sum(dim=2).numpy(),
        steps=steps + 1,
        by_input=by_lag.mean(dim=0).T.numpy(),
        inputs=probe.names,
    )
