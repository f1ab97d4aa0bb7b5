"""Nothing but a series' own past may move its forecast: not its future, and not other series."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from gatecast.data.splits import Origins
from gatecast.data.windows import thin
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.changes import POISONS, Change, changed
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Answer, Subject

COVARIATE_CHANGES: Mapping[str, Change] = {
    "themselves, one row late": changes.one_row_on,
    "missing values": changes.filled(np.nan),
}
OTHERS_CHANGES: Mapping[str, Change] = {
    "twice their values": changes.doubled,
    "missing values": changes.filled(np.nan),
    "1e9": changes.filled(1e9),
}


class _Tally:
    """Counts the windows that something moved, and remembers what did."""

    def __init__(self) -> None:
        self.windows, self.moved, self.largest = 0, 0, 0.0
        self.causes: dict[str, str] = {}

    def add(self, apart: Mapping[str, Float64[np.ndarray, " windows"]], errors: Mapping[str, str]) -> None:
        """The differences that each change made in the same windows, and what it raised instead."""
        worst = np.max(list(apart.values()), axis=0)
        self.windows += len(worst)
        self.moved += int((worst > 0).sum())
        self.largest = max(self.largest, float(worst.max(initial=0.0)))
        self.causes |= {name: errors[name] for name, gaps in apart.items() if (gaps > 0).any()}

    def measured(self) -> dict[str, float]:
        return numbers(windows=self.windows, moved=self.moved, largest=self.largest)

    def told(self) -> str:
        """By what the forecasts were moved: `missing values, 1e9 (ValueError: ...)`."""
        return ", ".join(f"{name} ({error})" if error else name for name, error in self.causes.items())


def future_moves_nothing(subject: Subject) -> Check:
    """Forecasts stay bit-equal when all at and after the origin is replaced, but for times and future covariates."""
    tally = _after_the_origin(subject, changes.unknown(subject.panel), POISONS)
    if not tally.windows:
        return skipped("future", "no origin has a row after it; give earlier origins.")
    if not tally.moved:
        return passed("future", tally.measured(), f"No bit changes when the future becomes {', '.join(POISONS)}.")
    meaning = (
        f"{tally.moved} of {tally.windows} windows move, by up to {tally.largest:.3g} spreads, when rows at or after "
        f"their origin become {tally.told()}: the forecaster reads the future, and its scores are worth nothing. Look "
        f"for scaling, filling or differencing over the whole series, and for windows that reach one row too far."
    )
    return failed("future", tally.measured(), meaning)


def past_covariates_end(subject: Subject) -> Check:
    """Past covariates are not read beyond the origin."""
    if not subject.panel.columns.past:
        return skipped("past_covariates", "the table has no past covariates.")
    tally = _after_the_origin(subject, changes.past(subject.panel), COVARIATE_CHANGES)
    if not tally.windows:
        return skipped("past_covariates", "no origin has a row after it; give earlier origins.")
    if not tally.moved:
        meaning = "No bit changes when their rows at and after the origin are moved or missing."
        return passed("past_covariates", tally.measured(), meaning)
    meaning = (
        f"{tally.moved} of {tally.windows} windows move when past covariates at or after the origin become "
        f"{tally.told()}: their values are not known yet there. Read them up to row position - 1."
    )
    return failed("past_covariates", tally.measured(), meaning)


def other_series_move_nothing(subject: Subject) -> Check:
    """The forecasts of a series stay bit-equal when other series change after what was learnt from."""
    panel, tally = subject.panel, _Tally()
    if len(panel.ids) == 1:
        return skipped("other_series", "the table has one series.")
    for series in np.unique(subject.origins.series)[[0, -1]].tolist():
        first = subject.learnt.copy()
        first[series] = panel.lengths[series]
        if (first == panel.lengths).all():
            continue
        mine = subject.origins.series == series
        origins = thin(Origins(subject.origins.series[mine], subject.origins.position[mine]), subject.options.cutoffs)
        answers = {
            name: subject.ask(changed(panel, first, change, changes.unknown(panel)), origins)
            for name, change in OTHERS_CHANGES.items()
        }
        _add(tally, subject, origins, subject.forecasts(panel, origins), answers)
    if not tally.windows:
        return skipped("other_series", "no other series has rows that were not learnt from.")
    if not tally.moved:
        meaning = "No bit changes when the rows of other series that nothing was learnt from change."
        return passed("other_series", tally.measured(), meaning)
    meaning = (
        f"{tally.moved} of {tally.windows} windows move when other series become {tally.told()}: scale, state or "
        f"batch are shared between series. For a model that means to read other series this is expected."
    )
    return failed("other_series", tally.measured(), meaning)


def _after_the_origin(subject: Subject, channels: slice, what: Mapping[str, Change]) -> _Tally:
    """What moves when channels change at and after the origin."""
    tally = _Tally()
    for moment in subject.moments:
        if (moment.future == subject.panel.lengths).all():
            continue
        answers = {
            name: subject.ask(changed(subject.panel, moment.future, change, channels), moment.origins)
            for name, change in what.items()
        }
        _add(tally, subject, moment.origins, moment.answer, answers)
    return tally


def _add(tally: _Tally, subject: Subject, origins: Origins, still: Answer, answers: Mapping[str, Answer]) -> None:
    apart = {name: subject.apart(origins, still, answer) for name, answer in answers.items()}
    tally.add(apart, {name: answer.error for name, answer in answers.items()})
