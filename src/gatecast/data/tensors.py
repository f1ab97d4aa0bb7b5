"""Tensors on the device: built once, then every batch is gathered by index.

The series are laid out as in the panel, each followed by `horizon` more rows, so that a forecast beyond the end of
the table finds its calendar there.  Nothing is copied for each window: a batch of B windows gathers
B x (lookback + horizon) rows.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from msgspec import Struct
from torch import Tensor

from gatecast.data.batches import Batch, Cutoffs, Stretch
from gatecast.data.calendar import Cycle, calendar_feature_names, calendar_features
from gatecast.data.causal import causal, covariate_places
from gatecast.data.columns import Columns
from gatecast.data.filling import carry_forward
from gatecast.data.missing import rows_since_seen
from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
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

    def cutoffs(self, places: Int64[Tensor, "cutoffs two"]) -> Cutoffs:
        """What is known at `places`, and what came, without what an encoder reads."""
        series, first = places[:, 0], places[:, 1]
        seen_at = self.channels + self.causal
        values = self.table[:, : self.targets]

        def ahead(rows: Tensor) -> Tensor:
            """The horizon after each place."""
            return rows.unfold(0, self.horizon, 1).index_select(0, first).transpose(1, 2)

        seen = ahead(self.table[:, seen_at : seen_at + self.targets])
        ones = seen.new_ones(len(places), self.targets)
        newest = torch.maximum(first - 1, self.starts[series])
        spread = self.table[:, seen_at - self.targets : seen_at][newest] if self.causal else ones
        return Cutoffs(
            past=self._before(values, places),
            spread=spread,
            known=ahead(self.table[:, seen_at + self.flags :]),
            actual=ahead(values) * seen,
            mask=seen * self.weight[series, None],
        )

    def _before(
        self, values: Float[Tensor, "rows targets"], places: Int64[Tensor, "cutoffs two"]
    ) -> Float[Tensor, "cutoffs lookback targets"]:
        """The lookback before each place, the first row of its series repeated where that is shorter."""
        first, starts = places[:, 1] - self.lookback, self.starts[places[:, 0]]
        if self.lookback > len(values) or bool((first < starts).any()):
            return values[torch.maximum(places[:, 1:] + self.steps[: self.lookback], starts[:, None])]
        # Much less to look up than row by row.
        return values.unfold(0, self.lookback, 1).index_select(0, first).transpose(1, 2)

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


class Layout(Struct, frozen=True):
    """What of a panel goes on the device, and how far its windows reach.

    Attributes:
        lookback: rows of a window before its cutoff.
        horizon: rows after it.
        causal: the season of the causal features (1 for none of it); None for no causal features.
        since: whether the net reads how long ago each channel was seen.
        calendar: names of cycles (`gatecast.data.calendar.Cycle`).
        device: where the tensors lie.
    """

    lookback: int
    horizon: int
    causal: int | None = None
    since: bool = False
    calendar: tuple[Cycle, ...] = ("day", "week", "year")
    device: torch.device = torch.device("cpu")


def panel_tensors(
    panel: Panel,
    scaling: Scaling,
    static: Float[np.ndarray, "series static"],
    layout: Layout,
    identity: Int64[np.ndarray, " series"] | None = None,
    weight: Float[np.ndarray, "series targets"] | None = None,
) -> PanelTensors:
    """Scale, fill and lay out a panel.

    Args:
        panel: the table.
        scaling: fitted on the training part.
        static: covariates of the series, scaled already.
        layout: how far windows reach.
        identity: the number of each series among those trained, -1 for a new one; None for 0, 1, 2, ...
        weight: how much the targets of each series count in the loss; None for 1.
    """
    horizon = layout.horizon
    series = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    scaled = scaling.transform(panel.values, series)
    extra = np.arange(len(panel.ids)) * horizon
    rows = np.arange(len(series)) + extra[series]
    offsets = panel.offsets + np.append(extra, len(panel.ids) * horizon)
    values = np.full((offsets[-1], scaled.shape[1]), np.nan)
    values[rows] = scaled
    filled = carry_forward(values, offsets)
    targets = len(panel.columns.target)
    features = [] if layout.causal is None else _causal(panel.columns, filled, offsets, layout.causal)
    known = _known(panel, filled, offsets, layout)
    flags = [np.isfinite(values)]
    if layout.since:
        flags.append(np.log1p(rows_since_seen(values, offsets)))
    table = np.concatenate([filled, *features, *flags, known], axis=1, dtype=np.float32)
    return PanelTensors(
        starts=torch.tensor(offsets, device=layout.device),
        table=torch.from_numpy(table).to(layout.device),
        static=torch.tensor(static, dtype=torch.float32, device=layout.device),
        identity=torch.tensor(np.arange(len(panel.ids)) if identity is None else identity, device=layout.device),
        weight=torch.tensor(
            np.ones((len(panel.ids), targets)) if weight is None else weight, dtype=torch.float32, device=layout.device
        ),
        steps=torch.arange(-layout.lookback, horizon, device=layout.device),
        channels=values.shape[1],
        causal=sum(part.shape[1] for part in features),
        ahead=_ahead(panel.columns, layout.causal),
        flags=sum(part.shape[1] for part in flags),
        targets=targets,
        lookback=layout.lookback,
        horizon=horizon,
    )


def _ahead(columns: Columns, season: int | None) -> list[int]:
    """Which causal features are of covariates alone; None of a season stands for no causal features."""
    numbers = columns.categorical_channels.count(False)
    return [] if season is None else covariate_places(numbers, len(columns.target), season)


def _causal(columns: Columns, filled: np.ndarray, offsets: np.ndarray, season: int) -> list[np.ndarray]:
    """Causal features of the channels that are numbers, the codes of past words, and the targets' spreads."""
    codes = np.array(columns.categorical_channels, dtype=bool)
    found = causal(filled[:, ~codes], offsets, len(columns.target), season)
    return [found.features, filled[:, list(past_words(columns))], found.spread]


def past_words(columns: Columns) -> tuple[int, ...]:
    """Which channels are past covariates that hold codes of words; those of the future are among what is known."""
    return tuple(
        place for place, name in enumerate(columns.channels) if name in columns.past and name in columns.categories
    )


def _known(
    panel: Panel, values: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"], layout: Layout
) -> Float32[np.ndarray, "rows known"]:
    """Future covariates and calendar features of every row, the extra ones included."""
    future = values[:, len(panel.columns.target) + len(panel.columns.past) :]
    times = []
    for index, (start, stop) in enumerate(pairwise(offsets.tolist())):
        own = panel.times[panel.rows(index)]
        times += [own, panel.frequency.steps_from(own[-1], stop - start - len(own))]
    holidays = panel.columns.holidays
    if not calendar_feature_names(panel.frequency, holidays, layout.calendar):
        return future.astype(np.float32)
    calendar = calendar_features(np.concatenate(times), panel.frequency, holidays, layout.calendar)
    return np.concatenate([future.astype(np.float32), calendar], axis=1)
