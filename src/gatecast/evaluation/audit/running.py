"""The audit: every check in turn."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64
from msgspec.structs import replace

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.audit.batching import batch_changes_nothing
from gatecast.evaluation.audit.carrying import carried_state_does_not_drift
from gatecast.evaluation.audit.fitting import fitting_saw_no_test_row
from gatecast.evaluation.audit.leaking import future_moves_nothing, other_series_move_nothing, past_covariates_end
from gatecast.evaluation.audit.newest import newest_row_moves_step_one
from gatecast.evaluation.audit.planned import future_covariates_are_aligned
from gatecast.evaluation.audit.results import THOROUGHLY, Audit, AuditOptions, Check
from gatecast.evaluation.audit.streaming import stream_equals_batch
from gatecast.evaluation.audit.subject import Refit, Subject
from gatecast.forecast import Forecaster

# Fitting last: `refit` may be the audited forecaster's own fit.
_CHECKS: tuple[Callable[[Subject], Check], ...] = (
    future_moves_nothing,
    newest_row_moves_step_one,
    past_covariates_end,
    future_covariates_are_aligned,
    batch_changes_nothing,
    other_series_move_nothing,
    carried_state_does_not_drift,
    stream_equals_batch,
    fitting_saw_no_test_row,
)


def audit_forecaster(  # noqa: PLR0913 - what is judged, on what, and two things that have defaults
    forecaster: Forecaster,
    panel: Panel,
    origins: Origins,
    horizon: int,
    learnt: Int64[np.ndarray, " series"],
    *,
    refit: Refit | None = None,
    options: AuditOptions = THOROUGHLY,
) -> Audit:
    """Let a forecaster, already fitted, prove that its scores can be trusted.

    It knows the forecaster by the `Forecaster` protocol alone; two checks ask for `Stateful` and `Streamable`.

    Args:
        forecaster: the net, a baseline, or anybody's model.
        panel: the table.
        origins: where its forecasts are scored; a few of them are looked at.
        horizon: rows to forecast.
        learnt: it has learnt from rows `[0, learnt[i])` of each series `i`, and the rest is the test part.
        refit: fits another one like it on a panel and the `learnt` of it, always with the same seed.
        options: how much is looked at, and which failures are expected.

    Raises:
        OptionError: there is no origin; or the forecaster returns other windows than asked for, NaN or infinity.
    """
    if not len(origins):
        raise OptionError("an audit needs origins to forecast from, got none. Take them from rolling_origins.")
    subject = Subject(forecaster, panel, origins, horizon, learnt, refit, options)
    checks = [check(subject) for check in _CHECKS]
    return Audit(
        forecaster.name, horizon, tuple(replace(check, expected=check.name in options.expected) for check in checks)
    )
