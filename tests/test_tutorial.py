"""The tutorial, done as it is written: every command runs, and prints what the page shows, numbers aside."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1].joinpath("docs/tutorial.md")
BLOCK = re.compile(r"(?:<!-- ([^\n]*) -->\n)?```console\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
SCRIPTS = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def words(text: str) -> set[str]:
    """The lines without their numbers, which the next machine may round otherwise, and without the shape of tables."""
    return {" ".join(NUMBER.sub("#", line).strip(" -─").split()) for line in text.splitlines()}


class NewUser:
    """Somebody with an empty folder and two terminals, on a port that is free."""

    def __init__(self, home: Path) -> None:
        self.home, self.port, self.serving = home, free_port(), None
        self.environment = os.environ | {
            "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "140",
        }

    def types(self, command: str) -> str:
        command = command.replace(":8080", f":{self.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return (done.stdout + done.stderr).replace(f":{self.port}", ":8080")

    def serves(self, command: str) -> str:
        """Starts a server in the other terminal; it prints one line when it listens."""
        self.serving = subprocess.Popen(
            [*command.split(), "--port", str(self.port)],
            cwd=self.home,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.home.joinpath("server.log").open("w"),
            text=True,
        )
        assert self.serving.stdout is not None
        return self.serving.stdout.readline().replace(f":{self.port}", ":8080")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[NewUser]:
    somebody = NewUser(tmp_path)
    yield somebody
    if somebody.serving is not None:
        somebody.serving.terminate()
        somebody.serving.communicate(timeout=60)


def test_every_command_of_the_tutorial_prints_what_the_page_shows(user: NewUser) -> None:
    commands = 0
    for said, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if said.startswith("by hand"):
            continue
        for command, shown in COMMAND.findall(block):
            printed = user.serves(command) if said == "another terminal" else user.types(command)
            assert words(shown) - words(printed) == set(), f"{command}\n{printed}"
            commands += 1
    assert commands > 8
