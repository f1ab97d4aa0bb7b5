"""Model folders, broken and hostile: each is refused with its remedy, runs nothing, and takes little time or memory."""

import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ledger import Ledger
from model_abuses import ACCIDENTS, BOMBS, FILES, HEADERS, MANIFESTS, TENSORS, Bomb, put
from model_makers import alter, forecasts, net, put_weights, saved
from trying import tried

from gatecast import artifact
from gatecast.artifact import MANIFEST, WEIGHTS, load, reading, save
from gatecast.errors import ArtifactError
from gatecast.saved import header_of

BOOK = Ledger("Model folders")
REFUSED = BOMBS | FILES | ACCIDENTS | HEADERS | TENSORS | MANIFESTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path)


def refused(folder: Path, load: Callable[[Path], object] = load) -> str:
    """What is said of a folder, which is an ArtifactError with a remedy."""
    outcome = tried(lambda: load(folder), folder.parent)
    assert "train again" in outcome.refused()
    assert isinstance(outcome.refusal, ArtifactError)
    return outcome.message


def test_the_bomb_of_the_next_test_goes_off_when_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "canary")))  # noqa: S301 - that is the point
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("abuse", REFUSED)
def test_an_abused_model_is_refused_with_its_remedy_and_runs_nothing(folder: Path, abuse: str) -> None:
    REFUSED[abuse](folder)
    said = refused(folder)
    BOOK.enter(abuse, f"refused: {several({said}) if abuse in BOMBS else said}")  # a bomb is as long as its path
    assert not (folder.parent / "canary").exists()


def several(said: set[str]) -> str:
    """What was said of many files alike, numbers left out."""
    return " Or: ".join(sorted({re.sub(r"\b\d[\d,]*\b", "N", each) for each in said}))


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_a_file_cut_off_anywhere_is_refused(folder: Path, name: str) -> None:
    whole, said = (folder / name).read_bytes(), set()
    for kept in range(20):
        (folder / name).write_bytes(whole[: len(whole) * kept // 20])
        said.add(refused(folder))
    BOOK.enter(f"{name} cut off, at every 5 %", f"refused: {several(said)}")


def test_weights_cut_off_anywhere_are_refused_also_where_the_manifest_was_made_to_fit(folder: Path) -> None:
    whole, said = (folder / WEIGHTS).read_bytes(), set()
    for kept in range(20):
        put_weights(folder, whole[: len(whole) * kept // 20])
        said.add(refused(folder))
    BOOK.enter(f"{WEIGHTS} cut off, at every 5 %, and sums made to fit", f"refused: {several(said)}")


def test_a_header_cut_off_at_each_of_its_bytes_is_refused(folder: Path) -> None:
    whole, said = (folder / WEIGHTS).read_bytes(), set()
    length = int.from_bytes(whole[:8], "little")
    for kept in range(8 + length):
        for data in (whole[:kept], max(kept - 8, 0).to_bytes(8, "little") + whole[8:]):
            said.add(tried(lambda data=data: header_of(data)).refused())
    BOOK.enter("the header of the weights cut off, or said to end, at each of its bytes", f"refused: {several(said)}")


# What is harmless is read


def beside(folder: Path) -> None:
    (folder / "model.pt").write_bytes(pickle.dumps(Bomb(folder.parent / "canary")))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(folder.parent / "canary")))


def linked(folder: Path) -> None:
    for name in (MANIFEST, WEIGHTS):
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(folder.parent / name)


def linked_whole(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


HARMLESS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickles beside the model, under names that others load": (beside, "the model; no other file is looked at"),
    "both files are links to files elsewhere": (linked, "the model: links are followed"),
    "the folder is a link": (linked_whole, "the model: links are followed"),
    "series named ../../etc/passwd and a zero byte": (
        lambda folder: alter(folder, lambda tree: tree.update(ids=["../../etc/passwd", "\0"])),
        "the model: names are words, and no file is named by them",
    ),
    "series that differ by their capitals alone": (
        lambda folder: alter(folder, lambda tree: tree.update(ids=["shop", "Shop"])),
        "the model, with two series",
    ),
    "a table named ../../etc/passwd": (
        lambda folder: alter(folder, lambda tree: put(tree, {"name": "../../etc/passwd"}, "about", "data")),
        "the model: the name is shown, and not opened",
    ),
}


@pytest.mark.parametrize("abuse", HARMLESS)
def test_what_is_harmless_is_read_and_forecasts_the_same(folder: Path, abuse: str) -> None:
    change, told = HARMLESS[abuse]
    change(folder)
    forecaster, _ = tried(lambda: load(folder), folder.parent).accepted()
    np.testing.assert_array_equal(forecaster.network_.state_dict()["decoder.context.bias"], weights())
    assert not (folder.parent / "canary").exists()
    BOOK.enter(abuse, f"read: {told}")


def weights() -> np.ndarray:
    return net().network_.state_dict()["decoder.context.bias"].numpy()


# A folder that nobody may read, or that changes meanwhile


def load_as_nobody(folder: Path) -> object:
    """Load without the rights of root, where the tests have them."""
    mighty = os.geteuid() == 0
    if mighty:
        os.seteuid(65_534)
    try:
        return load(folder)
    finally:
        if mighty:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_a_file_that_may_not_be_read_is_told_of(folder: Path, name: str) -> None:
    for part in (folder, *folder.parents):  # what pytest makes is for its owner alone
        if part.name.startswith("pytest-of-") or any(above.name.startswith("pytest-of-") for above in part.parents):
            part.chmod(0o755)
    (folder / name).chmod(0)
    BOOK.enter(f"{name} without the right to read it", f"refused: {refused(folder, load_as_nobody)}")


def test_a_model_saved_anew_between_its_two_files_is_never_mixed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = reading.read_manifest

    def then_saved_anew(path: Path) -> artifact.Manifest:
        manifest = read(path)
        with monkeypatch.context() as patch:
            patch.setattr(reading, "read_manifest", read)
            save(net(seed=1), folder)
        return manifest

    monkeypatch.setattr(reading, "read_manifest", then_saved_anew)
    BOOK.enter("another model is saved there after the manifest was read", f"refused: {refused(folder)}")
    monkeypatch.undo()
    np.testing.assert_array_equal(forecasts(load(folder)[0]), forecasts(net(seed=1)))


def test_a_file_that_grows_while_it_is_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = os.fstat

    def then_grown(handle: int) -> os.stat_result:
        found = looked(handle)
        with (folder / MANIFEST).open("ab") as file:
            file.write(b" " * 100)
        return found

    monkeypatch.setattr("gatecast.saved.os.fstat", then_grown)
    BOOK.enter(f"{MANIFEST} grows while it is read", f"refused: {refused(folder)}")


@pytest.mark.parametrize("name", ["a\0b", "no/such/folder", ""])
def test_a_place_without_a_model_is_told_of(tmp_path: Path, name: str) -> None:
    said = tried(lambda: load(tmp_path / name), tmp_path).refused()
    BOOK.enter(f"a folder named {name!r} without a model", f"refused: {said}")
