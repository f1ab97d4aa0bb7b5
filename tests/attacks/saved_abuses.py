"""What is done to other things that are saved: checkpoints, snapshots of streams, run folders, journals, stores."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import torch
from model_makers import Tree, closed, opened

from gatecast.saved import NOT_SEALED, seal

Change = Callable[[bytes], bytes]


def cut(share: float) -> Change:
    return lambda data: data[: int(share * len(data))]


def flipped(share: float) -> Change:
    """One bit is another."""

    def change(data: bytes) -> bytes:
        place = int(share * len(data))
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


def instead(data: bytes) -> Change:
    return lambda _: data


def _facts(**facts: object) -> Change:
    """Other numbers beside the tensors of a checkpoint, which is sealed anew."""

    def change(data: bytes) -> bytes:
        header, body = opened(data)
        about = header["__metadata__"]
        told = json.loads(about["training"]) | facts
        about |= {"training": json.dumps(told), "seal": NOT_SEALED}
        return seal(closed(header, body), NOT_SEALED)

    return change


def _numbers(name: str, value: float) -> Change:
    """A number of a tensor of a checkpoint, which is sealed anew."""

    def change(data: bytes) -> bytes:
        header, body = opened(data)
        first = header[name]["data_offsets"][0]
        header["__metadata__"]["seal"] = NOT_SEALED
        number = torch.tensor(value, dtype=torch.float32).numpy().tobytes()
        return seal(closed(header, body[:first] + number + body[first + 4 :]), NOT_SEALED)

    return change


DAMAGE: dict[str, Change] = {
    "is empty": instead(b""),
    "is cut off in the middle": cut(0.5),
    "lacks its last bytes": cut(0.99),
    "is text": instead(b"hello"),
    "has a header of length 2^63": lambda data: (2**63).to_bytes(8, "little") + data[8:],
    "has a header nested a hundred thousand deep": instead(closed(b'{"a":' * 10**5, b"")),
    "has a header that is a list": instead(closed(b"[]", b"")),
    "has another bit in its tensors": flipped(0.9),
    "has a tensor of a type that numpy does not have": lambda data: _odd(data, "F8_E8M0"),
}


def _odd(data: bytes, kind: str) -> bytes:
    header, body = opened(data)
    return closed(header | {"odd": {"dtype": kind, "shape": [0], "data_offsets": [len(body)] * 2}}, body)


CHECKPOINTS: dict[str, Change] = {
    "says that a negative number of steps was taken": _facts(step=-1),
    "says that its best step is in words": _facts(best_step="first"),
    "says nothing of its steps": lambda data: _without(data, "training"),
    "has no seal": lambda data: _without(data, "seal"),
    "has a weight that is NaN": _numbers("network.decoder.context.bias", float("nan")),
    "has a best weight that is infinite": _numbers("best.decoder.context.bias", float("inf")),
    "has a mean of squares below zero": _numbers("optimiser.second", -1.0),
}


def _without(data: bytes, name: str) -> bytes:
    header, body = opened(data)
    del header["__metadata__"][name]
    if "seal" in header["__metadata__"]:
        header["__metadata__"]["seal"] = NOT_SEALED
    return seal(closed(header, body), NOT_SEALED)


def counts(name: str, value: int) -> Change:
    """Every whole number of an array of a snapshot, which is given no sha256."""

    def change(data: bytes) -> bytes:
        header, body = opened(data)
        first, last = header[name]["data_offsets"]
        del header["__metadata__"]["sha256"]
        told = value.to_bytes(8, "little", signed=True) * ((last - first) // 8)
        return closed(header, body[:first] + told + body[last:])

    return change


def _told(change: Callable[[Tree], object]) -> Change:
    def altered(data: bytes) -> bytes:
        header, body = opened(data)
        del header["__metadata__"]["sha256"]
        change(header)
        return closed(header, body)

    return altered


SNAPSHOTS: dict[str, Change] = {
    "says that a series has a negative number of rows": counts("count", -5),
    "says that a series has 2^62 rows": counts("count", 2**62),
    "says that a value was not seen for a negative number of rows": counts("unseen", -(2**40)),
    "says that a value was not seen for 2^62 rows": counts("unseen", 2**62),
    "says that more rows are settled than came": counts("settled", 2**39),
    "says that a million rows wait of a new series": counts("waited", 10**6),
    "says that its series is the billionth of those trained": counts("identity", 10**9),
    "says that a forecast was made at a row long before the first": counts("issued", -(2**40)),
    "is of a newer version": _told(lambda header: header["__metadata__"].update(schema="2")),
    "is of another model": _told(lambda header: header["__metadata__"].update(fingerprint="0" * 64)),
    "lacks an array": _told(lambda header: header.update(oddly=header.pop("count"))),
    "has its names as numbers with signs": _told(lambda header: header["names"].update(dtype="I8")),
}


def by_sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(apsw.Connection(str(path))) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


STORES: dict[str, Callable[[Path], object]] = {
    "is a table in text": lambda path: path.write_text("series,ds,y\n" * 1000),
    "is cut off in the middle": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "is cut off within its head": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "is a folder": lambda path: (path.unlink(), path.mkdir()),
    "is another program's by its mark": by_sql("PRAGMA application_id=7"),
    "is of a newer version": by_sql("PRAGMA user_version=9"),
    "is of an older version": by_sql("PRAGMA user_version=0"),
    "lacks a table": by_sql("DROP TABLE requests"),
    "has a column more": by_sql("ALTER TABLE series ADD COLUMN z TEXT"),
    "has a trigger that deletes rows": by_sql(
        "CREATE TRIGGER t AFTER INSERT ON series BEGIN DELETE FROM observations; END"
    ),
    "lacks a series": by_sql("PRAGMA foreign_keys=OFF", "UPDATE series SET id = 5"),
    "has words as a value": by_sql("UPDATE observations SET y = 'ten' WHERE position = 3"),
    "has seven bytes as the values of a row": by_sql("UPDATE observations SET y = x'00112233445566' WHERE position=3"),
    "has covariates that are no MessagePack": by_sql("UPDATE observations SET x = x'ff' WHERE position = 3"),
    "has a row of a series that is not there": by_sql(
        "PRAGMA foreign_keys=OFF", "UPDATE observations SET series = 99 WHERE position = 3"
    ),
}
