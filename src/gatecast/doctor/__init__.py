"""Is gatecast well on this machine?  What is installed, what runs fast and what does not, and what to do about it.

Nothing but Python's own library is imported here, so that a broken installation can be told of: what needs torch is
tried in a process of its own (`trying.py`), which may die.  `python -m gatecast.doctor` is `gatecast doctor` where even
the command line cannot start.
"""

from gatecast.doctor.examining import examine
from gatecast.doctor.results import Diagnosis, Finding
from gatecast.doctor.telling import as_json, as_text

__all__ = ["Diagnosis", "Finding", "as_json", "as_text", "examine"]
