"""What whoever runs a graph must know: its inputs and how each is made, the state to begin with, the outputs."""

from typing import Any

import numpy as np

from gatecast.exporting.facts import describe
from gatecast.exporting.graph import NEXT, STATE, Machine
from gatecast.workflow.model import Model

MADE = {
    "centre": "of each channel: series.NAME.centre of this file; 0 for codes of words",
    "scale": "of each channel: series.NAME.scale of this file; 1 for codes of words",
    "static": "(value - static_scaling.centre) / static_scaling.scale of each of columns.static; words by their codes",
    "identity": "series.NAME.number of this file; -1 for a series that training has not seen",
    "values": "the row as it is, in the order of channels, NaN where missing; a word is its place in "
    "columns.categories, counted from 1, and 0 if it is not there",
    "calendar": "of the row's time, in the order of calendar: CYCLE_k_sin is sin(2 pi k share), with the share that is "
    "over of the day, of the week (since Monday 0:00; also for weekday), or of the year (of its own length; also for "
    "season). Times carry no zone; with an offset they count in UTC. holiday_today: 1 on a holiday, else 0; "
    "holiday_next and holiday_last: days to the next one and since the last one, over 7, at most 1; holiday_count: "
    "holidays in the period of the row",
    "future": "the covariates of columns.future in each row of the horizon, as they are; words by their codes",
    "calendar_ahead": "as calendar, of each row of the horizon",
}
SAID = {
    "mean": "(batch, horizon, targets): the point forecast, in the units of the data",
    "quantiles": "(batch, horizon, targets, levels): in the order of levels, calibrated",
}
DTYPES = {"torch.float64": "float64", "torch.float32": "float32", "torch.int64": "int64"}


def graph_facts(model: Model, machine: Machine, check: dict[str, Any]) -> dict[str, Any]:
    """Everything about a graph, as plain values."""
    outputs = ["mean", *(["quantiles"] if machine.says_quantiles else [])]
    facts = describe(model.forecaster, model.calibration)
    facts["inputs"] = [
        {
            "name": name,
            "shape": ["batch", *(["time"] if each.timed else []), *each.sizes],
            "dtype": DTYPES[str(each.dtype)],
            "made": MADE[name],
        }
        for name, each in machine.inputs().items()
    ]
    facts["state"] = [
        {"input": STATE + name, "output": NEXT + name, "dtype": DTYPES[str(part.dtype)], **_begun(part.numpy()[0])}
        for name, part in machine.first_state().items()
    ]
    facts["outputs"] = [{"name": name, "made": SAID[name]} for name in outputs]
    facts["how"] = (
        "A series begins with the state named here. step takes one row of each series (values without time) and "
        "sequence any number of rows; both forecast from the newest row and hand out the state after it, which goes in "
        "with the next row. Rows are as far apart as frequency says; a row that did not come goes in as NaN."
    )
    return facts | {"check": check}


def _begun(part: np.ndarray) -> dict[str, Any]:
    """The shape of a part of one series' state, and what it begins with: a number, or an array in full."""
    first = part.reshape(-1)[0].item() if part.size else 0.0
    same = bool(np.array_equal(part, np.full_like(part, first), equal_nan=part.dtype.kind == "f"))
    start: Any = first if same else part.tolist()
    return {"shape": ["batch", *part.shape], "start": "nan" if start != start else start}  # noqa: PLR0124 - JSON has no NaN
