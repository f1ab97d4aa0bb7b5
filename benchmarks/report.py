"""Where benchmark results go: one section of RESULTS.md a script, replaced whole."""

import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

import torch

import gatecast

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Benchmark results

One section a script of this folder; each is written by its script, never by hand.  Run one with
`python benchmarks/NAME.py`, or all with `make bench`.  Scripts that read public data want the folder in
`GATECAST_DATA`.
"""


def environment(threads: int, seeds: Sequence[int] = (0,)) -> str:
    """The machine and the versions, in one line."""
    return (
        f"{processor()}, {os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''} used; "
        f"Python {platform.python_version()}, torch {torch.__version__}, gatecast {gatecast.__version__}; "
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}."
    )


def processor() -> str:
    """The processor's name."""
    path = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", path.read_text()) if path.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def write_section(name: str, title: str, question: str | None, lines: list[str], arguments: str = "") -> None:
    """Replace the section of a script, or of a script with these arguments, in RESULTS.md, and print it."""
    command = f"`{f'benchmarks/{name}.py {arguments}'.strip()}`"
    body = "\n".join([f"## {title}", "", command, "", *([question.strip(), ""] if question else []), *lines, ""])
    text = RESULTS.read_text() if RESULTS.exists() else HEAD
    sections = [part for part in re.split(r"(?m)^(?=## )", text)[1:] if command not in part]
    RESULTS.write_text(HEAD + "\n" + "\n".join(part.strip() + "\n" for part in [*sections, body]))
    print(body)
