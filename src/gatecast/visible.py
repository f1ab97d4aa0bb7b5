"""Text that came from somewhere, as a terminal or a log may show it.

A name may hold what moves the cursor, rings the bell, colours the screen, breaks the line or turns the reading
direction around (ECMA-48; Unicode Standard Annex 9; Boucher & Anderson 2021, "Trojan Source").  None of it is acted on:
each such character is shown as its escape.
"""

import json
from unicodedata import category

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, formats, lone surrogates, breaks of lines and paragraphs
JOINERS = "\u200c\u200d"  # formats too, but many scripts and emoji cannot be written without them
LONGEST = 2000  # characters of a message


def visible(text: str) -> str:
    r"""The text in one line, with an escape such as `\x1b` for every character that is not shown but acts."""
    return text if text.isprintable() else "".join(_escaped(char) if _hides(char) else char for char in text)


def visible_json(text: str) -> str:
    """JSON that means the same and holds no such character but the line breaks between its parts."""
    if text.isprintable():
        return text
    return "".join(json.dumps(char)[1:-1] if char != "\n" and _hides(char) else char for char in text)


def is_whole(text: str) -> bool:
    """Whether a file can hold the text: no half of a pair of surrogates stands in it alone."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def shortened(text: str, most: int = LONGEST) -> str:
    """A message without its middle where it is long: it begins with what was found, and ends with what to do."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 3]}...{text[-end:]}"


def _hides(char: str) -> bool:
    return category(char) in HIDDEN and char not in JOINERS


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
