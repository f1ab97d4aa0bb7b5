"""Every kind of request to a live server at once, for a stretch of time.

Used by `long_run.py`.
"""

import asyncio
import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from live_load import Load, again, load, observations, post

OBSERVING, FORECASTING, BATCH = 8, 2, 100
WARM = 30  # rows, after which a new series has its scale
FORECAST = post("/v1/forecast", '{"series":["c1"],"horizon":4,"quantiles":[0.1,0.9]}')
LATE = {"observations": [{"series": "c1", "ds": "1970-01-01T00:00:00", "y": 1.0}]}
TABLES = b"GET /v1/series?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Answers(NamedTuple):
    """Of one kind of request in a stretch: how many, and the milliseconds that half and 99 % of them took at most."""

    number: float
    median: float
    late: float


class Rows(NamedTuple):
    """Where each connection that observes goes on in the next stretch."""

    single: list[Iterator[bytes]]
    batch: list[Iterator[bytes]]


def first_rows(port: int) -> Rows:
    """Before the first stretch; new series have rows enough to be scaled by."""
    rows = Rows(
        [observations([f"c{number}"]) for number in range(OBSERVING)],
        [observations([f"b{row}" for row in range(BATCH)])],
    )
    asyncio.run(load(port, rows.single + rows.batch, most=WARM))
    return rows


def stretch(port: int, rows: Rows, seconds: float) -> tuple[dict[str, Answers], int]:
    """All kinds of requests for so long; and how many were answered as they should not be."""
    kinds = {
        "observe, 1 row": rows.single,
        "observe, 100 rows": rows.batch,
        "forecast": [again(FORECAST) for _ in range(FORECASTING)],
        "list of series": [again(TABLES)],
    }
    try:
        loads = asyncio.run(_together(port, kinds, seconds))
    except SystemExit as error:  # an answer that is not 200 ends a load
        print(error, file=sys.stderr, flush=True)
        return dict.fromkeys(kinds, Answers(0, math.nan, math.nan)), 1
    return {kind: _answers(own) for kind, own in zip(kinds, loads, strict=True)}, _accepted(port)


def _answers(own: Load) -> Answers:
    return Answers(len(own.seconds), own.quantile(0.5), own.quantile(0.99))


async def _together(port: int, kinds: dict[str, list[Iterator[bytes]]], seconds: float) -> list[Load]:
    """Each kind on connections of its own."""
    return await asyncio.gather(*(load(port, each, seconds) for each in kinds.values()))


def _accepted(port: int) -> int:
    """Two requests that must be refused; how many were not."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        late = client.post("/v1/observe", json=LATE)
        nobody = client.post("/v1/forecast", json={"series": ["nobody"]})
        return sum(answer.status_code // 100 != 4 for answer in (late, nobody))
