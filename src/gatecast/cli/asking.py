"""What the commands that fit have in common: settings as text, and a folder for the results."""

import re
from pathlib import Path

from gatecast.errors import OptionError

MOST_LETTERS = 60  # of the name of a folder: four bytes each at most, of 255


def parse_settings(settings: list[str]) -> dict[str, str]:
    """`["training.steps=2000"]` as a mapping."""
    said: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"--set wants name=value, such as training.steps=2000; got {text!r}.")
        if said.get(name, value) != value:
            raise OptionError(f"--set says {name} twice, as {said[name]!r} and as {value!r}: leave one of them out.")
        said[name] = value
    return said


def new_folder(parent: Path, table: Path | str, ending: str = "") -> Path:
    """`parent/table-ending`, or `parent/table-ending-2`, ... when it is taken.

    Of the table's file name is kept what every system takes in a name, and no more than fits.
    """
    word = re.sub(r"[^\w-]+", "_", Path(table).name.split(".")[0])[:MOST_LETTERS].strip("_") or "table"
    name = f"{word}-{ending}" if ending else word
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder
