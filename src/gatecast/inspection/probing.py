"""A forecast as a function of the newest rows of a series, so that it can be differentiated and tried with others.

It is the forecaster's own forecast: what the net reads of the rows (differences, causal features, the base that the
forecast starts from) is made of them anew, and gradients flow through all of it.
"""

from dataclasses import dataclass, fields, replace
from typing import TypeVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.data.batches import Batch, Stretch
from gatecast.data.causal_state import CausalState
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.data.tensors import PanelTensors
from gatecast.errors import OptionError, TooShortError
from gatecast.forecaster import RecurrentForecaster
from gatecast.forecaster.laying import lay_out, layout_of, scaling_for
from gatecast.models.ensemble import Network, nets_of, split_states
from gatecast.models.network import AtCutoffs
from gatecast.models.passing import states_at

T = TypeVar("T", Batch, Stretch)


@final
@dataclass(frozen=True, eq=False)
class Carried:
    """The newest rows as a carried state reads them, and the states of all layers before; none of them for zeros."""

    stretch: Stretch
    states: States


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """The point forecast from some cutoffs of one series, on the scaled values: `probe(values)`.

    Attributes:
        network: the net.
        values: the newest rows before each cutoff, scaled: all channels that are numbers, targets first.
        names: of these channels.
        planned: which of them are known in advance, and where that stands among what is.
        batch: windows before the cutoffs.
        carried: what a carried state reads; None where windows are read.
        running: what causal features have seen before the newest rows; None where values are seen otherwise.
    """

    network: Network
    values: Float[Tensor, "cutoffs rows channels"]
    names: tuple[str, ...]
    planned: tuple[tuple[int, int], ...]
    batch: Batch
    carried: Carried | None
    running: CausalState | None

    @property
    def horizon(self) -> int:
        """Rows that are forecast."""
        return self.batch.actual.shape[1]

    def __call__(self, values: Float[Tensor, "cutoffs rows channels"]) -> Float[Tensor, "cutoffs horizon targets"]:
        """The forecast, had these been the newest rows."""
        causal = None if self.running is None else self._causal(self.running, values)
        batch = self._with_rows(values, causal)
        if self.carried is None:
            return self._point(self.network(batch))
        assert causal is not None, "a carried state reads causal features"  # noqa: S101
        known = self._with_planned(self.carried.stretch.known, 0, values)
        stretch = replace(self.carried.stretch, causal=causal, known=known)
        output, after = self.network.read(stretch, self.carried.states)
        if self.network.config.recursive:
            return self.network.paths_from(AtCutoffs(output[:, -1], after), batch, None).squeeze(1)
        return self._point(self.network.forecast_from(output[:, -1], batch.cutoffs()))

    def loss(self) -> Float[Tensor, ""]:
        """The training loss of the forecasts from all cutoffs, from the rows as they are."""
        if self.carried is None:
            return self.network.loss(self.batch)
        output, _ = self.network.read(self.carried.stretch, self.carried.states)
        return self.network.loss_from(output[:, -1], self.batch.cutoffs())

    def first_net(self) -> "Probe":
        """The same of one net alone, where there is an ensemble of them."""
        nets = nets_of(self.network)
        carried = self.carried and Carried(self.carried.stretch, split_states(self.carried.states, len(nets))[0])
        return replace(self, network=nets[0], carried=carried)

    def repeated(self, times: int) -> "Probe":
        """Each cutoff so many times, its copies side by side."""
        carried = self.carried and Carried(
            _repeated(self.carried.stretch, times),
            tuple(state.repeat_interleave(times, dim=1) for state in self.carried.states),
        )
        return replace(
            self,
            values=self.values.repeat_interleave(times, dim=0),
            batch=_repeated(self.batch, times),
            carried=carried,
            running=self.running and self.running.repeated(times),
        )

    def _point(
        self, output: Float[Tensor, "cutoffs horizon targets levels"]
    ) -> Float[Tensor, "cutoffs horizon targets"]:
        config = self.network.config
        return output[..., config.levels.index(0.5) if config.levels and not config.recursive else 0]

    def _with_rows(self, values: Tensor, causal: Tensor | None) -> Batch:
        """The windows, with other newest rows."""
        numbers, lookback = list(self.network.sizes.numbers), self.batch.past.shape[1]
        rows = min(values.shape[1], lookback)
        newest = values[:, -rows:]
        past = self.batch.past.clone()
        past[:, -rows:, numbers] = newest
        features = self.batch.causal
        if causal is not None:
            features = torch.cat([features[:, : lookback - rows], causal[:, -rows:]], dim=1)
        known = self._with_planned(self.batch.known, lookback - rows, newest)
        return replace(self.batch, past=past, causal=features, known=known)

    def _with_planned(self, known: Tensor, first: int, values: Tensor) -> Tensor:
        """What is known in advance, where the rows from `first` on are `values`."""
        known = known.clone()
        for channel, place in self.planned:
            known[:, first : first + values.shape[1], place] = values[..., channel]
        return known

    def _causal(self, running: CausalState, values: Tensor) -> Float[Tensor, "cutoffs rows causal"]:
        """Causal features of the rows, codes of past words, and the targets' running spread, as a table holds them."""
        table = (self.batch if self.carried is None else self.carried.stretch).causal
        count, targets = len(self.network.sizes.past_words.places), self.network.sizes.targets
        words = table[..., table.shape[-1] - count - targets : table.shape[-1] - targets]
        rows = list[Tensor]()
        for row, codes in zip(values.double().unbind(1), words.unbind(1), strict=True):
            features, running = running.advance(row)
            rows.append(torch.cat([features.float(), codes, running.unit.float()], dim=-1))
        return torch.stack(rows, dim=1)


def probe(forecaster: RecurrentForecaster, panel: Panel, series: int, cutoffs: list[int], context: int) -> Probe:
    """The forecasts of one series, from cutoffs that have enough rows before them.

    Args:
        forecaster: a fitted net.
        panel: the table.
        series: which of its series.
        cutoffs: positions in it.
        context: how many of the newest rows; of windows all of the lookback.

    Raises:
        OptionError: `context` is below 1, or no cutoff is given.
        TooShortError: a cutoff has fewer rows before it.
    """
    config, fitted = forecaster.config, forecaster.fitted_
    rows = config.lookback if config.mode == "windows" else context
    if rows < 1 or not cutoffs:
        raise OptionError(f"a probe takes cutoffs and a context of 1 row or more, got {cutoffs} and {context}.")
    if min(cutoffs) < (rows if config.normalise == "causal" else 1):
        raise TooShortError(f'series "{panel.ids[series]}" has {min(cutoffs)} rows before a cutoff, {rows} are needed.')
    origins = Origins(np.full(len(cutoffs), series), np.asarray(cutoffs))
    scaling = scaling_for(config, fitted, panel, origins)
    tensors = lay_out(fitted, panel, scaling, layout_of(config))
    places, network = tensors.place(origins), forecaster.network_
    numbers = list(network.sizes.numbers)
    newest = torch.maximum(places[:, 1:] + torch.arange(-rows, 0), tensors.starts[series])
    first_planned = len(fitted.columns.target) + len(fitted.columns.past)
    channels = fitted.columns.channels
    return Probe(
        network=network,
        values=tensors.table[:, numbers][newest],
        names=tuple(channels[number] for number in numbers),
        planned=tuple((own, c - first_planned) for own, c in enumerate(numbers) if c >= first_planned),
        batch=tensors.gather(places),
        carried=_carried(network, tensors, places, rows) if config.mode == "sequences" else None,
        running=_running(tensors, series, newest[:, 0], network) if tensors.causal else None,
    )


@torch.no_grad()
def _carried(network: Network, tensors: PanelTensors, places: Tensor, rows: int) -> Carried:
    """The states before the newest rows, and those rows."""
    before = torch.stack([places[:, 0], places[:, 1] - rows], dim=1)
    stretch = tensors.stretch(before, rows, places[:, 1])
    old = before[:, 1] > tensors.starts[before[:, 0]]  # of the others all rows are among the newest
    if not bool(old.any()):
        return Carried(stretch, ())
    states = tuple(
        part.new_zeros(len(part), len(places), part.shape[2]).index_copy(1, torch.nonzero(old).flatten(), part)
        for part in states_at(network, tensors, before[old]).states
    )
    return Carried(stretch, states)


def _running(tensors: PanelTensors, series: int, first: Tensor, network: Network) -> CausalState:
    """What causal features have seen before the newest rows."""
    start = tensors.starts[series]
    end = max(int(first.max()), int(start) + 1)
    values = tensors.table[start:end, list(network.sizes.numbers)].double().numpy()
    return CausalState.before(values, (first - start).numpy(), tensors.targets, network.sizes.frame.season)


def _repeated(value: T, times: int) -> T:
    """Each row of every tensor so many times."""
    return replace(value, **{f.name: getattr(value, f.name).repeat_interleave(times, dim=0) for f in fields(value)})
