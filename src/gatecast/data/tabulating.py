"""A panel as one table of numbers: channels, causal features, flags of observation, and what is known in advance."""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from msgspec import Struct

from gatecast.data.calendar import Cycle, calendar_feature_names, calendar_features
from gatecast.data.causal import causal, covariate_places
from gatecast.data.columns import Columns
from gatecast.data.filling import carry_forward
from gatecast.data.missing import rows_since_seen
from gatecast.data.panel import Panel
from gatecast.data.reach import check_reach
from gatecast.data.scalers import Scaling
from gatecast.data.tensors import PanelTensors


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

    Raises:
        InputError: a value is too far from those that its scale was fitted on.
    """
    horizon = layout.horizon
    series = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    scaled = scaling.transform(panel.values, series)
    check_reach(panel, scaled, scaling)
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
