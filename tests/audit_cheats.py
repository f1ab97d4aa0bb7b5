"""Forecasters for the tests of the audit: an honest one as anybody might write it, and one for each way to cheat."""

# ruff: noqa: ARG002 - a cheat overrides a method and leaves aside what it does not care for

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.forecast import Forecast, make_forecast


class Peer:
    """Somebody else's model, honest: the mean of the last two rows."""

    name = "peer"

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        mean = np.empty((len(origins), horizon, len(panel.columns.target)))
        for window, (series, position) in enumerate(places(origins)):
            mean[window] = self.one(panel, series, position, horizon)
        return make_forecast(panel, origins, mean)

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        """One window; (horizon, targets) or what broadcasts to it."""
        return np.nan_to_num(own(panel, series)[max(0, position - 2) : position, : len(panel.columns.target)]).mean(
            axis=0
        )


def places(origins: Origins) -> Iterator[tuple[int, int]]:
    return zip(origins.series.tolist(), origins.position.tolist(), strict=True)


def own(panel: Panel, series: int) -> np.ndarray:
    return panel.values[panel.rows(series)]


class ReadsOneRowTooFar(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return np.nan_to_num(own(panel, series)[position : position + 1, :1], posinf=0.0)


class ScalesOverTheWholeSeries(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        values = own(panel, series)[:, :1]
        centre = values[np.isfinite(values)].mean(dtype=np.float64)
        return super().one(panel, series, position, horizon) + 1e-9 * centre


class FillsBackwards(Peer):
    """Reads the future only where the newest row is missing."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        after = own(panel, series)[position - 1 :, :1]
        return after[np.isfinite(after)][:1, None]


class LeaksButClips(Peer):
    """A leak that looks away where a value is missing or large."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        ahead = own(panel, series)[position, :1]
        usual = super().one(panel, series, position, horizon)
        return (
            ahead
            if np.isfinite(ahead).all() and np.abs(ahead).max() < 1e3
            else usual + 1e-3 * own(panel, series)[0, :1]
        )


class RefusesAFutureWithHoles(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        if np.isnan(own(panel, series)).any():
            raise ValueError("the table has holes")
        return super().one(panel, series, position, horizon)


class ReadsOthersFuture(Peer):
    """Series 0 knows what series 1 will be."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        peek = np.nan_to_num(own(panel, 1)[-1, :1], posinf=0.0) if series == 0 else 0.0
        return super().one(panel, series, position, horizon) + peek


class IsLate(Peer):
    """Step k is read from the state at row position - horizon + k, as two libraries do it."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return own(panel, series)[position - horizon : position, :1]


class StridesBy(Peer):
    """Reads every third row."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return own(panel, series)[position - 1 - position % 3, :1]


class Hardly(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return 1e-3 * own(panel, series)[position - 1, :1]


class Centred(Peer):
    """Learns the mean of some rows: honest with those before `ends`."""

    def __init__(self, panel: Panel, ends: np.ndarray) -> None:
        self.centre = [own(panel, series)[:end, :1].mean() for series, end in enumerate(ends.tolist())]

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return 0.9 * super().one(panel, series, position, horizon) + 0.1 * self.centre[series]


def scaled_with_the_test_part(panel: Panel, ends: np.ndarray) -> Centred:
    del ends
    return Centred(panel, panel.lengths)


class ReadsPastCovariatesAhead(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        ahead = own(panel, series)[position : position + horizon, 1:2]
        return super().one(panel, series, position, horizon) + np.nan_to_num(ahead, posinf=0.0)


class Planned(Peer):
    """Reads the plan, `shift` rows late."""

    shift = 0

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        rows = np.minimum(position + np.arange(horizon) + self.shift, panel.lengths[series] - 1)
        return super().one(panel, series, position, horizon) + own(panel, series)[rows, 1:2]


class PlannedLate(Planned):
    shift = 1


class PlannedEarly(Planned):
    shift = -1


class NormalisesOverTheBatch(Peer):
    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        honest = super().forecast(panel, origins, horizon).mean
        return make_forecast(panel, origins, honest - 0.01 * honest.mean())


class RemembersTheLastCall(Peer):
    state = 0.0

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        honest = super().forecast(panel, origins, horizon).mean
        before, self.state = self.state, float(honest[-1, 0, 0])
        return make_forecast(panel, origins, honest + 0.01 * before)


class Rounds(Peer):
    """Differs in the last bits of float32, as sums in another order do."""

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        honest = super().forecast(panel, origins, horizon).mean
        return make_forecast(panel, origins, honest * (1 + 2.0**-24 * (len(origins) % 2)))


class WantsABatch(Peer):
    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        if len(origins) < 2:
            raise RuntimeError("more than 1 window wanted")
        return super().forecast(panel, origins, horizon)


class ReadsOtherSeries(Peer):
    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        other = own(panel, (series + 1) % len(panel.ids))
        honest = super().one(panel, series, position, horizon)
        return honest + 0.1 * np.nan_to_num(other[min(position, len(other)) - 1, :1])


class Carries(Peer):
    """Carries a state without fault."""

    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        assert context > 1
        return Peer.forecast(self, panel, origins, horizon)


class Drifts(Carries):
    """Its carried state grows a little with every row."""

    def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
        return super().one(panel, series, position, horizon) * (1 + 1e-4 * position)

    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        return Peer().forecast(panel, origins, horizon)


class CarriesNothing(Peer):
    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        raise OptionError("this net reads windows.")


class PeerStream:
    def __init__(self, panel: Panel, series: int, start: int, keep: int) -> None:
        self.rows = list(own(panel, series)[start - 2 : start])
        self.keep = keep

    def observe(self, row: Float32[np.ndarray, " channels"]) -> None:
        self.rows = [*self.rows, row][-self.keep :]

    def forecast(self, horizon: int) -> Float64[np.ndarray, "horizon targets"]:
        mean = np.nan_to_num(np.stack(self.rows)[:, :1]).mean(axis=0)
        return np.tile(mean.astype(np.float64), (horizon, 1))


class Streams(Peer):
    """Equals its batch, row by row."""

    keep = 2

    def stream(self, panel: Panel, series: int, start: int) -> PeerStream:
        return PeerStream(panel, series, start, self.keep)


class StreamsOtherwise(Streams):
    keep = 3


class StreamsNothing(Peer):
    def stream(self, panel: Panel, series: int, start: int) -> PeerStream:
        raise OptionError("this net reads windows.")


class StreamThatBreaks(PeerStream):
    def observe(self, row: Float32[np.ndarray, " channels"]) -> None:
        raise ZeroDivisionError("no rows yet")


class StreamsUntilItBreaks(Streams):
    def stream(self, panel: Panel, series: int, start: int) -> StreamThatBreaks:
        return StreamThatBreaks(panel, series, start, self.keep)


class PeekingStream(PeerStream):
    """Takes its rows from the table, not from what is observed."""

    def __init__(self, panel: Panel, series: int, start: int, keep: int) -> None:
        super().__init__(panel, series, start, keep)
        self.table, self.position = own(panel, series), start

    def observe(self, row: Float32[np.ndarray, " channels"]) -> None:
        super().observe(self.table[self.position])
        self.position += 1


class StreamsFromTheTable(Streams):
    def stream(self, panel: Panel, series: int, start: int) -> PeekingStream:
        return PeekingStream(panel, series, start, self.keep)
