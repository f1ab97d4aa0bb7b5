"""Tensors on the device: built once, then every batch is gathered by index.

The series are laid out as in the panel, each followed by `horizon` more rows, so that a forecast beyond the end of
the table finds its calendar there.  Nothing is copied for each window: a batch of B windows gathers
B x (lookback + horizon) rows.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.data.batches import Batch, Cutoffs, Stretch
from gatecast.data.splits import Origins


@dataclass(frozen=True, eq=False)
class PanelTensors:
    """A panel on the device, ready to be gathered.

    Attributes:
        starts: the first row of each series, and the end of the last.
        table: of each row its channels, its causal features, whether each channel was observed, then what is known in
            advance.
        static: covariates of the series, scaled.
        identity: the number of each series among those trained, -1 for a new one.
        weight: how much the targets of each series count in the loss.
        steps: the rows of a window, counted from its cutoff.
        channels: how many channels.
        causal: how many causal features, the targets' spreads among them.
        ahead: which of them are of covariates alone.
        flags: how many columns tell what was observed.
        targets: how many of the channels are targets.
        lookback: rows of a window before its cutoff.
        horizon: rows after it.
    """

    starts: Int64[Tensor, " series_plus_one"]
    table: Float[Tensor, "rows features"]
    static: Float[Tensor, "series static"]
    identity: Int64[Tensor, " series"]
    weight: Float[Tensor, "series targets"]
    steps: Int64[Tensor, " lookback_plus_horizon"]
    channels: int
    causal: int
    ahead: list[int]
    flags: int
    targets: int
    lookback: int
    horizon: int

    def place(self, origins: Origins) -> Int64[Tensor, "windows two"]:
        """Origins as a tensor (the series, the row of the table at the position), for `gather`."""
        series = torch.from_numpy(origins.series).to(self.starts.device)
        position = torch.from_numpy(origins.position).to(self.starts.device)
        return torch.stack([series, self.starts[series] + position], dim=1)

    def gather(self, places: Int64[Tensor, "batch two"]) -> Batch:
        """The windows at `places`.

        A window that starts before its series repeats the first row: a series younger than the lookback can still be
        forecast.
        """
        series, first = places[:, 0], places[:, 1:]
        rows = torch.maximum(first + self.steps, self.starts[series, None])  # (B, lookback + horizon)
        values, causal, observed, known = self._parts(rows)
        back, ahead = slice(None, self.lookback), slice(self.lookback, None)
        seen = observed[:, ahead, : self.targets]
        return Batch(
            past=values[:, back],
            causal=causal[:, back],
            observed=observed[:, back],
            known=known,
            ahead=causal[:, ahead, self.ahead],
            static=self.static[series],
            identity=self.identity[series],
            age=first[:, 0] - self.starts[series],
            actual=values[:, ahead, : self.targets] * seen,
            mask=seen * self.weight[series, None],
        )

    def cutoffs(self, places: Int64[Tensor, "cutoffs two"], *, came: bool = True) -> Cutoffs:
        """What is known at `places`, without what an encoder reads; with `came` also what came, else masked."""
        series, first = places[:, 0], places[:, 1]
        seen_at = self.channels + self.causal
        values = self.table[:, : self.targets]
        ones = values.new_ones(len(places), self.targets)
        newest = torch.maximum(first - 1, self.starts[series])
        if came:
            seen = _rows_from(self.table[:, seen_at : seen_at + self.targets], first, self.horizon)
            actual, mask = _rows_from(values, first, self.horizon) * seen, seen * self.weight[series, None]
        else:
            actual = mask = values.new_zeros(()).expand(len(places), self.horizon, self.targets)
        return Cutoffs(
            past=self._before(values, places),
            spread=self.table[:, seen_at - self.targets : seen_at][newest] if self.causal else ones,
            known=_rows_from(self.table[:, seen_at + self.flags :], first, self.horizon),
            actual=actual,
            mask=mask,
        )

    def _before(
        self, values: Float[Tensor, "rows targets"], places: Int64[Tensor, "cutoffs two"]
    ) -> Float[Tensor, "cutoffs lookback targets"]:
        """The lookback before each place, the first row of its series repeated where that is shorter."""
        first, starts = places[:, 1] - self.lookback, self.starts[places[:, 0]]
        if self.lookback > len(values) or bool((first < starts).any()):
            return values[torch.maximum(places[:, 1:] + self.steps[: self.lookback], starts[:, None])]
        return _rows_from(values, first, self.lookback)

    def stretch(self, places: Int64[Tensor, "batch two"], time: int, ends: Int64[Tensor, " batch"]) -> Stretch:
        """`time` rows of each series from `places` (the series, a row of the table), nothing of rows from `ends` on.

        Rows at or after `ends` repeat the one before and are masked.
        """
        series, first = places[:, 0], places[:, 1:]
        wide = torch.arange(1 - self.lookback, time + self.horizon, device=self.starts.device)
        wanted = first + wide  # (B, lookback - 1 + time + horizon)
        rows = torch.maximum(torch.minimum(wanted, ends[:, None] - 1), self.starts[series, None])
        values, causal, observed, known = self._parts(rows)
        read = slice(self.lookback - 1, self.lookback - 1 + time)
        learnt = observed[..., : self.targets] * (wanted < ends[:, None]).unsqueeze(-1)
        return Stretch(
            causal=causal[:, read],
            observed=observed[:, read],
            known=known[:, self.lookback - 1 :],
            static=self.static[series],
            identity=self.identity[series],
            values=values[..., : self.targets],
            mask=learnt * self.weight[series, None],
        )

    def _parts(self, rows: Int64[Tensor, "batch time"]) -> tuple[Tensor, ...]:
        """Channels, causal features, flags of observation, and what is known in advance of the given rows."""
        widths = [self.channels, self.causal, self.flags]
        return self.table[rows].split([*widths, self.table.shape[1] - sum(widths)], dim=-1)


def _rows_from(
    rows: Float[Tensor, "rows features"], first: Int64[Tensor, " places"], length: int
) -> Float[Tensor, "places length features"]:
    """So many rows from each place on.  Of places one row apart nothing is copied, and of others whole windows are."""
    windows = rows.unfold(0, length, 1)
    if len(first) and bool((first == torch.arange(len(first), device=first.device) + first[0]).all()):
        start = int(first[0])
        return windows[start : start + len(first)].transpose(1, 2)
    return windows.index_select(0, first).transpose(1, 2)
