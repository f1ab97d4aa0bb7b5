"""The folders that are written to, and the room in them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gatecast.doctor.results import Finding

LITTLE_ROOM = 2**30


def places() -> Iterator[Finding]:
    """Findings about folders."""
    yield _runs(Path.cwd())
    yield _scratch()
    yield _cache()


def _runs(here: Path) -> Finding:
    """Run folders go below the current one, unless --out says otherwise."""
    where = here / "runs" if (here / "runs").is_dir() else here
    trouble = trouble_writing(where)
    if trouble:
        why = f"{where} cannot be written: {trouble}"
        return Finding("places", "runs", why, "note", "Say where run folders go: gatecast fit ... --out FOLDER")
    room = shutil.disk_usage(where).free
    told = f"{where}, {room / 2**30:,.1f} GiB free"
    if room < LITTLE_ROOM:
        return Finding("places", "runs", told, "note", "Make room, or say where run folders go: --out FOLDER")
    return Finding("places", "runs", told)


def _scratch() -> Finding:
    try:
        return Finding("places", "temporary files", tempfile.gettempdir())
    except OSError as error:
        why = f"{error.strerror or error}"
        return Finding("places", "temporary files", why, "broken", "export TMPDIR=FOLDER, one that can be written")


def _cache() -> Finding:
    """Matplotlib keeps a list of fonts; where it cannot, every picture costs seconds."""
    said = os.environ.get("MPLCONFIGDIR")
    folder = Path(said) if said else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "matplotlib"
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    trouble = trouble_writing(there)
    if not trouble:
        return Finding("places", "cache of fonts", str(folder))
    why = f"{folder} cannot be written: {trouble}; pictures search all fonts anew each time"
    return Finding("places", "cache of fonts", why, "note", "export MPLCONFIGDIR=FOLDER, one that can be written")


def trouble_writing(folder: Path) -> str:
    """Why a file cannot be made in a folder; empty if it can."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".gatecast-doctor-") as file:
            file.write(b"gatecast")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""
