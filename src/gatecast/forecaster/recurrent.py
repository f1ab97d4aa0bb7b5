"""RecurrentForecaster: a net, the scaling it was trained with and its columns, behind `fit` and `forecast`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from gatecast.data.calendar import Frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel
from gatecast.data.sampling import StreamSampler
from gatecast.data.scalers import SCALERS, Scaling, fit_scaling, leave_alone
from gatecast.data.splits import Origins, Split
from gatecast.data.tensors import Layout, PanelTensors, panel_tensors
from gatecast.data.windows import thin, windows_between
from gatecast.errors import ColumnError, OptionError, TimeError
from gatecast.forecast import Forecast
from gatecast.forecaster.checking import check_counts, check_future, check_past
from gatecast.forecaster.config import ForecasterConfig, frame_of, learnt_steps
from gatecast.forecaster.scaling import beside, loss_weights, on_original_scale, targets_of
from gatecast.forecaster.sizing import network_sizes
from gatecast.models.config import check_paths
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.draws import origin_draws
from gatecast.models.ensemble import Network, build_network
from gatecast.models.passing import bounded_outputs_at, bounded_states_at, outputs_at, states_at
from gatecast.training.courses import Course, Sequences, Windows
from gatecast.training.devices import device_named
from gatecast.training.loop import TrainingState, train

MOST_VALIDATION_WINDOWS = 1024
BATCH = 1024
CPU = torch.device("cpu")
PATHS_AT_ONCE = 16_384  # sample paths side by side: some tens of MB


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit leaves behind beside the weights.

    Attributes:
        columns: the columns it was trained on.
        frequency: the step between their rows.
        ids: the series it was trained on.
        scaling: their scaler numbers, fitted on the training part.
        static_scaling: the scaler numbers of the static covariates, over the series.
    """

    columns: Columns
    frequency: Frequency
    ids: tuple[str, ...]
    scaling: Scaling
    static_scaling: Scaling


@final
class RecurrentForecaster:
    """A recurrent net as a Forecaster.

    The constructor stores its configuration; `fit` (or `prepare`, your own loop and `keep_best`) learns `network_` and
    `fitted_`.
    """

    def __init__(self, config: ForecasterConfig) -> None:
        self.config = config
        self.network_: Network
        self.fitted_: Fitted

    @property
    def name(self) -> str:
        """The cell's name, as it stands in score tables."""
        return self.config.network.layer.cell

    def fit(self, panel: Panel, split: Split) -> "RecurrentForecaster":
        """Train on `[0, train_end)`, choose the best weights by `[train_end, validation_end)`; see nothing later."""
        network, course, state = self.prepare(panel, split)
        for _ in train(network, course, self.config.training, state):
            pass
        self.keep_best(state)
        return self

    def prepare(self, panel: Panel, split: Split) -> tuple[Network, Course, TrainingState]:
        """A new net, what it learns from and its training state: the loop itself stays in the caller's hands.

        Finish with `keep_best(state)`.
        """
        config = self.config
        check_past(config, panel.columns)
        if config.network.loss in COUNTS:
            check_counts(panel, split)
        scaling = fit_scaling(config.scaler, panel, split.train_end)
        static_scaling = leave_alone(SCALERS["standard"].fit(panel.static), panel.columns.categorical_static)
        self.fitted_ = Fitted(panel.columns, panel.frequency, panel.ids, scaling, static_scaling)
        sizes = network_sizes(config, panel.columns, panel.frequency, len(panel.ids))
        device = device_named(config.training.device)
        self.network_ = build_network(config.network, sizes, config.training.seed).to(device)
        weight = loss_weights(config.loss_season, panel, split, scaling)
        course = self._course(panel, split, self._tensors(panel, scaling, weight, learnt_steps(config), device))
        return self.network_, course, TrainingState(self.network_, config.training)

    def _course(self, panel: Panel, split: Split, tensors: PanelTensors) -> Course:
        """What training learns from, and what it is judged by."""
        config, training = self.config, self.config.training
        shape = (config.lookback, learnt_steps(config))
        train = windows_between(panel, np.zeros_like(split.train_end), split.train_end, *shape)
        validation = windows_between(panel, split.train_end, split.validation_end, *shape)
        judged = tensors.place(thin(validation, MOST_VALIDATION_WINDOWS))
        if config.mode == "windows":
            return Windows(tensors, judged, tensors.place(train), training)
        rows = np.maximum(split.train_end - 1, 0)  # the last row has no target to learn
        sampler = StreamSampler(rows, training.streams, training.time, training.chunks, training.seed)
        ends = tensors.starts[:-1] + torch.from_numpy(split.train_end).to(tensors.starts.device)
        return Sequences(tensors, judged, ends, sampler, training.burn_in)

    def keep_best(self, state: TrainingState) -> None:
        """Give the net the weights that did best on the validation part, end its training, and bring it to the CPU."""
        self.network_.load_state_dict(state.best_weights)
        self.network_.eval().to("cpu")

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast from each origin, reading no row at or after it (but for future covariates).

        A series that the net was not trained on is scaled by its own rows before its first origin.

        Raises:
            OptionError: the horizon is longer than the one trained.
            ColumnError: the panel's columns are not those trained on.
            InputError: a future covariate is missing where it is needed.
        """
        return self._forecast(panel, origins, horizon)

    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        """As `forecast`, with a state that has read nothing but the `context` rows before each origin.

        Raises:
            OptionError: this net reads windows, so it carries no state; or `context` is below 1.
        """
        if self.config.mode == "windows":
            raise OptionError("mode='windows' reads every window from a state of zeros: no state is carried.")
        if context < 1:
            raise OptionError(f"context counts rows from 1 up, got context={context}.")
        return self._forecast(panel, origins, horizon, context)

    def _forecast(self, panel: Panel, origins: Origins, horizon: int, context: int | None = None) -> Forecast:
        self._check(panel, origins, horizon)
        scaling, network = self._scaling_for(panel, origins), self.config.network
        if network.samples:
            parts = self._paths(panel, origins, scaling, (network.paths, horizon), context)
            output = np.concatenate([self._quantiles(paths) for paths in parts])
        else:
            output = self._run(self._tensors(panel, scaling), origins, context)[:, :horizon]  # (W, H, targets, levels)
        return on_original_scale(panel, origins, output, scaling, network.levels)

    def sample(self, panel: Panel, origins: Origins, horizon: int, paths: int | None = None) -> Forecast:
        """As `forecast`, with `samples`: the sample paths that its quantiles are read off.

        Each path is fed its own draws.  Draws are a function of the training's seed, the name of the series and the
        position of the origin: paths come out the same whatever else is forecast, and the first of many are the few.

        Args:
            panel: the table.
            origins: where forecasts start.
            horizon: rows to forecast.
            paths: how many from each origin; None for `config.network.paths`.

        Raises:
            OptionError: the net makes no paths; and as `forecast` does.
        """
        network, count = self.config.network, paths if paths is not None else self.config.network.paths
        if not network.samples:
            raise OptionError(
                f"sample paths need decode='recursive' and loss={', '.join(DENSITIES)}; this net has "
                f"decode={network.decode!r} and loss={network.loss!r}."
            )
        check_paths(count)
        self._check(panel, origins, horizon)
        scaling = self._scaling_for(panel, origins)
        drawn = list(self._paths(panel, origins, scaling, (count, horizon)))
        output = np.concatenate([self._quantiles(part) for part in drawn])
        forecast = on_original_scale(panel, origins, output, scaling, network.levels)
        scaled = np.concatenate(drawn).astype(np.float64)
        return replace(forecast, samples=targets_of(scaling, scaled.shape[-1]).inverse(scaled, beside(origins, 2)))

    def _tensors(
        self,
        panel: Panel,
        scaling: Scaling,
        weight: Float[np.ndarray, "series targets"] | None = None,
        horizon: int | None = None,
        device: torch.device = CPU,
    ) -> PanelTensors:
        static = self.fitted_.static_scaling.transform(panel.static, 0)
        config = self.config
        season = frame_of(config).season if config.normalise == "causal" else None
        layout = Layout(config.lookback, horizon or config.horizon, season, config.flags, config.calendar, device)
        return panel_tensors(panel, scaling, static, layout, self._identity(panel), weight)

    def _identity(self, panel: Panel) -> Int64[np.ndarray, " series"]:
        """The number of each series among those trained, -1 for a new one."""
        trained = {name: index for index, name in enumerate(self.fitted_.ids)}
        return np.array([trained.get(name, -1) for name in panel.ids], dtype=np.int64)

    @torch.inference_mode()
    def _run(self, tensors: PanelTensors, origins: Origins, context: int | None) -> np.ndarray:
        """The net's output for every origin, on the scaled values; (windows, horizon, targets, levels)."""
        network, places = self.network_, tensors.place(origins)
        if self.config.network.recursive:
            points = np.concatenate(list(self._feed_back(tensors, origins, context)))
            return np.asarray(points[:, 0, :, :, None])
        if self.config.mode == "windows":
            return np.asarray(torch.cat([network(tensors.gather(part)) for part in places.split(BATCH)]))
        if context is None:
            outputs = outputs_at(network, tensors, places)
        else:
            outputs = bounded_outputs_at(network, tensors, places, context)
        parts = [
            network.forecast_from(output, tensors.cutoffs(part))
            for output, part in zip(outputs.split(BATCH), places.split(BATCH), strict=True)
        ]
        return np.asarray(torch.cat(parts))

    def _paths(
        self,
        panel: Panel,
        origins: Origins,
        scaling: Scaling,
        size: tuple[int, int],
        context: int | None = None,
    ) -> Iterator[Float32[np.ndarray, "part paths horizon targets"]]:
        """Sample paths on the scaled values, some origins at a time; `size` is how many paths of how many rows."""
        paths, horizon = size
        names = [panel.ids[series] for series in origins.series.tolist()]
        shape = (paths, self.config.horizon, len(panel.columns.target))

        def draw(part: slice) -> Tensor:
            own = origin_draws(self.config.training.seed, names[part], origins.position[part], shape)
            return torch.from_numpy(own[:, :, :horizon])

        yield from self._feed_back(self._tensors(panel, scaling, horizon=horizon), origins, context, (paths, draw))

    def _feed_back(
        self,
        tensors: PanelTensors,
        origins: Origins,
        context: int | None,
        drawing: tuple[int, Callable[[slice], Tensor]] | None = None,
    ) -> Iterator[Float32[np.ndarray, "part paths horizon targets"]]:
        """Forecasts of a recursive net over the horizon of the tensors, as many origins at a time as memory holds."""
        network, places = self.network_, tensors.place(origins)
        read = None
        if self.config.mode == "sequences" and context is None:
            read = states_at(network, tensors, places)
        elif context is not None:
            read = bounded_states_at(network, tensors, places, context)
        most = max(1, PATHS_AT_ONCE // (1 if drawing is None else drawing[0]))
        for first in range(0, len(places), most):
            part = slice(first, first + most)
            batch, draws = tensors.gather(places[part]), None if drawing is None else drawing[1](part)
            with torch.inference_mode():
                paths = (
                    network.paths(batch, draws) if read is None else network.paths_from(read.some(part), batch, draws)
                )
            yield np.asarray(paths)

    def _quantiles(
        self, paths: Float32[np.ndarray, "part paths horizon targets"]
    ) -> Float32[np.ndarray, "part horizon targets levels"]:
        """The quantiles of sample paths at each step; of counts always a count."""
        network = self.config.network
        levels = np.asarray(network.levels, dtype=np.float32)
        found = np.quantile(paths, levels, axis=1, method="inverted_cdf" if network.loss in COUNTS else "linear")
        return np.moveaxis(found, 0, -1)

    def _scaling_for(self, panel: Panel, origins: Origins) -> Scaling:
        fitted, identity = self.fitted_.scaling, self._identity(panel)
        known = (identity >= 0)[:, None]
        if known.all():
            return Scaling(fitted.centre[identity], fitted.scale[identity])
        first = panel.lengths
        np.minimum.at(first, origins.series, origins.position)
        new = fit_scaling(self.config.scaler, panel, first)
        return Scaling(
            np.where(known, fitted.centre[identity], new.centre), np.where(known, fitted.scale[identity], new.scale)
        )

    def _check(self, panel: Panel, origins: Origins, horizon: int) -> None:
        config, fitted = self.config, self.fitted_
        if not 1 <= horizon <= config.horizon:
            raise OptionError(
                f"this net forecasts up to {config.horizon} rows ahead, got horizon={horizon}; train another."
            )
        if panel.columns.channels != fitted.columns.channels or panel.columns.static != fitted.columns.static:
            raise ColumnError(
                f"this net reads the columns {', '.join(fitted.columns.channels + fitted.columns.static)}, in this "
                f"order; got {', '.join(panel.columns.channels + panel.columns.static)}."
            )
        if panel.frequency.label != fitted.frequency.label:
            raise TimeError(
                f"this net was trained on rows {fitted.frequency.label} apart, but these are "
                f"{panel.frequency.label} apart; resample them, or train another net."
            )
        check_future(panel, origins, horizon)
