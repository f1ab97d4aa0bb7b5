"""What a file is that is no table, told by how it begins; and whether it is a file at all."""

import re
from pathlib import Path
from typing import NamedTuple, NoReturn

from gatecast.errors import TableError


class Kind(NamedTuple):
    """Something that is no table: what it is, and what to do about it."""

    name: str
    remedy: str


_UNPACK = "unpack it, and give the one table that is in it"
_EXPORT = "write the table as CSV or Parquet with the program that made it"
_PIPE = "save what comes out of it in a file, and give that"
_SHEET = "save the sheet as CSV (UTF-8)"
_ZIP = Kind("a zip archive or a spreadsheet (xlsx, ods)", "unpack the archive, or save the sheet as CSV (UTF-8)")
_FETCHED = "fetch the table itself; what was fetched is a page about it, or an error"

# Marks of formats, from their specifications and from the `magic` file of file(1).
_MARKS: tuple[tuple[bytes, Kind], ...] = (
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("a spreadsheet (xls)", _SHEET)),
    (b"\x1f\x8b", Kind("gzip within gzip", _UNPACK)),
    (b"BZh", Kind("bzip2", _UNPACK)),
    (b"\xfd7zXZ\x00", Kind("xz", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Kind("zstd", _UNPACK)),
    (b"\x04\x22\x4d\x18", Kind("lz4", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", _UNPACK)),
    (b"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (b"PAR1", Kind("a Parquet file within gzip", "unpack it, for Parquet packs its cells by itself")),
    (b"ARROW1", Kind("an Arrow file within gzip", "unpack it")),
    (b"\x89PNG\r\n\x1a\n", Kind("a picture (PNG)", _EXPORT)),
    (b"\xff\xd8\xff", Kind("a picture (JPEG)", _EXPORT)),
    (b"GIF89a", Kind("a picture (GIF)", _EXPORT)),
    (b"%PDF-", Kind("a PDF page", _EXPORT)),
    (b"SQLite format 3\x00", Kind("an SQLite database", _EXPORT)),
    (b"\x89HDF\r\n\x1a\n", Kind("an HDF5 file", _EXPORT)),
    (b"\x93NUMPY", Kind("a numpy array", _EXPORT)),
    (b"\x80\x02", Kind("a pickle (reading one can run any code)", _EXPORT)),
    (b"\x80\x03", Kind("a pickle (reading one can run any code)", _EXPORT)),
    (b"\x80\x04", Kind("a pickle (reading one can run any code)", _EXPORT)),
    (b"\x80\x05", Kind("a pickle (reading one can run any code)", _EXPORT)),
    (b"\x7fELF", Kind("a program", "give a table")),
    (b"\xff\xfe\x00\x00", Kind("text in UTF-32", "save it as CSV (UTF-8)")),
)
_STARTS: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
    (re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE), Kind("an HTML page", _FETCHED)),
    (re.compile(rb"\s*<\?xml\b"), Kind("XML", _EXPORT)),
    (re.compile(rb'\s*(\{\s*"|\[\s*[\[{])'), Kind("JSON", _EXPORT)),
    (re.compile(rb"\S\x00[^\x00]\x00"), Kind("text in UTF-16 without its byte order mark", "save it as CSV (UTF-8)")),
    (re.compile(rb"\x00\S\x00[^\x00]"), Kind("text in UTF-16 without its byte order mark", "save it as CSV (UTF-8)")),
)
START = 512  # bytes to tell by; a tar file says "ustar" at 257
_TAR = slice(257, 262)


def refuse_no_table(path: Path, start: bytes) -> None:
    """Refuse what is known to be something else than a text table.

    Args:
        path: for the message.
        start: the first `START` bytes, unpacked.

    Raises:
        TableError: with what it is, and what to do about it.
    """
    kinds = [kind for mark, kind in _MARKS if start.startswith(mark)]
    kinds += [kind for pattern, kind in _STARTS if pattern.match(start)]
    if start[_TAR] == b"ustar":
        kinds.append(Kind("a tar archive", _UNPACK))
    for kind in kinds[:1]:
        raise TableError(f"{path.name} is {kind.name}, which gatecast does not read: {kind.remedy}.")


def refuse_no_text(path: Path, line: int) -> NoReturn:
    """Refuse a file with a character that no text has.

    Raises:
        TableError: always.
    """
    raise TableError(
        f"{path.name}, line {line} holds characters that no text has, so this is not a text table. "
        f"Give a CSV, TSV, Parquet or Arrow file; save spreadsheets as CSV (UTF-8)."
    )


def refuse_no_file(path: Path) -> None:
    """Refuse what is no file that can be read from its first byte to its last, and again.

    Raises:
        TableError: with what it is, and what to do about it.
        OSError: as the system tells it, of names that it does not take.
    """
    if path.is_file():
        return
    if path.is_dir():
        raise TableError(f"{path} is a folder; give one file with one table.")
    if re.match(r"[A-Za-z][A-Za-z0-9+]+:/", str(path)):
        raise TableError(f"{path} is an address, and gatecast reads files only. Fetch it, and give the file.")
    if path.exists():
        raise TableError(f"{path} is a device, a pipe or a socket, not a file: {_PIPE}.")
    if path.is_symlink():
        raise TableError(f"{path} is a link that leads to no file. Check where it leads.")
    raise TableError(f"there is no file {path} (looked for it in {Path.cwd()}). Check the name and the folder.")
