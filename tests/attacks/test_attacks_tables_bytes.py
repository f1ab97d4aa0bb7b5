"""Text tables in odd bytes: encodings, byte order marks, packed, packed twice, damaged."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from tables_tried import daily, hold_read_alike, hold_refused_everywhere, written

ROOM = "Tables: bytes"
PLAIN = daily(1.5, 2.5, -3)
SIZE = daily(1, 2, 4, name="Größe")


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("t.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def parquet() -> bytes:
    packed = io.BytesIO()
    pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1, 2]}).write_parquet(packed)
    return packed.getvalue()


PACKED = gzip.compress(PLAIN.encode())
REFUSED: dict[str, bytes] = {
    "UTF-16 without a byte order mark, little end first": SIZE.encode("utf-16-le"),
    "UTF-16 without a byte order mark, big end first": SIZE.encode("utf-16-be"),
    "UTF-16 cut within a character": b"\xff\xfe" + SIZE.encode("utf-16-le")[:-1],
    "UTF-16 with half a surrogate pair": b"\xff\xfe" + SIZE.encode("utf-16-le") + b"\x00\xd8a\x00",
    "UTF-32": b"\xff\xfe\x00\x00" + SIZE.encode("utf-32-le"),
    "UTF-8 with a mark, then a byte that is none": b"\xef\xbb\xbf" + daily(1, 2, 4).encode() + b"2024-01-04,\xff\n",
    "a header in UTF-8 and a row in Latin-1": "ds,Größe,shop\n".encode() + "2024-01-01,1,Köln\n".encode("latin-1"),
    "a header in UTF-8 and Chinese rows in GBK": "ds,销量,天气\n".encode()
    + "2024-01-01,1,多云\n2024-01-02,2,小雨\n2024-01-03,3,大雪\n2024-01-04,4,雷阵雨转多云\n".encode("gbk"),
    "Korean in EUC-KR": daily(1, 2, 4, name="판매량").encode("euc_kr"),
    "Chinese in Big5": daily(1, 2, 4, name="銷售數量").encode("big5"),
    "one letter that is Chinese in GBK and two Estonian capitals": daily(1, 2, 4, name="TÖÖ").encode("cp1252"),
    "a table in UTF-8 and then a row in UTF-16": PLAIN.encode() + "2024-01-04,5\n".encode("utf-16-le"),
    "half a surrogate pair in UTF-8": daily(1, 2, 4, name="y\ud800").encode("utf-8", "surrogatepass"),
    "EBCDIC, as mainframes write": PLAIN.encode("cp037"),
    "a NUL in a cell": daily(1, "2\0", 4).encode(),
    "a NUL in the header": daily(1, 2, 4, name="y\0").encode(),
    "4,096 NULs after the last row, as a crash leaves": PLAIN.encode() + bytes(4096),
    "nothing but NULs": bytes(10_000),
    "every byte there is, again and again": bytes(range(256)) * 50,
    "a control-Z at the end, as DOS wrote": PLAIN.encode() + b"\x1a",
    "a zip archive with the table": zipped(t=PLAIN.encode()),
    "a zip archive with 1,000 files": zipped(**{f"t{number}.csv": PLAIN.encode() for number in range(1000)}),
    "a zip archive in a zip archive": zipped(inner=zipped(t=PLAIN.encode())),
    "an empty zip archive": b"PK\x05\x06" + bytes(18),
    "a byte order mark between two tables put together": PLAIN.encode() + b"\xef\xbb\xbf2024-01-04,5\n",
    "gzip of gzip": gzip.compress(PACKED),
    "gzip of a zip archive": gzip.compress(zipped(t=PLAIN.encode())),
    "gzip of a tar archive": tarred(PLAIN.encode()),
    "gzip of a Parquet file": gzip.compress(parquet()),
    "gzip of nothing": gzip.compress(b""),
    "gzip that was cut": PACKED[:-12],
    "gzip whose checksum is wrong": PACKED[:-8] + b"abcdefgh",
    "gzip with other bytes after it": PACKED + b"junk",
    "the two bytes that gzip begins with, then zeros": b"\x1f\x8b" + bytes(60),
    "bzip2": b"BZh91AY&SY" + bytes(50),
    "xz": b"\xfd7zXZ\x00\x00\x04" + bytes(50),
    "zstd": b"\x28\xb5\x2f\xfd\x04" + bytes(50),
    "lz4": b"\x04\x22\x4d\x18\x64" + bytes(50),
    "7z": b"7z\xbc\xaf\x27\x1c\x00" + bytes(50),
    "RAR": b"Rar!\x1a\x07\x01" + bytes(50),
}
READ: dict[str, tuple[bytes, list[float]]] = {
    "UTF-16 with its byte order mark": (SIZE.encode("utf-16"), [1, 2, 4]),
    "UTF-16 with its byte order mark, big end first": (b"\xfe\xff" + SIZE.encode("utf-16-be"), [1, 2, 4]),
    "UTF-8 with a byte order mark, and quotes around the header": (
        b"\xef\xbb\xbf" + '"ds","Größe"\n2024-01-01,1\n2024-01-02,2\n'.encode(),
        [1, 2],
    ),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + PLAIN.encode(), [1.5, 2.5, -3]),
    "Chinese in GBK": (daily(1, 2, 4, name="销量").encode("gbk"), [1, 2, 4]),
    "Chinese in GB18030, with a letter of four bytes": (daily(1, 2, 4, name="𠮷祥店销量").encode("gb18030"), [1, 2, 4]),
    "Portuguese capitals side by side": (daily(1, 2, 4, name="VARIAÇÃO DE AÇÕES").encode("cp1252"), [1, 2, 4]),
    "gzip of GBK": (gzip.compress(daily(1, 2, 4, name="最高气温").encode("gbk")), [1, 2, 4]),
    "Latin-1": (SIZE.encode("latin-1"), [1, 2, 4]),
    "Windows-1252, with the sign of the euro": (daily(1, 2, 4, name="Preis in €").encode("cp1252"), [1, 2, 4]),
    "Japanese in Shift-JIS, whose letters become others": (daily(1, 2, 4, name="値段").encode("shift_jis"), [1, 2, 4]),
    "gzip of UTF-16": (gzip.compress(SIZE.encode("utf-16")), [1, 2, 4]),
    "gzip in two members, one after the other": (PACKED + gzip.compress(b"2024-01-04,7\n"), [1.5, 2.5, -3, 7]),
    "gzip with zeros after it, as tapes have": (PACKED + bytes(100), [1.5, 2.5, -3]),
}


@pytest.mark.parametrize("abuse", REFUSED)
def test_odd_bytes_are_refused(abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, REFUSED[abuse])
    hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)


@pytest.mark.parametrize("abuse", READ)
def test_odd_bytes_that_mean_one_thing_are_read(abuse: str, tmp_path: Path) -> None:
    content, values = READ[abuse]
    path = written(tmp_path, content)
    hold_read_alike(ROOM, abuse, path, tmp_path, values)
