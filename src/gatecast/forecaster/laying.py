"""A panel laid out for the net: scaled as in training, with the features that the configuration asks for."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling, fit_scaling
from gatecast.data.splits import Origins
from gatecast.data.tabulating import Layout, panel_tensors
from gatecast.data.tensors import PanelTensors
from gatecast.forecaster.config import ForecasterConfig, frame_of
from gatecast.forecaster.fitted import Fitted
from gatecast.models.remembering import MOST_VALUES

CPU = torch.device("cpu")


def scaling_for(config: ForecasterConfig, fitted: Fitted, panel: Panel, origins: Origins) -> Scaling:
    """The scaler numbers of each series; one that was not trained on has those of its rows before its first origin."""
    known, identity = fitted.scaling, fitted.identity(panel)
    trained = (identity >= 0)[:, None]
    if trained.all():
        return Scaling(known.centre[identity], known.scale[identity])
    first = panel.lengths
    np.minimum.at(first, origins.series, origins.position)
    new = fit_scaling(config.scaler, panel, first)
    return Scaling(
        np.where(trained, known.centre[identity], new.centre), np.where(trained, known.scale[identity], new.scale)
    )


def layout_of(config: ForecasterConfig, horizon: int | None = None, device: torch.device = CPU) -> Layout:
    """What of a panel the net reads, and `horizon` rows after each cutoff; None for those of the configuration."""
    season = frame_of(config).season if config.normalise == "causal" else None
    return Layout(config.lookback, horizon or config.horizon, season, config.flags, config.calendar, device)


def lay_out(
    fitted: Fitted,
    panel: Panel,
    scaling: Scaling,
    layout: Layout,
    weight: Float[np.ndarray, "series targets"] | None = None,
) -> PanelTensors:
    """The tensors of a panel; `weight` is how much the targets of each series count in the loss, 1 if None."""
    static = fitted.static_scaling.transform(panel.static, 0)
    return panel_tensors(panel, scaling, static, layout, fitted.identity(panel), weight)


class _Laid(NamedTuple):
    """A table, how it was asked for, and what came of it."""

    panel: Panel
    scaling: Scaling
    layout: Layout
    tensors: PanelTensors


class Tables:
    """Lays out panels for forecasts, and keeps the newest: a panel never changes, so it need not be laid out twice."""

    def __init__(self) -> None:
        self._newest: _Laid | None = None

    def lay_out(self, fitted: Fitted, panel: Panel, scaling: Scaling, layout: Layout) -> PanelTensors:
        """As the function of this name, or what it gave the last time."""
        kept = self._newest
        if kept is not None and kept.panel is panel and kept.layout == layout and _same(kept.scaling, scaling):
            return kept.tensors
        tensors = lay_out(fitted, panel, scaling, layout)
        self._newest = _Laid(panel, scaling, layout, tensors) if tensors.table.numel() <= MOST_VALUES else None
        return tensors


def _same(one: Scaling, other: Scaling) -> bool:
    return np.array_equal(one.centre, other.centre) and np.array_equal(one.scale, other.scale)
