"""How does gatecast compare with the textbook loop and the forecasting libraries on one piece of work?

The work: column OT of ETTh1, 12, 4 and 4 months of 30 days to train, validate and test by; 96 hours in, 24 hours out, a
recurrent net of hidden size 64 and one layer, 64 windows a step, squared error (DeepAR: its likelihood).  `peers/` has
one script a peer; each runs in a process and an environment of its own, one after another, on one thread, with one seed
(NeuralForecast's is its default of 1).  Seconds are those of the process's clock, because other processes use this
machine too; so ratios within one run count, and not the figures by themselves.  A backtest is the public call that
forecasts from each of the 2,857 rows of the test part, one row apart (a median of 3 calls; gatecast: of 15, its parts
of 25; AutoReg: one), and one call is one forecast from data in the peer's own form (a median of 15).

Targets supervised count what the loss really takes.  Most peers take the horizon of each window.  One-step models take
each step of a window: 119 of Darts' RNNModel and of DeepAR.  NeuralForecast's recurrent GRU takes the last `h_train`
steps alone.  gatecast in `sequences` takes the horizon from every row it reads but the burn-in, so a window of its
count is one such row, and one value is supervised from up to 24 of them; `windows` is the like of the textbook loop,
step for step.  gatecast's time includes a look at the validation part every 50 steps, by which it keeps its best
weights; the peers take no looks and keep the last.  Its first pass in `sequences` reads all 14,376 rows from the start
of the series, one after another, where the others read 96 rows for each origin; it remembers the state before the test
part and the table that it laid out, so later calls read the 2,857 rows after them.

    python benchmarks/peers.py --install     makes the environments (about 1.5 GB each) and runs
    python benchmarks/peers.py [--environments FOLDER] [--steps 2000] [--json FILE]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from report import environment, write_section

HERE = Path(__file__).parent / "peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gatecast" / "peers"
PACKAGES = {
    "neuralforecast": ("neuralforecast",),
    "darts": ("darts[torch]", "pytorch-lightning"),
    "gluonts": ("gluonts[torch]",),
    "pytorch-forecasting": ("pytorch-forecasting",),
}
LIMIT = 900  # seconds of one peer
SLOW = 600  # steps of a peer whose steps are slow
Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One script; without an environment of its own it runs in gatecast's."""

    script: str
    environment: str | None = None
    way: str = ""
    steps: int | None = None


OURS = (Run("gatecast_gru.py", way="windows"), Run("gatecast_gru.py", way="sequences"))
PEERS = (
    Run("textbook_loop.py"),
    Run("neuralforecast_gru.py", "neuralforecast", "direct"),
    Run("neuralforecast_gru.py", "neuralforecast", "recurrent"),
    Run("darts_gru.py", "darts", "block"),
    Run("darts_gru.py", "darts", "recurrent"),
    Run("pytorch_forecasting_gru.py", "pytorch-forecasting", steps=SLOW),
    Run("gluonts_deepar.py", "gluonts"),
    Run("autoreg.py"),
)


def install(folder: Path) -> None:
    """Make the environments; the torch that gatecast runs on goes first, so that no peer brings another."""
    for name, packages in PACKAGES.items():
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        pip = [str(folder / name / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"torch=={torch.__version__.split('+')[0]}", "numpy"], check=True)
        subprocess.run([*pip, *packages], check=True)


def measure(run: Run, folder: Path, steps: int) -> Row:
    """Run one script to its end."""
    python = folder / run.environment / "bin" / "python" if run.environment else Path(sys.executable)
    command = [str(python), str(HERE / run.script), str(min(steps, run.steps or steps)), run.way]
    own = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "GATECAST_DATA": str(data_folder())}
    with tempfile.TemporaryDirectory() as scratch:
        started = time.time()
        own["PEER_STARTED"] = str(started)
        done = subprocess.run(
            command, env=os.environ | own, capture_output=True, text=True, timeout=LIMIT, cwd=scratch, check=False
        )
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        sys.exit(f"{run.script} failed:\n{done.stderr[-2000:]}")
    row: Row = json.loads(found[0].removeprefix("RESULT ")) | {"load": os.getloadavg()[0]}
    print(f"{row['name']}: {time.time() - started:.0f} s, load {row['load']:.1f}", flush=True)
    return row


def data_folder() -> Path:
    """Where ETTh1.csv.gz lies."""
    return Path(os.environ["GATECAST_DATA"]).resolve()


def training_table(rows: list[Row]) -> Iterator[str]:
    """What training costs, and what comes of it."""
    yield "| training | steps | first step, s | windows/s | targets supervised/s | MSE | MAE | peak MB | user's lines |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        trained = ("-", "-", "-", "-")
        if row["steps"]:
            first = f"{row['first_step']:.1f} ({row['first_step_wall']:.1f})"
            rates = (f"{row['windows_a_second']:,.0f}", f"**{row['targets_a_second']:,.0f}**")
            trained = (f"{row['steps']:,}", first, *rates)
        scores = (f"{row['mse']:.4f}", f"{row['mae']:.3f}", f"{row['peak_mb']:.0f}", str(row["lines"]))
        yield f"| {' | '.join((row['name'], *trained, *scores))} |"


def forecasting_table(rows: list[Row]) -> Iterator[str]:
    """How fast a backtest is, and one call."""
    yield "| forecasting | backtest windows/s | ms in all | one call, ms |"
    yield "|---|---|---|---|"
    for row in rows:
        for part, rate in row["parts"].items():
            yield f"| {row['name']}: {part} | {rate:,.0f} | {ms(rate)} | |"
        rate, call = row["backtest_windows_a_second"], row["call_ms"]
        whole = ": forecast and its frame" if row["parts"] else ""
        yield f"| {row['name']}{whole} | **{rate:,.0f}** | {ms(rate)} | {call:.1f} |"


def ms(rate: float) -> str:
    """What the whole backtest takes."""
    milliseconds = 1e3 * 2857 / rate
    return f"{milliseconds:,.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def alike(windows: Row, textbook: Row) -> str:
    """How much faster the same windows are learnt from."""
    factor = windows["windows_a_second"] / textbook["windows_a_second"]
    return f"{windows['name']} learns from {factor:.1f} times the windows a second of the {textbook['name']}."


def goals(ours: Row, peers: list[Row]) -> Iterator[str]:
    """The goals, and whether they are reached: against every peer, and against the libraries alone."""
    libraries = [row for row in peers if "textbook" not in row["name"]]
    for what, mine, key, aim in (
        ("training, targets supervised per second", ours["targets_a_second"], "targets_a_second", 10),
        ("the pass of a backtest", ours["parts"]["pass"], "backtest_windows_a_second", 100),
        ("the public call with its frame", ours["backtest_windows_a_second"], "backtest_windows_a_second", 50),
    ):
        best, library = (max(found, key=lambda row: row[key]) for found in (peers, libraries))
        factor, beside = mine / best[key], mine / library[key]
        reached = "reached" if factor >= aim else f"**not reached** ({aim} times was the goal)"
        also = "" if best is library else f"; {beside:.0f} times the fastest library ({library['name']})"
        yield f"- {what}: {factor:.0f} times the fastest peer ({best['name']}){also}: {reached}."


def section(ours: list[Row], peers: list[Row]) -> list[str]:
    """Everything that is said of one run."""
    versions = sorted({part for row in [*ours, *peers] for part in row["versions"].split(", ")})
    loads = [row["load"] for row in [*ours, *peers]]
    shares = [row["share_of_core"] for row in [*ours, *peers] if row["steps"]]
    return [
        environment(threads=1),
        f"{', '.join(versions)}.",
        f"Load {min(loads):.1f} to {max(loads):.1f}; training got {min(shares):.0%} to {max(shares):.0%} of a core.",
        "",
        *training_table([*ours, *peers]),
        "",
        "In brackets: seconds on the wall.",
        "",
        *forecasting_table([*ours, *peers]),
        "",
        alike(ours[0], peers[0]),
        "",
        f"Goals of {ours[-1]['name']}:",
        "",
        *goals(ours[-1], peers),
    ]


def main() -> None:
    """Run every peer, print the tables and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=CACHE, help=f"where they are made, {CACHE} by default")
    parser.add_argument("--install", action="store_true", help="make the environments first")
    parser.add_argument("--steps", type=int, default=2000, help="training steps")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    said = parser.parse_args()
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("peers skipped: GATECAST_DATA is not set\n")
        return
    folder = said.environments.resolve()
    if said.install:
        install(folder)
    missing = [name for name in PACKAGES if not (folder / name).exists()]
    if missing:
        sys.stderr.write(f"peers skipped: no environment for {', '.join(missing)}; make them with --install\n")
        return
    ours = [measure(run, folder, said.steps) for run in OURS]
    peers = [measure(run, folder, said.steps) for run in PEERS]
    if said.json:
        said.json.write_text(json.dumps([*ours, *peers], indent=1))
    write_section("peers", "Beside its peers", __doc__, section(ours, peers))


if __name__ == "__main__":
    main()
