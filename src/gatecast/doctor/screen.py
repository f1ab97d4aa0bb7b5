"""The terminal: whether it shows colours and letters."""

import locale
import os
import shutil
import sys
from collections.abc import Iterator

from gatecast.doctor.results import Finding

DRAWN = "▁█✓é"  # what progress bars and tables are drawn with


def screen() -> Iterator[Finding]:
    """Findings about where output goes."""
    if not sys.stderr.isatty():
        yield Finding("terminal", "output", "no terminal: lines without colours, and no bar")
    else:
        size = shutil.get_terminal_size()
        kind = os.environ.get("TERM") or "unknown"
        colours = "NO_COLOR is set" if os.environ.get("NO_COLOR") else "in colours" if _coloured(kind) else "no colours"
        yield Finding("terminal", "output", f"{kind}, {size.columns} x {size.lines}, {colours}")
    yield _letters()


def _coloured(kind: str) -> bool:
    return kind not in ("dumb", "unknown")


def _letters() -> Finding:
    """Whether what is printed can hold more than ASCII."""
    encoding = sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False)
    if can_write(DRAWN, encoding):
        return Finding("terminal", "letters", encoding)
    return Finding("terminal", "letters", f"{encoding}: others become ?", "note", "export PYTHONUTF8=1 LANG=C.UTF-8")


def can_write(text: str, encoding: str) -> bool:
    """Whether an encoding has these letters."""
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True
