"""What an audit found: one Check each, and the Audit that holds them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, SupportsFloat

import polars as pl
from msgspec import Struct, json, to_builtins

from gatecast.errors import OptionError

Status = Literal["passed", "failed", "skipped"]

CLAIMS: Mapping[str, str] = MappingProxyType(
    {
        "future": "the future moves nothing",
        "newest_row": "the newest row moves step 1",
        "past_covariates": "past covariates end at the origin",
        "future_covariates": "future covariates are aligned",
        "batch": "one origin or many, the same forecast",
        "other_series": "other series move nothing",
        "drift": "the carried state does not drift",
        "stream": "a stream equals a batch",
        "fitting": "fitting saw no test row",
    }
)
"""Every check by its name, as the claim that it tests."""


class AuditOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How much an audit looks at.

    Attributes:
        cutoffs: how many moments forecasts start from, evenly spread over the origins.
        windows: the most windows at each of them, and on the way of a stream.
        drift_rows: how long a series the carried state is followed along.
        context: the rows that it is compared with on the way: those that a window holds.
        expected: names of checks that this forecaster is known to fail by design, such as `newest_row` for the seasonal
            naive; they are measured and shown, and do not count as failures.
    """

    cutoffs: int = 4
    windows: int = 32
    drift_rows: int = 100_000
    context: int = 512
    expected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cutoffs", "windows", "drift_rows", "context"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} counts from 1 up, got {name}={getattr(self, name)}.")
        for name in self.expected:
            if name not in CLAIMS:
                raise OptionError(f"expected names checks, and there is none {name!r}; they are {', '.join(CLAIMS)}.")


THOROUGHLY = AuditOptions()


class Check(Struct, frozen=True):
    """One check.

    Attributes:
        name: its name in `CLAIMS`.
        claim: what it tests, in words.
        status: `passed`, `failed`, or `skipped` where it could not be made.
        measured: the numbers it rests on; infinite where a forecast was no number.
        meaning: what that means, and what to do.
        expected: whether a failure was announced, and so does not count.
    """

    name: str
    claim: str
    status: Status
    measured: dict[str, float]
    meaning: str
    expected: bool = False

    def numbers(self) -> str:
        """What was measured, in one line: `windows 96, moved 0`."""
        return ", ".join(f"{name.replace('_', ' ')} {value:,.4g}" for name, value in self.measured.items())

    def verdict(self) -> str:
        """The status, with a word on announced failures."""
        return "failed as expected" if self.status == "failed" and self.expected else self.status


class Audit(Struct, frozen=True):
    """Every check of one forecaster, in the order of `CLAIMS`."""

    forecaster: str
    horizon: int
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        """The failed checks that count: those nobody announced."""
        return tuple(check for check in self.checks if check.status == "failed" and not check.expected)

    @property
    def passed(self) -> bool:
        """Whether nothing failed that counts; a skipped check has not failed."""
        return not self.failures

    def summary(self) -> str:
        """How many checks came out how: `gru: of 9 checks 6 passed, 0 failed, 3 skipped`."""
        verdicts = [check.verdict() for check in self.checks]
        counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(("passed", "failed", *verdicts))]
        return f"{self.forecaster}: of {len(verdicts)} checks {', '.join(counts)}"

    def to_frame(self) -> pl.DataFrame:
        """One row a check: `check, claim, status, measured, meaning`."""
        columns = ("check", "claim", "status", "measured", "meaning")
        rows = [(check.name, check.claim, check.verdict(), check.numbers(), check.meaning) for check in self.checks]
        return pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")

    def __repr__(self) -> str:
        from gatecast.evaluation.cards import audit_card  # noqa: PLC0415 - only where it is shown

        return audit_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.evaluation.cards import audit_card  # noqa: PLC0415

        return audit_card(self).html()

    def __str__(self) -> str:
        lines = [self.summary()]
        for check in self.checks:
            numbers = f" ({check.numbers()})" if check.measured else ""
            lines.append(f"  {check.verdict()}: {check.claim}{numbers}\n    {check.meaning}")
        return "\n".join(lines)


def audit_to_json(audit: Audit) -> bytes:
    """The bytes of audit.json; an infinite number is written as null."""
    return json.format(json.encode(to_builtins(audit) | {"passed": audit.passed}), indent=2)


def numbers(**measured: SupportsFloat) -> dict[str, float]:
    """What was measured, counts too, as floats."""
    return {name: float(value) for name, value in measured.items()}


def passed(name: str, measured: dict[str, float], meaning: str) -> Check:
    """A check that was passed."""
    return Check(name, CLAIMS[name], "passed", measured, meaning)


def failed(name: str, measured: dict[str, float], meaning: str) -> Check:
    """A check that was failed."""
    return Check(name, CLAIMS[name], "failed", measured, meaning)


def skipped(name: str, reason: str) -> Check:
    """A check that could not be made, and why."""
    return Check(name, CLAIMS[name], "skipped", {}, reason)
