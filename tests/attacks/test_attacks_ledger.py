"""The book of abuses: what is written there is what was seen."""

from pathlib import Path

import ledger
import pytest
from ledger import Ledger, sections
from trying import tried

from gatecast.errors import TableError


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "README.md"
    path.write_text("# Abuses\n\nWords.\n")
    monkeypatch.setattr(ledger, "BOOK", path)
    return path


def test_what_is_published_is_found_again_with_all_its_characters(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"b | c": "<script> \\ \u2028 *x* [y](z)", "a": "refused: `1,2` | 3"}
    with monkeypatch.context() as patch:
        patch.setenv(ledger.PUBLISH, "1")
        for abuse, outcome in rows.items():
            Ledger("Names").enter(abuse, outcome)
        Ledger("Files").enter("x", "y")
    for abuse, outcome in rows.items():
        Ledger("Names").enter(abuse, outcome)
    assert list(sections(book.read_text())) == ["Files", "Names"]
    assert "\u2028" not in book.read_text()
    assert "<" not in book.read_text().replace("\\<", "")


@pytest.mark.usefixtures("book")
def test_another_outcome_than_the_published_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(ledger.PUBLISH, "1")
        Ledger("Names").enter("a", "refused")
    with pytest.raises(AssertionError, match="says 'refused'"):
        Ledger("Names").enter("a", "read")
    with pytest.raises(AssertionError, match="says None"):
        Ledger("Names").enter("b", "read")


def test_the_book_counts_what_stands_in_it() -> None:
    book = ledger.BOOK.read_text(encoding="utf-8")
    assert ledger.counted(book) in book.partition("\n## ")[0]
    assert "| 2 | 1 |" in ledger.counted("# A\n\n## B\n\n| a | refused: x |\n| b | read: y |\n")


def test_what_takes_too_much_memory_fails() -> None:
    with pytest.raises(AssertionError, match="MiB"):
        tried(lambda: len(b"x" * (64 << 20)), most=32)


def test_a_refusal_is_told_from_a_result(tmp_path: Path) -> None:
    def refuse() -> None:
        raise TableError(f"{tmp_path}/t.csv is\nno table")

    assert tried(refuse, tmp_path).refused() == r"t.csv is\nno table"
    with pytest.raises(AssertionError, match=r"it was refused: t\.csv is"):
        tried(refuse, tmp_path).accepted()
    with pytest.raises(AssertionError, match="it was accepted: 3"):
        tried(lambda: 3).refused()
