"""A step of many series by two compiled calls and the cell's kernel between them: `rows.py` and `encoding.py` at once.

What is constant is prepared, addresses are looked up when arrays move, and the rows of a call are copied into buffers
that stay where they are: that is what makes a single observation cost microseconds.
"""

from ctypes import addressof
from typing import Any, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from gatecast.cells.cell import pack_states
from gatecast.data.causal import FAST, SLOW
from gatecast.data.causal_state import weights_of_mean
from gatecast.errors import OptionError
from gatecast.forecaster import RecurrentForecaster
from gatecast.kernels.preparing import PreparedStep
from gatecast.kernels.rows import KEPT, MANY, SIZES, RowsFunctions, RowsJob, rows_functions
from gatecast.models.encoders import StepEncoder
from gatecast.models.ensemble import Network
from gatecast.models.network import RecurrentNetwork
from gatecast.nn import watch
from gatecast.nn.stacking import Layer, Stack
from gatecast.nn.stepping import prepared_step
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.encoding import name_of
from gatecast.streaming.intake import Rows
from gatecast.streaming.residents import Residents
from gatecast.streaming.shape import Shape

FIRST_LOGARITHMS, FIRST_ROOM = 4096, 64


class Compiled(NamedTuple):
    """What is called: for few rows, for many, and the encoder's layer with its step, if a state is carried."""

    few: RowsFunctions
    many: RowsFunctions
    layer: Layer | None
    step: PreparedStep | None


@final
class FastSteps:
    """Steps by compiled code.

    Args:
        shape: sizes.
        residents: what is kept of each series.
        calendars: the calendar.
        compiled: what is called.
    """

    def __init__(self, shape: Shape, residents: Residents, calendars: Calendars, compiled: Compiled) -> None:
        self.shape, self.residents, self.calendars = shape, residents, calendars
        self.few, self.many, self.layer, self.step = compiled
        self.parts = 0 if self.step is None else sum(name.startswith("state") for name in residents.kept)
        layers, hidden = residents.kept[name_of(0)].shape if self.parts else (0, 0)
        named = residents.kept["named"].shape[0]
        inputs = shape.causal + (shape.flags if shape.since else 0) + shape.known + named
        own = {"numbers": len(shape.numbers), "words": len(shape.words), "season": shape.season or 0}
        own |= {"named": named, "inputs": inputs, "parts": self.parts, "layers": layers, "hidden": hidden}
        self.job = RowsJob(*(own[name] if name in own else getattr(shape, name) for name in SIZES))
        self.address = addressof(self.job)
        self.constants = self._constants()
        self._moved = -1  # arrays that addresses were taken of
        self._count = 1
        self._table: np.ndarray = np.zeros((0, 0), dtype=np.float32)
        self._logarithms(FIRST_LOGARITHMS)
        self._room(FIRST_ROOM)

    def advance(self, rows: Rows) -> Int64[np.ndarray, " due"]:
        """One row more of each of some different series; those that have come to a row that is settled."""
        count = len(rows.slots)
        if count > len(self.slots):
            self._room(max(count, 2 * len(self.slots)))
        self.slots[:count], self.times[:count], self.raw[:count] = rows
        if self.shape.calendar:
            self._calendar(rows.times, count)
        return self.due[: self._run(count)]

    def advance_one(self, slot: int, time: int, value: float) -> bool:
        """The one channel of one series; whether it has come to a row that is settled."""
        self.slots[0], self.times[0], self.raw[0, 0] = slot, time, value
        if self.shape.calendar:
            self.calendar_rows[0] = self.calendars.row(time)
            self._find_calendar()
        return self._run(1) > 0

    def _run(self, count: int) -> int:
        """What lies in the buffers."""
        job, step = self.job, self.step
        functions = self.few if count < MANY else self.many
        if self._moved != self.residents.grown:
            self._take_addresses()
        job.n = count
        due = functions.advance(self.address)
        if due < 0:
            self._logarithms(2 * job.logarithms_known)
            return self._run(count)
        if step is not None:
            if count != self._count:
                self._count = count
                for layer in self.layers:
                    layer.sequence.batch = count
            step.run(step.first, *self.states)
            functions.keep(self.address)
        return int(due)

    def gates(self, slot: int) -> dict[str, float]:
        """The mean of each gate of the top layer, of a series among those of the last call; else nothing."""
        found = np.flatnonzero(self.slots[: self._count] == slot)
        if not len(found) or self.layer is None:
            return {}
        x = torch.from_numpy(self.x[found[:1], None])  # (1, 1, I)
        rows = np.arange(self.job.layers) * self._count + found[0]  # states of one call lie next to each other
        parts = (self.before[part].reshape(-1, self.job.hidden)[rows, None] for part in range(self.parts))
        before = tuple(map(torch.from_numpy, parts))
        with torch.inference_mode():
            gates = watch(self.layer, x, pack_states(before)).gates
        top = gates[f"l{self.job.layers - 1}"]
        return {name: float(each.mean()) for name, each in top.items()}

    def _calendar(self, times: np.ndarray, count: int) -> None:
        """Where the features of each time lie."""
        calendars = self.calendars
        if count == 1 or (times[0] == times[-1] and (times == times[0]).all()):
            self.calendar_rows[:count] = calendars.row(int(times[0]))
        else:
            self.calendar_rows[:count] = calendars.places(times.tolist())
        self._find_calendar()

    def _find_calendar(self) -> None:
        """Where the calendar lies, which moves as it grows."""
        if self.calendars.table is not self._table:
            self._table = self.calendars.table
            self.job.calendar_table = self._table.ctypes.data

    def _constants(self) -> list[np.ndarray]:
        """What never changes, where the job finds it."""
        job, shape = self.job, self.shape
        shares = [(1 / weights_of_mean(factor)).numpy() for factor in (FAST, SLOW)]
        places = [np.array(each, dtype=np.int64) for each in (shape.numbers, shape.words)]
        for name, array in zip(
            ("number_places", "word_places", "fast_share", "slow_share"), places + shares, strict=True
        ):
            setattr(job, name, array.ctypes.data)
        job.fast_shares, job.slow_shares = map(len, shares)
        return places + shares

    def _logarithms(self, count: int) -> None:
        """log(1 + k) of so many k, as the flags of a table have them."""
        self.logarithms = np.log1p(np.arange(count, dtype=np.float32))
        self.job.logarithms, self.job.logarithms_known = self.logarithms.ctypes.data, count

    def _take_addresses(self) -> None:
        """Where the series are kept, after arrays have moved."""
        for name in KEPT:
            if name in self.residents.kept:
                setattr(self.job, name, self.residents[name].ctypes.data)
        self.job.name = self.residents["named"].ctypes.data
        for part in range(self.parts):
            self.job.state[part] = self.residents[name_of(part)].ctypes.data
        self._moved = self.residents.grown

    def _room(self, count: int) -> None:
        """Buffers for so many rows at once."""
        job, shape, whole = self.job, self.shape, np.int64
        self.slots, self.times, self.calendar_rows, self.due = (np.zeros(count, dtype=whole) for _ in range(4))
        self.raw = np.zeros((count, shape.channels), dtype=np.float32)
        self.row, self.x = np.zeros(shape.width, dtype=np.float32), np.zeros((count, job.inputs), dtype=np.float32)
        self.before = np.zeros((2, job.layers, count, job.hidden), dtype=np.float32)
        self.after = np.zeros_like(self.before)
        for name in ("slots", "times", "calendar_rows", "due", "row", "x"):
            setattr(job, name, getattr(self, name).ctypes.data)
        job.values = self.raw.ctypes.data
        states: list[int] = [self.x.ctypes.data]
        for part in range(self.parts):
            job.before[part], job.after[part] = self.before[part].ctypes.data, self.after[part].ctypes.data
            states += [self.before[part].ctypes.data, self.after[part].ctypes.data]
        self.states = states
        self.layers: Any = self.step.alive[0] if self.step is not None else ()


def fast_steps(
    forecaster: RecurrentForecaster, shape: Shape, residents: Residents, calendars: Calendars
) -> FastSteps | None:
    """Compiled steps for a net, if there are any for it here."""
    functions = rows_functions()
    if functions is None:
        return None
    if not shape.carries:
        return FastSteps(shape, residents, calendars, Compiled(*functions, None, None))
    layer = _plain_layer(forecaster.network_)
    try:
        step = None if layer is None else prepared_step(layer, 1)
    except OptionError:
        step = None
    return None if step is None else FastSteps(shape, residents, calendars, Compiled(*functions, layer, step))


def _plain_layer(network: Network) -> Layer | None:
    """The layer that reads rows as they are; None where words are looked up, or several nets read them."""
    if not isinstance(network, RecurrentNetwork) or not isinstance(network.encoder, StepEncoder):
        return None
    words = network.sizes.past_words.places or network.sizes.known_words.places
    layer = network.encoder.layer
    return None if words or not isinstance(layer, (Stack, nn.RNNBase)) else layer
