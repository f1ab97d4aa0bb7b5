"""model.json: what it holds, and reading it with every check that needs nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from safetensors import SafetensorError

from gatecast.data.calendar import Frequency
from gatecast.data.columns import Columns, Guess
from gatecast.errors import ArtifactError, GatecastError
from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import ForecasterConfig
from gatecast.saved import read_file, seal, without_repeats

SCHEMA = 1
MANIFEST, WEIGHTS = "model.json", "weights.safetensors"
MOST_MANIFEST_BYTES = 48 * 2**20  # names and scales of half a million series
MOST_FACTS_BYTES = 4 * 2**20  # of a manifest, without what it has for each series
REMEDY = "Copy the whole model folder again, or train again."


class About(Struct, frozen=True):
    """Where a model comes from: facts for people, which loading does not depend on.

    Attributes:
        versions: of gatecast, torch and Python.
        data: fingerprint of the table, its file name and its size.
        guesses: what was decided because nobody said it.
        asked: what the user asked for, as `workflow.options` reads it.
        season: rows of one season in the scores.
        scores: MASE of the net and of each baseline on the test part.
        seen_until: the time of the first row that neither training nor the choice of weights has seen; empty without
            dates.
        seen_rows: without dates, how many rows of each series they have seen.
    """

    versions: dict[str, str] = {}
    data: dict[str, str] = {}
    guesses: tuple[Guess, ...] = ()
    asked: msgspec.Raw = msgspec.Raw(b"{}")
    season: int = 1
    scores: dict[str, float] = {}
    seen_until: str = ""
    seen_rows: dict[str, int] = {}


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """model.json; `seal` is the sha256 of the file as it is while the seal is all zeros."""

    schema: int
    seal: str
    columns: Columns
    frequency: Frequency
    config: ForecasterConfig
    ids: tuple[str, ...]
    centre: tuple[tuple[float, ...], ...]
    scale: tuple[tuple[float, ...], ...]
    static_centre: tuple[float, ...]
    static_scale: tuple[float, ...]
    weights_sha256: str
    weights_bytes: int
    about: About = About()
    calibration: Calibration | None = None


@contextmanager
def told(what: str) -> Iterator[None]:
    """Whatever is wrong is said in one line, with `what` before it and the remedy after it."""
    try:
        yield
    except (GatecastError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        why = str(error).partition("\n")[0].replace(". - at", " - at").rstrip(".")  # torch adds where in its sources
        raise ArtifactError(f"{what}: {why}. {REMEDY}") from error


def read_manifest(path: Path) -> Manifest:
    """Read and check model.json alone."""
    file = path / MANIFEST
    raw = read_file(file, MOST_MANIFEST_BYTES, REMEDY)
    with told(f"{file} is not a model description"):
        schema = msgspec.json.decode(raw, type=_Schema).schema
    if schema != SCHEMA:
        raise ArtifactError(
            f"{file} has schema {schema}, and this gatecast reads schema {SCHEMA}: load it with the version that wrote "
            f"it, or train again."
        )
    with told(f"{file} is not a model description"):
        _check_keys(raw)
        manifest = msgspec.json.decode(raw, type=Manifest)
    if seal(raw, manifest.seal) != raw:
        raise ArtifactError(f"{file} was altered after it was written (its sha256 differs from its seal). {REMEDY}")
    return manifest


class _Schema(Struct):
    schema: int


class _LongAbout(Struct, frozen=True):
    seen_rows: msgspec.Raw = msgspec.Raw(b"")


class _Long(Struct, frozen=True):
    """What a manifest has for each series, unread."""

    ids: msgspec.Raw = msgspec.Raw(b"")
    centre: msgspec.Raw = msgspec.Raw(b"")
    scale: msgspec.Raw = msgspec.Raw(b"")
    about: _LongAbout = _LongAbout()


def _check_keys(raw: bytes) -> None:
    """Refuse a key that stands there twice; what there is for each series is left out, for memory's sake."""
    long = msgspec.json.decode(raw, type=_Long)
    for part in (long.ids, long.centre, long.scale, long.about.seen_rows):
        if len(part) > MOST_FACTS_BYTES // 64:
            raw = raw.replace(bytes(part), b"0", 1)
    if len(raw) > MOST_FACTS_BYTES:
        raise ArtifactError(
            f"without what it has for each series it has {len(raw):,} bytes, more than the {MOST_FACTS_BYTES:,} it may"
        )
    json.loads(raw, object_pairs_hook=without_repeats)
