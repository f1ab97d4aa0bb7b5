"""Model folders: any two files are loaded or refused, and what is loaded forecasts, and is saved as the same.

An input is one byte of help, the length of model.json in four bytes, model.json, and the weights.  A file that was
altered does not get past its seal, so the target mends what the byte asks for: `SEALED`, `HASHED`, `HEADER`.
"""

import hashlib
import json
import random
from typing import Any

import msgspec
import numpy as np
import polars as pl

from fuzz.places import BytesMutation, folder, words
from gatecast.artifact import MANIFEST, WEIGHTS
from gatecast.data.frequency import Frequency
from gatecast.errors import GatecastError
from gatecast.forecaster import RecurrentForecaster
from gatecast.saved import seal
from gatecast.workflow import Model
from gatecast.workflow.runs import load_without_table, save

SEALED, HASHED, HEADER = 1, 2, 4  # mend the seal; the sha256 of the weights; the weights are a header without numbers
ROWS, MOST_STEP, MOST_ZEROS = 40, 100, 1 << 16


def one(data: bytes) -> None:
    """Load one model folder.

    Raises:
        AssertionError: its forecast has another shape, or it is not what is loaded again once it is saved.
    """
    manifest, weights = mended(*unpack(data))
    (folder("artifact") / MANIFEST).write_bytes(manifest)
    (folder("artifact") / WEIGHTS).write_bytes(weights)
    try:
        model = load_without_table(folder("artifact"))
    except GatecastError:
        return
    _same_again(model)
    _forecasts(model)


def unpack(data: bytes) -> tuple[int, bytes, bytes]:
    """What help an input gets, model.json, and the weights."""
    end = 5 + int.from_bytes(data[1:5], "little")
    return data[0] if data else 0, data[5:end], data[end:]


def pack(help_: int, manifest: bytes, weights: bytes) -> bytes:
    """An input of these parts."""
    return bytes([help_]) + len(manifest).to_bytes(4, "little") + manifest + weights


def mended(help_: int, manifest: bytes, weights: bytes) -> tuple[bytes, bytes]:
    """The two files, with what help they get; a manifest that is no JSON gets none."""
    if help_ & HEADER:
        weights = len(weights).to_bytes(8, "little") + weights + bytes(_end_of_numbers(weights))
    try:
        tree = json.loads(manifest)
        facts = {"weights_sha256": hashlib.sha256(weights).hexdigest(), "weights_bytes": len(weights)}
        tree |= {name: value for name, value in facts.items() if help_ & HASHED and name in tree}
        old = str(tree["seal"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return manifest, weights
    written = json.dumps(tree).encode() if help_ & HASHED else manifest
    return (seal(written, old) if help_ & SEALED and old else written), weights


def _end_of_numbers(header: bytes) -> int:
    """The bytes that a header says its tensors have, if they are not too many."""
    try:
        ends = [int(each["data_offsets"][1]) for name, each in json.loads(header).items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        return 0
    return max((end for end in ends if 0 <= end <= MOST_ZEROS), default=0)


def _same_again(model: Model) -> None:
    """What is saved is what is loaded."""
    again = load_without_table(save(model, folder("artifact") / "again"))
    for before, after in ((model, again), (model.forecaster, again.forecaster)):
        assert _facts(before) == _facts(after)
    weights = again.forecaster.network_.state_dict()
    for name, weight in model.forecaster.network_.state_dict().items():
        assert weight.equal(weights[name]), name


def _facts(of: Model | RecurrentForecaster) -> tuple[Any, ...]:
    """What is no weight; the options as they were written may differ by the space between them."""
    if isinstance(of, RecurrentForecaster):
        fitted = of.fitted_
        scalings = [(each.centre.tolist(), each.scale.tolist()) for each in (fitted.scaling, fitted.static_scaling)]
        return of.config, fitted.columns, fitted.frequency, fitted.ids, scalings
    return of.options, of.season, of.calibration, msgspec.structs.replace(of.about, asked=msgspec.Raw(b"{}"))


def _forecasts(model: Model) -> None:
    """A small table is forecast, or refused."""
    try:
        found = model.predict(_table(model))
        model.test_part(found.panel)
    except GatecastError:
        return
    assert found.forecast.mean.shape == (len(found.panel.ids), model.horizon, len(found.panel.columns.target))


def _table(model: Model) -> pl.DataFrame:
    """A table with the columns of the model."""
    columns, frequency = model.forecaster.fitted_.columns, model.forecaster.fitted_.frequency
    cells = dict.fromkeys(columns.channels, np.sin(np.arange(ROWS))) | dict.fromkeys(columns.static, np.ones(ROWS))
    cells |= {name: np.array((*words, "none")[:1] * ROWS) for name, words in columns.categories.items()}
    cells |= {name: np.full(ROWS, "a new series") for name in (columns.id,) if name is not None}
    if columns.time is not None:
        step = frequency if frequency.unit != "row" and frequency.multiple < MOST_STEP else Frequency("h")
        cells[columns.time] = step.steps_from(np.datetime64("2024-01-01", "us"), ROWS)
    return pl.DataFrame(cells)


def mutate(change_bytes: BytesMutation, data: bytes, most: int, seed: int) -> bytes:
    """The help, a value of model.json or of the header, or bytes of either file change."""
    draw = random.Random(seed)  # noqa: S311 - inputs, not secrets
    help_, manifest, weights = unpack(data)
    chance = draw.random()
    if chance < 0.1:
        help_ = draw.randrange(8)
    elif chance < 0.2:
        manifest = change_bytes(manifest, max(most // 2, 1))
    elif chance < 0.3:
        weights = change_bytes(weights, max(most // 2, 1))
    elif chance < 0.45 and help_ & HEADER:
        weights = _with_another_value(draw, weights)
    else:
        manifest = _with_another_value(draw, manifest)
    return pack(help_, manifest, weights)[:most]


def _with_another_value(draw: random.Random, text: bytes) -> bytes:
    """JSON in which a value, or two, is another one."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for _ in range(draw.randint(1, 2)):
        _change(draw, tree)
    return json.dumps(tree).encode()


def _change(draw: random.Random, tree: Any) -> None:  # noqa: ANN401 - any JSON
    """Go down to a value, by chance, and put another in its place."""
    while isinstance(tree, dict | list) and tree:
        key = draw.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        inner = tree[key]
        if isinstance(inner, dict | list) and inner and draw.random() < 0.9:
            tree = inner
            continue
        if draw.random() < 0.1:
            del tree[key]
        else:
            tree[key] = draw.choice((_word(draw), _word(draw), [inner], [inner, inner], inner, [], {}))
        return


def _word(draw: random.Random) -> Any:  # noqa: ANN401
    """A value of the dictionary."""
    return json.loads(draw.choice(words("artifact")))
