"""What the commands that fit have in common: settings as text, and a folder for the results."""

from pathlib import Path

from gatecast.errors import OptionError


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


def new_folder(parent: Path, name: str) -> Path:
    """`parent/name`, or `parent/name-2`, ... when it is taken."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder
