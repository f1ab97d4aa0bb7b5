"""`python -m gatecast` is the command line."""

import sys

from gatecast.cli import main

sys.exit(main())
