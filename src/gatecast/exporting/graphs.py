"""From the modules of `graph.py` to programs of torch.export with any batch and any time, and what goes into them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from gatecast.exporting.graph import NEXT, STATE, Machine, Sequence, Step
from gatecast.exporting.probing import Probe, Told, check_same, difference, lengths, probe, told_by_gatecast
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.clock import Clock
from gatecast.workflow.model import Model

Arrays = dict[str, np.ndarray]
Run = Callable[[Arrays], Arrays]
TRACED = (2, 5)  # batch and rows of the example that a graph is traced with; it is checked at others
CHECKED = (1, 3)
MOST = 2**20  # of the batch, and of the rows that go in at once


def machine_of(model: Model) -> Machine:
    """The functions of a model, ready to be traced."""
    return Machine(model.forecaster, model.calibration).eval().requires_grad_(requires_grad=False)


def traced(machine: Machine, *, sequence: bool) -> ExportedProgram:
    """The program of one row, or of a sequence of rows."""
    batch, time = Dim("batch", min=1, max=MOST), Dim("time", min=1, max=MOST)
    given, needed = example(machine, sequence=sequence), machine.inputs()
    timed = {name for name, each in needed.items() if each.timed and sequence}
    shapes = {name: {0: batch, 1: time} if name in timed else {0: batch} for name in given}
    module = (Sequence if sequence else Step)(machine)
    with torch.no_grad():
        return torch.export.export(module, (given,), dynamic_shapes=(shapes,), strict=False)


def example(machine: Machine, *, sequence: bool) -> dict[str, Tensor]:
    """Inputs of the sizes that a graph is traced with."""
    batch, rows = TRACED
    given = {
        name: torch.ones((batch, *((rows,) if each.timed and sequence else ()), *each.sizes), dtype=each.dtype)
        for name, each in machine.inputs().items()
    }
    given |= {"identity": torch.zeros(batch, dtype=torch.int64)} if "identity" in given else {}
    state = {STATE + name: part.repeat(batch, *[1] * (part.dim() - 1)) for name, part in machine.first_state().items()}
    return given | state


def checked(model: Model, machine: Machine, step: Run, sequence: Run) -> dict[str, Any]:
    """How far both graphs are from the model, at sizes that they were not traced with.

    Raises:
        ArtifactError: further than by rounding.
    """
    worst = {"step": 0.0, "sequence": 0.0}
    shapes = []
    for batch, rows in zip(CHECKED, lengths(model.forecaster), strict=True):
        made = probe(model.forecaster, batch, rows)
        (theirs,) = told_by_gatecast(model.forecaster, model.calibration, made, [rows])
        for name, told in (("step", stepped(machine, step, made)), ("sequence", read(machine, sequence, made))):
            worst[name] = max(worst[name], difference(machine.forecaster, made, told, theirs))
        shapes.append({"batch": batch, "rows": rows})
    for name, most in worst.items():
        check_same(f"the graph of one {name}" if name == "step" else "the graph of a sequence", most)
    return {"difference": worst, "shapes": shapes}


def stepped(machine: Machine, run: Run, made: Probe) -> Told:
    """Row by row, the state handed from one call to the next."""
    given, state = inputs_of(machine, made), first_arrays(machine, len(made.series))
    needed, found = machine.inputs(), Arrays()
    for row in range(made.rows):
        now = {name: each[:, row] if needed[name].timed else each for name, each in given.items()}
        found = run(now | state)
        state = {STATE + name.removeprefix(NEXT): each for name, each in found.items() if name.startswith(NEXT)}
    return _told(found)


def read(machine: Machine, run: Run, made: Probe) -> Told:
    """All rows but the last at once, then the last: a sequence may go on from a state too."""
    given, state = inputs_of(machine, made), first_arrays(machine, len(made.series))
    needed, found = machine.inputs(), Arrays()
    for part in (slice(0, made.rows - 1), slice(made.rows - 1, None)):
        now = {name: each[:, part] if needed[name].timed else each for name, each in given.items()}
        found = run(now | state)
        state = {STATE + name.removeprefix(NEXT): each for name, each in found.items() if name.startswith(NEXT)}
    return _told(found)


def _told(found: Arrays) -> Told:
    mean = found["mean"]
    return Told(mean, found.get("quantiles", np.empty((*mean.shape, 0))))


def first_arrays(machine: Machine, batch: int) -> Arrays:
    """The state of so many series that have no rows yet."""
    return {STATE + name: np.repeat(part.numpy(), batch, axis=0) for name, part in machine.first_state().items()}


def inputs_of(machine: Machine, made: Probe) -> Arrays:
    """Everything but the state, of all rows."""
    fitted, needed = machine.forecaster.fitted_, machine.inputs()
    clock = Clock(fitted.frequency, dated=fitted.columns.time is not None)
    calendars = Calendars(clock, fitted.columns.holidays, machine.config.calendar, machine.shape.calendar)
    features = calendars.of(made.times.tolist())
    static = fitted.static_scaling.transform(made.static, 0).astype(np.float32)
    found = {
        "centre": fitted.scaling.centre[made.series],
        "scale": fitted.scaling.scale[made.series],
        "static": static,
        "identity": made.series,
        "values": made.values,
        "calendar": np.repeat(features[None, : made.rows], len(made.series), axis=0),
        "future": made.future,
        "calendar_ahead": np.repeat(features[None, made.rows :], len(made.series), axis=0),
    }
    return {name: np.ascontiguousarray(found[name]) for name in needed}
