"""A file is the old version or the new one, never half of one; folders last, and leavings are swept."""

import copy
import errno
import os
import stat
from pathlib import Path

import pytest

from gatecast.errors import DiskError, GatecastError
from gatecast.files import temporary_beside, write_atomic, writing
from gatecast.folders import make_folder, new_folder, sweep


def test_the_new_version_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomic(path, b"old")
    write_atomic(path, b"new\x00\xff")
    assert path.read_bytes() == b"new\x00\xff"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_half_way_leaves_the_old_version_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "run.json"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[broken], fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new" * 1000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_bytes_reach_the_disk_before_the_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def seen_replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    write_atomic(tmp_path / "x", b"1")
    assert order == ["file", "rename", "folder"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"1")
    write_atomic(tmp_path / "atomic", b"1")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_long_name_still_finds_a_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / ("ñ" * 125)
    write_atomic(path, b"1")
    assert path.read_bytes() == b"1"


def test_a_missing_folder_is_an_error_and_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"absent/x cannot be written: No such file .* Make its folder first, or"):
        write_atomic(tmp_path / "absent" / "x", b"1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "Make room"), (errno.EROFS, "See to the rights"), (errno.EIO, "See to the disk")],
)
def test_what_a_disk_says_no_with_names_the_file_and_the_remedy(tmp_path: Path, number: int, remedy: str) -> None:
    hidden = str(temporary_beside(tmp_path / "run.json"))
    for error in (OSError(number, os.strerror(number)), OSError(number, os.strerror(number), hidden)):
        with pytest.raises(GatecastError) as refused, writing(tmp_path / "run.json", Path(hidden)):
            raise error
        assert str(refused.value).startswith(f"{tmp_path}/run.json cannot be written: {os.strerror(number)}. {remedy}")
        assert str(copy.copy(refused.value)) == str(refused.value)
        assert isinstance(refused.value, OSError)
        assert refused.value.errno == number


def test_trouble_with_another_file_is_not_put_down_to_the_one_that_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "out.csv"):
        (tmp_path / "in.csv").read_text()


def test_each_new_folder_is_flushed_in_the_one_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(Path(f"/proc/self/fd/{handle}").resolve().name))
    make_folder(tmp_path / "a" / "b")
    if Path("/proc/self/fd").exists():
        assert flushed == [tmp_path.name, "a"]
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"file cannot be written: Not a directory. Give another name"):
        make_folder(tmp_path / "file")


def test_only_what_killed_processes_have_left_is_swept(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in ("a", ".hidden", ".notes.tmp")]
    for path in (*kept, temporary_beside(tmp_path / "a"), temporary_beside(tmp_path / "b")):
        path.touch()
    sweep(tmp_path)
    sweep(tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def make_another(path: Path) -> None:
    with new_folder(path):
        pass


def test_a_folder_made_anew_takes_away_its_own_leavings_and_nobody_elses(tmp_path: Path) -> None:
    left, other = temporary_beside(tmp_path / "parts"), temporary_beside(tmp_path / "more")
    for folder in (left, other):
        folder.mkdir()
        (folder / "0.spool").touch()
    with new_folder(tmp_path / "more") as at_work:
        assert not other.exists()
        make_another(tmp_path / "more")
        assert at_work.exists(), "somebody is at work in it"
        (tmp_path / "more").rmdir()
    assert left.exists()
    with new_folder(tmp_path / "parts"):
        pass
    assert not left.exists()


def test_a_name_in_a_refusal_of_the_disk_cannot_act_on_a_terminal() -> None:
    said = str(DiskError(28, "No space left on device", "a\x1b[2J\nb"))
    assert said.startswith(r"a\x1b[2J\nb cannot be written: No space left on device. Make room")
