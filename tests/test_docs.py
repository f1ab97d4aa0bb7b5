"""The pages of docs/: every block of Python is a file that ran, and every link and picture is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [page for names in ("README*.md", "docs/*.md", "docs/zh/*.md") for page in sorted(ROOT.glob(names))]
LOOSE_IS_FINE = {ROOT / "README.md"}
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


PRINTED = {name for page in PAGES for name in re.findall(r"<!-- output: (\S+) -->", page.read_text(encoding="utf-8"))}
AFTER_AN_EXAMPLE = {"docs/snippets/rain_not_below_zero.py"}  # its example's own tests run it
OTHER_LIBRARIES = {
    "coming_from",
    "peers",
}  # run by test_coming_from.py, test_darts.py and test_gluonts.py where installed
SNIPPETS = {
    str(path.relative_to(ROOT))
    for path in ROOT.glob("docs/snippets/**/*.py")
    if path.parent.name not in OTHER_LIBRARIES
}
SILENT = sorted(SNIPPETS - PRINTED - AFTER_AN_EXAMPLE)


@pytest.mark.parametrize("snippet", SILENT)
def test_a_snippet_whose_output_no_page_shows_runs_too(snippet: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, ROOT / snippet], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_its_files_and_what_these_print(page: Path) -> None:
    command = [sys.executable, ROOT / "docs/embed.py", "--check", page]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not page.parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", sorted({*PAGES} - LOOSE_IS_FINE), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_a_page_is_never_loose_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("```python") == len(re.findall(r"<!-- file: \S+ -->\n```python", text))
