"""Hostile texts as names, a run whose series, columns, words, title and folder are such, and what a page may hold."""

from html.parser import HTMLParser
from pathlib import Path
from unicodedata import category

import numpy as np
import polars as pl

from gatecast.cli import main
from small_tables import wave_table

ROWS = 80
ACTS = "document.documentElement.dataset.hacked=1"

NAMES = {
    "a script": f"<script>{ACTS}</script>",
    "the end of a script and an image": f"</script><img src=x onerror={ACTS}>",
    "the end of an attribute in double quotes": f'" onmouseover="{ACTS}" x="',
    "the end of an attribute in single quotes": f"' autofocus onfocus='{ACTS}",
    "the end of a title, a style and a comment": f"</title></style>--><svg onload={ACTS}>",
    "an address that is a script": f"javascript:{ACTS}",
    "HTML entities": f"&lt;script&gt;&#x3c;img src=x onerror={ACTS}>",
    "template braces": "{{ 7 * 7 }}{% for x in y %}${7 * 7}",
    "TeX": r"$$\frac{1}{0}$$ \(x\) $\input{/etc/passwd}$",
    "TeX that is broken": r"$\frac{",
    "Markdown": "[x](javascript:alert) ![](http://x) **a** | b",
    "markup of the terminal library": "[bold red]x[/] [/nothing] :bomb:",
    "a way up": "../../etc/passwd",
    "an absolute path": "/etc/passwd",
    "a path of Windows": r"C:\Windows\..\x",
    "a NUL in the middle": "a\0b",
    "a NUL at the end": "a\0",
    "line breaks and a header": "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
    "a line break and a forged line of log": 'a\n{"level":"info","message":"all is well"}',
    "ANSI escapes and a bell": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "a control sequence of one character": "\x9b31mred",
    "a backspace, a delete and a form feed": "a\b\x7f\fb",
    "separators of lines and paragraphs": "a\u2028b\u2029c\u0085d",
    "a right-to-left override": "\u202egnp.exe",
    "isolates of direction": "\u2066a\u2069",
    "characters of no width": "a\u200bb\ufeffc",
    "joiners, which scripts need": "\u0646\u200c\u0627 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a flood of combining marks": "a" + "\u0301" * 500,
    "emoji and a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e007f\U0001f600",
    "10,000 characters": "x" * 10_000,
    "upper case": "STRASSE",
    "lower case": "strasse",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "a device of Windows": "CON",
    "trailing dots": "name...",
    "an encoded NUL": "a%00b",
    "SQL": "'; DROP TABLE observations; --",
    "format strings": "%s%n{0}{0.__class__}$HOME`id`",
    "a private and an unassigned character": "a\ue000\u0378",
    "a formula": "=1+1",
    "a formula that calls a program": "=cmd|' /C calc'!A0",
    "a formula with a plus": "+1+1",
    "a formula with a minus": "-1+1",
    "a formula with an at": "@SUM(1)",
    "a formula in wide characters": "\uff1d1+1",
    "a formula behind an apostrophe": "'=1+1",
    "a formula behind a semicolon": 'a;=1+1;"',
    "a negative number": "-5",
}
TITLE = "<img src=x onerror=alert(1)> $x$ \x1b[31m"
COLUMN = f'" onmouseover="{ACTS}'
TARGET = f"</script><script>{ACTS}</script>$$x$$"
WORDS = ["<b>bold</b>", "\x1b[31m", "=1+1", "a\r\nb"]


def hostile_run(folder: Path) -> Path:
    """A finished run over one series for each of the names, with a table beside it that is called as they are."""
    table = wave_table(ROWS, tuple(NAMES.values()), seed=1).rename({"x": COLUMN, "y": TARGET})
    words = np.resize(WORDS, table.height)
    table = table.with_columns(pl.Series("word", words, dtype=pl.String))
    path = folder / f"{TITLE}.parquet"
    table.write_parquet(path)
    flags = ("--horizon", "4", "--lookback", "12", "--season", "12", "--hidden-size", "4", "--steps", "4")
    columns = ("--id", "shop", "--target", TARGET, "--past", COLUMN, "word")
    assert main(["fit", str(path), *flags, *columns, "--baselines", "naive", "--out", str(folder / "run")]) == 0
    return folder / "run"


class Seen(HTMLParser):
    """A page as a browser takes it: its elements, and the text in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(html: str) -> None:
    """No element, no attribute and no address in a page is of a name's making."""
    seen = Seen(html)
    assert not {"img", "iframe", "b", "object", "embed", "base"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "autofocus"]
    assert all(str(value).startswith("#") for name, value in seen.attributes if name in {"href", "src", "action"})
    assert f"<script>{ACTS}" not in html


def assert_shown(text: str) -> None:
    """Nothing in a text would make a terminal do anything but show it."""
    acting = [
        char for char in text if char not in "\n\u200c\u200d" and category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert not acting, acting
