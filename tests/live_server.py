"""Real servers over a run that is fitted once, for the tests of the server as a whole."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from live_process import command, fit_run, value, written

NAMES = ["s0", "s1"]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a small model, with its table beside it."""
    return fit_run(tmp_path_factory.mktemp("live") / "run", NAMES)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", tmp_path], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no small disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def observed(name: str, *hours: int) -> dict[str, Any]:
    """The body of a request."""
    return {"observations": [{"series": name, "ds": written(hour), "y": value(name, hour)} for hour in hours]}


def observe(url: str, name: str, *hours: int, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.post(f"{url}/v1/observe", json=observed(name, *hours), headers=headers, timeout=30)


def asked(url: str, path: str, **query: Any) -> Any:
    """The answer to a GET."""
    answer = httpx.get(url + path, params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(run: Path, data: Path, *flags: str) -> str:
    """What a server that cannot start says, which is one line, and exits with 1."""
    done = subprocess.run(command(run, data, *flags), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line
