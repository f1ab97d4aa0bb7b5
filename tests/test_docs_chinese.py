"""The Chinese pages: the same commands as the English ones, and Chinese typography."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.zh-CN.md", *sorted(ROOT.glob("docs/zh/*.md"))]
ENGLISH = ROOT / "docs/tutorial.md"
NO_PROSE = re.compile(r"```.*?```|<!--.*?-->|\]\([^)]*\)|<https?:[^>]*>|`[^`\n]*`|https?:\S+", re.DOTALL)
HAN = "\u4e00-\u9fff"


def prose(page: Path) -> list[str]:
    """The lines of a page without code, addresses and comments."""
    return NO_PROSE.sub("", page.read_text(encoding="utf-8")).replace("*", "").splitlines()


def console(page: Path) -> list[str]:
    return re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(not ENGLISH.exists(), reason="there is no English tutorial to compare with")
def test_the_tutorial_runs_the_commands_of_the_english_one_and_shows_what_they_print() -> None:
    assert console(ROOT / "docs/zh/tutorial.md") == console(ENGLISH)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_chinese_is_set_apart_from_latin_letters_and_numbers(page: Path) -> None:
    touching = re.compile(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]")
    assert [line for line in prose(page) if touching.search(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_chinese_sentences_have_chinese_punctuation(page: Path) -> None:
    narrow = re.compile(rf"[{HAN}] ?[,;:?!()]|[{HAN}]\.(?![a-z])|[(][{HAN}]")
    assert [line for line in prose(page) if narrow.search(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_chinese_paragraph_is_one_line(page: Path) -> None:
    """A line break would be shown as a space between two characters."""
    broken = re.compile(rf"[{HAN}，、；：]\n {{0,6}}[{HAN}]")
    assert broken.findall(NO_PROSE.sub("", page.read_text(encoding="utf-8"))) == []


def test_every_chinese_page_is_in_the_index() -> None:
    index = (ROOT / "docs/zh/README.md").read_text(encoding="utf-8")
    others = {page.name for page in ROOT.glob("docs/zh/*.md")} - {"README.md"}
    assert {name for name in others if f"]({name})" not in index} == set()
