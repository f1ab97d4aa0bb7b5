"""Completion in the shells themselves: a flag, a command and a value are completed from their first letters."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gatecast.cli import main

TRIED = {
    "gatecast fit --hori": "--horizon",
    "gatecast com": "compare",
    "gatecast fit load.csv --cell ls": "lstm",
    "gatecast doctor --j": "--json",
}


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What the command prints for a shell; skips where there is no such shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    assert main(["completion", shell]) == 0
    path = folder / f"gatecast.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


def asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(("line", "word"), TRIED.items())
def test_bash_completes(line: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script("bash", tmp_path, capsys)
    words = line.split()
    code = f'source {path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatecast; printf "%s\\n" "${{COMPREPLY[@]}}"'
    assert word in asked("bash", "--norc", "-c", code, "bash", *words).split()
    assert "complete -F _gatecast" in asked("bash", "--norc", "-c", f"source {path}; complete -p gatecast")


@pytest.mark.parametrize(("line", "word"), TRIED.items())
def test_fish_completes(line: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script("fish", tmp_path, capsys)
    found = asked("fish", "--no-config", "-c", f"source {path}; complete -C '{line}'")
    assert word in [each.split("\t")[0] for each in found.splitlines()]


def test_zsh_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script("zsh", tmp_path, capsys)
    path.rename(tmp_path / "_cyclopts_gatecast")  # the name of the function in it
    process, screen = pty.fork()
    if process == 0:
        os.environ |= {"HOME": str(tmp_path), "TERM": "dumb", "PS1": "ready> "}
        os.execvp("zsh", ["zsh", "-f", "-i"])  # noqa: S606 - the shell is what is tried
    try:
        typed(
            screen, f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; print loa''ded\n"
        )
        read_until(screen, "loaded")
        typed(screen, "gatecast fit --hori\t")
        read_until(screen, "--horizon")
    finally:
        os.close(screen)
        os.kill(process, 9)
        os.waitpid(process, 0)


def typed(screen: int, text: str) -> None:
    os.write(screen, text.encode())


def read_until(screen: int, word: str, patience: float = 30.0) -> None:
    """Fails where the word does not come."""
    seen, end = "", time.monotonic() + patience
    while word not in seen and time.monotonic() < end:
        if select.select([screen], [], [], 0.1)[0]:
            seen += os.read(screen, 4096).decode("utf-8", "replace")
    assert word in seen
