"""Following a run that others train, by what it writes into its folder."""

from pathlib import Path
from threading import Event

from gatecast.errors import ArtifactError
from gatecast.training.log import read_steps
from gatecast.workflow.listening import Listener
from gatecast.workflow.runs import RUN, STEPS, read_record

EVERY = 0.5  # seconds


def follow(out: Path, listener: Listener, ended: Event) -> None:
    """Tell a listener what was guessed, and each step, until the event is set."""
    while not (out / RUN).exists():
        if ended.wait(EVERY):
            return
    record = read_record(out)
    listener.guessed(record.guesses)
    seen = _last_step(out)
    with listener.training(record.config.training, seen):
        while not ended.wait(EVERY):
            seen = _tell(out, listener, seen)
        _tell(out, listener, seen)


def _last_step(out: Path) -> int:
    return max((step.step for step in read_steps(out / STEPS)), default=0)


def _tell(out: Path, listener: Listener, seen: int) -> int:
    """The steps since `seen`; a run that was begun anew repeats some, and they are told once."""
    try:
        fresh = [step for step in read_steps(out / STEPS) if step.step > seen]
    except ArtifactError:  # it is just being written
        return seen
    for step in fresh:
        listener.step(step)
    return fresh[-1].step if fresh else seen
