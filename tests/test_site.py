"""The documentation as a site: no warning while it is built, nothing loaded from elsewhere, no link to nowhere."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urldefrag

import msgspec
import pytest

from gatecast.cli.app import app
from gatecast.workflow.options import all_settings

ROOT = Path(__file__).parents[1]
LOADING = dict.fromkeys(("script", "img", "iframe", "source", "video"), "src") | {"link": "href", "object": "data"}
# What the theme's script would fetch for a page with a Mermaid diagram, and in a browser from before 2020.
NEVER_REACHED = {"https://unpkg.com/mermaid@11/dist/mermaid.min.js", "https://unpkg.com/resize-observer-polyfill"}
MODULES = ("gatecast", "gatecast.nn", "gatecast.cells", "gatecast.inspection", "gatecast.streaming", "gatecast.client")


class Page(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.anchors |= {said.get("id", ""), said.get("name", "")}
        self.classes |= set(said.get("class", "").split())
        if tag in LOADING and said.get("rel") not in ("canonical", "prev", "next", "alternate"):
            self.loads.append(said.get(LOADING[tag], ""))
        if tag == "a" and "href" in said:
            self.links.append(said["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once, by the command of `make docs`."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@cache
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = {load for path in pages(site) for load in page(path).loads}
    assert len(loads) > 10
    assert [load for load in loads if re.match(r"(?:\w+:)?//", load)] == []


def test_no_style_or_script_loads_anything_from_elsewhere(site: Path) -> None:
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//[^)\"']*", styles) == []
    scripts = "".join(path.read_text(encoding="utf-8") for path in site.rglob("assets/**/*.js"))
    assert set(re.findall(r"https?://unpkg[^\"'`]*", scripts)) <= NEVER_REACHED
    assert not any("mermaid" in page(path).classes for path in pages(site))


def test_every_link_of_every_page_leads_to_a_place_on_the_site(site: Path) -> None:
    lost = []
    for path in pages(site):
        for link in page(path).links:
            place, anchor = urldefrag(link)
            target = (path.parent / unquote(place)).resolve() if place else path
            outside = re.match(r"\w+:", link) or path.name == "404.html"
            if not outside and not (target.is_file() and (not anchor or unquote(anchor) in page(target).anchors)):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_stands_in_the_reference(site: Path, name: str) -> None:
    written = page(site / "reference" / f"{name.rpartition('.')[2]}.html").anchors
    names = set(import_module(name).__all__) - {"__version__", "cells", "inspection", "nn"}
    assert {each for each in names if not {f"{name}.{each}", f"{name}.{each}.{each}"} & written} == set()


def test_every_command_and_every_setting_stands_in_the_reference(site: Path) -> None:
    commands = page(site / "reference/command_line.html").anchors
    assert {name for name in app if not name.startswith("-") and f"gatecast-{name}" not in commands} == set()
    settings = site.joinpath("reference/settings.html").read_text(encoding="utf-8")
    assert {name for name in all_settings() if f"<code>{name}</code>" not in settings} == set()


def test_words_of_english_and_of_chinese_are_apart_in_the_search(site: Path) -> None:
    index = msgspec.json.decode(site.joinpath("search/search_index.json").read_bytes())
    words = re.split(index["config"]["separator"], "预测区间 of gru.fit with GRU 层")
    assert words == [*"预测区间", "of", "gru", "fit", "with", "GRU", "层"]  # an empty one would match every page


def test_the_search_finds_pages_when_the_site_is_opened_from_a_disk(site: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"{site.joinpath('index.html').as_uri()}?q=zoneout"], capture_output=True, text=True, check=False
    )
    assert "md-search-result__link" in done.stdout
