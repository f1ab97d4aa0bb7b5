"""`audit`: can the scores of a forecaster be trusted, whoever made it?"""

from typing import Any

from gatecast.data.columns import GUESS_EVERYTHING, TableOptions
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.sources import Source
from gatecast.data.splits import scoring_origins, split_by_time
from gatecast.errors import OptionError
from gatecast.evaluation.audit import THOROUGHLY, Audit, AuditOptions, Refit, audit_forecaster
from gatecast.forecast import Forecaster
from gatecast.workflow.model import Model


def audit(
    subject: Any,  # noqa: ANN401 - a Model or a Forecaster; what is neither is refused
    data: Source | Panel | None = None,
    *,
    horizon: int | None = None,
    table: TableOptions = GUESS_EVERYTHING,
    refit: Refit | None = None,
    options: AuditOptions = THOROUGHLY,
) -> Audit:
    """Check whether the scores of a model can be trusted: that it reads no future, and nothing it will not have.

    Args:
        subject: a model of `fit` or `load`; or any fitted forecaster: an object with `name` and
            `forecast(panel, origins, horizon)`, as `gatecast.Forecaster` describes.
        data: the table; of a model, by default the one it was fitted on.
        horizon: rows to forecast, for a forecaster; a model knows its own.
        table: how the table is read, for a forecaster.
        refit: fits another forecaster like it, seeded the same: called with a panel and, for each series, the number of
            rows it may learn from, which are the first four fifths.  A model knows by itself.
        options: how much is looked at, and which failures are expected.

    Raises:
        OptionError: the subject is neither, something is missing, or the forecaster returns no sound forecast.
        InputError: the table cannot be used.
    """
    if isinstance(subject, Model):
        if horizon is not None or table != GUESS_EVERYTHING or refit is not None:
            raise OptionError("a model knows its own horizon, columns and fit: give no horizon=, table= or refit=.")
        return subject.audit(data, options)
    if not isinstance(subject, Forecaster):
        raise OptionError(
            f"audit takes a model, or a forecaster with a name and forecast(panel, origins, horizon); got "
            f"{type(subject).__name__}, which has not both."
        )
    if data is None or horizon is None:
        raise OptionError(f"the audit of a forecaster such as {subject.name} needs a table and horizon=; give both.")
    panel = data if isinstance(data, Panel) else load_panel(data, table)[0]
    split = split_by_time(panel, horizon)
    origins = scoring_origins(split.validation_end, split.test_end, horizon)
    return audit_forecaster(subject, panel, origins, horizon, split.validation_end, refit=refit, options=options)
