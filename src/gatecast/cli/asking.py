"""What the commands that fit have in common: settings as text, and a folder for the results."""

from pathlib import Path

from gatecast.errors import OptionError


def parse_settings(settings: list[str]) -> dict[str, str]:
    """`["training.steps=2000"]` as a mapping."""
    for text in settings:
        if "=" not in text:
            raise OptionError(f"--set wants name=value, such as training.steps=2000; got {text!r}.")
    return dict(text.split("=", 1) for text in settings)


def new_folder(parent: Path, name: str) -> Path:
    """`parent/name`, or `parent/name-2`, ... when it is taken."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder
