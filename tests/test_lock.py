"""The lock: every version of constraints.txt, every requirement of every extra, each with the hashes of its files."""

import hashlib
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lock

PIN = re.compile(r"^([\w.\-]+)==(\S+)")
LOCKED = lock.LOCK.read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    found = (PIN.match(line) for line in text.splitlines())
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


def test_the_lock_has_the_versions_of_the_constraints() -> None:
    wanted = pins((lock.ROOT / "constraints.txt").read_text(encoding="utf-8"))
    locked = pins(LOCKED)
    assert len(wanted) > 100
    assert {name: locked.get(name) for name in wanted} == wanted


def test_every_requirement_of_every_extra_is_locked() -> None:
    locked = pins(LOCKED)
    for text in lock.needs(*lock.extras()):
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), text


def test_every_version_has_hashes_and_nothing_comes_from_elsewhere() -> None:
    for block in re.split(r"\n(?=[a-z])", LOCKED.removeprefix(lock.HEAD).strip()):
        first, *hashes = (line.strip(" \\") for line in block.splitlines())
        assert PIN.match(first), first
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), first


def test_an_extra_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match=r"serves is no extra of gatecast; the extras are dev, .*serve, "):
        list(lock.needs("serves"))


def test_the_lines_of_one_package_stand_alone() -> None:
    first, *hashes = lock.pin("pip").splitlines()
    assert first.startswith("pip==")
    assert len(hashes) >= 2
    assert all("--hash=sha256:" in line for line in hashes)
    with pytest.raises(SystemExit, match="pi is not locked"):
        lock.pin("pi")


def test_other_bytes_than_those_locked_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "Some_Package-1.0-py3-none-any.whl"
    wheel.write_bytes(b"tested")
    locked = tmp_path / "constraints.lock"
    digest = hashlib.sha256(b"tested").hexdigest()
    locked.write_text(f"{lock.HEAD}some-package==1.0 \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setattr(lock, "LOCK", locked)
    lock.check(wheel)
    wheel.write_bytes(b"altered")
    with pytest.raises(SystemExit, match=r"Some_Package-1\.0-.*which constraints\.lock does not have"):
        lock.check(wheel)


def test_what_an_installation_needs_leaves_out_what_other_extras_need() -> None:
    core, serving = list(lock.needs()), list(lock.needs("serve"))
    assert any(text.startswith("torch") for text in core)
    assert not any(text.startswith("starlette") for text in core)
    assert set(core) < set(serving)
    assert any(text.startswith("starlette") for text in serving)


def test_a_weakness_is_asked_for_only_where_the_list_is_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.py"
    answers.write_text("import sys; print('PYSEC-2019-217'); sys.exit('constraints.lock' in sys.argv[-2])")
    monkeypatch.setattr(lock, "AUDIT", (lock.sys.executable, str(answers), "--requirement"))
    assert lock.audit() == 1, "a weak version is known to be weak, and so is what is locked"
    answers.write_text("")
    assert lock.audit() == 0
    assert "audit skipped" in capsys.readouterr().err
