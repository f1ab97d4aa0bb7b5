"""Lines that are no rows, rows that are too short or too long, quotes that never close, and tables without a header."""

from pathlib import Path

import pytest
from tables_tried import hold_read_alike, hold_refused_everywhere, written

ROOM = "Tables: lines"
ROWS = "2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n"
PLAIN = f"ds,y\n{ROWS}"
SHOPS = "".join(f"2024-01-{day:02d},{shop},{day * day % 5}\n" for day in range(1, 8) for shop in "ab")
WIDE = PLAIN.replace(",", "    ")
REFUSED: dict[str, str] = {
    "nothing": "",
    "one newline": "\n",
    "spaces and newlines": "   \n  \n",
    "a byte order mark and nothing else": "\ufeff",
    "a header and nothing else": "ds,y\n",
    "a header without a newline": "ds,y",
    "one word": "x",
    "one row": "ds,y\n2024-01-01,1\n",
    "a title and a blank line above the header": f"Sales of shop 7\n\n{PLAIN}",
    "a title with a comma above the header": f"Sales, of shop 7\n\n{PLAIN}",
    "three lines of prose, then the table": f"Report\nmade on 2024-03-01\nall numbers in kW\n{PLAIN}",
    "a comment above the header": f"# exported by x\n{PLAIN}",
    "sep=, above the header, as spreadsheets write": f"sep=,\n{PLAIN}",
    "two header rows": f"ds,y\ndate,MW\n{ROWS}",
    "a second header row with the units": f"ds,y\n,[MW]\n{ROWS}",
    "the header again in the middle": f"{PLAIN}ds,y\n2024-01-04,3\n",
    "a comment in the middle": f"{PLAIN}# pause\n2024-01-04,3\n",
    "a comment in the middle, with a comma": f"{PLAIN}# pause,\n2024-01-04,3\n",
    "a total at the end": f"{PLAIN}Total,7\n",
    "a total at the end, without a word for it": f"{PLAIN},7\n",
    "a total at the end of a table of several series": f"ds,shop,y\n{SHOPS}Total,,70\n",
    "a count of rows at the end": f"{PLAIN}(3 rows)\n",
    "a copyright at the end": f"{PLAIN}\n(c) ACME, 2024\n",
    "a total at the end of a table of one column": "y\n1\n2\n4\n3\nTotal\n",
    "lines of separators alone": f"{PLAIN},\n,\n",
    "a row that is too short": "ds,x,y\n2024-01-01,1,1\n2024-01-02,2\n2024-01-03,4,5\n",
    "a row that is too long": f"{PLAIN}2024-01-04,3,9\n",
    "decimal commas in a table cut at commas": "ds,y\n2024-01-01,1,5\n2024-01-02,2,5\n",
    "a separator after every row, but not after the header": PLAIN.replace("\n", ",\n").replace("ds,y,", "ds,y"),
    "a separator after the header alone": f"ds,y,\n{ROWS}",
    "semicolons in one row of a table cut at commas": f"{PLAIN}2024-01-04;3\n",
    "columns of fixed width": WIDE,
    "spaces between cells": PLAIN.replace(",", " "),
    "colons between cells": PLAIN.replace(",", ":"),
    "control characters between cells": PLAIN.replace(",", "\x1f"),
    "a quote that never closes, in the last row": f'{PLAIN}2024-01-04,"3\n',
    "a quote that never closes, in the first row": 'ds,y\n2024-01-01,"1\n2024-01-02,2\n',
    "a quote that never closes, in the header": f'ds,"y\n{ROWS}',
    "letters after a closing quote": 'ds,note,y\n2024-01-01,"a"b,1\n2024-01-02,c,2\n',
    "a backslash before a quote": 'ds,note,y\n2024-01-01,"a\\"b",1\n2024-01-02,c,2\n',
    "single quotes around cells": "ds,y\n'2024-01-01','1'\n'2024-01-02','2'\n",
    "curly quotes around cells": "ds,y\n\u201c2024-01-01\u201d,\u201c1\u201d\n\u201c2024-01-02\u201d,\u201c2\u201d\n",
    "the line ends of Unicode, U+2028": PLAIN.replace("\n", "\u2028"),
    "the line ends of mainframes, U+0085": PLAIN.replace("\n", "\x85"),
    "a table in Markdown": "| ds | y |\n|---|---|\n| 2024-01-01 | 1 |\n| 2024-01-02 | 2 |\n",
    "a series that is a constant total": "ds,shop,y\n"
    + SHOPS
    + "".join(f"2024-01-0{day},Total,9\n" for day in range(1, 8)),
}
READ: dict[str, tuple[str, list[float | None]]] = {
    "two rows": ("ds,y\n2024-01-01,1\n2024-01-02,2\n", [1, 2]),
    "no header": (ROWS, [1, 2, 4]),
    "no header, and numbers alone": ("1,5\n2,6\n4,9\n", [5, 6, 9]),
    "a number as a name": (PLAIN.replace("y", "2024"), [1, 2, 4]),
    "a separator after every line": (PLAIN.replace("\n", ",\n"), [1, 2, 4]),
    "a separator before every line": ("," + PLAIN.replace("\n", "\n,").removesuffix(","), [1, 2, 4]),
    "two separators between cells": (PLAIN.replace(",", ",,"), [1, 2, 4]),
    "line ends of old Macs, CR": (PLAIN.replace("\n", "\r"), [1, 2, 4]),
    "line ends of three systems in one file": ("ds,y\r\n2024-01-01,1\n2024-01-02,2\r2024-01-03,4\n", [1, 2, 4]),
    "CR CR LF, as a wrong copy leaves": (PLAIN.replace("\n", "\r\r\n"), [1, 2, 4]),
    "no newline after the last row": (PLAIN.removesuffix("\n"), [1, 2, 4]),
    "blank lines everywhere": ("\n\n" + PLAIN.replace("\n", "\n\n \n"), [1, 2, 4]),
    "a form feed between rows, as printers had": (PLAIN.replace("\n", "\n\x0c", 2), [1, 2, 4]),
    "quotes in the middle of a cell": ('ds,pipe,y\n2024-01-01,5" pipe,1\n2024-01-02,6" pipe,2\n', [1, 2]),
    "a newline, a separator and quotes in a quoted cell": (
        'ds,note,y\n2024-01-01,"a, b\nc ""d""",1\n2024-01-02,e,2\n',
        [1, 2],
    ),
    "spaces after separators": (PLAIN.replace(",", ",   "), [1, 2, 4]),
}


@pytest.mark.parametrize("abuse", REFUSED)
def test_lines_that_are_no_rows_are_refused(abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, REFUSED[abuse])
    hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)


@pytest.mark.parametrize("abuse", READ)
def test_odd_lines_that_mean_one_thing_are_read(abuse: str, tmp_path: Path) -> None:
    content, values = READ[abuse]
    path = written(tmp_path, content)
    hold_read_alike(ROOM, abuse, path, tmp_path, values)
