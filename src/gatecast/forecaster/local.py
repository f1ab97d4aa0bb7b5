"""Local nets: one small net for each series, which learns from its own series alone.

The one net over all series learns what they share; beside it, these tell whether that was worth it.  They read, scale
and normalise as the one net does, each chooses its weights by the validation part of its own series, and thousands of
them are trained as one batched problem, a block of series after another.
"""

from collections.abc import Iterator
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64
from msgspec import structs
from torch import Tensor

from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling, fit_scaling
from gatecast.data.splits import Origins, Split
from gatecast.data.tabulating import panel_tensors
from gatecast.data.tensors import PanelTensors
from gatecast.errors import OptionError
from gatecast.forecast import Forecast
from gatecast.forecaster.checking import check_future
from gatecast.forecaster.config import ForecasterConfig
from gatecast.forecaster.fitted import Fitted
from gatecast.forecaster.laying import layout_of, scaling_for
from gatecast.forecaster.local_lessons import LocalLessons
from gatecast.forecaster.room import check_room
from gatecast.forecaster.scaling import on_original_scale
from gatecast.forecaster.sizing import network_sizes
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import build_network, nets_of
from gatecast.models.network import RecurrentNetwork
from gatecast.models.stack import NetStack, repeat_net
from gatecast.models.stack_passing import outputs_of
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.many import ManyState, train_many

NAME = "local"
ROWS_AT_ONCE = 200_000  # that the nets of a block read at a step: some tens of MB with what the way back wants
MOST_NETS = 256  # of a block: beyond some dozens a step gets hardly cheaper for each


def local_config(config: ForecasterConfig, units: int) -> ForecasterConfig:
    """The configuration of local nets beside the one net of `config`.

    They see what it sees, in the same windows, and answer with the same loss and levels.  What one short series cannot
    teach is left out: more layers, a decoder of its own, an embedding of the series, an ensemble.
    """
    layer, network = config.network.layer, config.network
    own = {name: getattr(layer, name) for name in ("cell", "nonlinearity", "reset_after")}
    said = {name: getattr(network, name) for name in ("highway", "loss", "relative", "quantiles")}
    return structs.replace(
        config,
        network=NetworkConfig(layer=LayerConfig(hidden_size=units, **own), **said),
        training=local_training(config.training),
        loss_season=None,
    )


def local_training(training: TrainingConfig) -> TrainingConfig:
    """A short training at a higher rate: some hundred rows are learnt, or learnt by heart, in a hundred steps."""
    return structs.replace(
        training,
        budget=None,
        device="cpu",
        free_running=0,
        steps=min(training.steps, 120),
        evaluate_every=20,
        patience=2,
        batch_size=16,
        streams=2,
        learning_rate=5e-3,
    )


@final
class LocalNets:
    """One small net for each series as a Forecaster; all begin with the same first weights.

    A series that is too short to learn from, or was not there when they were fitted, is forecast by a net that has
    learnt nothing, which is its base: the last value, the season before, or the mean of the window.

    Args:
        config: of the nets, as from `local_config`.
    """

    def __init__(self, config: ForecasterConfig) -> None:
        self.config = config
        self.fitted_: Fitted
        self.shape_: RecurrentNetwork
        self.weights_: Float[Tensor, "series numbers"]
        self.notes_: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name in score tables."""
        return NAME

    def fit(self, panel: Panel, split: Split) -> "LocalNets":
        """Train each net on `[0, train_end)` of its series, choose its best weights by `[train_end, validation_end)`.

        Raises:
            OptionError: there is one series, so that nothing could be learnt in common.
        """
        if len(panel.ids) < 2:
            raise OptionError(ONE_SERIES)
        config = self.config
        scaling = fit_scaling(config.scaler, panel, split.train_end)
        self.fitted_ = Fitted(panel.columns, panel.frequency, panel.ids, scaling, _no_static(panel))
        sizes = network_sizes(config, panel.columns, panel.frequency, 1)
        check_room(config, sizes, len(panel.ids))
        (self.shape_,) = nets_of(build_network(config.network, sizes, config.training.seed))
        self.weights_ = repeat_net(self.shape_, len(panel.ids)).weights.detach()
        tensors = self._tensors(panel, scaling)
        lessons = LocalLessons(config, panel, split, tensors)
        learnt = lost = 0
        for block in _blocks(len(panel.ids), lessons.rows_a_step):
            series, learners = lessons.learners(lessons.by_length[block], self.shape_)
            if not learners:
                continue
            state = ManyState(learners, repeat_net(self.shape_, len(series)))
            for _ in train_many(state):
                pass
            self.weights_[torch.from_numpy(series)] = state.best_weights
            learnt, lost = learnt + len(series), lost + len(state.lost)
        self.notes_ = _notes(len(panel.ids), learnt, lost)
        return self

    @torch.inference_mode()
    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast from each origin by the net of its series, reading no row at or after it but future covariates.

        Raises:
            OptionError: the horizon is longer than the one trained.
            InputError: a future covariate is missing where it is needed.
        """
        config = self.config
        if not 1 <= horizon <= config.horizon:
            raise OptionError(f"local nets forecast up to {config.horizon} rows ahead, got horizon={horizon}.")
        check_future(panel, origins, horizon)
        scaling = scaling_for(config, self.fitted_, panel, origins)
        tensors = self._tensors(panel, scaling)
        levels = config.network.levels
        output = np.empty((len(origins), config.horizon, tensors.targets, max(1, len(levels))), dtype=np.float32)
        for which, stack, places in self._stacks(panel, origins, tensors):
            said = self._say(stack, tensors, places)
            output[which.ravel()] = said.flatten(0, 1).numpy()  # windows that fill up say the same again
        return on_original_scale(panel, origins, output[:, :horizon], scaling, levels)

    def _stacks(
        self, panel: Panel, origins: Origins, tensors: PanelTensors
    ) -> Iterator[tuple[Int64[np.ndarray, "nets windows"], NetStack, Int64[Tensor, "nets windows two"]]]:
        """Origins by series, some series at a time: which origins, the nets of these series, and the places."""
        order = np.argsort(origins.series, kind="stable")
        series, first, counts = np.unique(origins.series[order], return_index=True, return_counts=True)
        identity, by_count = self.fitted_.identity(panel), np.argsort(counts, kind="stable")
        at, none = tensors.place(origins), repeat_net(self.shape_, 1).weights.detach()
        weights = torch.cat([self.weights_, none])  # the last one, of series never seen
        for block in _blocks(len(series), int(counts.max()) * self.config.lookback):
            chosen = by_count[block]
            within = np.minimum(np.arange(counts[chosen].max()), counts[chosen, None] - 1)
            which = order[first[chosen, None] + within]
            stack = NetStack(self.shape_, weights[identity[series[chosen]]])
            stack.train(mode=False)
            yield which, stack, at[which]

    def _say(
        self, stack: NetStack, tensors: PanelTensors, places: Int64[Tensor, "nets windows two"]
    ) -> Float[Tensor, "nets windows horizon targets levels"]:
        parts = places.split(max(1, ROWS_AT_ONCE // (len(places) * self.config.lookback)), dim=1)
        if self.config.mode == "windows":
            return torch.cat([stack.forecasts(tensors.gather(part.flatten(0, 1))) for part in parts], dim=1)
        outputs = outputs_of(stack, tensors, places).split(parts[0].shape[1], dim=1)
        said = [
            stack.forecasts_from(output, tensors.cutoffs(part.flatten(0, 1), came=False))
            for output, part in zip(outputs, parts, strict=True)
        ]
        return torch.cat(said, dim=1)

    def _tensors(self, panel: Panel, scaling: Scaling) -> PanelTensors:
        """All series in one table; what does not change within a series tells its own net nothing."""
        return panel_tensors(panel, scaling, np.zeros_like(panel.static, dtype=np.float64), layout_of(self.config))


ONE_SERIES = (
    "local nets are one for each series, to see whether one net over all of them learns more, but this table has one "
    "series: leave --local out, or give a table with several."
)


def _blocks(items: int, rows: int) -> Iterator[slice]:
    """Some items after others, where each reads so many rows."""
    size = int(np.clip(ROWS_AT_ONCE // rows, 1, MOST_NETS))
    yield from (slice(first, first + size) for first in range(0, items, size))


def _no_static(panel: Panel) -> Scaling:
    width = panel.static.shape[1]
    return Scaling(np.zeros((1, width)), np.ones((1, width)))


def _notes(series: int, learnt: int, lost: int) -> tuple[str, ...]:
    """What did not go as it should, in sentences."""
    notes = []
    if learnt < series:
        notes.append(
            f"local: {series - learnt:,} of {series:,} series are too short to train a net of their own, and are "
            f"forecast by what a net starts from."
        )
    if lost:
        notes.append(
            f"local: the loss of {lost:,} of {learnt:,} nets was no longer a number; their best weights count."
        )
    return tuple(notes)
