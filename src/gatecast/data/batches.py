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

from gatecast.data.calendar import Cycle, Frequency, calendar_feature_names, calendar_features
from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
from gatecast.data.splits import Origins


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows as tensors; channels in the panel's order, scaled, missing inputs carried forward.

    Attributes:
        past: every channel over the lookback.
        observed: 1 where `past` was observed, 0 where it was carried forward.
        known: what is known in advance over the lookback and the horizon: future covariates, then the calendar.
        static: covariates of the series, scaled.
        actual: the targets over the horizon; 0 where missing.
        mask: 1 where `actual` was observed, else 0.
    """

    past: Float[Tensor, "batch lookback channels"]
    observed: Float[Tensor, "batch lookback channels"]
    known: Float[Tensor, "batch lookback_plus_horizon known"]
    static: Float[Tensor, "batch static"]
    actual: Float[Tensor, "batch horizon targets"]
    mask: Float[Tensor, "batch horizon targets"]


@dataclass(frozen=True, eq=False)
class PanelTensors:
    """A panel on the device, ready to be gathered.

    Attributes:
        starts: the first row of each series.
        table: the channels of each row, then whether each was observed, then what is known in advance.
        static: covariates of the series, scaled.
        steps: the rows of a window, counted from its cutoff.
    """

    starts: Int64[Tensor, " series"]
    table: Float[Tensor, "rows features"]
    static: Float[Tensor, "series static"]
    steps: Int64[Tensor, " lookback_plus_horizon"]
    channels: int
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
        window, channels = self.table[rows], self.channels  # (B, lookback + horizon, features)
        back, ahead = window[:, : self.lookback], window[:, self.lookback :]
        mask = ahead[..., channels : channels + self.targets]
        return Batch(
            past=back[..., :channels],
            observed=back[..., channels : 2 * channels],
            known=window[..., 2 * channels :],
            static=self.static[series],
            actual=ahead[..., : self.targets] * mask,
            mask=mask,
        )


def calendar_columns(frequency: Frequency, cycles: tuple[Cycle, ...]) -> list[int]:
    """Which columns of `calendar_features` belong to the named cycles."""
    names = calendar_feature_names(frequency)
    return [index for index, name in enumerate(names) if name.split("_")[0] in cycles]


class Layout(Struct, frozen=True):
    """What of a panel goes on the device, and how far its windows reach; `calendar` names cycles (day, week, year)."""

    lookback: int
    horizon: int
    calendar: tuple[Cycle, ...] = ("day", "week", "year")
    device: str = "cpu"


def panel_tensors(
    panel: Panel, scaling: Scaling, static: Float[np.ndarray, "series static"], layout: Layout
) -> PanelTensors:
    """Scale, fill and lay out a panel.

    `scaling` must have been fitted on the training part; `static` is scaled already.
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
    table = np.concatenate([filled, np.isfinite(values), _known(panel, filled, offsets, layout)], axis=1)
    return PanelTensors(
        starts=torch.tensor(offsets[:-1], device=layout.device),
        table=torch.tensor(table, dtype=torch.float32, device=layout.device),
        static=torch.tensor(static, dtype=torch.float32, device=layout.device),
        steps=torch.arange(-layout.lookback, horizon, device=layout.device),
        channels=values.shape[1],
        targets=len(panel.columns.target),
        lookback=layout.lookback,
        horizon=horizon,
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
    chosen = calendar_columns(panel.frequency, layout.calendar)
    calendar = calendar_features(np.concatenate(times), panel.frequency)[:, chosen]
    return np.concatenate([future.astype(np.float32), calendar], axis=1)
