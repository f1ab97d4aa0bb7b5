"""Who follows every fit of this process, whoever calls it, such as a tracker of experiments.

A listener is handed to one fit.  A follower is there once, and is asked at the beginning of each fit: it answers with
a context, which lasts as long as the fit, and ends as the fit ends, be it by an error.  This is the one thing that the
package keeps for a whole process, because whoever turns a tracker on is not the one who calls `fit`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final, runtime_checkable

from gatecast.data.columns import Guess
from gatecast.forecaster import ForecasterConfig
from gatecast.workflow.listening import Listener, Silent, Together
from gatecast.workflow.model import Evaluation, Model
from gatecast.workflow.options import FitOptions


@dataclass(frozen=True, eq=False)
class Begun:
    """A fit whose table is read and whose settings are settled.

    Attributes:
        options: what was asked.
        config: what that was settled to.
        season: rows of one season in the scores.
        guesses: what was decided because nobody said it.
        data: the table's file name, size and sha256.
        out: the run folder, if there is one.
    """

    options: FitOptions
    config: ForecasterConfig
    season: int
    guesses: tuple[Guess, ...]
    data: dict[str, str]
    out: Path | None


@dataclass(frozen=True, eq=False)
class Ended:
    """What a fit came to.

    Attributes:
        model: the model.
        evaluation: its scores, where the fit made some: it does with a run folder.
        stopped: whether somebody stopped its training by Ctrl-C.
    """

    model: Model
    evaluation: Evaluation | None
    stopped: bool


@runtime_checkable
class FitListener(Listener, Protocol):
    """Told about one fit as it goes on, and what it came to."""

    def ended(self, ended: Ended) -> None:
        """Say what the fit came to; a fit that fails does not come to this."""


Follower = Callable[[Begun], AbstractContextManager[FitListener]]

_followers: dict[str, Follower] = {}


def follow(name: str, follower: Follower) -> None:
    """Have a follower asked at the beginning of each fit from now on, in the place of an earlier one of that name."""
    _followers[name] = follower


def unfollow(name: str) -> None:
    """Let a follower, if there is one of that name, be asked no more; fits that have begun go on as they are."""
    _followers.pop(name, None)


@final
class Followed:
    """One fit, and those who follow it."""

    def __init__(self, contexts: ExitStack) -> None:
        self._contexts, self._listeners = contexts, list[FitListener]()

    def begin(self, begun: Begun, listener: Listener | None) -> Listener:
        """Ask everybody; the result tells them, and whoever was handed to this fit."""
        self._listeners = [self._contexts.enter_context(follower(begun)) for follower in tuple(_followers.values())]
        given = Silent() if listener is None else listener
        return Together(given, *self._listeners) if self._listeners else given

    def end(self, ended: Ended) -> None:
        """Say what the fit came to."""
        for listener in self._listeners:
            listener.ended(ended)


@contextmanager
def followed() -> Iterator[Followed]:
    """For as long as a fit lasts; every follower's context ends as the fit does, and an error goes on."""
    with ExitStack() as contexts:
        yield Followed(contexts)
