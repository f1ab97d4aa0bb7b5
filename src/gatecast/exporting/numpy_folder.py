"""The export that needs numpy alone: forecast.py, which is `runtime.py` as it stands, weights.npz and model.json."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.exporting import runtime
from gatecast.exporting.facts import as_json, describe, weights_of
from gatecast.exporting.probing import Probe, Told, check_same, difference, lengths, probe, told_by_gatecast
from gatecast.exporting.runtime import Forecaster
from gatecast.workflow.model import Model

SCRIPT, WEIGHTS, MODEL = "forecast.py", "weights.npz", "model.json"


def numpy_files(model: Model) -> dict[str, bytes]:
    """The files by their names, once they forecast as the model does.

    Raises:
        ArtifactError: they do not.
    """
    facts = json.loads(as_json(describe(model.forecaster, model.calibration)))  # what will be read
    weights = weights_of(model.forecaster)
    worst, shapes = 0.0, list[dict[str, int]]()
    for batch, rows in zip((1, 3), lengths(model.forecaster), strict=True):
        made = probe(model.forecaster, batch, rows)
        theirs = told_by_gatecast(model.forecaster, model.calibration, made, [rows // 2, rows])
        ours = [told_by_runtime(facts, weights, made, end) for end in (rows // 2, rows)]
        worst = max(worst, *(difference(model.forecaster, made, *each) for each in zip(ours, theirs, strict=True)))
        shapes.append({"batch": batch, "rows": rows})
    check_same("the runtime of numpy alone", worst)
    facts["check"] = {"difference": worst, "shapes": shapes}
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **weights)
    script = Path(runtime.__file__).read_bytes()
    return {SCRIPT: script, WEIGHTS: archive.getvalue(), MODEL: as_json(facts)}


def told_by_runtime(facts: dict[str, Any], weights: dict[str, np.ndarray], made: Probe, end: int) -> Told:
    """What the runtime forecasts after so many rows."""
    columns, found = facts["columns"], list[runtime.Forecast]()
    names = list(facts["series"])
    for member, number in enumerate(made.series.tolist()):
        forecaster, name = Forecaster(facts, weights), names[number]
        forecaster.begin(name, static=_words(columns, columns["static"], made.static[member]))
        targets = len(columns["target"])
        for time, row in zip(made.times[:end].tolist(), made.values[member], strict=False):
            covariates = _words(columns, facts["channels"][targets:], row[targets:])
            forecaster.observe(name, forecaster.clock.shown(time), row[:targets].tolist(), covariates)
        ahead = [_words(columns, columns["future"], row) for row in made.future[member]]
        future = {each: [row[each] for row in ahead] for each in columns["future"]}
        found.append(forecaster.forecast(name, future=future))
    return Told(np.stack([each.mean for each in found]), np.stack([each.quantiles for each in found]))


def _words(columns: dict[str, Any], names: list[str], row: np.ndarray) -> dict[str, object]:
    """Values by their names, words in the place of codes; a word that nobody knows has the code 0."""
    told: dict[str, object] = {}
    for name, value in zip(names, row.tolist(), strict=True):
        words = columns["categories"].get(name)
        told[name] = value if words is None or np.isnan(value) else ["", *words][int(value)] or "a word unknown"
    return told
