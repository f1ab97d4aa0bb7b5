"""RecurrentForecaster: a net, the scaling it was trained with and its columns, behind `fit` and `forecast`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float, Float32
from msgspec import Struct
from torch import Tensor

from gatecast.data.batches import Layout, PanelTensors, calendar_columns, panel_tensors
from gatecast.data.calendar import Cycle, Frequency, show_time
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel
from gatecast.data.sampling import StreamSampler
from gatecast.data.scalers import SCALERS, Scaling, fit_scaling, leave_alone
from gatecast.data.splits import Origins, Split
from gatecast.data.windows import thin, windows_between
from gatecast.errors import ColumnError, InputError, OptionError, TimeError
from gatecast.evaluation.scoring import mase_scales
from gatecast.forecast import Forecast, make_forecast
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.draws import origin_draws
from gatecast.models.ensemble import Network, build_network
from gatecast.models.network import NetworkConfig, Sizes, check_paths
from gatecast.models.normalising import Frame, Normalise, Subtract
from gatecast.models.passing import bounded_outputs_at, bounded_states_at, outputs_at, states_at
from gatecast.models.words import Codes
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Course, Sequences, Windows
from gatecast.training.loop import TrainingState, train

MOST_VALIDATION_WINDOWS = 1024
BATCH = 1024
PATHS_AT_ONCE = 16_384  # sample paths side by side: some tens of MB
MOST_WEIGHT = 10.0  # of a series in the loss, in medians
Mode = Literal["windows", "sequences"]


class ForecasterConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a forecaster needs to know, with nothing left to guess.

    Attributes:
        mode: `windows` reads a lookback from a state of zeros; `sequences` reads the whole past in one pass, and
            training takes its loss at every row.
        lookback: rows before the cutoff: all that is read in `windows`; in `sequences` what the base and the linear
            forecast see.
        horizon: rows it forecasts.
        season: rows of one season.
        subtract: what the forecast starts from: the `last` value, the `seasonal` last values, or `none`.
        normalise: how values are seen: `last`, `standard`, `meanabs`, `causal` or `none`.
        loss_season: rows of the season whose seasonal error is the unit of each series' loss, as in MASE; None leaves
            it in units of the scaled values.
        flags: whether the net reads which values were missing and carried forward, and how long ago each was seen.
        ahead: whether the decoder reads what is known in advance of the rows it forecasts: future covariates, holidays
            and the calendar, which the encoder reads up to the cutoff in any case.
        scaler: `standard`, `minmax`, `robust`, `meanabs` or `none`, fitted on each series' training part.
        calendar: which cycles the net reads the place in: `day`, `week`, `year`.
        network: the net.
        training: how it is trained.
    """

    lookback: int
    horizon: int
    mode: Mode = "windows"
    season: int = 1
    subtract: Subtract = "last"
    normalise: Normalise = "last"
    loss_season: int | None = None
    flags: bool = True
    ahead: bool = True
    scaler: str = "standard"
    calendar: tuple[Cycle, ...] = ("day", "week", "year")
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        for name in ("lookback", "horizon", "season"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} counts rows from 1 up, got {name}={getattr(self, name)}.")
        if self.scaler not in SCALERS:
            raise OptionError(f"scaler={self.scaler!r} is unknown; the scalers are {', '.join(SCALERS)}.")
        if self.network.relative and self.scaler not in {"meanabs", "none"}:
            raise OptionError(
                f"relative={self.network.relative} measures errors by the size of the values, which scaler="
                f"{self.scaler!r} shifts: take scaler='meanabs' or 'none'."
            )
        if self.mode == "sequences":
            self._check_sequences()
        if self.network.loss in COUNTS and (self.scaler, self.subtract) != ("none", "none"):
            raise OptionError(
                f"loss={self.network.loss!r} is of counts as they are, and neither a shift nor a scale leaves them "
                f"whole: take scaler='none' and subtract='none', not {self.scaler!r} and {self.subtract!r}."
            )
        if self.training.free_running and (self.mode == "sequences" or not self.network.recursive):
            raise OptionError(
                f"training.free_running={self.training.free_running} runs windows on forecasts that are fed back: take "
                f"decode='recursive' and mode='windows', or leave it out."
            )

    def _check_sequences(self) -> None:
        """What needs a window cannot be had where a state is carried."""
        network = self.network
        if self.normalise != "causal":
            raise OptionError(
                f"mode='sequences' carries a state over all rows, so values must be normalised by the past of each "
                f"row: take normalise='causal', not {self.normalise!r}."
            )
        name = window_option(network)
        if name is not None:
            value = getattr(network.layer if name == "bidirectional" else network, name)
            raise OptionError(f"{name}={value!r} reads windows; take mode='windows', or leave {name} out.")


def window_option(network: NetworkConfig) -> str | None:
    """The first option of the net that needs a window, by name."""
    needs = {
        "segment": network.segment > 1,
        "decode": network.decode == "segments",
        "channels": network.channels == "apart",
        "readout": network.readout == "mean",
        "bidirectional": network.layer.bidirectional,
    }
    return next((name for name, needed in needs.items() if needed), None)


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
        _check_past(config, panel.columns)
        if config.network.loss in COUNTS:
            _check_counts(panel, split)
        scaling = fit_scaling(config.scaler, panel, split.train_end)
        static_scaling = leave_alone(SCALERS["standard"].fit(panel.static), panel.columns.categorical_static)
        self.fitted_ = Fitted(panel.columns, panel.frequency, panel.ids, scaling, static_scaling)
        sizes = network_sizes(config, panel.columns, panel.frequency, len(panel.ids))
        self.network_ = build_network(config.network, sizes, config.training.seed)
        weight = loss_weights(config.loss_season, panel, split, scaling)
        course = self._course(panel, split, self._tensors(panel, scaling, weight, learnt_steps(config)))
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
        ends = tensors.starts[:-1] + torch.from_numpy(split.train_end)
        return Sequences(tensors, judged, ends, sampler, training.burn_in)

    def keep_best(self, state: TrainingState) -> None:
        """Give the net the weights that did best on the validation part, and end its training."""
        self.network_.load_state_dict(state.best_weights)
        self.network_.eval()

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
        return _on_original_scale(panel, origins, output, scaling, network.levels)

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
        forecast = _on_original_scale(panel, origins, output, scaling, network.levels)
        scaled = np.concatenate(drawn).astype(np.float64)
        return replace(forecast, samples=_targets_of(scaling, scaled.shape[-1]).inverse(scaled, _beside(origins, 2)))

    def _tensors(
        self,
        panel: Panel,
        scaling: Scaling,
        weight: Float[np.ndarray, "series targets"] | None = None,
        horizon: int | None = None,
    ) -> PanelTensors:
        static = self.fitted_.static_scaling.transform(panel.static, 0)
        config = self.config
        season = frame_of(config).season if config.normalise == "causal" else None
        layout = Layout(config.lookback, horizon or config.horizon, season, config.flags, config.calendar)
        trained = {name: index for index, name in enumerate(self.fitted_.ids)}
        identity = np.array([trained.get(name, -1) for name in panel.ids], dtype=np.int64)
        return panel_tensors(panel, scaling, static, layout, identity, weight)

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
        fitted = self.fitted_
        trained = {name: index for index, name in enumerate(fitted.ids)}
        first = panel.lengths
        np.minimum.at(first, origins.series, origins.position)
        scaling = fit_scaling(self.config.scaler, panel, first)
        for index, name in enumerate(panel.ids):
            if name in trained:
                scaling.centre[index] = fitted.scaling.centre[trained[name]]
                scaling.scale[index] = fitted.scaling.scale[trained[name]]
        return scaling

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
        _check_future(panel, origins, horizon)


def loss_weights(
    season: int | None, panel: Panel, split: Split, scaling: Scaling
) -> Float[np.ndarray, "series targets"] | None:
    """What turns errors of scaled values into errors in units of each series' seasonal error; None without a season.

    At most ten times the median, so that no series that hardly moves takes over.
    """
    if season is None:
        return None
    seasonal, _ = mase_scales(panel, season, split.train_end)
    weight = scaling.scale[:, : seasonal.shape[1]] / seasonal
    return np.minimum(weight, MOST_WEIGHT * np.median(weight))


def network_sizes(config: ForecasterConfig, columns: Columns, frequency: Frequency, series: int) -> Sizes:
    """The sizes a net needs for so many series with these columns."""
    calendar = calendar_columns(frequency, config.calendar, columns.holidays)
    return Sizes(
        lookback=config.lookback,
        horizon=config.horizon,
        frame=frame_of(config),
        flags=config.flags,
        ahead=config.ahead,
        targets=len(columns.target),
        channels=len(columns.channels),
        known=len(columns.future) + len(calendar),
        static=len(columns.static),
        series=series,
        numbers=tuple(place for place, word in enumerate(columns.categorical_channels) if not word),
        past_words=_codes(columns, columns.channels, columns.past),
        known_words=_codes(columns, columns.future, columns.future),
        static_words=_codes(columns, columns.static, columns.static),
    )


def _codes(columns: Columns, within: tuple[str, ...], names: tuple[str, ...]) -> Codes:
    """The places within some columns of those of `names` that hold codes of words."""
    words = [name for name in within if name in names and name in columns.categories]
    return Codes(tuple(map(within.index, words)), tuple(columns.levels[name] for name in words))


def frame_of(config: ForecasterConfig) -> Frame:
    """How values are seen."""
    return Frame(config.normalise, config.subtract, config.season)


def _on_original_scale(
    panel: Panel,
    origins: Origins,
    output: Float[np.ndarray, "windows horizon targets levels"],
    scaling: Scaling,
    levels: tuple[float, ...],
) -> Forecast:
    """Undo the scaling.  The point forecast is the median where quantiles were trained.

    Quantiles are sorted at each step, which can only bring them closer to the truth (Chernozhukov et al. 2010).
    """
    own = _targets_of(scaling, output.shape[2])
    spread = np.moveaxis(np.sort(output.astype(np.float64), axis=-1), -1, 1)  # (W, levels, H, targets)
    values = np.moveaxis(own.inverse(spread, _beside(origins, 2)), 1, -1)
    if not levels:
        return make_forecast(panel, origins, values[..., 0])
    return make_forecast(panel, origins, values[..., levels.index(0.5)], levels, values)


def _targets_of(scaling: Scaling, targets: int) -> Scaling:
    """The numbers of the targets alone."""
    return Scaling(scaling.centre[:, :targets], scaling.scale[:, :targets])


def _beside(origins: Origins, axes: int) -> np.ndarray:
    """The series of each window, to lie beside arrays with so many more axes before the targets."""
    return origins.series.reshape(-1, *[1] * axes)


def learnt_steps(config: ForecasterConfig) -> int:
    """Rows of the horizon that training looks at: one, where every other forecast comes from the net's own."""
    return 1 if config.network.recursive and not config.training.free_running else config.horizon


def _check_past(config: ForecasterConfig, columns: Columns) -> None:
    """Nobody knows the past covariates of a row that is forecast."""
    if config.network.recursive and columns.past:
        raise OptionError(
            f"decode='recursive' reads rows of the horizon, where {', '.join(columns.past)} are not known: leave past "
            f"covariates out (past=none), name those that are planned as future ones, or take another decode."
        )


def _check_counts(panel: Panel, split: Split) -> None:
    """What is learnt from must be counts."""
    for series, end in enumerate(split.validation_end.tolist()):
        values = panel.targets[panel.rows(series)][:end]
        wrong = np.argwhere(np.isfinite(values) & ((values < 0) | (values != np.floor(values))))
        if len(wrong):
            row, target = wrong[0].tolist()
            time = show_time(panel.times[panel.rows(series)][row])
            raise InputError(
                f'{panel.columns.target[target]} of series "{panel.ids[series]}" is {values[row, target]:g} at {time}, '
                f"and counts are whole numbers from 0 up: take another loss, such as normal or quantile."
            )


def _check_future(panel: Panel, origins: Origins, horizon: int) -> None:
    """Future covariates must be there for every row of every horizon."""
    if not panel.columns.future:
        return
    skipped = len(panel.columns.target) + len(panel.columns.past)
    complete = np.isfinite(panel.values[:, skipped:]).all(axis=1)
    for series, position in zip(origins.series.tolist(), origins.position.tolist(), strict=True):
        given = complete[panel.rows(series)][position : position + horizon]
        row = int(np.argmin(np.append(given, False)))
        if row == horizon:
            continue
        time = show_time(panel.horizon_times(series, position, horizon)[row])
        raise InputError(
            f'series "{panel.ids[series]}" needs {", ".join(panel.columns.future)} at {time}, step {row + 1} of the '
            f"horizon: future covariates must be given over the whole horizon. Add rows with them (and an empty "
            f"{panel.columns.target[0]}) to the table."
        )
