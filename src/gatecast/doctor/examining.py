"""Everything that is looked at, in order; what a look stumbles over is told as broken, and the next one is taken."""

from collections.abc import Callable, Iterable

from gatecast.doctor.child import tried
from gatecast.doctor.extras import extras
from gatecast.doctor.machine import machine
from gatecast.doctor.packages import packages, requirements
from gatecast.doctor.places import places
from gatecast.doctor.results import Diagnosis, Finding
from gatecast.doctor.screen import screen

Look = Callable[[], Iterable[Finding]]


def examine() -> Diagnosis:
    """Look at the installation and the machine; takes as long as importing everything does, and a second."""
    wanted = requirements()
    looks: dict[str, Look] = {
        "packages": lambda: packages(wanted),
        "machine": machine,
        "trial": lambda: tried([each.name for each in wanted if each.extra is None]),
        "extras": lambda: extras(wanted),
        "places": places,
        "terminal": screen,
    }
    return Diagnosis(tuple(finding for part, look in looks.items() for finding in _taken(part, look)))


def _taken(part: str, look: Look) -> list[Finding]:
    try:
        return list(look())
    except Exception as error:  # noqa: BLE001 - a doctor tells of whatever is wrong
        return [Finding(part, "looking", f"{type(error).__name__}: {error}", "broken", "Install gatecast anew.")]
