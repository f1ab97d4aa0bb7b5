"""The trial (`trying.py`) in a process of its own: a library that crashes takes that one along, and is told of."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import PIPE

import gatecast
from gatecast.doctor.results import Finding

PATIENCE = 120.0  # seconds; a cold disk reads torch in ten
LAST = 300  # letters of what a process said last


def tried(packages: Sequence[str], patience: float = PATIENCE) -> Iterator[Finding]:
    """What the trial found.

    Args:
        packages: to be imported, before anything is tried.
        patience: how long to wait.
    """
    out, said, ended = _run(packages, patience)
    doing = "starting"
    for line in out.splitlines():
        told = json.loads(line)
        if "doing" in told:
            doing = told["doing"]
        else:
            yield Finding(**told)
    if ended:
        last = " ".join(said.split())[-LAST:]
        value = f"the process {ended}{f': {last}' if last else ''}"
        yield Finding("trial", doing, value, "broken", _remedy(doing))


def _run(packages: Sequence[str], patience: float) -> tuple[str, str, str]:
    """What the process wrote, what it said beside, and how it came to a bad end, if it did."""
    home = str(Path(gatecast.__file__).parents[1])
    known = os.environ.get("PYTHONPATH")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (home, known)))}
    command = [sys.executable, "-P", "-m", "gatecast.doctor.trying", *packages]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, env=environment) as process:  # noqa: S603 - our own
        try:
            out, said = process.communicate(timeout=patience)
            ended = _end(process.returncode)
        except subprocess.TimeoutExpired:
            process.kill()
            out, said = process.communicate()
            ended = f"did not come to an end within {patience:g} s"
    whole = out.decode("utf-8", "replace").rpartition("\n")[0]  # a line that was cut is none
    return whole, said.decode("utf-8", "replace"), ended


def _end(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}" if code else ""


def _remedy(doing: str) -> str:
    what, _, package = doing.partition(" ")
    if what == "importing":
        return f"pip install --force-reinstall {package}"
    if what == "kernel":
        return "export GATECAST_KERNELS=off, and report it"
    return "Install gatecast anew: pip install --force-reinstall gatecast"
