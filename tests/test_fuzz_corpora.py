"""The inputs that fuzzing has found and kept, one by one; no fuzzer is needed for that."""

import random
from pathlib import Path

import pytest

from fuzz import artifact, csv, settings
from fuzz.places import corpus, folder, words
from gatecast.artifact import MANIFEST, WEIGHTS
from gatecast.errors import GatecastError
from gatecast.workflow.options import all_settings
from gatecast.workflow.runs import load_without_table

TARGETS = {"csv": csv, "settings": settings, "artifact": artifact}
KEPT = [(target, path) for target in TARGETS for path in corpus(target)]
MOST_BYTES = 300_000


@pytest.mark.parametrize(("target", "path"), KEPT, ids=[f"{target}-{path.name}" for target, path in KEPT])
def test_a_kept_input_is_taken_or_refused_as_it_should(target: str, path: Path) -> None:
    TARGETS[target].one(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept_is_small(target: str) -> None:
    assert 0 < sum(path.stat().st_size for path in corpus(target)) < MOST_BYTES


def test_some_kept_models_are_loaded_so_that_the_corpus_is_of_this_schema() -> None:
    assert sum(loads(path.read_bytes()) for path in corpus("artifact")) >= 4


def loads(data: bytes) -> bool:
    for name, content in zip((MANIFEST, WEIGHTS), artifact.mended(*artifact.unpack(data)), strict=True):
        (folder("artifact") / name).write_bytes(content)
    try:
        load_without_table(folder("artifact"))
    except GatecastError:
        return False
    return True


def test_every_setting_is_a_word_of_the_dictionary() -> None:
    assert {name.encode() for name in all_settings()} <= set(words("settings"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_seed_changes_an_input_alike_and_within_its_limit(target: str) -> None:
    def as_it_is(data: bytes, most: int) -> bytes:
        return data[:most]

    changed = set()
    for seed in range(200):
        data = random.Random(seed).choice(corpus(target)).read_bytes()  # noqa: S311 - inputs, not secrets
        found = TARGETS[target].mutate(as_it_is, data, 2000, seed)
        assert found == TARGETS[target].mutate(as_it_is, data, 2000, seed)
        assert len(found) <= 2000
        changed.add(found)
    assert len(changed) > 50


def test_a_wrong_answer_of_a_target_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "as_toml", lambda _: "horizon = 13")
    with pytest.raises(AssertionError, match="horizon = 13"):
        settings.one(b"ahorizon = 12")
