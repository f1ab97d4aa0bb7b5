"""One row more of some series: what the net reads of it, from what is kept of the rows before.

A row is laid out as in the table of `data/tabulating.py`, and has its bits: values, carried forward where missing;
causal features; flags; what is known in advance.  `RowMaker` is written with the parts that the table is checked
against; `fast_rows.py` does the same in one compiled call.
"""

from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int64

from gatecast.data.causal_state import CausalState
from gatecast.streaming.intake import NEVER
from gatecast.streaming.residents import MOST_ROWS, MOST_UNSEEN, Kept, Residents
from gatecast.streaming.shape import Shape


def kept_of_rows(shape: Shape) -> dict[str, Kept]:
    """What is kept of each series so that its next row can be made."""
    numbers, season = len(shape.numbers), shape.season or 0
    return {
        "count": Kept((), np.int64, most=MOST_ROWS),
        "centre": Kept((shape.channels,), np.float64),
        "scale": Kept((shape.channels,), np.float64, 1.0),
        "filled": Kept((shape.channels,), np.float64),
        "unseen": Kept((shape.channels,), np.int64, most=MOST_UNSEEN),
        "fast": Kept((numbers if season else 0,), np.float64),
        "slow": Kept((numbers if season else 0,), np.float64),
        "spread": Kept((numbers if season else 0,), np.float64, 1.0),
        "recent": Kept((season, numbers), np.float64),
        "history": Kept((shape.lookback, shape.width if shape.whole else shape.targets), np.float32),
        "raw": Kept((shape.shown, shape.targets), np.float32, np.nan),
        "when": Kept((shape.shown,), np.int64),
        "last": Kept((), np.int64, NEVER),
    }


@final
class RowMaker:
    """Makes rows and moves on what is kept, by numpy and torch; a ring holds row n at n modulo its length.

    Args:
        shape: sizes.
        residents: with what `kept_of_rows` names.
    """

    def __init__(self, shape: Shape, residents: Residents) -> None:
        self.shape = shape
        self.residents = residents

    def advance(
        self,
        slots: Int64[np.ndarray, " n"],
        raw: Float32[np.ndarray, "n channels"],
        calendar: Float32[np.ndarray, "n calendar"],
    ) -> Float32[np.ndarray, "n width"]:
        """The next row of each of some different series.

        Args:
            slots: the places of the series.
            raw: values in the units of the data, NaN where missing; codes of words.
            calendar: features of the rows' times.
        """
        kept, shape = self.residents, self.shape
        count = kept["count"][slots]
        scaled = (raw - kept["centre"][slots]) / kept["scale"][slots]
        observed = np.isfinite(scaled)
        filled = np.where(observed, scaled, kept["filled"][slots])
        parts = [filled, *self._causal(slots, filled), observed]
        if shape.since:
            parts.append(np.log1p(kept["unseen"][slots].astype(np.float32)))
        parts += [filled[:, shape.channels - shape.futures :], calendar]
        row = np.concatenate(parts, axis=1, dtype=np.float32)
        kept["filled"][slots] = filled
        kept["unseen"][slots] = np.where(observed, 1, kept["unseen"][slots] + 1)
        kept["history"][slots, count % shape.lookback] = row if shape.whole else row[:, : shape.targets]
        kept["raw"][slots, count % shape.shown] = raw[:, : shape.targets]
        kept["count"][slots] = count + 1
        return row

    def _causal(self, slots: Int64[np.ndarray, " n"], filled: np.ndarray) -> list[np.ndarray]:
        """Causal features, codes of past words, and the targets' spreads; nothing where the net reads none."""
        kept, shape = self.residents, self.shape
        if shape.season is None:
            return []
        values, count = filled[:, list(shape.numbers)], kept["count"][slots]
        features, after = causal_state(kept, shape, slots).advance(torch.from_numpy(values))
        for name, part in (("fast", after.fast), ("slow", after.slow), ("spread", after.spread)):
            kept[name][slots] = part.numpy()
        kept["recent"][slots, count % shape.season] = values
        return [features.numpy(), filled[:, list(shape.words)], after.unit.numpy()]


def causal_state(kept: Residents, shape: Shape, slots: Int64[np.ndarray, " n"]) -> CausalState:
    """Where the running means of some series stand."""
    count, season = kept["count"][slots], shape.season or 1
    order = (count[:, None] + np.arange(season)) % season  # oldest first
    recent = kept["recent"][slots[:, None], order]
    fast, slow, spread = (torch.from_numpy(kept[name][slots]) for name in ("fast", "slow", "spread"))
    return CausalState(torch.from_numpy(count), fast, slow, spread, torch.from_numpy(recent), shape.targets)


def newest(kept: Residents, name: str, slots: Int64[np.ndarray, " n"], rows: int) -> np.ndarray:
    """The newest so many rows of a ring, oldest first; a series with fewer repeats its first one."""
    ring, count = kept[name], kept["count"][slots]
    positions = np.maximum(count[:, None] + np.arange(-rows, 0), np.maximum(count - ring.shape[1], 0)[:, None])
    return np.asarray(ring[slots[:, None], positions % ring.shape[1]])
