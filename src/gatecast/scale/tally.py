"""Tally: what a part of a backtest adds to the scores of the whole.

Every error is a mean over observed values or over series, so its sum and its count are all that has to be added up; a
test of difference wants mean losses by cutoff or by series, which are sums too.  What is kept grows with the number of
cutoffs and series, by a number for each forecaster, and not with the number of rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from msgspec import MsgspecError, Struct, convert, to_builtins
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from gatecast.errors import ArtifactError
from gatecast.evaluation.comparison import ENOUGH
from gatecast.evaluation.scoring import FEW, OddScales
from gatecast.saved import header_of


class Facts(Struct, frozen=True):
    """The part of a tally that is no array.

    Attributes:
        models: the forecasters, the net first; none where no window was scored.
        windows: how many were scored.
        left_out: how many more had no actual.
        room: rows of the longest stretch of a series that can be scored.
        most: windows of the series that has the most.
        overlap: the most later windows of that series that share rows with a window.
        unknown: by column, rows with words that training has not seen.
        odd: the series whose MASE is scaled in another way.
    """

    models: tuple[str, ...] = ()
    windows: int = 0
    left_out: int = 0
    room: int = 0
    most: int = 0
    overlap: int = 0
    unknown: dict[str, int] = {}
    odd: tuple[OddScales, ...] = ()


@dataclass(frozen=True, eq=False)
class Tally:
    """What a part of a backtest adds.

    Attributes:
        facts: counts and words.
        names: the hash of the name of every series of the part, scored or not.
        sums: by name, what is added up: first axis forecasters, or none; NaN where a forecaster has no such score.
        cutoffs: the different cutoffs, ascending (microseconds or row numbers).
        cutoff_windows: how many windows each has.
        cutoff_losses: the sum of their losses.
        series_losses: the mean loss of each scored series.
        window_losses: the loss of each window; none where there are series enough.
    """

    facts: Facts
    names: UInt64[np.ndarray, " names"]
    sums: dict[str, Float64[np.ndarray, "..."]]
    cutoffs: Int64[np.ndarray, " cutoffs"]
    cutoff_windows: Int64[np.ndarray, " cutoffs"]
    cutoff_losses: Float64[np.ndarray, "models cutoffs"]
    series_losses: Float64[np.ndarray, "models series"]
    window_losses: Float64[np.ndarray, "models windows"]


def nothing_scored(facts: Facts, names: UInt64[np.ndarray, " names"]) -> Tally:
    """The tally of a part without a window."""
    no, none = np.zeros(0, dtype=np.int64), np.zeros((0, 0))
    return Tally(facts, names, {}, no, no, none, none, none)


def merged(tallies: Sequence[Tally]) -> Tally:
    """The tally of all parts together; the order of the parts moves no more than the last bits."""
    facts = _merged_facts([tally.facts for tally in tallies])
    names = np.concatenate([tally.names for tally in tallies])
    scored = [tally for tally in tallies if tally.facts.windows]
    if not scored:
        return nothing_scored(facts, names)
    cutoffs, place = np.unique(np.concatenate([tally.cutoffs for tally in scored]), return_inverse=True)
    windows = np.bincount(place, weights=np.concatenate([tally.cutoff_windows for tally in scored]))
    losses = np.concatenate([tally.cutoff_losses for tally in scored], axis=1)
    series = np.concatenate([tally.series_losses for tally in scored], axis=1)
    few = series.shape[1] < ENOUGH
    return Tally(
        facts=facts,
        names=names,
        sums={name: np.sum([tally.sums[name] for tally in scored], axis=0) for name in scored[0].sums},
        cutoffs=cutoffs,
        cutoff_windows=windows.astype(np.int64),
        cutoff_losses=np.stack([np.bincount(place, weights=each) for each in losses]),
        series_losses=series,
        window_losses=np.concatenate([tally.window_losses for tally in scored], axis=1) if few else series[:, :0],
    )


def _merged_facts(facts: Sequence[Facts]) -> Facts:
    longest = max(facts, key=lambda each: (each.most, each.overlap))
    columns = dict.fromkeys(name for each in facts for name in each.unknown)
    return Facts(
        models=next((each.models for each in facts if each.models), ()),
        windows=sum(each.windows for each in facts),
        left_out=sum(each.left_out for each in facts),
        room=max(each.room for each in facts),
        most=longest.most,
        overlap=longest.overlap,
        unknown={name: sum(each.unknown.get(name, 0) for each in facts) for name in columns},
        odd=tuple(
            _merged_odd([odd for each in facts for odd in each.odd if odd.step == step]) for step in _steps(facts)
        ),
    )


def _steps(facts: Sequence[Facts]) -> list[int]:
    return sorted({odd.step for each in facts for odd in each.odd}, reverse=True)


def _merged_odd(odd: Sequence[OddScales]) -> OddScales:
    first = [name for each in odd for name in each.first]
    return OddScales(odd[0].step, sum(each.count for each in odd), tuple(first[:FEW]))


_ARRAYS = ("names", "cutoffs", "cutoff_windows", "cutoff_losses", "series_losses", "window_losses")


def tally_to_bytes(tally: Tally) -> bytes:
    """A tally as one safetensors file."""
    arrays = {name: np.ascontiguousarray(getattr(tally, name)) for name in _ARRAYS}
    sums = {f"sums.{name}": np.ascontiguousarray(array) for name, array in tally.sums.items()}
    return save_arrays(arrays | sums, {"facts": json.dumps(to_builtins(tally.facts))})


def tally_from_bytes(data: bytes) -> Tally:
    """Read `tally_to_bytes`' bytes back.

    Raises:
        ArtifactError: these are not such bytes, or not all of them.
    """
    try:
        facts = convert(json.loads(header_of(data).metadata["facts"]), Facts)
        arrays = load_arrays(data)
        sums = {name.removeprefix("sums."): array for name, array in arrays.items() if name.startswith("sums.")}
        return Tally(facts, sums=sums, **{name: arrays[name] for name in _ARRAYS})
    except (ArtifactError, SafetensorError, MsgspecError, KeyError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"the scores of a partition are damaged: {str(error).rstrip('.')}. Delete the forecasts beside them, and "
            f"run the same command again: that partition is done anew."
        ) from error
