"""One observation at a time must give the forecasts that the whole table gives."""

import numpy as np

from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.batching import is_rounding
from gatecast.evaluation.audit.changes import changed
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Answer, Subject, Values, attempt
from gatecast.forecast import Stream, Streamable

LONGEST = 512


def stream_equals_batch(subject: Subject) -> Check:
    """Rows are observed one by one, from a panel that ends before them, and forecasts compared on the way."""
    forecaster = subject.forecaster
    if not isinstance(forecaster, Streamable):
        return skipped("stream", "it takes no single observations.")
    origins = _walk(subject)
    try:
        stream = _begun(subject, forecaster, origins)
    except OptionError as error:
        return skipped("stream", f"it takes no single observations: {error}")
    batch = Answer(subject.forecasts(subject.panel, origins).values[..., :1])
    streamed = attempt(lambda: _streamed(subject, stream, origins))
    if streamed.error:
        return failed("stream", {}, f"On the way it raised {streamed.error}")
    gap = subject.apart(origins, batch, streamed)
    rows, differing = np.ptp(origins.position), int((gap > 0).sum())
    measured = numbers(rows=rows, windows=len(origins), differing=differing, largest=gap.max())
    if not differing:
        return passed("stream", measured, "Every bit is the same, row by row and from the whole table.")
    if np.isfinite(gap).all() and is_rounding(batch.values, streamed.values, subject.spread[origins.series]):
        return passed("stream", measured, f"Differences of up to {gap.max():.2g} spreads are rounding.")
    meaning = (
        f"{differing} of {len(origins)} forecasts differ from those of the whole table, by up to "
        f"{gap.max():.3g} spreads: what was scored is not what will run. Look for rows that are scaled, filled or "
        f"counted differently one by one."
    )
    return failed("stream", measured, meaning)


def _walk(subject: Subject) -> Origins:
    """Positions of one series, from its first origin on."""
    series = int(subject.origins.series[0])
    own = subject.origins.position[subject.origins.series == series]
    last = min(int(own.max()), int(own.min()) + LONGEST)
    position = np.unique(np.linspace(own.min(), last, subject.options.windows).round().astype(np.int64))
    return Origins(np.full(len(position), series), position)


def _begun(subject: Subject, forecaster: Streamable, origins: Origins) -> Stream:
    """A stream that has seen all before the first origin, and whose table holds nothing after it."""
    panel, series, start = subject.panel, int(origins.series[0]), int(origins.position[0])
    first = panel.lengths
    first[series] = start
    return forecaster.stream(changed(panel, first, changes.filled(np.nan), changes.unknown(panel)), series, start)


def _streamed(subject: Subject, stream: Stream, origins: Origins) -> Values:
    """The point forecasts at each origin, with every row in between observed; (windows, horizon, targets, 1)."""
    rows, made = subject.panel.values[subject.panel.rows(int(origins.series[0]))], []
    position = int(origins.position[0])
    for origin in origins.position.tolist():
        for row in rows[position:origin]:
            stream.observe(row)
        position = origin
        made.append(np.asarray(stream.forecast(subject.horizon), dtype=np.float64))
    return np.stack(made)[..., None]
