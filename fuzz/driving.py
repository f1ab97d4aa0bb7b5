"""`python -m fuzz.driving TARGET FLAGS`: a target under atheris, which sees what of gatecast an input runs."""

import sys
import warnings
from functools import partial
from importlib import import_module

import atheris


def main() -> None:
    """Fuzz until libFuzzer has enough, or an input fails."""
    name, *flags = sys.argv[1:]
    again = f"{sys.executable} -m fuzz.driving {name}"  # how libFuzzer starts more of us, by a shell
    warnings.filterwarnings("error", category=RuntimeWarning, module="gatecast")  # as in the tests: a sum went wrong
    with atheris.instrument_imports(include=["gatecast"]):
        target = import_module(f"fuzz.{name}")
    atheris.Setup([again, *flags], target.one, custom_mutator=partial(target.mutate, _change_bytes))
    atheris.Fuzz()


def _change_bytes(data: bytes, most: int) -> bytes:
    """What libFuzzer itself makes of the bytes; atheris has this once it fuzzes, so it is looked up late."""
    changed: bytes = atheris.Mutate(data, most)
    return changed


if __name__ == "__main__":
    main()
