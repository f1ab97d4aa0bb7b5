"""Every way gatecast says no.

    GatecastError
    ├── InputError            the data: a file, a row, a column, a series
    │   ├── TableError        the table cannot be read or typed
    │   ├── ColumnError       a column is unknown, missing or of the wrong kind
    │   ├── TimeError         dates, frequencies, duplicates, time zones
    │   └── TooShortError     fewer rows than the lookback and the horizon need
    ├── OptionError           an option or argument has a value it cannot have
    ├── ArtifactError         a model file or run folder is not what it says
    ├── AuditError            a forecaster failed a check of its audit
    ├── TrainingError         training cannot go on (a loss that is not a number)
    ├── WorkerError           a process or a machine at work was lost, or cannot be reached
    ├── DiskError             a file or folder cannot be written: the disk is full, read-only or broken
    ├── InstallationError     gatecast, or what it is made of, is not wholly installed
    └── MissingExtraError     an optional dependency is not installed

Each message is a short lesson: what was expected, what was found, what to do next.  The command line prints the
message alone and exits with 1; nobody who uses the command line ever sees a traceback for these.  Names that a message
quotes may be anything, so it shows what they hold and never acts on it.
"""

import errno

from gatecast.visible import shortened, visible


class GatecastError(Exception):
    """The root: catch it to catch everything gatecast refuses."""

    def __str__(self) -> str:
        """The message in one line, which no terminal takes for commands."""
        return shortened(visible(super().__str__()))


class InputError(GatecastError, ValueError):
    """The data are not what a forecast can be made from."""


class TableError(InputError):
    """The table cannot be read, or a value in it cannot be understood."""


class ColumnError(InputError):
    """A column is unknown, missing, or of the wrong kind."""


class TimeError(InputError):
    """The time column holds dates, steps or zones that make no regular grid."""


class TooShortError(InputError):
    """A series has fewer rows than the lookback and the horizon need."""


class OptionError(GatecastError, ValueError):
    """An option or argument has a value it cannot have."""


class ArtifactError(GatecastError, ValueError):
    """A model file or run folder is damaged, unsafe, or of another version."""


class AuditError(GatecastError):
    """A forecaster failed a check of its audit."""


class TrainingError(GatecastError, RuntimeError):
    """Training cannot go on."""


class WorkerError(GatecastError, RuntimeError):
    """A process or a machine that work was given to died again and again, or cannot be reached."""


class DiskError(GatecastError, OSError):
    """A file or folder cannot be written; made of the system's number, its words, and the path, as every OSError is."""

    def __str__(self) -> str:
        """What cannot be written, why, and what to do."""
        why = self.strerror or ", ".join(map(str, self.args)) or "no reason was given"
        remedy = _REMEDIES.get(self.errno or 0, "See to the disk, or write elsewhere")
        return shortened(
            visible(f"{self.filename} cannot be written: {why}. {remedy}; what was there before is whole.")
        )


_FULL, _RIGHTS = "Make room, and do the same again", "See to the rights of its folder, or write elsewhere"
_NAME = "Give another name"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOENT: "Make its folder first, or give another name",
    errno.EEXIST: _NAME,
    errno.ENOTDIR: _NAME,
    errno.EISDIR: _NAME,
    errno.ENAMETOOLONG: _NAME,
}


class InstallationError(GatecastError, RuntimeError):
    """Gatecast, or something that it is made of, is not wholly installed."""


class MissingExtraError(GatecastError, ImportError):
    """An optional dependency is missing; the message names the one-line remedy."""

    def __init__(self, package: str, extra: str | None, purpose: str) -> None:
        remedy = package if extra is None else f"'gatecast[{extra}]'"  # what is no extra is installed by itself
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: pip install {remedy}")

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Between processes goes the message, which the three parts have become."""
        return _missing, (str(self),)


def _missing(message: str) -> MissingExtraError:
    error = MissingExtraError.__new__(MissingExtraError)
    error.args = (message,)
    return error
