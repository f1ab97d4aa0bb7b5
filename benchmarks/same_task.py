"""The same task in several libraries: how many lines, how many seconds, and how good is what comes out?

The task: hourly bike rentals of two years (UCI Bike Sharing), with a covariate that is known in advance (is it a
working day?).  Fit a GRU, forecast 24 hours with an 80 % interval, backtest the last fifth of the rows a day apart,
save, load, forecast beyond the end, take one live observation and forecast again.  Each side is one script of
`docs/snippets/coming_from`, which the pages for people who come from that library show whole.

Every net has 64 units in one layer and takes at most 1,000 steps of training.  The peers read 168 rows, learn from
batches of 64 windows, and from everything before the test part; gatecast decides for itself, and its weights learn from
the first three fifths, because the fourth chooses among them.  Its seconds include the baselines on the same windows,
which the others do not have.  All are told the hour and the weekday, by a line of the script where a library does not
do so by itself (gatecast and GluonTS do).  Otherwise each has its own defaults: the loss, the scaling, and
what is done with the covariate.  So read the scores as what comes out of such a script, not as what a library can do at
its best; `peers.py` compares nets of one make.

Lines are those that are neither blank nor comment nor docstring, all formatted by ruff.  Seconds are those of the
processor, start-up and imports included, because other processes use this machine too; the median over rounds in which
the sides take turns.  Missing hours of the table are filled with the value before; the last two days are what is to
come.

    python benchmarks/peers.py --install        makes the environments
    python benchmarks/same_task.py [--environments FOLDER] [--rounds 3] [--sides ours darts ...] [--keep FILE]

With `--keep`, rounds are kept in a file, so that sides can be measured one after another; the table is of all in it.
"""

import argparse
import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from peers import CACHE
from report import environment, write_section

SCRIPTS = Path(__file__).parents[1] / "docs" / "snippets" / "coming_from"
COMING = 48  # rows to come
LIMIT = 3600  # seconds on the wall of one script


@dataclass
class Side:
    """One script; without an environment of its own it runs in gatecast's.

    Attributes:
        name: as it stands in the table.
        script: its file.
        environment: the folder of its environment.
        package: whose version is told.
        seconds: of each round, of the processor and on the wall.
        said: what it printed of its scores, the last time.
    """

    name: str
    script: str
    environment: str | None
    package: str
    seconds: list[tuple[float, float]] = field(default_factory=list)
    said: str = ""


SIDES = {
    "ours": Side("gatecast", "ours.py", None, "gatecast"),
    "darts": Side("Darts RNNModel GRU", "darts_side.py", "darts", "darts"),
    "neuralforecast": Side("NeuralForecast GRU", "neuralforecast_side.py", "neuralforecast", "neuralforecast"),
    "gluonts": Side("GluonTS DeepAR (LSTM)", "gluonts_side.py", "gluonts", "gluonts"),
    "pytorch_forecasting": Side(
        "PyTorch-Forecasting DeepAR (GRU)",
        "pytorch_forecasting_side.py",
        "pytorch-forecasting",
        "pytorch_forecasting",
    ),
    "keras": Side("Keras GRU", "keras_side.py", None, "keras"),
}


def table(folder: Path) -> pl.DataFrame:
    """`ds, workingday, load`, without gaps; the load of the last rows is empty."""
    rows = pl.read_csv(folder / "bike_sharing_hourly.csv.gz", try_parse_dates=True)
    rows = rows.select(
        pl.col("date_time").alias("ds"), pl.col("workingday").cast(pl.Int8), pl.col("users").alias("load")
    )
    rows = rows.sort("ds").upsample("ds", every="1h").with_columns(pl.all().forward_fill())
    known = pl.int_range(pl.len()) < pl.len() - COMING
    return rows.with_columns(pl.when(known).then("load"))


def run(side: Side, python: Path, rows: pl.DataFrame) -> None:
    """Run one script to its end in a folder of its own."""
    own = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "KERAS_BACKEND": "torch"}
    with tempfile.TemporaryDirectory() as scratch:
        rows.write_csv(Path(scratch, "load.csv"), datetime_format="%Y-%m-%d %H:%M:%S")
        before = os.times()
        done = subprocess.run(
            [str(python), str(SCRIPTS / side.script)],
            env=os.environ | own,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            cwd=scratch,
            check=False,
        )
        after = os.times()
    found = re.search(r"MAE [\d.]+, \d+%", done.stdout)
    if done.returncode or found is None:
        sys.exit(f"{side.script} failed:\n{done.stderr[-2000:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    side.seconds.append((used, after.elapsed - before.elapsed))
    side.said = found[0]
    print(f"{side.name}: {used:.0f} s, {after.elapsed - before.elapsed:.0f} s on the wall, {side.said}", flush=True)


def code_lines(script: Path) -> int:
    """Lines that are neither blank, nor comment, nor docstring."""
    text = script.read_text()
    tree = ast.parse(text)
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef)]
    strings = [owner.body[0] for owner in owners if ast.get_docstring(owner)]
    said = {line for node in strings for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in said for n, line in lines)


def version(python: Path, package: str) -> str:
    """A package and its version, asked of the environment that holds it."""
    ask = f"import importlib.metadata as m; print('{package}', m.version('{package}'))"
    return subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def row(side: dict[str, Any]) -> str:
    """One line of the table."""
    used = statistics.median(seconds for seconds, _ in side["seconds"])
    mae, covered = re.findall(r"[\d.]+", side["said"])
    return f"| {side['name']} | {code_lines(SCRIPTS / side['script'])} | {used:.0f} | {float(mae):.1f} | {covered}% |"


def section(sides: list[dict[str, Any]]) -> list[str]:
    """Everything that is said of the sides."""
    rounds = sorted({len(side["seconds"]) for side in sides})
    shares = [used / wall for side in sides for used, wall in side["seconds"]]
    return [
        environment(threads=1),
        f"{', '.join(side['version'] for side in sides)}; rounds: {', '.join(map(str, rounds))}.",
        f"The scripts got {min(shares):.0%} to {max(shares):.0%} of a core.",
        "",
        "| script | lines | seconds | MAE | within the 80 % interval |",
        "|---|---|---|---|---|",
        *map(row, sides),
    ]


def python_of(side: Side, environments: Path) -> Path:
    """The interpreter that a side runs in."""
    return environments / side.environment / "bin" / "python" if side.environment else Path(sys.executable)


def main() -> None:
    """Run the sides in turns, and put the table into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=CACHE, help=f"those of peers.py, {CACHE} by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--keep", type=Path, help="a JSON file of rounds, added to")
    said = parser.parse_args()
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("same_task skipped: GATECAST_DATA is not set\n")
        return
    rows = table(Path(os.environ["GATECAST_DATA"]))
    pythons = {name: python_of(SIDES[name], said.environments.resolve()) for name in said.sides}
    missing = [name for name, python in pythons.items() if not python.exists()]
    if missing:
        sys.stderr.write(f"same_task skipped: no environment for {', '.join(missing)}; peers.py --install makes them\n")
        return
    for _ in range(said.rounds):
        for name, python in pythons.items():
            run(SIDES[name], python, rows)
    told = {name: version(python, SIDES[name].package) for name, python in pythons.items()}
    sides = [asdict(SIDES[name]) | {"version": told[name]} for name in pythons]
    if said.keep:
        sides = [*(json.loads(said.keep.read_text()) if said.keep.exists() else []), *sides]
        said.keep.write_text(json.dumps(sides, indent=1))
    write_section("same_task", "The same task in several libraries", __doc__, section(sides))


if __name__ == "__main__":
    main()
