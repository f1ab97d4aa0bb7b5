"""What the doctor finds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, final

Status = Literal["fine", "absent", "note", "broken"]


@final
@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: what it belongs to, such as `packages`.
        name: what was looked at.
        value: what was found.
        status: `fine`; `absent` for what nobody has to install; `note` where something could be better; `broken` where
            gatecast cannot work.
        remedy: what to do, where there is something.
    """

    part: str
    name: str
    value: str
    status: Status = "fine"
    remedy: str = ""


@final
@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found, part by part."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What keeps gatecast from working."""
        return tuple(finding for finding in self.findings if finding.status == "broken")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What could be better."""
        return tuple(finding for finding in self.findings if finding.status == "note")

    def summary(self) -> str:
        """The outcome in one line."""
        notes = f"; {_count(self.notes, 'note')}" if self.notes else ""
        if self.healthy:
            return f"gatecast is well: {_count(self.findings, 'thing')} looked at{notes}."
        return f"gatecast is not well: {_count(self.broken, 'thing')} broken{notes}."


def _count(found: Iterable[Finding], what: str) -> str:
    number = len(tuple(found))
    return f"{number} {what}{'s' * (number != 1)}"
