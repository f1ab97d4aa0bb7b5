"""Where the entries of a forecasting horizon lie: the label of each in sktime's index, and its step from the cutoff."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd
from jaxtyping import Int64
from pandas.tseries.frequencies import to_offset
from sktime.forecasting.base import ForecastingHorizon

from gatecast.adapters.sktime.frames import Frames, Instance, times_of
from gatecast.data.frequency import MONTHS, Frequency, show_time
from gatecast.data.grid import to_grid
from gatecast.errors import InputError, TimeError

Label = Any  # a timestamp, a period or a whole number: an element of a time index

_UNITS = {
    "us": "us",
    "s": "s",
    "min": "min",
    "h": "h",
    "D": "d",
    "B": "b",
    "W": "w",
    "M": "mo",
    "MS": "mo",
    "ME": "mo",
    "Q": "q",
    "QS": "q",
    "QE": "q",
    "Y": "y",
    "YS": "y",
    "YE": "y",
}


@final
@dataclass(frozen=True, eq=False)
class Cutoff:
    """What may be read of one series.

    Attributes:
        instance: the series.
        end: the label of the last row that may be.
        newest: the row that is the last there is, as gatecast counts times.
    """

    instance: Instance
    end: Label
    newest: Any


@final
@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of a horizon for one series.

    Attributes:
        cutoff: what may be read of it.
        labels: the label of each entry.
        stamps: the entries as gatecast counts times.
        steps: how many rows each lies after the newest; 0 is that row itself, and below lie rows before it.
    """

    cutoff: Cutoff
    labels: pd.Index
    stamps: np.ndarray
    steps: Int64[np.ndarray, " entries"]

    @property
    def furthest(self) -> int:
        """The step of the furthest entry."""
        return int(self.steps.max())


def offset_of(y: pd.DataFrame) -> pd.offsets.BaseOffset | None:
    """The step between dates, as pandas says or finds it; None of gaps, of too few rows, and where it is not dates."""
    index = y.index
    if isinstance(index, pd.MultiIndex):
        longest = index.droplevel(-1).value_counts().index[0]
        index = y.loc[longest].index
    if not isinstance(index, pd.DatetimeIndex) or index.freq is not None:
        return getattr(index, "freq", None)
    return to_offset(pd.infer_freq(index)) if len(index) > 2 else None


def frequency_of(offset: pd.offsets.BaseOffset | None) -> str | None:
    """The step as gatecast writes it; None where it has to look for itself."""
    if offset is None:
        return None
    unit = _UNITS.get(offset.rule_code.partition("-")[0])
    if offset.rule_code == "ms":
        return f"{1000 * offset.n}us"
    return None if unit is None else f"{offset.n}{unit}"


def offset_like(frequency: Frequency) -> pd.offsets.BaseOffset | None:
    """The step between dates that gatecast found where pandas found none; None of rows without dates."""
    if frequency.unit in MONTHS:
        months = MONTHS[frequency.unit] * frequency.multiple
        return pd.offsets.MonthEnd(months) if frequency.month_end else pd.DateOffset(months=months)
    if frequency.unit == "b":
        return pd.offsets.BusinessDay(frequency.multiple)
    step = frequency.fixed_step
    return None if step is None else to_offset(pd.Timedelta(step, unit="us"))


def ends_of(y: pd.DataFrame) -> dict[Instance, Label]:
    """The label of the newest row of each series."""
    times = times_of(y.index)
    if not isinstance(y.index, pd.MultiIndex):
        return {(): times.max()}
    newest = pd.Series(times, index=y.index.droplevel(-1)).groupby(level=list(range(y.index.nlevels - 1)), sort=False)
    return {key if isinstance(key, tuple) else (key,): label for key, label in newest.max().items()}


def furthest_step(fh: ForecastingHorizon, end: Label, offset: pd.offsets.BaseOffset | None) -> int:
    """The step of the furthest entry of a horizon, as sktime counts."""
    values = fh.to_pandas()
    if not fh.is_relative or values.dtype.kind not in "iu":
        absolute = ForecastingHorizon(labels_of(fh, end, offset), is_relative=False, freq=offset)
        values = absolute.to_relative(_index(end, offset)).to_pandas()
    return int(values.max())


def labels_of(fh: ForecastingHorizon, end: Label, offset: pd.offsets.BaseOffset | None) -> pd.Index:
    """The labels of the entries of a horizon after `end`."""
    if not fh.is_relative:
        return fh.to_pandas()
    if offset is not None and type(offset) is pd.DateOffset:  # months from any day on, which sktime does not count in
        return pd.DatetimeIndex([end + int(step) * offset for step in fh.to_pandas()])
    step = offset if isinstance(end, pd.Timestamp) else getattr(end, "freq", None)
    return ForecastingHorizon(fh.to_pandas(), is_relative=True, freq=step).to_absolute_index(_index(end, step))


def entries_of(cutoff: Cutoff, labels: pd.Index, frames: Frames, frequency: Frequency) -> Entries:
    """The entries with some labels, their steps counted on gatecast's grid.

    Raises:
        InputError: nothing came up to the cutoff.
        TimeError: a label lies off the grid.
    """
    if cutoff.newest is None:
        raise InputError(
            f"no row of y came at {cutoff.end} or before it, so nothing is known there: forecast from a later cutoff."
        )
    stamps = frames.stamps(labels)
    (last, *place), (own, *rest) = _places(np.concatenate([[cutoff.newest], stamps]), frequency)
    for row in np.flatnonzero(np.asarray(rest) != own)[:1]:
        raise TimeError(
            f"fh asks for {labels[row]}, which no whole number of steps leads to from the newest row of y, "
            f"{show_time(cutoff.newest)}: rows lie {frequency.label} ({frequency.name}) apart. Give labels on the grid "
            f"of y, or steps such as [1, 2, 3]; where pandas counts other steps than y has, set the freq of its index."
        )
    return Entries(cutoff, labels, stamps, np.asarray(place, dtype=np.int64) - last)


def _places(stamps: np.ndarray, frequency: Frequency) -> tuple[np.ndarray, np.ndarray]:
    if stamps.dtype.kind in "iu":
        return stamps, np.zeros_like(stamps)
    return to_grid(stamps, frequency)


def _index(label: Label, step: pd.offsets.BaseOffset | None = None) -> pd.Index:
    """An index of one label, with the step that sktime counts by."""
    index = pd.Index([label])
    if isinstance(index, pd.DatetimeIndex) and step is not None and step.is_on_offset(label):
        index.freq = step
    return index


def joined_labels(entries: Sequence[Entries], names: Sequence[Any]) -> pd.Index:
    """The index of a forecast: the levels of each series beside its labels."""
    if not entries[0].cutoff.instance:
        return entries[0].labels.set_names(names)
    times = entries[0].labels.append([each.labels for each in entries[1:]])
    repeated = [each.cutoff.instance for each in entries for _ in each.labels]
    levels = [pd.Index(level) for level in zip(*repeated, strict=True)]
    return pd.MultiIndex.from_arrays([*levels, times], names=names)
