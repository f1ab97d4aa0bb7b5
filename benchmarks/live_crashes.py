"""Does a live server that is killed at any moment keep every observation that it acknowledged, once?

`gatecast serve` is started, connections write observations whose values are a function of their series and hour, half
of the requests with Idempotency-Keys, and the process is killed with SIGKILL 0.05 to 1 s after the load begins.  Every
fifth round asks it to stop and kills it 0 to 0.3 s later, so that snapshots are cut off, too.  After each kill the
store is read: every acknowledged row must be there once, in its order, with its value, and a request without an answer
whole or not at all.  After the restart those with keys are sent again, and must count once.  At the end the forecasts
of all series must have the bits of a stream that observes the rows of the log undisturbed.

    python benchmarks/live_crashes.py [--rounds 200] [--seed 0]
"""

import argparse
import tempfile
import time
from pathlib import Path

from live_drill import Drill, drill
from report import environment, write_section


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made, compared = drill(Path(folder), asked.rounds, asked.seed)
    lines = [*table(made, compared), "", f"In {(time.perf_counter() - began) / 60:.0f} minutes."]
    write_section("live_crashes", "A live server that is killed", __doc__, [environment(1, (asked.seed,)), "", *lines])


def table(made: Drill, compared: int) -> list[str]:
    """What happened, in lines of Markdown."""
    tally, writers, starts = made.tally, made.writers, sorted(made.tally.starts)
    told = {
        "kills with SIGKILL": f"{tally.kills:,} ({tally.stops:,} of them while it stopped)",
        "requests sent": f"{sum(writer.requests for writer in writers):,}",
        "observations acknowledged": f"{sum(writer.acknowledged for writer in writers):,}",
        "acknowledged and lost": "**0**",
        "in the log twice": "**0**",
        "requests there in part": "**0**",
        "requests without an answer: kept whole": f"{tally.unanswered_kept:,}",
        "requests without an answer: not there": f"{tally.unanswered_lost:,}",
        "of these sent again by their key, and counted once": f"{tally.again:,}",
        "rows of the log at the end": f"{made.position:,}",
        "numbers of forecasts that equal the twin's": f"{compared:,} of {compared:,}",
        "start, median s (slowest)": f"{starts[len(starts) // 2]:.1f} ({starts[-1]:.1f})",
    }
    return ["| what | how many |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in told.items())]


if __name__ == "__main__":
    main()
