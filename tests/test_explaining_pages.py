"""The pages that explain: their links lead to headings, their pictures are drawn, their numbers are those measured."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXPLAINING = ("bptt", "two_grus", "windows_or_one_pass", "honest_evaluation", "intervals", "faq")
PEERS = ("darts", "neuralforecast", "gluonts", "pytorch_forecasting", "keras")
MEASURED = ("darts", "neuralforecast", "gluonts", "pytorch_forecasting", "keras")
PAGES = [*EXPLAINING, *(f"from_{peer}" for peer in PEERS)]


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub and mkdocs call the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_heading_finds_it(name: str) -> None:
    page = DOCS / f"{name}.md"
    links = re.findall(r"\]\(([^)#\s]*\.md)?#([^)]+)\)", prose(page))
    missing = [(file, heading) for file, heading in links if heading not in anchors(DOCS / file if file else page)]
    assert missing == []


def test_every_question_of_the_faq_is_in_its_list() -> None:
    page = DOCS / "faq.md"
    asked = re.findall(r"^## (.*)$", prose(page), flags=re.MULTILINE)
    listed = re.findall(r"\]\(#([^)]+)\)", prose(page).split("\n## ")[0])
    assert len(asked) == len(listed) == len(set(listed)) >= 25


def test_the_pictures_are_drawn(tmp_path: Path) -> None:
    command = [sys.executable, DOCS / "draw.py", "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {"bptt_unrolled.png", "windows_or_one_pass.png", "splits_and_origins.png"}
    assert all((DOCS / "pictures" / name).exists() for name in drawn)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())


@pytest.mark.parametrize("peer", MEASURED)
def test_lines_and_seconds_of_a_page_are_those_of_the_benchmark(peer: str) -> None:
    measured = set((ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8").splitlines())
    page = prose(DOCS / f"from_{peer}.md")
    table = page.split("| script | lines | seconds |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 2, "gatecast and one other"
    assert set(table) <= measured


@pytest.mark.parametrize(
    ("row", "table"), [("ETTh1 OT", "intervals"), ("taylor", "intervals"), ("M4 Hourly", "intervals")]
)
def test_the_coverage_on_the_page_is_that_of_the_benchmark(row: str, table: str) -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    ways = ("the net's own", "**calibrated, in widths** (default)", "walking, tracking 0.005, shared 0.02")
    measured = [re.search(rf"\| {row} \| {re.escape(way)} \| ([\d.]+)% ", results) for way in ways]
    said = re.search(rf"^\| {row} \|(.*)\|$", prose(DOCS / f"{table}.md"), flags=re.MULTILINE)
    assert said is not None
    assert re.findall(r"[\d.]+", said[1]) == [found[1] for found in measured if found is not None]
