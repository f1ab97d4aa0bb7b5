"""The extras: which are there, and what installs the others."""

from collections.abc import Iterator, Sequence

from gatecast.doctor.packages import Requirement, judged
from gatecast.doctor.results import Finding

OF_DEVELOPERS = ("dev", "docs", "fuzz")


def extras(wanted: Sequence[Requirement]) -> Iterator[Finding]:
    """One finding for each extra that users may want."""
    names = dict.fromkeys(each.extra for each in wanted if each.extra not in (None, *OF_DEVELOPERS))
    for name in sorted(filter(None, names)):
        yield _extra(name, [each for each in wanted if each.extra == name])


def _extra(name: str, parts: Sequence[Requirement]) -> Finding:
    """All of it there, none of it, or some: a part that somebody took away is told, and one that is broken."""
    found = {each.name: judged(each) for each in parts}
    install = f"pip install 'gatecast[{name}]'"
    absent = [package for package, (value, _, _) in found.items() if value == "not installed"]
    broken = {package: told for package, told in found.items() if told[1] == "broken" and package not in absent}
    if broken:
        what = "; ".join(f"{package} {value}" for package, (value, _, _) in broken.items())
        return Finding("extras", name, what, "broken", next(iter(broken.values()))[2])
    if not absent:
        return Finding("extras", name, ", ".join(f"{package} {value}" for package, (value, _, _) in found.items()))
    if len(absent) == len(found):
        return Finding("extras", name, "not installed", "absent", install)
    return Finding("extras", name, f"not whole: {', '.join(absent)} not installed", "note", install)
