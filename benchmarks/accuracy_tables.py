"""The tables that accuracy.py writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import msgspec
import numpy as np

from accuracy_tasks import Task
from protocols import Protocol
from published import Published, gift_table

HERE = "this run"


@dataclass(frozen=True)
class Row:
    """One line of a task's table; times are NaN where nothing was timed."""

    method: str
    errors: Mapping[str, float]
    source: str = HERE
    seed: int | None = None
    fit: float = nan
    judge: float = nan


def mean_row(rows: Sequence[Row]) -> Row:
    """The mean over seeds."""
    errors = {name: float(np.mean([row.errors[name] for row in rows])) for name in rows[0].errors}
    fit, judge = (float(np.mean([getattr(row, name) for row in rows])) for name in ("fit", "judge"))
    return Row(f"**{rows[0].method}, mean**", errors, fit=fit, judge=judge)


def task_lines(
    task: Task, protocol: Protocol, nets: Sequence[Row], simple: Sequence[Row], others: Sequence[Published]
) -> list[str]:
    """What was done, every row with the best on top, and which rows the net is better and worse than."""
    mean, names = mean_row(nets), tuple(nets[0].errors)
    known = [*simple, *(Row(each.method, each.errors, each.source) for each in others)]
    ranked = sorted([mean, *known], key=lambda row: row.errors.get(names[0], np.inf))
    lines = [*_setting(task, protocol), "", f"| method | seed | {' | '.join(names)} | fit s | judge s | source |"]
    lines.append("|---" * (len(names) + 5) + "|")
    lines += [_line(row, names) for row in [*ranked, *nets]]
    lines += ["", *(_standing(mean, known, name) for name in names)]
    return [*lines, "", task.note] if task.note else lines


def _setting(task: Task, protocol: Protocol) -> list[str]:
    panel, split, config = protocol.panel, protocol.split, task.config
    shortest, longest, targets = panel.lengths.min(), panel.lengths.max(), len(panel.columns.target)
    validation = (split.validation_end - split.train_end).max()
    facts = (
        f"{len(panel.ids):,} series of {shortest:,} to {longest:,} rows, {targets} target{'s' * (targets > 1)} each",
        f"{len(protocol.origins):,} windows judged",
        f"horizon {protocol.horizon}, lookback {config.lookback}, season {protocol.season}",
        f"trained on the first {split.train_end.max():,} rows at most, weights chosen on the {validation:,} after them",
    )
    return [f"{'; '.join(facts)}.", "", f"Configuration: `{msgspec.json.encode(config).decode()}`"]


def _line(row: Row, names: Sequence[str]) -> str:
    errors = [_number(row.errors.get(name, nan)) for name in names]
    seed = "" if row.seed is None else str(row.seed)
    times = ["" if np.isnan(value) else f"{value:.1f}" for value in (row.fit, row.judge)]
    return f"| {' | '.join([row.method, seed, *errors, *times, row.source])} |"


def _number(value: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}"


def _standing(mean: Row, known: Sequence[Row], name: str) -> str:
    """In one sentence: better than these rows, worse than those."""
    own = mean.errors[name]
    rows = sorted(
        (row.errors[name], f"{row.method} {_number(row.errors[name])}") for row in known if name in row.errors
    )
    better, worse = ([text for value, text in rows if (value > own) == wins] for wins in (True, False))
    return f"{name} {_number(own)}: better than {_list(better)}; not better than {_list(worse)}.  "


def _list(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "none"


def gift_summary(errors: Mapping[str, Mapping[str, float]]) -> list[str]:
    """MASE / CRPS of every configuration, and the geometric mean of MASE relative to the seasonal naive forecast."""
    table = gift_table()
    for name, found in errors.items():
        if name.startswith("gift-"):
            table[name.removeprefix("gift-")]["gatecast"] = (found["MASE"], found["CRPS"])
    methods = ("gatecast", *(method for method in next(iter(table.values())) if method != "gatecast"))
    lines = [f"| MASE / CRPS | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join('{:.3f} / {:.3f}'.format(*row[m]) for m in methods)} |" for name, row in table.items()
    ]
    means = [relative_mean(table, method) for method in methods]
    lines.append(f"| **relative MASE** | {' | '.join(f'**{value:.3f}**' for value in means)} |")
    return [*lines, "", f"The last row is the geometric mean over these {len(table)} configurations."]


def relative_mean(table: Mapping[str, Mapping[str, tuple[float, float]]], method: str) -> float:
    """The geometric mean of MASE over that of the seasonal naive forecast."""
    return float(np.exp(np.mean([np.log(row[method][0] / row["seasonal naive"][0]) for row in table.values()])))
