"""The packages that gatecast is made of: there, new enough, and whole."""

import csv
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import gatecast
from gatecast.doctor.results import Finding, Status

OLDEST_PYTHON = (3, 11)
_LINE = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?\s*(?:\(?>=\s*(?P<least>[\w.]+)\)?)?")
_EXTRA = re.compile(r"""extra == ['"]([\w-]+)['"]""")
_PLATFORM = re.compile(r"""sys_platform (==|!=) ['"](\w+)['"]""")


class Requirement(NamedTuple):
    """A package that gatecast asks for: at least which version, and for which extra (None: always)."""

    name: str
    least: str
    extra: str | None


def requirements() -> list[Requirement]:
    """What the metadata of the installed gatecast ask for on this system; nothing where it is not installed."""
    try:
        lines = distribution("gatecast").requires or []
    except PackageNotFoundError:
        return []
    return [read for line in lines if (read := requirement(line)) is not None]


def requirement(line: str) -> Requirement | None:
    """One line of the metadata; None where it is meant for another system."""
    wanted, _, marker = line.partition(";")
    system, extra, read = _PLATFORM.search(marker), _EXTRA.search(marker), _LINE.match(wanted.strip())
    if read is None or (system and (system[1] == "==") != (sys.platform == system[2])):
        return None
    return Requirement(read["name"], read["least"] or "", extra[1] if extra else None)


def packages(wanted: Sequence[Requirement]) -> Iterator[Finding]:
    """gatecast, Python, and every package that gatecast cannot do without."""
    home = str(Path(gatecast.__file__).parent)
    yield Finding("packages", "gatecast", f"{gatecast.__version__}, in {home}")
    yield _python()
    if not wanted:
        why = f"not installed: it runs from {home}, and nobody says which packages it needs"
        yield Finding("packages", "metadata", why, "note", "pip install gatecast")
    for each in wanted:
        if each.extra is None:
            yield Finding("packages", each.name, *judged(each))


def _python() -> Finding:
    version = f"{platform.python_version()}, {platform.python_implementation()}, {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("packages", "Python", version)
    return Finding("packages", "Python", version, "broken", "Install gatecast with Python 3.11 or newer.")


def judged(wanted: Requirement) -> tuple[str, Status, str]:
    """What is there of a package, as the value, the status and the remedy of a finding."""
    again = f"pip install --force-reinstall --no-deps '{wanted.name}>={wanted.least}'".replace(">='", "'")
    try:
        found = distribution(wanted.name)
    except PackageNotFoundError:
        return "not installed", "broken", again.replace("--force-reinstall --no-deps ", "")
    version = found.version or "of no version"
    if as_numbers(version) < as_numbers(wanted.least):
        return f"{version}, older than {wanted.least}", "broken", again.replace("--force-reinstall --no-deps ", "")
    lost = missing_files(wanted.name)
    if lost:
        what = "file is" if len(lost) == 1 else "files are"
        return f"{version}, half installed: {len(lost):,} {what} missing, such as {lost[0]}", "broken", again
    return version, "fine", ""


def missing_files(package: str) -> list[str]:
    """Modules and libraries that were installed and are not there; tests may be taken away to save room.

    RECORD is read as it is, for `Distribution.files` leaves out what is missing, from Python 3.12 on.
    """
    found = distribution(package)
    files = [PurePosixPath(row[0]) for row in csv.reader((found.read_text("RECORD") or "").splitlines()) if row]
    code = (file for file in files if file.suffix in (".py", ".so", ".pyd") and ".." not in file.parts)
    return [str(file) for file in code if "tests" not in file.parts and not Path(str(found.locate_file(file))).exists()]


def as_numbers(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` as (2, 13, 0)."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()
