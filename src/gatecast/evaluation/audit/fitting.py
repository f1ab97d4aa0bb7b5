"""Fitting must not see the test part: neither its scalers, nor its choices, nor its stopping."""

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, rolling_origins
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.changes import changed
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Answer, Refit, Subject, attempt, values_of

POISON = 1e9


def fitting_saw_no_test_row(subject: Subject) -> Check:
    """A fit on the panel with a poisoned test part gives the same forecasts, bit by bit, before the test part."""
    panel, learnt, refit = subject.panel, subject.learnt, subject.refit
    if refit is None:
        return skipped("fitting", "nobody said how to fit it again; give refit=, a function of a panel and its ends.")
    origins = rolling_origins(np.zeros_like(learnt), learnt, subject.horizon, subject.horizon, subject.options.cutoffs)
    if not len(origins) or (learnt == panel.lengths).all():
        return skipped("fitting", "there is no test part, or no room for a forecast before it.")
    poisoned = changed(panel, learnt, changes.filled(POISON), changes.unknown(panel))
    clean = _fit_and_ask(subject, refit, panel, origins)
    if clean.error:
        return skipped("fitting", f"fitting it again raised {clean.error}")
    apart = subject.apart(origins, clean, _fit_and_ask(subject, refit, poisoned, origins))
    moved = int((apart > 0).sum())
    measured = numbers(windows=len(origins), moved=moved, largest=apart.max())
    if not moved:
        return passed("fitting", measured, f"A fit on a test part of {POISON:g} forecasts the same, bit by bit.")
    if (subject.apart(origins, clean, _fit_and_ask(subject, refit, panel, origins)) > 0).any():
        return skipped("fitting", "two fits on the same table differ, so nothing can be told from a third; seed them.")
    meaning = (
        f"{moved} of {len(origins)} windows before the test part move when the test part is {POISON:g} "
        f"while fitting: it was learnt from. Fit scalers on the training part, and choose and stop by the validation "
        f"part."
    )
    return failed("fitting", measured, meaning)


def _fit_and_ask(subject: Subject, refit: Refit, panel: Panel, origins: Origins) -> Answer:
    """The forecasts, always of the sound panel, of a forecaster fitted on another."""
    ends = subject.learnt.copy()
    return attempt(lambda: values_of(refit(panel, ends).forecast(subject.panel, origins, subject.horizon)))
