"""Where the pictures of an inspection go."""

from pathlib import Path
from shutil import which

from gatecast.inspection import Inspection
from gatecast.workflow.runs import PICTURES, RUN

ELSEWHERE = Path("inspection")
BESIDE = "beside"  # the pictures of two runs have the names of those of one


def picture(
    found: Inspection,
    run: Path,
    out: Path | None = None,
    other: Inspection | None = None,
    beside: Path | None = None,
    *,
    animate: bool = False,
) -> list[Path]:
    """Draw an inspection, and another one beside it, into a folder; returns the files.

    Args:
        found: what was found in the first run.
        run: its folder.
        out: the folder for pictures; None for the run's own, or `./inspection` for a model folder.
        other: what was found in the second run.
        beside: its folder.
        animate: also draw the gates as the series is read: `gates.gif`, and `gates.mp4` where ffmpeg is installed.

    Raises:
        OptionError: the folder is a file.
    """
    from gatecast.reporting.beside import write_beside  # noqa: PLC0415 - drawing is loaded when wanted
    from gatecast.reporting.films import write_gates_film  # noqa: PLC0415
    from gatecast.reporting.inside import write_inside  # noqa: PLC0415

    folder = out if out is not None else run / PICTURES if (run / RUN).exists() else ELSEWHERE
    paths = write_inside(found, folder)
    if other is not None and beside is not None:
        paths += write_beside(found, other, folder / BESIDE, (run.name, beside.name))
    endings = (".gif", *([".mp4"] if which("ffmpeg") else [])) if animate else ()
    return paths + [write_gates_film(found, folder / f"gates{ending}") for ending in endings]
