"""What a graph keeps of each series, and what one row changes of it: `streaming/rows.py` as a function of tensors.

Rings are stretches here, the newest row last, for a graph hands its state out anew with every row.
"""

from math import nan
from typing import NamedTuple, final

import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor, nn

from gatecast.data.causal import FAST, FIRST_ROWS, LEAST_SPREAD, MOST, SLOW
from gatecast.data.causal_state import weights_of_mean
from gatecast.streaming.shape import Shape

State = dict[str, Tensor]


class Series(NamedTuple):
    """What never changes of each series: its scaling, its static covariates (scaled), its number in training."""

    centre: Float64[Tensor, "batch channels"]
    scale: Float64[Tensor, "batch channels"]
    static: Float32[Tensor, "batch static"]
    identity: Int64[Tensor, " batch"]


def first_rows(shape: Shape, *, changes: bool) -> State:
    """The state of one series that has no rows; `changes` where intervals need the mean change from row to row."""
    channels, numbers, season = shape.channels, len(shape.numbers), shape.season
    state = {
        "count": torch.zeros(1, dtype=torch.int64),
        "filled": _exact((channels,)),
        "history": torch.zeros(1, shape.lookback, shape.width if shape.whole else shape.targets),
    }
    if shape.since:
        state["unseen"] = torch.zeros(1, channels, dtype=torch.int64)
    if season is not None:
        state |= {"fast": _exact((numbers,)), "slow": _exact((numbers,)), "spread": _exact((numbers,), 1.0)}
        state["recent"] = _exact((season, numbers))
    if changes:
        targets = (shape.targets,)
        state |= {"newest": _exact(targets, nan), "change_sum": _exact(targets), "changes": _exact(targets)}
    return state


def _exact(sizes: tuple[int, ...], start: float = 0.0) -> Tensor:
    """What is kept of one series in float64."""
    return torch.full((1, *sizes), start, dtype=torch.float64)


@final
class Rows(nn.Module):
    """Makes the next row of each series as the table of `data/tabulating.py` has it.

    Args:
        shape: sizes.
    """

    fast_share: Tensor
    slow_share: Tensor
    numbers: Tensor
    words: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kept = {"numbers": torch.tensor(shape.numbers), "words": torch.tensor(shape.words, dtype=torch.int64)}
        kept |= {"fast_share": 1 / weights_of_mean(FAST), "slow_share": 1 / weights_of_mean(SLOW)}
        for name, each in kept.items():  # a loop of a graph takes no constants, only what the module keeps
            self.register_buffer(name, each, persistent=False)

    def forward(
        self,
        state: State,
        series: Series,
        values: Float32[Tensor, "batch channels"],
        calendar: Float32[Tensor, "batch calendar"],
    ) -> tuple[Float32[Tensor, "batch width"], State]:
        """The row, and the state after it; what belongs to others in the state stays as it is."""
        shape, after = self.shape, dict(state)
        scaled = (values.double() - series.centre) / series.scale
        observed = torch.isfinite(scaled)
        filled = torch.where(observed, scaled, state["filled"])
        parts = [filled, *self._causal(state, after, filled), observed.double()]
        if shape.since:
            parts.append(torch.log(1 + state["unseen"].float()).double())
            after["unseen"] = torch.where(observed, torch.ones_like(state["unseen"]), state["unseen"] + 1)
        futures = filled[:, shape.channels - shape.futures :]
        row = torch.cat([*(part.float() for part in parts), futures.float(), calendar], dim=1)
        if "newest" in state:
            self._count_change(after, values[:, : shape.targets].double())
        kept = row if shape.whole else row[:, : shape.targets]
        moved = torch.cat([state["history"][:, 1:], kept.unsqueeze(1)], dim=1)
        begins = (state["count"] == 0)[:, None, None]  # a series younger than the lookback repeats its first row
        after["history"] = torch.where(begins, kept.unsqueeze(1).expand_as(moved), moved)
        after["filled"], after["count"] = filled, state["count"] + 1
        return row, after

    def _causal(self, state: State, after: State, filled: Tensor) -> list[Tensor]:
        """Causal features, codes of past words, and the targets' spreads: one step of `data/causal_state.py`."""
        shape, season = self.shape, self.shape.season
        if season is None:
            return []
        values, rows, recent = filled.index_select(1, self.numbers), state["count"], state["recent"]
        fast = _moved(state["fast"], values, self.fast_share, rows)
        slow = _moved(state["slow"], values, self.slow_share, rows)
        spread = _moved(state["spread"], (values - slow).abs(), self.slow_share, rows + FIRST_ROWS)
        unit = spread.clamp(min=LEAST_SPREAD)
        parts = [_change(values, recent, 1, rows) / unit, (values - fast) / unit, (values - slow) / unit]
        if season > 1:
            seasonal = _change(values, recent, season, rows)
            parts.append(seasonal[:, : shape.targets] / unit[:, : shape.targets])
        parts.append(values[:, shape.targets :].clamp(-MOST, MOST))
        after |= {"fast": fast, "slow": slow, "spread": spread}
        after["recent"] = torch.cat([recent[:, 1:], values.unsqueeze(1)], dim=1)
        return [*parts, filled.index_select(1, self.words), unit[:, : shape.targets]]

    @staticmethod
    def _count_change(after: State, values: Tensor) -> None:
        """The sum of the changes from row to row, and how many there were."""
        change = (values - after["newest"]).abs()
        seen = torch.isfinite(change)
        after["change_sum"] = after["change_sum"] + torch.where(seen, change, torch.zeros_like(change))
        after["changes"] = after["changes"] + seen.double()
        after["newest"] = values


def _moved(mean: Tensor, values: Tensor, share: Tensor, before: Tensor) -> Tensor:
    """A running mean with one value more than the `before` it has seen."""
    newest = share.index_select(0, before.clamp(max=share.shape[0] - 1))
    return mean + (values - mean) * newest[:, None]


def _change(values: Tensor, recent: Tensor, lag: int, rows: Tensor) -> Tensor:
    """The change since `lag` rows ago; 0 for the first rows of a series."""
    change = values - recent[:, -lag]
    return torch.where(rows[:, None] < lag, torch.zeros_like(change), change)


def unit_of(state: State, targets: int) -> Float32[Tensor, "batch targets"]:
    """The spread of the targets, in which forecasts from the newest row are said."""
    return state["spread"][:, :targets].clamp(min=LEAST_SPREAD).float()
