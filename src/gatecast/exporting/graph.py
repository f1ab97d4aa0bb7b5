"""The two graphs of an export: one row, and a whole sequence of rows; both hand out a forecast and the state after.

Everything is a named tensor with the batch first.  Goes in: what never changes of each series, the state, the row (or
the rows), and what is known of the horizon.  Raw values go in, and forecasts come out in the units of the data.
"""

from collections.abc import Mapping
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from gatecast.data.batches import Batch, Cutoffs
from gatecast.evaluation.calibration import Calibration
from gatecast.exporting.layers import StepwiseLayer, by_equations
from gatecast.exporting.rows import Rows, Series, State, first_rows, unit_of
from gatecast.exporting.saying import Saying
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.ensemble import nets_of
from gatecast.streaming.encoding import stretch_of
from gatecast.streaming.shape import shape_of

Tensors = Mapping[str, Tensor]
STATE = "state."  # before the name of a part of the state that goes in
NEXT = "next."  # and of one that comes out


class Needed(NamedTuple):
    """An input: its sizes after the batch, its type, and whether it has one row for each step of time."""

    sizes: tuple[int, ...]
    dtype: torch.dtype
    timed: bool = False


@final
class Machine(nn.Module):
    """A forecaster as functions of tensors.

    Args:
        forecaster: fitted.
        calibration: how far its quantiles move; None where they stand as the net says them.
    """

    def __init__(self, forecaster: RecurrentForecaster, calibration: Calibration | None) -> None:
        super().__init__()
        config, fitted = forecaster.config, forecaster.fitted_
        self.forecaster, self.config, self.statics = forecaster, config, len(fitted.columns.static)
        self.says_quantiles = bool(config.network.levels) or calibration is not None
        self.shape = shape_of(forecaster, config.horizon)
        self.network = by_equations(forecaster.network_)
        self.rows = Rows(self.shape)
        self.saying = Saying(config.network.levels, calibration)
        self.reads_ahead = config.ahead or self.shape.whole

    def inputs(self) -> dict[str, Needed]:
        """What never changes of each series, the row, and what is known of the horizon, by name and in order."""
        shape, exact, single = self.shape, torch.float64, torch.float32
        needed = {
            "centre": Needed((shape.channels,), exact),
            "scale": Needed((shape.channels,), exact),
            "static": Needed((self.statics,), single),
            "identity": Needed((), torch.int64),
            "values": Needed((shape.channels,), single, timed=True),
            "calendar": Needed((shape.calendar,), single, timed=True),
            "future": Needed((shape.horizon, shape.futures), single),
            "calendar_ahead": Needed((shape.horizon, shape.calendar if self.reads_ahead else 0), single),
        }
        if not self.config.network.embedding:
            del needed["identity"]
        return {name: each for name, each in needed.items() if 0 not in each.sizes}

    def first_state(self) -> State:
        """The state of one series that has no rows yet."""
        state = first_rows(self.shape, changes=self.saying.needs_changes)
        if not self.shape.carries:
            return state
        layers = [net.encoder.layer for net in nets_of(self.network)]
        parts = [part for layer in layers if isinstance(layer, StepwiseLayer) for part in layer.first_states()]
        state |= {f"layer{place}": part.transpose(0, 1).contiguous() for place, part in enumerate(parts)}
        return state | {"output": torch.zeros(1, self.shape.outputs)}

    def read(self, state: State, series: Series, values: Tensor, calendar: Tensor) -> State:
        """The state after one row more."""
        row, after = self.rows(state, series, values, calendar)
        if self.shape.carries:
            before = tuple(state[name].transpose(0, 1) for name in state if name.startswith("layer"))
            stretch = stretch_of(self.shape, row, series.static, series.identity)
            output, moved = self.network.read(stretch, before)
            after |= {f"layer{place}": part.transpose(0, 1).clone() for place, part in enumerate(moved)}
            after["output"] = output[:, -1].clone()
        return after

    def forecast(self, state: State, series: Series, future: Tensor, calendar: Tensor) -> dict[str, Tensor]:
        """The forecast from where the state stands."""
        known = self._known(series, future, calendar)
        if self.shape.carries:
            said = self.network.forecast_from(state["output"], self._cutoffs(state, known))
        else:
            said = self.network(self._batch(state, series, known))
        spoken = self.saying(said, series, state)
        return {"mean": spoken.mean} | ({"quantiles": spoken.quantiles} if spoken.quantiles.shape[-1] else {})

    def _known(self, series: Series, future: Tensor, calendar: Tensor) -> Tensor:
        """What is known in advance of the horizon, scaled as in training."""
        first = self.shape.channels - self.shape.futures
        centre, scale = series.centre[:, None, first:], series.scale[:, None, first:]
        return torch.cat([((future.double() - centre) / scale).float(), calendar], dim=-1)

    def _cutoffs(self, state: State, known: Tensor) -> Cutoffs:
        unit = unit_of(state, self.shape.targets)
        nothing = known.new_zeros(known.shape[0], self.shape.horizon, self.shape.targets)
        return Cutoffs(state["history"], unit, known, nothing, nothing)

    def _batch(self, state: State, series: Series, known: Tensor) -> Batch:
        shape, nothing = self.shape, known.new_zeros(known.shape[0], self.shape.horizon, self.shape.targets)
        widths = [shape.channels, shape.causal, shape.flags, shape.known]
        past, causal, flags, before = state["history"].split(widths, dim=-1)
        ahead = known.new_zeros(known.shape[0], shape.horizon, 0)
        both = torch.cat([before, known], dim=1)
        own = (series.static, series.identity, state["count"])
        return Batch(past, causal, flags, both, ahead, *own, nothing, nothing)

    def taken(self, given: Tensors) -> tuple[State, Series, Tensor, Tensor, Tensor, Tensor]:
        """The parts of what goes in; empty ones where this net reads none."""
        values, shape = given["values"], self.shape
        empty = values.new_zeros((*values.shape[:-1], 0))
        ahead = values.new_zeros(values.shape[0], shape.horizon, 0 if self.reads_ahead else shape.calendar)
        no_name = torch.full((values.shape[0],), -1, dtype=torch.int64)
        own = (given.get("static", values.new_zeros(values.shape[0], 0)), given.get("identity", no_name))
        state = {name.removeprefix(STATE): part for name, part in given.items() if name.startswith(STATE)}
        known = given.get("future", ahead[..., :0]), given.get("calendar_ahead", ahead)
        return state, Series(given["centre"], given["scale"], *own), values, given.get("calendar", empty), *known


@final
class Step(nn.Module):
    """One row of each series."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """The forecast after the row, and the state."""
        state, series, values, calendar, *known = self.machine.taken(given)
        after = self.machine.read(state, series, values, calendar)
        return self.machine.forecast(after, series, *known) | {NEXT + name: part for name, part in after.items()}


@final
class Sequence(nn.Module):
    """Rows of each series one after another: any number of both."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """The forecast after the last row, and the state."""
        state, series, values, calendar, *known = self.machine.taken(given)
        names, machine = list(state), self.machine

        def step(carried: list[Tensor], now: tuple[Tensor, Tensor]) -> tuple[list[Tensor], Tensor]:
            after = machine.read(dict(zip(names, carried, strict=True)), series, *now)
            return [after[name].clone(memory_format=torch.contiguous_format) for name in names], now[0].clone()

        rows = (values.transpose(0, 1), calendar.transpose(0, 1))
        carried = list(state.values())
        if torch.compiler.is_exporting():
            from torch._higher_order_ops import scan  # noqa: PLC0415 - heavy, and only graphs need it

            carried, _ = scan(step, carried, rows)
        else:
            for now in zip(*(part.unbind(0) for part in rows), strict=True):
                carried, _ = step(carried, now)
        after = dict(zip(names, carried, strict=True))
        return machine.forecast(after, series, *known) | {NEXT + name: part for name, part in after.items()}
