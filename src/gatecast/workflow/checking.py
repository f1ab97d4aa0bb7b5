"""The audit of our own net: how it is fitted again, and which failure to expect of it."""

import numpy as np
from jaxtyping import Int64
from msgspec import structs

from gatecast.data.panel import Panel, some_series
from gatecast.data.splits import Origins, Split, evenly
from gatecast.evaluation.audit import Audit, AuditOptions, Check, Refit, audit_forecaster
from gatecast.evaluation.baselines import SeasonalNaive
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.distributions import COUNTS
from gatecast.streaming import Streaming

BRIEFLY = AuditOptions(windows=8, drift_rows=10_000)
"""What a report can afford."""
STEPS = 2  # a scaler that saw the test part moves the first step; so does whatever looks there when choosing weights
MOST_SERIES = 16  # every forecast lays the whole panel out, so many series make an audit slow, and teach it nothing


def audit_net(
    forecaster: RecurrentForecaster,
    panel: Panel,
    origins: Origins,
    learnt: Int64[np.ndarray, " series"],
    split: Split | None,
    options: AuditOptions,
) -> Audit:
    """Audit a net on a few series; with the split of its panel also how it is fitted, by trainings of two steps."""
    config, keep = forecaster.config, evenly(np.unique(origins.series), MOST_SERIES)
    panel, origins, learnt = some_series(panel, keep), origins.of(keep), learnt[keep]
    ends = () if split is None else (split.train_end, split.validation_end, split.test_end)
    options = structs.replace(options, expected=(*options.expected, *_by_design(forecaster, panel, origins)))
    refit = _short_fit(config, Split(*(end[keep] for end in ends))) if ends else None
    audited = Streaming(forecaster)
    found = audit_forecaster(audited, panel, origins, config.horizon, learnt, refit=refit, options=options)
    return structs.replace(found, checks=tuple(_with_our_own_told(check, own=bool(ends)) for check in found.checks))


def _short_fit(config: ForecasterConfig, split: Split) -> Refit:
    """Fits as `fit` does, with fewer steps."""
    short = structs.replace(config, training=structs.replace(config.training, steps=min(STEPS, config.training.steps)))
    return lambda panel, _ends: RecurrentForecaster(short).fit(panel, split)


def _with_our_own_told(check: Check, *, own: bool) -> Check:
    """A check's meaning with what only we know of our net; `own` says that the table is the one fitted on."""
    more = check.meaning
    if check.name == "fitting" and not own:
        more = "this is another table than the one it was fitted on."
    elif check.name == "fitting" and check.status != "skipped":
        more += f" (Training was cut to {STEPS} steps for this.)"
    elif check.name == "batch" and check.verdict() == "failed as expected":
        more += " (A series that the net was not trained on is scaled by its rows before the first origin asked for.)"
    return structs.replace(check, meaning=more)


def _by_design(forecaster: RecurrentForecaster, panel: Panel, origins: Origins) -> tuple[str, ...]:
    """The checks that a net without fault may fail here."""
    whole = forecaster.config.network.loss in COUNTS  # a count jumps, or stays
    still = ("newest_row",) if whole or _is_seasonal_naive(forecaster, panel, origins) else ()
    return (*still, "batch") if set(panel.ids) - set(forecaster.fitted_.ids) else still


def _is_seasonal_naive(forecaster: RecurrentForecaster, panel: Panel, origins: Origins) -> bool:
    """Whether training found nothing better than repeating the last season, and kept that."""
    config = forecaster.config
    if config.subtract != "seasonal":
        return False
    both = (forecaster, SeasonalNaive(config.season))
    own, naive = (each.forecast(panel, origins, config.horizon).mean for each in both)
    return np.allclose(own, naive, rtol=1e-5)
