"""The command line: each command parses, calls one public function, and prints."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    try:
        from gatecast.cli.app import main as run  # noqa: PLC0415 - what it needs may not be installed
    except ImportError as error:
        sys.stderr.write(f"gatecast: {error}. It is not wholly installed; this tells more: python -m gatecast.doctor\n")
        return 1
    return run(arguments)


__all__ = ["main"]
