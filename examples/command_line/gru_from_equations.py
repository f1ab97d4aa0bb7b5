"""The command line of gru_from_equations.py, and how a wrong file is refused."""

import argparse
import sys
from pathlib import Path

from made.gru_from_equations import TEXT


def read_options() -> tuple[str, float, Path]:
    """The text, the share of it that is learnt, and the folder to write to, which is made."""
    parser = argparse.ArgumentParser(description="A GRU written from its equations.")
    parser.add_argument("--data", type=Path, help="a text file to learn (default: ten lines about tides)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/gru_from_equations"))
    options = parser.parse_args()
    try:
        text = options.data.read_text(encoding="utf-8") if options.data else TEXT
        options.out.mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{error}. Give a file of UTF-8 text with --data, and a folder with --out.")
    if options.data and len(text) < 1000:
        sys.exit(f"{options.data} has {len(text)} characters; to learn 90 % and score the rest takes 1,000 or more.")
    return text, 0.9 if options.data else 1.0, options.out
