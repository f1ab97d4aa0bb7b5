"""One writer a folder: a lock that the system takes back when the process ends, however it ends."""

import os
import sys
from pathlib import Path
from typing import final

from gatecast.server.store.troubles import StoreError, file_troubles


@final
class FolderLock:
    """Holds the file `lock` of a folder; it holds the number of the process too, for whoever is refused.

    Raises:
        StoreError: another process holds it, or files here cannot be locked.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        with file_troubles(path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(folder)
            with file_troubles(path):
                self._sign(str(os.getpid()))
        except BaseException:
            os.close(self._handle)
            raise

    def _take(self, folder: Path) -> None:
        if sys.platform == "win32":
            raise StoreError("the store needs a system with flock, such as Linux or macOS, and this is Windows")
        import fcntl  # noqa: PLC0415 - Windows has none

        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace") or "unknown"
            raise StoreError(
                f"another process (pid {holder}) already writes to {folder}: stop it first, or give this one a folder "
                "of its own"
            ) from None
        except OSError as error:
            raise StoreError(
                f"files in {folder} cannot be locked ({error}), so nothing would keep two writers apart: "
                "use a folder on a local disk"
            ) from error

    def _sign(self, text: str) -> None:
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._handle)
