"""`python -m fuzz TARGET SECONDS [FLAGS]`: one target for so long, with whatever other flags libFuzzer takes.

libFuzzer ends its process at once, so it runs in a child, and what that leaves in memory is swept up here.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
GROWN = HERE / "grown"  # not kept in git
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}  # tables and nets are tiny: threads would wait
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1")


def main(target: str, seconds: str, *flags: str) -> int:
    """Fuzz, growing the inputs in `grown/TARGET`; an input that fails is written to `grown`."""
    grown, kept = GROWN / target, HERE / "corpus" / target
    grown.mkdir(parents=True, exist_ok=True)
    words = HERE / "dictionaries" / f"{target}.txt"
    usual = (*LIMITS, f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={GROWN}/{target}-")
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as place:
        places = (kept, grown) if "-merge=1" in flags else (grown, kept)  # the first is written to
        command = (sys.executable, "-m", "fuzz.driving", target, *usual, *flags, *map(str, places))
        return subprocess.run(command, env={**os.environ, **ONE_THREAD, "TMPDIR": place}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
