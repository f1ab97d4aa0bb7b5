"""A diagnosis for people and for programs, by Python's own library alone: rich may be what is broken."""

import json
import os
import shutil
import sys
from dataclasses import asdict
from itertools import groupby
from textwrap import wrap

import gatecast
from gatecast.doctor.results import Diagnosis, Finding
from gatecast.doctor.screen import can_write
from gatecast.visible import visible

SIGNS = {"fine": "✓", "absent": "·", "note": "!", "broken": "✗"}
PLAIN = {"fine": "ok", "absent": "-", "note": "!", "broken": "BROKEN"}
COLOURS = {"fine": "32", "absent": "2", "note": "33", "broken": "31;1"}
NAMES, WIDTH = 18, 118


def as_json(found: Diagnosis) -> str:
    """Whether all is well, and every finding."""
    told = {
        "healthy": found.healthy,
        "gatecast": gatecast.__version__,
        "summary": found.summary(),
        "findings": [asdict(finding) for finding in found.findings],
    }
    return json.dumps(told, indent=1)


def as_text(found: Diagnosis) -> str:
    """Part by part, a line a finding; what is to be done stands below it."""
    signs = SIGNS if can_write("".join(SIGNS.values()), sys.stdout.encoding or "ascii") else PLAIN
    lines = list[str]()
    for part, findings in groupby(found.findings, key=lambda finding: finding.part):
        lines += [_dressed(part, "1")]
        for finding in findings:
            lines += _lines(finding, signs)
    return "\n".join([*lines, "", _dressed(found.summary(), "1")])


def _lines(finding: Finding, signs: dict[str, str]) -> list[str]:
    sign = signs[finding.status]
    mark = _dressed(sign, COLOURS[finding.status]) + " " * (max(map(len, signs.values())) - len(sign))
    indent = 2 + max(map(len, signs.values())) + 1
    value = _wrapped(finding.value, indent + NAMES + 1)
    remedy = [" " * (indent + NAMES + 1) + f"-> {visible(finding.remedy)}"] if finding.remedy else []
    return [f"  {mark} {visible(finding.name):<{NAMES}} {value[0]}", *value[1:], *remedy]


def _wrapped(text: str, indent: int) -> list[str]:
    """Broken between words in a terminal; one line elsewhere, so that it can be searched."""
    if not sys.stdout.isatty():
        return [visible(text)]
    width = max(30, min(shutil.get_terminal_size().columns, WIDTH) - indent)
    first, *more = wrap(visible(text), width, break_on_hyphens=False) or [""]
    return [first, *(" " * indent + line for line in more)]


def _dressed(text: str, colour: str) -> str:
    """In a colour, where a terminal shows it and nobody minds."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
