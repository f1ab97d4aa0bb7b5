"""Requests that wait together become one transaction and one step of the net.

Either all rows of a request are taken, or none.  A request is answered only once its rows are on disk, and the states
move only after that: what is told has been kept, and what is not kept moves nothing.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import msgspec
import numpy as np

from gatecast.errors import GatecastError, InputError
from gatecast.server.refusals import ConflictError
from gatecast.server.store import Entry, Receipt, Row, StateStore
from gatecast.server.wire import Observation, ObserveAnswer
from gatecast.streaming import ForecastStream
from gatecast.streaming.intake import Arrivals, Intake


class Pending(NamedTuple):
    """One request that waits.

    Attributes:
        observations: that it brought.
        key: its Idempotency-Key, if it has one.
        answer: what it waits for.
    """

    observations: list[Observation]
    key: str | None
    answer: asyncio.Future[ObserveAnswer]


class Taken(NamedTuple):
    """What of a request is to be kept, and what it will be told."""

    pending: Pending
    entry: Entry
    answer: ObserveAnswer


@final
class Committer:
    """Turns what waits into rows on disk and moved states.

    Args:
        stream: the live forecaster.
        store: where observations are kept.
    """

    def __init__(self, stream: ForecastStream, store: StateStore) -> None:
        self.stream, self.store = stream, store
        self.targets = stream.columns.target

    def commit(self, waiting: Sequence[Pending]) -> tuple[int, list[str]]:
        """Take all that can be taken, and answer everybody; the position of the log, and the series that moved."""
        intake = self.stream.intake()
        taken = self._all_at_once(waiting, intake) or self._one_by_one(waiting, intake)
        entries = [each.entry for each in taken if each.entry.rows or each.entry.key]
        position = 0
        try:
            if entries:
                position = self.store.append(entries)
        except InputError as error:
            if len(taken) > 1:  # one of them cannot be kept, which is no trouble of the others
                return self._apart([each.pending for each in taken])
            _refuse(taken[0].pending, error)
            return 0, []
        except GatecastError as error:
            for each in taken:
                _refuse(each.pending, error)
            return 0, []
        self.stream.take(intake)
        for each in taken:
            if not each.pending.answer.done():
                each.pending.answer.set_result(each.answer)
        return position, [row.series for each in taken for row in each.entry.rows]

    def _apart(self, waiting: Sequence[Pending]) -> tuple[int, list[str]]:
        """A transaction for each request."""
        found = [self.commit([each]) for each in waiting]
        return max(position for position, _ in found), [name for _, moved in found for name in moved]

    def _all_at_once(self, waiting: Sequence[Pending], intake: Intake) -> list[Taken] | None:
        """All requests as one, which costs one check; None if that cannot be, for whatever reason."""
        if any(each.key is not None for each in waiting):
            return None
        observations = [one for each in waiting for one in each.observations]
        try:
            arrivals = self._read(observations)
            places = intake.add(arrivals)
        except Exception:  # noqa: BLE001 - whatever it is, each request is told for itself
            return None
        if len(places) < len(observations):  # some are ignored: which, each request is told for itself
            intake.forget()
            return None
        rows, taken, first = self._rows(observations, arrivals), [], 0
        for each in waiting:
            count = len(each.observations)
            taken.append(Taken(each, Entry(rows[first : first + count]), ObserveAnswer(count)))
            first += count
        return taken

    def _one_by_one(self, waiting: Sequence[Pending], intake: Intake) -> list[Taken]:
        """Each request for itself; those that are refused are told so."""
        taken: list[Taken] = []
        keys: dict[str, Taken] = {}
        for each in waiting:
            try:
                one = self._one(each, intake, keys)
            except InputError as error:
                _refuse(each, self._placed(each.observations, error))
                continue
            except Exception as error:  # noqa: BLE001 - nothing has moved: what is not foreseen is its request's alone
                _refuse(each, error)
                continue
            taken.append(one)
            if one.entry.key is not None:
                keys[one.entry.key] = one
        return taken

    def _placed(self, observations: Sequence[Observation], error: InputError) -> InputError:
        """The same refusal, with the place of the observation that it is of, where there are several."""
        trial = self.stream.intake()
        for place, one in enumerate(observations if len(observations) > 1 else []):
            try:
                trial.add(self._read([one]))
            except InputError as found:
                return type(found)(f"observations[{place}]: {found}")
        return error

    def _one(self, pending: Pending, intake: Intake, before: Mapping[str, Taken]) -> Taken:
        """One request; one whose key came before is answered as that was."""
        digest = b""
        if pending.key is not None:
            digest = hashlib.sha256(msgspec.json.encode(pending.observations)).digest()
            other = before.get(pending.key)
            known = self.store.receipt(pending.key)
            if other is not None:
                known = Receipt(other.entry.digest, other.answer.accepted)
            if known is not None:
                return _repeated(pending, known, digest)
        arrivals = self._read(pending.observations)
        places = intake.add(arrivals)
        rows = self._rows(pending.observations, arrivals)
        entry = Entry([rows[place] for place in places], pending.key, digest)
        return Taken(pending, entry, ObserveAnswer(len(places)))

    def _read(self, observations: Sequence[Observation]) -> Arrivals:
        names, times, values, covariates = zip(*((o.series, o.ds, o.y, o.x) for o in observations), strict=True)
        return self.stream.read(names, times, values, covariates if any(covariates) else None)

    def _rows(self, observations: Sequence[Observation], arrivals: Arrivals) -> list[Row]:
        """As they are kept."""
        if len(self.targets) == 1:
            return [
                Row(one.series, time, (self._single(one.y),), one.x)
                for one, time in zip(observations, arrivals.times, strict=True)
            ]
        targets = arrivals.raw[:, : len(self.targets)].astype(np.float64)
        return [
            Row(one.series, time, tuple(None if np.isnan(value) else value for value in values), one.x)
            for one, time, values in zip(observations, arrivals.times, targets.tolist(), strict=True)
        ]

    def _single(self, y: float | dict[str, float | None] | None) -> float | None:
        return y[self.targets[0]] if isinstance(y, dict) else y


def _repeated(pending: Pending, known: Receipt, digest: bytes) -> Taken:
    """The answer to a request that was kept before."""
    if known.digest != digest:
        raise ConflictError(
            f"Idempotency-Key {pending.key!r} came before with other observations: a key stands for one request, so "
            f"send new observations with a new key."
        )
    return Taken(pending, Entry([]), ObserveAnswer(known.accepted, repeated=True))


def _refuse(pending: Pending, error: Exception) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(error)
