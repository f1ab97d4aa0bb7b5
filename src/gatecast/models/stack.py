"""Nets of one shape side by side: their weights lie along a first dimension, and one call runs all of them.

torch.func.functional_call gives one net other weights, and torch.vmap runs it over all rows of weights at once (a model
ensemble in the words of torch's own tutorial).  Each net reads its own part of a batch, so that nothing is shared but
the calls: net k has the outputs, losses and gradients that it has alone, up to rounding.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.data.batches import Batch, Cutoffs, Stretch
from gatecast.errors import OptionError
from gatecast.models.network import RecurrentNetwork

Call = Callable[..., Any]


@final
class NetStack:
    """K nets of one config and one set of sizes.

    What they read comes as batches of K times as many rows, those of the first net first.

    Attributes:
        weights: of each net, end to end in the order of its parameters; a leaf that gradients come to.
    """

    def __init__(self, shape: RecurrentNetwork, weights: Float[Tensor, "nets numbers"]) -> None:
        self._asked = _Asked(shape)
        self._shapes = {f"net.{name}": weight.shape for name, weight in shape.named_parameters()}
        self.weights = weights.detach().requires_grad_()

    def __len__(self) -> int:
        return len(self.weights)

    def train(self, mode: bool = True) -> None:  # noqa: FBT001, FBT002 - as torch.nn.Module's
        """As `torch.nn.Module.train`."""
        self._asked.train(mode)

    def only(self, keep: Int64[Tensor, " kept"]) -> None:
        """Leave out all nets but these."""
        self.weights = self.weights.detach()[keep].requires_grad_()

    def losses(self, batch: Batch) -> Float[Tensor, " nets"]:
        """The training loss of each net on its windows."""
        return self._each(lambda net, given: net.loss(Batch(**given)), self._apart(batch))

    def forecasts(self, batch: Batch) -> Float[Tensor, "nets batch horizon targets levels"]:
        """The forecasts of each net from its windows."""
        return self._each(lambda net, given: net(Batch(**given)), self._apart(batch))

    def read(self, stretch: Stretch, states: States) -> tuple[Float[Tensor, "nets batch time features"], States]:
        """Carry the states of each net over its rows: what is read out, and the states after, (K, layers, B, H)."""
        return self._each(lambda net, given, own: net.read(Stretch(**given), own), self._apart(stretch), states)

    def losses_from(self, output: Float[Tensor, "nets cutoffs features"], cutoffs: Cutoffs) -> Float[Tensor, " nets"]:
        """The training loss of each net from what it read out at its cutoffs."""
        return self._each(lambda net, out, at: net.loss_from(out, Cutoffs(**at)), output, self._apart(cutoffs))

    def forecasts_from(
        self, output: Float[Tensor, "nets cutoffs features"], cutoffs: Cutoffs
    ) -> Float[Tensor, "nets cutoffs horizon targets levels"]:
        """The forecasts of each net from what it read out at its cutoffs."""
        return self._each(lambda net, out, at: net.forecast_from(out, Cutoffs(**at)), output, self._apart(cutoffs))

    @property
    def output_size(self) -> int:
        """Numbers that a net reads out at each cutoff."""
        return self._asked.net.output_size

    def weights_of(self, flat: Float[Tensor, " numbers"]) -> dict[str, Tensor]:
        """One row of weights by the names of the net's `state_dict`."""
        return {name.removeprefix("net."): weight[0] for name, weight in self._named(flat[None]).items()}

    def _each(self, call: Call, *given: Any) -> Any:  # noqa: ANN401 - tensors, in dicts and tuples
        """`call(net, *given)` for each net, with its own part of what is given."""

        def one(weights: dict[str, Tensor], *own: Any) -> Any:  # noqa: ANN401
            return torch.func.functional_call(self._asked, weights, (call, *own))

        return torch.vmap(one)(self._named(self.weights), *given)

    def _named(self, weights: Float[Tensor, "nets numbers"]) -> dict[str, Tensor]:
        parts = weights.split([shape.numel() for shape in self._shapes.values()], dim=1)
        return {
            name: part.view(len(weights), *shape)
            for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)
        }

    def _apart(self, rows: Batch | Stretch | Cutoffs) -> dict[str, Tensor]:
        """The fields of a batch with the nets in front."""
        return {name: field.unflatten(0, (len(self), -1)) for name, field in vars(rows).items()}


class _Asked(nn.Module):
    """A net that is asked for something else than `forward`, for torch.func.functional_call knows nothing but that."""

    def __init__(self, net: RecurrentNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, call: Call, *given: Any) -> Any:  # noqa: ANN401
        return call(self.net, *given)


def stack_nets(nets: Sequence[RecurrentNetwork]) -> NetStack:
    """Put nets side by side, each with the weights that it has; they are copied.

    Raises:
        OptionError: two nets differ in more than their weights.
    """
    first = nets[0]
    for number, net in enumerate(nets):
        if (net.config, net.sizes) != (first.config, first.sizes):
            raise OptionError(
                f"nets are stacked where only their weights differ, but net {number} has another config or other sizes "
                f"than net 0: train nets of each shape by themselves."
            )
    return NetStack(first, torch.stack([_flat(net) for net in nets]))


def repeat_net(net: RecurrentNetwork, times: int) -> NetStack:
    """A stack of nets that all begin with the weights of one."""
    return NetStack(net, _flat(net).repeat(times, 1))


def _flat(net: RecurrentNetwork) -> Float[Tensor, " numbers"]:
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])
