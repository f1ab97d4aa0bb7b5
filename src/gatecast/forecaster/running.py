"""Running a trained net over the origins of a table, on the scaled values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gatecast.data.splits import Origins
from gatecast.data.tensors import PanelTensors
from gatecast.forecaster.config import ForecasterConfig
from gatecast.models.distributions import COUNTS
from gatecast.models.draws import origin_draws
from gatecast.models.ensemble import Network
from gatecast.models.network import AtCutoffs
from gatecast.models.passing import bounded_outputs_at, bounded_states_at, outputs_at, states_at
from gatecast.models.remembering import Memory

BATCH = 1024  # windows
VALUES = 1_000_000  # forecast at once from a carried state
PATHS_AT_ONCE = 16_384  # sample paths side by side: some tens of MB


@dataclass(frozen=True)
class Runner:
    """A net in use.

    Attributes:
        network: the net.
        config: of its forecaster.
        memory: the states that the last pass has left.
    """

    network: Network
    config: ForecasterConfig
    memory: Memory

    @torch.inference_mode()
    def forecasts(
        self, tensors: PanelTensors, origins: Origins, context: int | None
    ) -> Float32[np.ndarray, "windows horizon targets levels"]:
        """The net's forecast from every origin; with `context`, from a state that has read so many rows alone."""
        network, places = self.network, tensors.place(origins)
        if self.config.network.recursive:
            points = np.concatenate(list(self._feed_back(tensors, origins, context)))
            return np.asarray(points[:, 0, :, :, None])
        if self.config.mode == "windows":
            return np.asarray(torch.cat([network(tensors.gather(part)) for part in places.split(BATCH)]))
        if context is None:
            outputs = outputs_at(network, tensors, places, self.memory)
        else:
            outputs = bounded_outputs_at(network, tensors, places, context)
        each = self.config.horizon * tensors.targets * max(1, len(self.config.network.levels))
        size = max(1, VALUES // each)
        parts = [
            network.forecast_from(output, tensors.cutoffs(part, came=False))
            for output, part in zip(outputs.split(size), places.split(size), strict=True)
        ]
        return np.asarray(torch.cat(parts))

    def paths(
        self,
        tensors: PanelTensors,
        origins: Origins,
        names: list[str],
        count: int,
        context: int | None = None,
    ) -> Iterator[Float32[np.ndarray, "part paths horizon targets"]]:
        """So many sample paths from each origin, some origins at a time, over the horizon of the tensors.

        `names` are those of the origins' series: draws are a function of them, so that a path does not depend on what
        else is forecast.
        """
        shape = (count, self.config.horizon, tensors.targets)

        def draw(part: slice) -> Tensor:
            own = origin_draws(self.config.training.seed, names[part], origins.position[part], shape)
            return torch.from_numpy(own[:, :, : tensors.horizon])

        yield from self._feed_back(tensors, origins, context, (count, draw))

    def _feed_back(
        self,
        tensors: PanelTensors,
        origins: Origins,
        context: int | None,
        drawing: tuple[int, Callable[[slice], Tensor]] | None = None,
    ) -> Iterator[Float32[np.ndarray, "part paths horizon targets"]]:
        """Forecasts of a recursive net over the horizon of the tensors, as many origins at a time as memory holds."""
        network, places = self.network, tensors.place(origins)
        read = self._states(tensors, places, context)
        most = max(1, PATHS_AT_ONCE // (1 if drawing is None else drawing[0]))
        for first in range(0, len(places), most):
            part = slice(first, first + most)
            batch, draws = tensors.gather(places[part]), None if drawing is None else drawing[1](part)
            with torch.inference_mode():
                paths = (
                    network.paths(batch, draws) if read is None else network.paths_from(read.some(part), batch, draws)
                )
            yield np.asarray(paths)

    def _states(
        self, tensors: PanelTensors, places: Int64[Tensor, "windows two"], context: int | None
    ) -> AtCutoffs | None:
        """The states at the origins; None where each window is read from zeros."""
        if context is not None:
            return bounded_states_at(self.network, tensors, places, context)
        return states_at(self.network, tensors, places, self.memory) if self.config.mode == "sequences" else None

    def quantiles(
        self, paths: Float32[np.ndarray, "part paths horizon targets"]
    ) -> Float32[np.ndarray, "part horizon targets levels"]:
        """The quantiles of sample paths at each step; of counts always a count."""
        network = self.config.network
        levels = np.asarray(network.levels, dtype=np.float32)
        found = np.quantile(paths, levels, axis=1, method="inverted_cdf" if network.loss in COUNTS else "linear")
        return np.moveaxis(found, 0, -1)
