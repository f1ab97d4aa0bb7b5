"""Future covariates must be read at the step they belong to, and not beyond the horizon."""

import numpy as np
from jaxtyping import Bool, Float32

from gatecast.data.panel import Panel
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.changes import Rows, changed
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Moment, Subject

Steps = Bool[np.ndarray, " horizon"]


def future_covariates_are_aligned(subject: Subject) -> Check:
    """What is planned beyond the horizon moves nothing; what is planned for a step moves that step, if any."""
    panel = subject.panel
    if not panel.columns.future:
        return skipped("future_covariates", "the table has no future covariates.")
    beyond = [_moved_beyond(subject, moment) for moment in subject.moments]
    tested = dict.fromkeys((0, subject.horizon // 2, subject.horizon - 1))
    moved = {step: np.any([_moved_by(subject, moment, step) for moment in subject.moments], axis=0) for step in tested}
    astray = [step for step, steps in moved.items() if steps.any() and not steps[step]]
    measured = numbers(
        windows=sum(len(moment.origins) for moment in subject.moments),
        moved_beyond=sum(beyond),
        steps_tried=len(moved),
        steps_moved=sum(bool(steps.any()) for steps in moved.values()),
        astray=len(astray),
    )
    if measured["moved_beyond"]:
        meaning = (
            f"{sum(beyond)} windows move with what is planned after their last step: the covariates are "
            f"read too late. Row position + k - 1 belongs to step k."
        )
        return failed("future_covariates", measured, meaning)
    if astray:
        step = astray[0]
        meaning = (
            f"What is planned for step {step + 1} moves step {int(np.argmax(moved[step])) + 1} and not its own: the "
            f"covariates are shifted. Row position + k - 1 belongs to step k."
        )
        return failed("future_covariates", measured, meaning)
    if not measured["steps_moved"]:
        return passed("future_covariates", measured, "They are not used: no step moves with what is planned.")
    return passed("future_covariates", measured, "What is planned for a step moves that step, and nothing beyond does.")


def _moved_beyond(subject: Subject, moment: Moment) -> int:
    """Windows that move with what is planned after their horizon."""
    first = np.minimum(moment.future + subject.horizon, subject.panel.lengths)
    if (first == subject.panel.lengths).all():
        return 0
    panel = changed(subject.panel, first, _other, changes.future(subject.panel))
    return int((subject.apart(moment.origins, moment.answer, subject.ask(panel, moment.origins)) > 0).sum())


def _moved_by(subject: Subject, moment: Moment, step: int) -> Steps:
    """The steps that move, in any window, with what is planned for one step (counted from 0)."""
    panel, origins = subject.panel, moment.origins
    position = origins.position + step
    inside = position < panel.lengths[origins.series]
    rows = (panel.offsets[origins.series] + position)[inside]
    new = _far(panel, origins.series[inside], rows)
    answer = subject.forecasts(changes.with_rows(panel, rows, changes.future(panel), new), origins)
    return np.asarray((answer.values != moment.answer.values).any(axis=(0, 2, 3)))


def _other(rows: Rows) -> Rows:
    """Values other than planned, of about their size."""
    return np.where(rows > 0, -rows, 1 - rows)


def _far(panel: Panel, series: np.ndarray, rows: np.ndarray) -> Float32[np.ndarray, "rows future"]:
    """For each row and covariate the planned value of its series that is farthest away: a flag is turned over."""
    new = panel.values[rows, changes.future(panel)].copy()
    for index, (own, old) in enumerate(zip(series.tolist(), new.copy(), strict=True)):
        plan = panel.values[panel.rows(own), changes.future(panel)]
        low, high = np.fmin.reduce(plan), np.fmax.reduce(plan)
        far = np.where(old - low > high - old, low, high)
        new[index] = np.where(far == old, old + 1, far)
    return new
