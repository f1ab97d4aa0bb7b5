"""Write the text of example files, and what they print, into all pages, or into those that are named.

    python docs/embed.py [--check] [docs/cells.md ...]

`--check` only says whether that is done.

A page names a file in a comment, and the block after it belongs to this tool:

    <!-- file: docs/snippets/shapes.py -->         the file itself
    <!-- output: docs/snippets/shapes.py -->       what it prints
"""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- (file|output): (\S+) -->\n)```(\w+)\n.*?```", re.DOTALL)


def embedded(page: str) -> str:
    """The page with every block as its file has it now."""
    return BLOCK.sub(lambda found: f"{found[1]}```{found[4]}\n{content(found[2], found[3])}```", page)


@cache
def content(kind: str, name: str) -> str:
    """The text of a file, or what it prints."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if kind == "file" else printed_by(path)


def printed_by(path: Path) -> str:
    """What a script prints, run on one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{path} failed:\n{done.stderr}")
    return done.stdout


def pages() -> list[Path]:
    """The pages that people read, in every language."""
    return [page for names in ("README*.md", "docs/*.md", "docs/zh/*.md") for page in sorted(ROOT.glob(names))]


def main(asked: list[Path], *, check: bool) -> int:
    """Bring pages up to date; returns 1 if they were not and only a check was asked for."""
    old = {page: page.read_text(encoding="utf-8") for page in asked or pages()}
    new = {page: embedded(text) for page, text in old.items()}
    stale = [page for page in old if old[page] != new[page]]
    for page in stale:
        done = "is out of date: run python docs/embed.py" if check else "brought up to date"
        print(f"{page.relative_to(ROOT)} {done}")
        if not check:
            page.write_text(new[page], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    named = [Path(name).resolve() for name in sys.argv[1:] if name != "--check"]
    sys.exit(main(named, check="--check" in sys.argv[1:]))
