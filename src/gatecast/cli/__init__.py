"""The command line: each command parses, calls one public function, and prints."""

from gatecast.cli.app import main

__all__ = ["main"]
