"""What a release is made of: one version, whole sources, honest platforms, the licences of others, pages that agree."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import gatecast
import hatch_build
import lock
from gatecast.reporting.report import scripts

ROOT = Path(__file__).parents[1]
OF_DEVELOPERS = {"dev", "docs", "fuzz"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads(text_of("pyproject.toml"))["project"]


# One version


def test_the_version_stands_in_one_place_and_others_agree() -> None:
    assert project()["dynamic"] == ["version"]
    assert re.findall(r"^version: (.+)$", text_of("CITATION.cff"), re.MULTILINE) == [gatecast.__version__]
    assert re.fullmatch(r"\d+\.\d+\.\d+", gatecast.__version__)


def test_the_changelog_has_what_is_not_released_or_this_version_on_top() -> None:
    first = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)[0]
    assert first == "Unreleased" or re.fullmatch(rf"{re.escape(gatecast.__version__)} - \d{{4}}-\d\d-\d\d", first)


# The sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.tar.gz"))


def test_the_sources_hold_what_builds_the_package_and_no_data_or_pictures(sources: Path) -> None:
    assert sources.name == f"gatecast-{gatecast.__version__}.tar.gz"
    assert sources.stat().st_size < 2**20
    with tarfile.open(sources) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}
    kept = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert {name for name in kept.stdout.splitlines() if (ROOT / name).exists()} <= names
    assert {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "THIRD_PARTY.md", "CITATION.cff"} <= names
    endings = {Path(name).suffix for name in names}
    assert not endings & {".png", ".gif", ".csv", ".parquet", ".so", ".safetensors", ".pyc"}


def test_a_wheel_is_built_from_the_unpacked_sources_alone(sources: Path, tmp_path: Path) -> None:
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    environment = os.environ | {"PATH": "", "CXX": ""}  # without a compiler, which tests/test_wheel.py tries
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "dist"]
    done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/gatecast").rglob("*.py")}
    assert own <= names
    assert {
        "gatecast/reporting/report.html.j2",
        "gatecast/showing/card.html.j2",
        "gatecast/reporting/report.css",
    } <= names
    assert {Path(name).name for name in names if "/licenses/" in name} == {"LICENSE", "THIRD_PARTY.md"}


# Platforms


@pytest.mark.parametrize(
    ("asked", "platform"),
    [
        (b"GLIBC_2.2.5 GLIBC_2.14", "manylinux_2_17_x86_64"),
        (b"GLIBC_2.25 GLIBCXX_3.4.19", "manylinux_2_25_x86_64"),
        (b"GLIBC_2.16 GLIBCXX_3.4.30 GLIBCXX_3.4", "manylinux_2_35_x86_64"),
        (b"GLIBC_2.16 GLIBCXX_3.4.99", "linux_x86_64"),
        (b"musl", "linux_x86_64"),
    ],
)
def test_a_wheel_names_the_oldest_c_library_that_it_runs_on(
    asked: bytes, platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATECAST_TARGET", raising=False)
    monkeypatch.setattr(hatch_build.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(hatch_build.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(hatch_build.sysconfig, "get_platform", lambda: "linux-x86_64")
    (tmp_path / "one.so").write_bytes(b"\x7fELF" + asked)
    (tmp_path / "other.so").write_bytes(b"\x7fELF GLIBC_2.3" if b"GLIBC" in asked else b"")
    libraries = [tmp_path / "one.so", tmp_path / "other.so"]
    assert hatch_build.platform_of(libraries) == platform
    monkeypatch.setattr(hatch_build.platform, "libc_ver", lambda: ("glibc", "2.16"))
    assert hatch_build.platform_of(libraries) == "linux_x86_64", "pip installs here what it built here"
    monkeypatch.setenv("GATECAST_TARGET", "aarch64")
    assert hatch_build.platform_of(libraries) == platform.replace("x86_64", "aarch64")


def test_a_target_that_nothing_can_be_built_for_is_refused(tmp_path: Path) -> None:
    environment = os.environ | {"GATECAST_TARGET": "vax"}
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (
        "nothing could be built for GATECAST_TARGET=vax; the targets are x86_64 and aarch64."
        in done.stdout + done.stderr
    )
    assert list(tmp_path.glob("*.whl")) == []


# The work of others


def test_a_report_keeps_the_notice_of_bokehs_licence() -> None:
    head = scripts()["library"][:3000]
    assert "Copyright (c) Anaconda, Inc., and Bokeh Contributors" in head
    assert "Redistributions in binary form must reproduce the above copyright notice" in head
    assert "BokehJS" in text_of("THIRD_PARTY.md")


def test_every_package_that_is_asked_for_stands_with_its_licence() -> None:
    rows = re.findall(r"^\| ([\w.-]+) \| (.+) \| (.+) \|$", text_of("THIRD_PARTY.md"), re.MULTILINE)[1:]
    assert {name: needed.split(", ") for name, needed, _ in rows} == lock.asked_for()
    assert {re.match(r"[\w.-]+", line)[0] for line in project()["dependencies"]} <= {row[0] for row in rows}  # type: ignore[index]
    assert all(licence.strip() for *_, licence in rows)


# Pages


def test_the_page_on_installing_has_every_extra_and_what_it_brings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", text_of("docs/install.md"), re.MULTILINE)
    asked = {
        extra: [re.match(r"[\w.-]+", line)[0] for line in lines]  # type: ignore[index]
        for extra, lines in project()["optional-dependencies"].items()
        if extra not in OF_DEVELOPERS
    }
    assert {extra: brought.split(", ") for extra, brought in rows} == asked


def test_the_page_on_installing_names_only_commands_that_are_there() -> None:
    from gatecast.cli.app import app  # noqa: PLC0415 - the parser is not needed by the others

    said = re.findall(r"`gatecast[^`]*`|\$ gatecast.*", text_of("docs/install.md"))
    named = set(re.findall(r"gatecast (\w+)", " ".join(said)))
    assert named
    assert named <= set(app)
