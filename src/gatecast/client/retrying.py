"""Asking again: when it can help, how long to wait, and when to give up."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from gatecast.client.calls import Call, Lost, Outcome, Reply, Talk
from gatecast.client.refusing import ClientError, header, refusal
from gatecast.errors import OptionError

PASSING = (429, 502, 503, 504)  # too many requests, and a server or its proxy that starts, stops or is busy


class Retries(Struct, frozen=True):
    """How often to ask, and how long to wait in between.

    The waits are drawn at random from 0 up to a bound that doubles, so that many clients of a server that comes back do
    not all return at once.  A time that the server names comes first, and the drawn one on top.

    Attributes:
        attempts: how often a request is sent at most.
        first: the bound of the first wait, in seconds.
        longest: the longest wait, in seconds; a server that names a longer one is not asked again.
    """

    attempts: int = 6
    first: float = 0.25
    longest: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.first <= self.longest:
            raise OptionError(
                f"retries want attempts from 1 up and 0 <= first <= longest, got attempts={self.attempts}, "
                f"first={self.first}, longest={self.longest}."
            )

    def pause(self, failures: int, named: float = 0.0) -> float | None:
        """Seconds to wait after so many failures in a row; None to give up.

        Args:
            failures: how many there were.
            named: the seconds that the server asked to wait.
        """
        if failures >= self.attempts or named > self.longest:
            return None
        bound = min(self.longest, self.first * 2.0 ** min(failures - 1, 60))
        return named + random.uniform(0, bound)  # noqa: S311 - it spreads requests and keeps no secret


DEFAULT = Retries()


def persist(call: Call, retries: Retries) -> Talk[Reply]:
    """Send a request until it is answered.

    Every request of the client may be sent twice: reading changes nothing, and observations carry their key.

    Raises:
        ClientError: the server refuses it, or cannot be reached any more.
    """
    failures = 0
    while True:
        outcome = yield call
        if isinstance(outcome, Reply) and outcome.status == 200:
            return outcome
        failures += 1
        call = call._replace(wait=pause_after(outcome, failures, retries))


def pause_after(outcome: Outcome, failures: int, retries: Retries) -> float:
    """Seconds to wait before asking again.

    Raises:
        ClientError: asking again cannot help, or was tried often enough.
    """
    pause = retries.pause(failures, named_wait(outcome)) if may_pass(outcome) else None
    if pause is not None:
        return pause
    if isinstance(outcome, Lost) and failures > 1:
        raise ClientError(f"{outcome.reason} (tried {failures} times)")
    raise refusal(outcome)


def may_pass(outcome: Outcome) -> bool:
    """Whether the same request may be answered later."""
    return not outcome.hopeless if isinstance(outcome, Lost) else outcome.status in PASSING


def named_wait(outcome: Outcome) -> float:
    """Seconds that the server asked to wait, by Retry-After: a number or a date; 0 where it names none."""
    text = "" if isinstance(outcome, Lost) else header(outcome.headers, "retry-after").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
