"""The trial: import everything, run the kernels against the equations, fit, save, load and stream; one JSON line each.

It is run by `child.py`, which may find it dead: so it says what it begins before it does so.
"""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module

from gatecast.doctor.results import Finding

MODULES = {"scikit-learn": "sklearn"}  # packages whose module has another name
Trial = Callable[[], Iterator[Finding]]


def main(packages: list[str]) -> None:
    """Import the packages, and try gatecast if that went well."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # what libraries print is no finding
        failed = [package for package in packages if not _imported(package, out)]
        if failed:
            why = f"not tried, because {' and '.join(failed)} cannot be imported"
            _write(out, Finding("trial", "gatecast", why, "note"))
            return
        from gatecast.doctor.kernels import kernels  # noqa: PLC0415 - torch may be broken
        from gatecast.doctor.torchs import torchs  # noqa: PLC0415
        from gatecast.doctor.working import data_base, round_trip  # noqa: PLC0415

        trials: dict[str, Trial] = {
            "torch": torchs,
            "kernel of each recurrence": kernels,
            "fit, save, load and stream": round_trip,
            "SQLite": data_base,
        }
        for doing, trial in trials.items():
            _try(doing, trial, out)


def _imported(package: str, out: io.TextIOBase) -> bool:
    """Import one, and say what is wrong with it if that fails."""
    _begin(out, f"importing {package}")
    try:
        import_module(MODULES.get(package, package.replace("-", "_")))
    except Exception as error:  # noqa: BLE001 - a package may raise anything
        again = f"pip install --force-reinstall {package}"
        _write(out, Finding("trial", f"import {package}", _said(error), "broken", again))
        return False
    return True


def _try(doing: str, trial: Trial, out: io.TextIOBase) -> None:
    _begin(out, doing)
    try:
        for finding in trial():
            _write(out, finding)
    except Exception as error:  # noqa: BLE001 - likewise
        again = "Install gatecast anew: pip install --force-reinstall gatecast"
        _write(out, Finding("trial", doing, _said(error), "broken", again))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _begin(out: io.TextIOBase, doing: str) -> None:
    _line(out, {"doing": doing})


def _write(out: io.TextIOBase, finding: Finding) -> None:
    _line(out, asdict(finding))


def _line(out: io.TextIOBase, told: object) -> None:
    out.write(json.dumps(told) + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
