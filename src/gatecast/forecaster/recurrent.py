"""RecurrentForecaster: a net, the scaling it was trained with and its columns, behind `fit` and `forecast`."""

from collections.abc import Callable
from dataclasses import replace
from typing import final

import numpy as np
import torch

from gatecast.data.panel import Panel
from gatecast.data.sampling import StreamSampler
from gatecast.data.scalers import SCALERS, Scaling, fit_scaling, leave_alone
from gatecast.data.splits import Origins, Split
from gatecast.data.tensors import PanelTensors
from gatecast.data.windows import windows_between, windows_if_any
from gatecast.errors import ColumnError, OptionError, TimeError
from gatecast.forecast import Forecast
from gatecast.forecaster.checking import check_counts, check_future, check_past
from gatecast.forecaster.config import ForecasterConfig, learnt_steps
from gatecast.forecaster.fitted import Fitted
from gatecast.forecaster.laying import Tables, lay_out, layout_of, scaling_for
from gatecast.forecaster.room import check_room
from gatecast.forecaster.running import Runner
from gatecast.forecaster.scaling import beside, loss_weights, on_original_scale, targets_of
from gatecast.forecaster.sizing import network_sizes
from gatecast.models.config import check_paths
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.ensemble import Network, build_network
from gatecast.models.remembering import Memory
from gatecast.training.courses import Course, Sequences, Windows
from gatecast.training.devices import device_named
from gatecast.training.loop import TrainingState, train
from gatecast.training.pieces import Pieces
from gatecast.training.workers import Workers

MOST_VALIDATION_WINDOWS = 1024


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
        self._tables, self._memory = Tables(), Memory()

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

    def prepare(
        self, panel: Panel, split: Split, workers: Workers | None = None
    ) -> tuple[Network, Course | Pieces, TrainingState]:
        """A new net, what it learns from and its training state: the loop itself stays in the caller's hands.

        Among several workers, each with its own series or all with the same table, every one of them calls this.
        Finish with `keep_best(state)`.
        """
        config = self.config
        workers = workers or Workers(pieces=config.training.pieces)
        check_past(config, panel.columns)
        if config.network.loss in COUNTS:
            check_counts(panel, split)
        scaling = fit_scaling(config.scaler, panel, split.train_end)
        static = SCALERS["standard"].fit(workers.joined(panel.static))
        static_scaling = leave_alone(static, panel.columns.categorical_static)
        ids, of_all = workers.names(panel.ids), Scaling(*map(workers.joined, (scaling.centre, scaling.scale)))
        self.fitted_ = Fitted(panel.columns, panel.frequency, ids, of_all, static_scaling)
        sizes = network_sizes(config, panel.columns, panel.frequency, len(ids))
        check_room(config, sizes)
        device = device_named(config.training.device)
        self.network_ = build_network(config.network, sizes, config.training.seed).to(device)
        weight = loss_weights(config.loss_season, panel, split, scaling, workers)
        tensors = lay_out(self.fitted_, panel, scaling, layout_of(config, learnt_steps(config), device), weight)
        course = self._course(panel, split, tensors, workers)
        return self.network_, course, TrainingState(self.network_, config.training)

    def _course(self, panel: Panel, split: Split, tensors: PanelTensors, workers: Workers) -> Course | Pieces:
        """What training learns from, and what it is judged by, in as many pieces as are this worker's."""
        courses = self._courses(panel, split, tensors, workers)
        return Pieces(courses, workers) if workers.of_all > 1 else courses[0]

    def _courses(self, panel: Panel, split: Split, tensors: PanelTensors, workers: Workers) -> tuple[Course, ...]:
        config, training = self.config, self.config.training
        shape, windows = (config.lookback, learnt_steps(config)), _windows_of(workers)
        train = windows(panel, np.zeros_like(split.train_end), split.train_end, *shape)
        validation = windows(panel, split.train_end, split.validation_end, *shape)
        looked_at = workers.some(validation.series, MOST_VALIDATION_WINDOWS)
        judged = [tensors.place(validation.some(some)) for some in looked_at]
        if config.mode == "windows":
            places, of_all = tensors.place(train), workers.count(len(train))
            parts = zip(judged, workers.parts(train.series), strict=True)
            return tuple(Windows(tensors, own, places, training, part=part, of_all=of_all) for own, part in parts)
        rows = workers.joined(np.maximum(split.train_end - 1, 0))  # the last row has no target to learn
        sampler = StreamSampler(rows, training.streams, training.time, training.chunks, training.seed)
        ends = tensors.starts[:-1] + torch.from_numpy(split.train_end).to(tensors.starts.device)
        parts = zip(judged, workers.parts(np.arange(len(panel.ids))), strict=True)
        return tuple(Sequences(tensors, own, ends, sampler, training.burn_in, part=part) for own, part in parts)

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
        config, network, runner = self.config, self.config.network, self._runner()
        scaling = scaling_for(config, self.fitted_, panel, origins)
        if network.samples:
            tensors = self._tables.lay_out(self.fitted_, panel, scaling, layout_of(config, horizon))
            parts = runner.paths(tensors, origins, _names(panel, origins), network.paths, context)
            output = np.concatenate([runner.quantiles(paths) for paths in parts])
        else:
            tensors = self._tables.lay_out(self.fitted_, panel, scaling, layout_of(config))
            output = runner.forecasts(tensors, origins, context)[:, :horizon]
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
        scaling, runner = scaling_for(self.config, self.fitted_, panel, origins), self._runner()
        tensors = self._tables.lay_out(self.fitted_, panel, scaling, layout_of(self.config, horizon))
        drawn = list(runner.paths(tensors, origins, _names(panel, origins), count))
        output = np.concatenate([runner.quantiles(part) for part in drawn])
        forecast = on_original_scale(panel, origins, output, scaling, network.levels)
        scaled = np.concatenate(drawn).astype(np.float64)
        return replace(forecast, samples=targets_of(scaling, scaled.shape[-1]).inverse(scaled, beside(origins, 2)))

    def _runner(self) -> Runner:
        return Runner(self.network_, self.config, self._memory)

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


def _windows_of(workers: Workers) -> Callable[..., Origins]:
    """How windows are found: a worker with series of its own may have none, where others have some."""
    return windows_if_any if workers.group.world > 1 and workers.apart else windows_between


def _names(panel: Panel, origins: Origins) -> list[str]:
    """The name of the series of each origin."""
    return [panel.ids[series] for series in origins.series.tolist()]
