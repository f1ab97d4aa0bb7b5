"""The packages that gatecast needs, locked to the bytes they were tested with.

`python lock.py needs dev` prints what an installation with the extra `dev` needs; `constraints.lock` says for each of
these, and for all that they need in turn, the version of `constraints.txt` and the SHA-256 of every file of it:

    python lock.py pin pip > pip.txt
    python -m pip install --requirement pip.txt
    python lock.py needs dev > needs.txt
    python -m pip install --constraint constraints.lock --requirement needs.txt
    python -m pip install --no-deps --no-build-isolation .

pip then refuses a file with other bytes and a package that the lock does not know; older ones than the locked pip would
refuse a range of versions, even one that the lock settles.  Of two builds of torch with one version, pip would take the
one from PyPI, with all of CUDA; so `make` lets it choose without hashes, and `python lock.py check FILE` looks at them.

`python lock.py write` makes the lock anew from `constraints.txt`; it needs uv.  `python lock.py audit` looks for known
weaknesses of what is locked; it needs pip-audit.

`python lock.py licences` writes the table of THIRD_PARTY.md from the metadata of what is installed.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

ROOT = Path(__file__).parent
LOCK = ROOT / "constraints.lock"
HEAD = "# Written by `python lock.py write` from constraints.txt; see there and lock.py.\n"
# The builds of torch for processors alone are not on PyPI but have the same version: Linux, x86-64, CPython 3.11.
PROCESSOR_BUILDS = {"torch==2.13.0": ("6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",)}
COMPILE = (
    *("uv", "pip", "compile", "-", "--constraints", "constraints.txt", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-annotate", "--no-header", "--quiet"),
)
# A version with weaknesses that everybody knows: where it passes for sound, nobody was asked.
UNSOUND = "jinja2==2.10 --hash=sha256:74c935a1b8bb9a3947c50a54766a969d4846290e1e788ea44c1392163723c3bd\n"
AUDIT = (sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "--requirement")
OF_DEVELOPERS, MOST_LETTERS = ("dev", "docs", "fuzz"), 60
THIRD_PARTY = ROOT / "THIRD_PARTY.md"
TABLE = "| package | needed for | licence |\n|---|---|---|\n"
OWN_EXTRAS = re.compile(r"gatecast\[([\w,]+)\]")


def needs(*asked: str) -> Iterator[str]:
    """The requirements of the package, of its build and of the extras, as `pyproject.toml` says them."""
    said = _said()
    yield from said["build-system"]["requires"]
    yield from said["project"]["dependencies"]
    for extra in asked:
        yield from _extra(said["project"]["optional-dependencies"], extra)


def extras() -> tuple[str, ...]:
    """Their names."""
    return tuple(_said()["project"]["optional-dependencies"])


def _said() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _extra(known: dict[str, list[str]], extra: str) -> Iterator[str]:
    if extra not in known:
        sys.exit(f"{extra} is no extra of gatecast; the extras are {', '.join(sorted(known))}.")
    for requirement in known[extra]:
        if own := OWN_EXTRAS.fullmatch(requirement):
            for other in own[1].split(","):
                yield from _extra(known, other)
        else:
            yield requirement


def pin(package: str) -> str:
    """Its lines of the lock."""
    found = re.search(rf"^{re.escape(package)}==.*\n(?: .*\n)+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"{package} is not locked; see {LOCK.name}.")
    return found[0]


def check(wheel: Path) -> None:
    """Whether the lock has the bytes of a file."""
    package = wheel.name.partition("-")[0].lower().replace("_", "-")
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found not in pin(package):
        sys.exit(f"{wheel.name} has the SHA-256 {found}, which {LOCK.name} does not have: it is not what was tested.")


def write() -> None:
    """Ask the registry for the hashes of all files of every version, for every platform."""
    every = "\n".join(needs(*extras()))
    text = subprocess.run(COMPILE, cwd=ROOT, input=every, check=True, text=True, stdout=subprocess.PIPE).stdout
    for pin, hashes in PROCESSOR_BUILDS.items():
        more = "".join(f" \\\n    --hash=sha256:{digest}" for digest in hashes)
        text = re.sub(rf"^{re.escape(pin)}\b", f"{pin}{more}", text, flags=re.MULTILINE)
    LOCK.write_text(HEAD + text, encoding="utf-8")


def audit() -> int:
    """Ask for known weaknesses; returns 0 also where the list of them cannot be reached, and says so."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(UNSOUND)
        file.flush()
        found = subprocess.run([*AUDIT, file.name], check=False, capture_output=True, text=True)
    if "PYSEC" not in found.stdout and "CVE" not in found.stdout:
        sys.stderr.write("audit skipped: a version known to be weak passed, so the list cannot be reached\n")
        return 0
    return subprocess.run([*AUDIT, str(LOCK), "--strict"], check=False).returncode


def asked_for() -> dict[str, list[str]]:
    """The packages that gatecast names, each with the extras that it belongs to; those of developers are left out."""
    found: dict[str, list[str]] = {}
    for extra in ("", *(name for name in extras() if name not in OF_DEVELOPERS)):
        for requirement in _extra(_said()["project"]["optional-dependencies"], extra) if extra else needs():
            name = re.match(r"[\w.-]+", requirement)
            if name and (extra or requirement in _said()["project"]["dependencies"]):
                found.setdefault(name[0], []).append(extra or "always")
    return found


def licence(package: str) -> str:
    """What its own metadata say."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        sys.exit(f"{package} is not installed: its licence cannot be asked for; run `make setup`.")
    classified = [line.split(" :: ")[-1] for line in said.get_all("Classifier", []) if line.startswith("License :: ")]
    whole = (said["License"] or "").strip()  # some packages have the whole text there
    short = whole if len(whole) < MOST_LETTERS and not whole.startswith("Copyright") else ""
    return said["License-Expression"] or ", ".join(classified) or short or "see its files"


def licences() -> None:
    """Write the table anew; what stands above it stays."""
    rows = [f"| {name} | {', '.join(extra)} | {licence(name)} |\n" for name, extra in sorted(asked_for().items())]
    above = THIRD_PARTY.read_text(encoding="utf-8").partition(TABLE)[0]
    THIRD_PARTY.write_text(above + TABLE + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["needs", *asked]:
            sys.stdout.write("\n".join(needs(*asked)) + "\n")
        case ["licences"]:
            licences()
        case ["pin", package]:
            sys.stdout.write(pin(package))
        case ["check", wheel]:
            check(Path(wheel))
        case ["write"]:
            write()
        case ["audit"]:
            sys.exit(audit())
        case _:
            sys.exit(__doc__)
