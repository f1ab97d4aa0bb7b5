"""The encodings of text tables: UTF-8, UTF-16 with its mark, and else what Windows wrote in the West."""

import re
from pathlib import Path

from gatecast.data.columns import Guess
from gatecast.data.csvplain import NO_TEXT
from gatecast.data.kinds import refuse_no_text
from gatecast.data.unpacking import AT_ONCE, opened
from gatecast.errors import TableError

ONE_BYTE = "cp1252"  # Latin-1, with letters and signs where Latin-1 has control characters
ONE_BYTE_GUESS = Guess("encoding", "Latin-1", "the bytes are not UTF-8")
# A letter of UTF-8 (an accented one, or one of most other scripts), or a byte that means nothing in Windows-1252.
_ODD = re.compile(rb"[\xc2\xc3][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\x81\x8d\x8f\x90\x9d]")
_REACH = 2  # bytes that a letter may reach into the next stretch


def check_one_byte(path: Path) -> None:
    """Refuse a file that is no UTF-8, and whose letters would become others if it were read as Windows-1252.

    Raises:
        TableError: it mixes encodings, or has another one; with the first such line.
    """
    before, lines = b"", 1
    with opened(path) as file:
        while data := file.read(AT_ONCE):
            data = before + data
            if found := _ODD.search(data):
                line = lines + data.count(b"\n", 0, found.start())
                if len(data[: found.start()].translate(None, NO_TEXT)) < found.start():
                    refuse_no_text(path, line)
                raise TableError(
                    f"{path.name}, line {line}: the file mixes encodings, or is in none that gatecast knows, so its "
                    f"letters cannot be told. Save all of it as CSV (UTF-8)."
                )
            before = data[-_REACH:]
            lines += data.count(b"\n", 0, len(data) - len(before))
