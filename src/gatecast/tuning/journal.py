"""The journal of a search: one file that several processes append to, and that outlives each of them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import msgspec
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._file import BaseJournalFileLock  # of what a lock is it tells nowhere else
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gatecast.errors import ArtifactError, OptionError
from gatecast.files import writing
from gatecast.folders import sweep
from gatecast.tuning.proposing import LOST, Proposals

JOURNAL, OWNER = "search.jsonl", "search.owner"
NAME, TASK, WORKER = "search", "task", "worker"


@final
class Lock(BaseJournalFileLock):
    """Optuna's lock, but what the disk says no with is said so."""

    def __init__(self, journal: Path) -> None:
        self._lock = JournalFileOpenLock(str(journal))

    def acquire(self) -> bool:
        """Wait for it."""
        return self._lock.acquire()

    def release(self) -> None:
        """Let it go."""
        try:
            self._lock.release()
        except RuntimeError as error:  # Optuna says of every trouble that the lock was not ours
            raise error.__context__ or error from None


def open_study(journal: Path, proposals: Proposals) -> Study:
    """The study of a journal, be it new.

    Raises:
        ArtifactError: the file is no journal.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=Lock(journal)))
        return optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="minimize",
            load_if_exists=True,
            sampler=proposals,
            pruner=proposals.strategy.pruner(),
        )
    except OSError:
        raise
    except Exception as error:  # an edited line makes Optuna stumble in any way there is
        raise _damaged(journal, error) from error


def _damaged(journal: Path, why: object) -> ArtifactError:
    return ArtifactError(
        f"the journal {journal} is damaged ({why}): nothing can go on from it. Begin anew in another --out."
    )


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keep a second search off the folder; what the system holds for us ends with our process, however it ends.

    Raises:
        OptionError: another search is at work there.
    """
    with writing(folder / OWNER), (folder / OWNER).open("ab") as handle:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415 - Windows has none

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OptionError(
                    f"another search is at work in {folder}: wait for it, or give another --out. To work with more "
                    f"processes, stop it and give more --workers with --resume."
                ) from error
        yield


def repair(journal: Path) -> None:
    """Take away what a killed process may leave: half a file, the lock of the journal, and half a line at its end."""
    sweep(journal.parent)
    Path(f"{journal}.lock").unlink(missing_ok=True)
    if not journal.exists():
        return
    whole = journal.read_bytes().rpartition(b"\n")
    if whole[2]:
        os.truncate(journal, len(whole[0]) + len(whole[1]))


def check_task(study: Study, task: dict[str, Any], folder: Path) -> None:
    """Note what is searched; a search that goes on must be the same.

    Raises:
        OptionError: it is not, and what differs.
    """
    now = msgspec.json.decode(msgspec.json.encode(task))
    before = study.user_attrs.get(TASK)
    if before is None:
        study.set_user_attr(TASK, now)
        return
    if not isinstance(before, dict) or before.keys() != now.keys() or not isinstance(before["asked"], dict):
        raise _damaged(folder / JOURNAL, "it does not say what is searched")
    if before["data"] != now["data"]:
        raise OptionError(f"{folder} searches another table (its sha256 differs); give that one, or another --out.")
    differing = [name for name in before["asked"] | now["asked"] if before["asked"].get(name) != now["asked"].get(name)]
    if differing:
        told = (f"{name}={before['asked'].get(name)!r} then, {now['asked'].get(name)!r} now" for name in differing)
        raise OptionError(
            f"{folder} was begun with other settings ({', '.join(told)}); resume with the same ones, or give another "
            f"--out."
        )
    if before != now:
        raise OptionError(
            f"{folder} searches other settings, as another version of gatecast did or with others said "
            f"({', '.join(before['said']) or 'none'} then, {', '.join(now['said']) or 'none'} now); give another --out."
        )


def bury(study: Study, worker: int | None = None) -> None:
    """Give up the trials of a dead process (of all of them if None), and have their points tried again."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if worker is None or trial.user_attrs.get(WORKER) == worker:
            give_up(study, trial)
            study.enqueue_trial(trial.params)


def give_up(study: Study, trial: FrozenTrial) -> None:
    """Take a trial out of the count."""
    study._storage.set_trial_user_attr(trial._trial_id, LOST, value=True)  # noqa: SLF001 - a Trial of a dead process
    study.tell(trial.number, state=TrialState.FAIL)
