"""Every `gatecast ...` that a page shows is a command that the program knows, with flags that it has."""

import re
import shlex
from pathlib import Path

import pytest

from gatecast.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
BLOCK = re.compile(r"^( *)```(console|sh|bash)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"^(?:\S*/)?gatecast$")
ENDS = {"|", "||", "&&", ";", "&", ">", "2>", ">>", "<"}


def commands(text: str) -> list[list[str]]:
    """The words of each call of gatecast in the blocks of a page, from its name to the end of the command."""
    found = []
    for _, kind, block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if kind != "console" or line.lstrip().startswith("$ "):
                found += calls(line.lstrip().removeprefix("$ "))
    return found


def calls(line: str) -> list[list[str]]:
    """What one line of a shell asks of gatecast."""
    if "gatecast" not in line:
        return []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words = list(lexer)
    starts = [
        place + 1
        for place, word in enumerate(words)
        if PROGRAM.match(word) and (is_first(words, place) or words[place - 1] == "-m")
    ]
    ends = [next((n for n in range(start, len(words)) if words[n] in ENDS), len(words)) for start in starts]
    return [words[start:end] for start, end in zip(starts, ends, strict=True)]


def is_first(words: list[str], place: int) -> bool:
    """Whether a word is the command, behind nothing but settings of the environment."""
    before = [word for word in words[:place] if not re.match(r"^\w+=", word)]
    return not before or before[-1] in ENDS | {"("} or before == ["time"]


SHOWN = [(page, call) for page in PAGES for call in commands(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "call"), SHOWN, ids=[f"{page.stem}: {' '.join(call)[:60]}" for page, call in SHOWN])
def test_a_command_that_a_page_shows_is_one_that_the_program_knows(page: Path, call: list[str]) -> None:  # noqa: ARG001
    words = ["some" if word in ("...", "…") else word for word in call]
    app.parse_args(words, print_error=False, exit_on_error=False)


def test_commands_are_found_in_pages_and_wrong_ones_are_refused() -> None:
    page = "```console\n$ A=1 gatecast fit a.csv \\\n    --horizn 3 && echo gatecast\nprinted gatecast x\n```\n"
    assert commands(page) == [["fit", "a.csv", "--horizn", "3"]]
    with pytest.raises(Exception, match="horizn"):
        app.parse_args(commands(page)[0], print_error=False, exit_on_error=False)
    assert len(SHOWN) > 50
