"""A disk under SQLite that says when it is asked to flush, and fails when it is told to."""

import apsw


class Disk(apsw.VFS):
    """Every database is opened on it until it is unregistered.

    Attributes:
        error: raised at every flush, if there is one.
        at_write: whether it is raised at every write too.
        number: the system's number of that error.
        flushed: names of the files flushed.
    """

    def __init__(self) -> None:
        self.error: apsw.Error | None = None
        self.at_write = False
        self.number = 0
        self.flushed: list[str] = []
        super().__init__("failing", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return File(self, name, flags)

    def xGetLastError(self) -> tuple[int, str]:  # noqa: N802 - SQLite's name
        return self.number, ""


class File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        self.name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self.disk.error and self.disk.at_write:
            raise self.disk.error
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self.disk.error:
            raise self.disk.error
        super().xSync(flags)
        self.disk.flushed.append(self.name)
