"""Trains nets of every kind, again and again, as a process of its own.

Used by `long_run.py`.
"""

import json
import multiprocessing
import shutil
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

import gatecast as gc

KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "windows, all baselines": {"mode": "windows", "baselines": None, "windows": None},
        "sequences": {"mode": "sequences", "training.time": 96},
        "lstm, normal": {"cell": "lstm", "loss": "normal"},
        "paths": {"decode": "recursive", "loss": "student", "paths": 20},
        "counts": {"loss": "negative_binomial"},
        "mixture, seq2seq": {"decode": "seq2seq", "loss": "mixture"},
        "segments": {"segment": 6, "decode": "segments"},
        "ensemble": {"ensemble": 3, "cell": "mingru"},
        "slstm, a point": {"cell": "slstm", "loss": "huber"},
        "local nets beside": {"local": True, "local_units": 4},
        "taken up again": {"mode": "windows"},
    }
)
ROWS, SERIES = 500, 3
SETTINGS = {"horizon": 12, "lookback": 36, "season": 12, "hidden_size": 8, "steps": 40, "batch_size": 16}
BRIEFLY = {"baselines": "naive,seasonal_naive", "windows": 3}


def train_for_ever(place: Path) -> None:
    """One kind after another, in a run folder that is made anew, with a line in `fits.jsonl` for each.

    It ends with the process that started it, even one that was killed.
    """
    table, starter = some_table(), multiprocessing.parent_process()
    for number in count():
        for kind, settings in KINDS.items():
            if starter is not None and not starter.is_alive():
                return
            began = time.perf_counter()
            try:
                error = once(table, place / "run", kind, settings)
            except gc.GatecastError as refusal:
                error = str(refusal)
            line = {"turn": number, "kind": kind, "seconds": time.perf_counter() - began, "error": error}
            with (place / "fits.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")


def once(table: pl.DataFrame, folder: Path, kind: str, settings: Mapping[str, Any]) -> str:
    """Train, write the report, read the model back and forecast; what is wrong with the forecasts, or nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    options = {**SETTINGS, **BRIEFLY, **settings}
    gc.fit(table, out=folder, **options)
    if kind == "taken up again":
        gc.fit(table, out=folder, resume=True, **options)
    found = gc.load(folder).predict(table).to_frame().select(pl.selectors.float())
    return "" if found.select(pl.all().is_finite().all()).row(0) == (True,) * found.width else "not all is finite"


def some_table() -> pl.DataFrame:
    """Counts with a daily wave, of some series."""
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2025, 1, 1), "1h", eager=True)[:ROWS]
    wave, draw = 20 + 10 * np.sin(np.arange(ROWS) * 2 * np.pi / 12), np.random.default_rng(0)
    return pl.concat(
        pl.DataFrame({"unique_id": f"s{number}", "ds": hours, "y": draw.poisson(wave * (number + 1))})
        for number in range(SERIES)
    )
