"""Every example runs as it stands; those that show one of the classic systems have tests of their own beside this."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
EXAMPLES = sorted(TESTS.parent.joinpath("examples").glob("*.py"))
SHORT = [example for example in EXAMPLES if not TESTS.joinpath(f"test_example_{example.stem}.py").exists()]


@pytest.mark.parametrize("example", SHORT, ids=lambda path: path.stem)
def test_example_runs_and_speaks_of_its_baseline(example: Path, tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, example], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "seasonal naive" in done.stdout
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"
