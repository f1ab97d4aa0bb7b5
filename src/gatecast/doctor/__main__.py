"""`python -m gatecast.doctor [--json]`: the doctor where the command line cannot start."""

import io
import sys

from gatecast.doctor import as_json, as_text, examine


def main(arguments: list[str]) -> int:
    """Print the diagnosis; 0 if all is well, 1 if something is broken, 2 for an argument that is none."""
    if arguments not in ([], ["--json"]):
        sys.stderr.write("usage: python -m gatecast.doctor [--json]\n")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    found = examine()
    sys.stdout.write((as_json(found) if arguments else as_text(found)) + "\n")
    return 0 if found.healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
