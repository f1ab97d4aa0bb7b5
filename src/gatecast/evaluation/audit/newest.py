"""The newest row must reach the first step of the forecast.

A direct forecaster reads every step of the horizon from the state at the cutoff.  One that reads step k from the state
k steps into the horizon's shadow (at row T - h + k) makes its one-step forecast without the last h - 1 observations: it
looks like a forecast, and is h - 1 rows late.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gatecast.data.splits import Origins
from gatecast.evaluation.audit import changes
from gatecast.evaluation.audit.results import Check, failed, numbers, passed, skipped
from gatecast.evaluation.audit.subject import Answer, Subject

HARDLY = 0.01


def newest_row_moves_step_one(subject: Subject) -> Check:
    """Adding one spread of the series to the last observed row moves the first step of the forecast."""
    firsts, responses = [], []
    for moment in subject.moments:
        answer, size, seen = _moved(subject, moment.origins)
        gap = np.abs(answer.values - moment.answer.values)[seen]  # (W, H, targets, outputs)
        firsts.append(_first((gap > 0).any(axis=(2, 3))))
        responses.append((gap[:, 0, :, 0] / size[seen]).max(axis=1))
    first, response = np.concatenate(firsts), np.concatenate(responses)
    if not len(first):
        return skipped("newest_row", "the newest row of every window is missing.")
    measured = numbers(
        windows=len(first),
        moved=(first == 1).sum(),
        first_step_moved=first[first > 0].min() if first.any() else 0,
        response=np.median(response),
    )
    if (first == 1).all():
        meaning = f"A change of the newest row changes step 1 by {measured['response']:.2g} of its size (median)."
        if measured["response"] < HARDLY:
            meaning += " That is next to nothing: the forecast hardly looks at it."
        return passed("newest_row", measured, meaning)
    return failed("newest_row", measured, _lesson(measured))


def _lesson(measured: dict[str, float]) -> str:
    if not measured["first_step_moved"]:
        return (
            "No step moves: the forecast does not use the newest row. Of a seasonal naive forecast, or a net that "
            "found nothing better, this is expected; of any other model, look for windows that end too early."
        )
    if not measured["moved"]:
        return (
            f"Step {measured['first_step_moved']:.0f} is the first to move: step 1 has not seen the newest row. Read "
            f"every step from the state at the cutoff. Of a seasonal naive forecast this is expected."
        )
    return (
        f"In {measured['windows'] - measured['moved']:.0f} of {measured['windows']:.0f} windows step 1 does not move: "
        f"there the forecast does not use the newest row. Look for strides, patches and rounding."
    )


def _moved(
    subject: Subject, origins: Origins
) -> tuple[Answer, Float64[np.ndarray, "windows targets"], Bool[np.ndarray, " windows"]]:
    """The forecasts after the change, how large it was, and in which windows the newest row was observed."""
    panel = subject.panel
    rows = panel.offsets[origins.series] + origins.position - 1
    newest = panel.targets[rows]
    # A spread, or what float32 can tell from the level.
    size = np.maximum(subject.spread[origins.series], np.nan_to_num(np.abs(newest)) * 2.0**-20)
    panel = changes.with_rows(panel, rows, changes.targets(panel), (newest + size).astype(np.float32))
    return subject.forecasts(panel, origins), size, np.isfinite(newest).any(axis=1)


def _first(moved: np.ndarray) -> Int64[np.ndarray, " windows"]:
    """The first step that moved in each window, counted from 1; 0 where none did."""
    return np.where(moved.any(axis=1), moved.argmax(axis=1) + 1, 0)
