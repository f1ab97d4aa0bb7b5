"""Files of other programs under the name of a table: refused as what they are."""

import json
import pickle
from pathlib import Path

import pytest
from tables_tried import hold_refused_everywhere, written

ROOM = "Tables: files of other programs"
ROWS = [{"ds": f"2024-01-0{day}", "y": day} for day in (1, 2, 3)]
KINDS: dict[str, tuple[bytes, str]] = {
    "a PNG picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
    "a JPEG picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(50), "JPEG"),
    "a GIF picture": (b"GIF89a\x01\x00\x01\x00" + bytes(50), "GIF"),
    "a PDF page": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "PDF"),
    "a spreadsheet of 1997, xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "xls"),
    "a spreadsheet, xlsx": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(100) + b"xl/workbook.xml", "spreadsheet"),
    "an HTML page with a table": (b"<!DOCTYPE html>\n<html><table><tr><td>2024-01-01</td></tr></table></html>", "HTML"),
    "an HTML page that says 404": (b"<html><body>404, not found, sorry</body></html>", "HTML"),
    "XML": (b'<?xml version="1.0"?>\n<rows><row ds="2024-01-01" y="1"/></rows>\n', "XML"),
    "JSON, a list of rows": (json.dumps(ROWS, indent=1).encode(), "JSON"),
    "JSON, columns by name": (json.dumps({"ds": ["2024-01-01"], "y": [1]}).encode(), "JSON"),
    "JSON, a row a line": ("\n".join(json.dumps(row) for row in ROWS).encode(), "JSON"),
    "a pickle": (pickle.dumps({"y": [1, 2, 3]}), "pickle"),
    "a pickle as text, protocol 0": (pickle.dumps({"y": [1, 2, 3]}, protocol=0), "one column"),
    "an SQLite database": (b"SQLite format 3\x00" + bytes(100), "SQLite"),
    "an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "a numpy array": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", "numpy"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100), "program"),
    "a Python script": (b"import os\nfor i in range(3):\n    print(i)\n", "one column"),
    "SQL": (b"INSERT INTO t VALUES (1,2);\nINSERT INTO t VALUES (3,4);\n", "no column holds numbers"),
    "a letter": (b"Dear all,\n\nhere is the table that you asked for. It has 3 rows, more or less.\n", "no column"),
}


@pytest.mark.parametrize("abuse", KINDS)
def test_files_of_other_programs_are_refused_as_what_they_are(
    abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, word = KINDS[abuse]
    path = written(tmp_path, content)
    message = hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)
    assert word in message
