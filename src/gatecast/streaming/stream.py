"""ForecastStream: a forecaster that takes each observation once, at the cost of one step."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling
from gatecast.errors import InputError, OptionError
from gatecast.evaluation.calibration import Calibration
from gatecast.forecast import Forecast
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming.clock import Time
from gatecast.streaming.fingerprint import fingerprint_of
from gatecast.streaming.intake import NEVER, Arrivals, Intake
from gatecast.streaming.machine import Beginning, Machine
from gatecast.streaming.options import AS_USUAL, StreamOptions
from gatecast.streaming.reach import check_ahead, check_arrivals
from gatecast.streaming.reading import Covariates, Target, Targets, ValueReader
from gatecast.streaming.rounds import rounds
from gatecast.streaming.state import StreamState
from gatecast.streaming.status import Newest, Recent, SeriesStatus, newest, recent, statuses, values
from gatecast.streaming.tables import arrivals_of, at_levels, side_by_side, window
from gatecast.streaming.warming import WarmUp

Future = Mapping[str, Sequence[float | int | str]]
"""Of each covariate known in advance, one value a row of the horizon."""


@final
class ForecastStream:
    """Live forecasts of any number of series.

    `observe` moves the state of a series by one step, whatever came before; `forecast` copies it.  From the same rows
    it forecasts what the forecaster does from a table, bit for bit where its kernels run.  Not for several threads at
    once.

    Args:
        forecaster: fitted.
        calibration: how far its quantiles move to begin with; None where they stand as the net says them.
        options: the policies.
    """

    def __init__(
        self,
        forecaster: RecurrentForecaster,
        calibration: Calibration | None = None,
        options: StreamOptions = AS_USUAL,
    ) -> None:
        self.forecaster, self.calibration, self.options = forecaster, calibration, options
        self.columns = forecaster.fitted_.columns
        self.machine = Machine(forecaster, calibration, options)
        self.clock = self.machine.clock
        self.reader = ValueReader(self.columns, forecaster.fitted_.frequency)
        self.warm_up = WarmUp(forecaster, self.machine)
        self.index: dict[str, int] = {}
        self.static: dict[str, Float32[np.ndarray, " static"]] = {}
        self._plain = len(self.columns.channels) == 1 and not self.columns.categories
        self._trained = {name: number for number, name in enumerate(forecaster.fitted_.ids)}

    @property
    def series(self) -> tuple[str, ...]:
        """The names of the series, in the order in which they came."""
        return tuple(self.index)

    @property
    def horizon(self) -> int:
        """Rows it forecasts."""
        return self.machine.shape.horizon

    def observe(self, series: str, ds: Time, y: Target, x: Covariates | None = None) -> int:
        """Take one row of one series.

        Args:
            series: its name; a new one begins with it.
            ds: its time: ISO 8601 text, datetime, date or numpy.datetime64, with an offset in UTC; or a row number.
            y: the target, None where missing; of several targets a sequence, or a value for each name.
            x: the covariates of the row; one that is left out is missing.

        Returns:
            How many rows were taken: 1, or 0 if the policies ignore it.

        Raises:
            TimeError: the row is late, repeats a time, or lies off the grid.
            InputError: a value or a name is wrong; nothing is taken.
        """
        if (
            x is None
            and self._plain
            and isinstance(y, float)
            and abs(y) <= self.machine.within
            and not self.warm_up.cold
        ):
            slot, time = self.index.get(series), self.clock.read(ds)
            if slot is not None and self.machine.advance_one(slot, time, y):
                return 1
        return self.observe_many([series], [ds], [y], None if x is None else [x])

    def observe_many(
        self,
        series: Sequence[str],
        ds: Sequence[Time] | Time,
        y: Targets,
        x: Sequence[Covariates | None] | None = None,
    ) -> int:
        """Take rows of any series, all or none; those of one series in the order of time.

        Args:
            series: the name of each row's series.
            ds: the time of each row, or one for all.
            y: the targets of each.
            x: the covariates of each.

        Returns:
            How many rows were taken.
        """
        intake = self.intake()
        taken = intake.add(self.read(series, ds, y, x))
        self.take(intake)
        return len(taken)

    def observe_panel(self, panel: Panel) -> int:
        """Take all known rows of a table, and the static covariates of its series; how many rows were taken."""
        arrivals = arrivals_of(panel, self.columns)
        self.know(panel)
        intake = self.intake()
        taken = intake.add(arrivals)
        self.take(intake)
        return len(taken)

    def read(
        self,
        series: Sequence[str],
        ds: Sequence[Time] | Time,
        y: Targets,
        x: Sequence[Covariates | None] | None = None,
    ) -> Arrivals:
        """Read rows as `observe_many` takes them.

        Raises:
            InputError: there are not as many of each, or a value is too far from those that its series is scaled by.
        """
        if isinstance(ds, (list, tuple, np.ndarray)):
            times = [self.clock.read(each) for each in ds]
        else:
            times = [self.clock.read(ds)] * len(series)  # type: ignore[arg-type]  # a text is no sequence of times
        if not len(series) == len(times) == len(y):
            raise InputError(f"{len(series)} series, {len(times)} times and {len(y)} values: give one of each a row.")
        arrivals = Arrivals(series, times, self.reader.rows(y, x))
        if (np.abs(arrivals.raw) > self.machine.within).any():
            check_arrivals(arrivals, self._scale_of, self.columns.channels)
        return arrivals

    def read_counted(
        self, series: Sequence[str], times: Sequence[int], y: Targets, x: Sequence[Covariates | None] | None = None
    ) -> Arrivals:
        """As `read`, with times as the stream's clock counts them."""
        return Arrivals(series, times, self.reader.rows(y, x))

    def know(self, table: Panel) -> None:
        """Remember the static covariates of a table's series, for when they begin."""
        self.static |= dict(zip(table.ids, table.static, strict=True))

    def intake(self, options: StreamOptions | None = None) -> Intake:
        """Where rows wait until they are taken; with other policies than the stream's, if any are given."""
        last = self.machine.residents["last"]
        gap = self.machine.shape.targets + len(self.columns.past) - 1 if self.clock.irregular else None
        return Intake(self.index, last, self.clock, options or self.options, self._static, gap)

    def take(self, intake: Intake) -> None:
        """Take what waits."""
        for name in intake.new:
            self.add(name)
        if intake.parts:
            for part in self.warm_up.readable(intake.rows()):
                self.machine.advance(part)

    def add(self, name: str, static: Float32[np.ndarray, " static"] | None = None) -> None:
        """Begin a series that has no rows yet; the first row of a new series does so by itself.

        Args:
            name: of the series.
            static: its static covariates, in the units of the data.

        Raises:
            InputError: it is there already, or its static covariates are not known.
        """
        if name in self.index:
            raise InputError(f'series "{name}" is there already.')
        if static is not None:
            self.static[name] = static
        slot, number = len(self.index), self._trained.get(name, -1)
        scaling = self.forecaster.fitted_.scaling
        own = _one(scaling, number) if number >= 0 else _unscaled(scaling)
        self.machine.begin(name, Beginning(own, self._static(name), number))
        self.index[name] = slot
        if number < 0:
            self.warm_up.begin(slot)

    def forecast(
        self,
        series: str | Sequence[str],
        horizon: int | None = None,
        quantiles: Sequence[float] | None = None,
        future: Mapping[str, Future] | None = None,
    ) -> Forecast:
        """Forecast from the newest row of each series; moves no state.

        Args:
            series: one name or several.
            horizon: rows to forecast; None for all that the net was trained for.
            quantiles: levels, of those that the net knows; None for all of them.
            future: of each series, the covariates known in advance by name, one value a row of the horizon.

        Returns:
            One window for each name, in their order.

        Raises:
            InputError: a series has no rows, or a covariate known in advance is missing.
            OptionError: the horizon is longer than the one trained, or a level is unknown.
        """
        names = [series] if isinstance(series, str) else list(series)
        horizon = self._horizon(horizon)
        ahead = self._future(names, horizon, future or {})
        slots = np.array([self._slot(name) for name in names], dtype=np.int64)
        found = self._forecast(names, slots, horizon, ahead)
        return found if quantiles is None else at_levels(found, tuple(quantiles))

    def forecast_told(self, series: str, horizon: int, ahead: Float64[np.ndarray, "rows futures"]) -> Forecast:
        """As `forecast`, of one series, with what is known in advance as channels of a table have it."""
        slot = np.array([self._slot(series)], dtype=np.int64)
        return self._forecast([series], slot, self._horizon(horizon), ahead[None])

    def status(self, series: str) -> SeriesStatus:
        """How a series stands: its newest row, the errors of what had been forecast, coverage, the drift alarm.

        Raises:
            InputError: there is no such series.
        """
        return self.statuses([series])[0]

    def statuses(self, series: Sequence[str]) -> list[SeriesStatus]:
        """As `status`, of many at once."""
        slots = np.array([self._known(name) for name in series], dtype=np.int64)
        return statuses(self.machine, slots, self.options.alarm)

    def recent(self, series: str, rows: int = 96) -> Recent:
        """The newest rows of a series, and what had been said of them.

        Raises:
            InputError: there is no such series.
        """
        return recent(self.machine, self._known(series), rows)

    def newest(self, series: Sequence[str]) -> list[Newest]:
        """The newest row of each series, and what had been said of it."""
        slots = np.array([self._known(name) for name in series], dtype=np.int64)
        return newest(self.machine, slots, self.options.alarm)

    def values(self, series: str, rows: int) -> Float64[np.ndarray, " rows"]:
        """The newest values of a series, oldest first, NaN where missing; of several targets the first."""
        return values(self.machine, self._known(series), rows)

    def alarms(self) -> int:
        """How many series had their drift alarm on when they were settled last."""
        size = self.machine.residents.size
        return int((self.machine.residents["sum"][:size] > self.options.alarm).sum())

    def gates(self, series: str) -> dict[str, float]:
        """The mean of each gate of the top layer at the newest row, if it was among the last that were read at once."""
        return self.machine.gates(self._known(series))

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantile levels of its forecasts; none where it forecasts a point."""
        return () if self.machine.point else self.machine.start.levels

    def snapshot(self) -> StreamState:
        """What the stream knows, as a value: what is observed later does not change it."""
        return self._state(self.machine.residents.copied())

    def packed(self) -> bytes:
        """The bytes of a snapshot, without the snapshot, and without a sha256: whoever keeps them keeps that beside."""
        return self._state(self.machine.residents.views()).to_bytes(sealed=False)

    def _state(self, arrays: Mapping[str, np.ndarray]) -> StreamState:
        return StreamState(self.fingerprint, self.series, arrays, dict(self.static))

    def restore(self, state: StreamState) -> None:
        """Go on from a state, which stays as it is; what was observed here is forgotten.

        Raises:
            ArtifactError: the state is of another net, of other policies, or damaged.
        """
        state.check(self.fingerprint, self.machine.residents.kept)
        self.machine.check(state.arrays)
        self.index = {name: slot for slot, name in enumerate(state.series)}
        self.static = dict(state.static)
        self.machine.restore(state.series, state.arrays)
        self.warm_up.recount()

    def fork(self) -> "ForecastStream":
        """A stream that knows the same and goes its own way."""
        other = ForecastStream(self.forecaster, self.calibration, self.options)
        other.restore(self.snapshot())
        return other

    @cached_property
    def fingerprint(self) -> str:
        """By what states are known to be of a stream like this."""
        return fingerprint_of(self.forecaster, self.calibration, self.options)

    def _forecast(
        self,
        names: list[str],
        slots: Int64[np.ndarray, " n"],
        horizon: int,
        ahead: Float64[np.ndarray, "n rows futures"],
    ) -> Forecast:
        """The forecasts of series that are warm, and of those that wait."""
        cold = self.warm_up.waiting(slots)
        if not cold.any():
            return self.machine.forecast(slots, horizon, ahead)
        parts = {
            int(place): self._forecast_cold(names[place], slots[place], horizon, ahead[[place]])
            for place in np.flatnonzero(cold)
        }
        if not cold.all():
            warm = self.machine.forecast(slots[~cold], horizon, ahead[~cold])
            parts |= {place: window(warm, number) for number, place in enumerate(np.flatnonzero(~cold).tolist())}
        return side_by_side([parts[place] for place in range(len(slots))])

    def _forecast_cold(
        self, name: str, slot: np.int64, horizon: int, ahead: Float64[np.ndarray, "1 rows futures"]
    ) -> Forecast:
        """The forecast of a series that waits: scaled by what there is, on a machine of its own."""
        beside = Machine(self.forecaster, self.calibration, self.options)
        beside.begin(name, Beginning(self.warm_up.scaling(int(slot)), self._static(name), -1))
        for part in rounds(self.warm_up.rows_of(int(slot))):
            beside.advance(part)
        return beside.forecast(np.zeros(1, dtype=np.int64), horizon, ahead)

    def _scale_of(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """The centre and the scale of each channel of a series; None of one that is not scaled yet."""
        slot = self.index.get(name)
        if slot is None or self.warm_up.waiting(np.array([slot]))[0]:
            return None
        kept = self.machine.residents
        return kept["centre"][slot], kept["scale"][slot]

    def _static(self, name: str) -> Float32[np.ndarray, " static"]:
        """The static covariates of a series, scaled."""
        own = self.static.get(name)
        if own is None and self.columns.static:
            raise InputError(
                f'series "{name}" is new, and the net reads {", ".join(self.columns.static)} of each series: tell them '
                f"by ForecastStream.add(name, static), or serve a model whose table has the series."
            )
        scaled = self.forecaster.fitted_.static_scaling.transform(np.zeros((1, 0)) if own is None else own[None], 0)
        return scaled[0].astype(np.float32)

    def _known(self, name: str) -> int:
        slot = self.index.get(name)
        if slot is None:
            raise InputError(f'series "{name}" has no rows: observe it first.')
        return slot

    def _slot(self, name: str) -> int:
        slot = self._known(name)
        if self.machine.residents["last"][slot] == NEVER:
            raise InputError(f'series "{name}" has no rows: observe it first.')
        return slot

    def _horizon(self, horizon: int | None) -> int:
        if horizon is None:
            return self.horizon
        if not 1 <= horizon <= self.horizon:
            raise OptionError(
                f"this net forecasts up to {self.horizon} rows ahead, got horizon={horizon}; train another."
            )
        return horizon

    def _future(
        self, names: list[str], horizon: int, future: Mapping[str, Future]
    ) -> Float64[np.ndarray, "n rows futures"]:
        """Covariates known in advance, as they were given."""
        wanted = self.columns.future
        found = np.empty((len(names), horizon if wanted else 1, len(wanted)))
        for row, name in enumerate(names if wanted else []):
            given = future.get(name, {})
            for place, covariate in enumerate(wanted):
                values = given.get(covariate, ())
                if len(values) != horizon:
                    raise InputError(
                        f'series "{name}" needs {covariate} for each of {horizon} rows of the horizon, got '
                        f"{len(values)}: future covariates are known in advance, so give them with the forecast."
                    )
                found[row, :, place] = self.reader.future(covariate, values)
            check_ahead(name, found[row], self._scale_of(name), wanted)
        return found


def _one(scaling: Scaling, number: int) -> Scaling:
    return Scaling(scaling.centre[[number]], scaling.scale[[number]])


def _unscaled(scaling: Scaling) -> Scaling:
    return Scaling(np.zeros_like(scaling.centre[:1]), np.ones_like(scaling.scale[:1]))
