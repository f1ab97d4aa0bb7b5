"""What can be trained at once: the same table and the same pace; everything else each net has for itself."""

from collections.abc import Sequence
from dataclasses import replace

from gatecast.errors import OptionError
from gatecast.models.config import NetworkConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Course, Sequences, Windows
from gatecast.training.lessons import Lessons, SequenceLessons, WindowLessons

ALIKE = ("evaluate_every", "device")
"""Settings that nets share when they are trained at once."""
ALIKE_IN_SEQUENCES = ("streams", "time", "chunks", "burn_in")


def check_together(
    courses: Sequence[Course], configs: Sequence[TrainingConfig], networks: Sequence[NetworkConfig]
) -> None:
    """Refuse nets that cannot take their steps together.

    Raises:
        OptionError: they read different tables, or in different modes; a setting differs that they have to share; or
            one has a budget, draws random numbers or runs freely, which nothing but a loop of its own can do.
    """
    _check_courses(courses)
    if any(network.draws for network in networks):
        raise OptionError(
            "dropout, zoneout and what else draws random numbers needs a loop of its own, where a net draws those of "
            "its seed: leave it out, or train the net alone."
        )
    for name in ALIKE + (ALIKE_IN_SEQUENCES if isinstance(courses[0], Sequences) else ()):
        said = list(dict.fromkeys(getattr(config, name) for config in configs))
        if len(said) > 1:
            raise OptionError(
                f"nets that are trained at once share training.{name}, got {', '.join(map(str, said))}: train those "
                f"with each value by themselves."
            )
    for name, usual in (("budget", None), ("free_running", 0), ("pieces", 1), ("device", "cpu")):
        for value in {getattr(config, name) for config in configs} - {usual}:
            raise OptionError(
                f"training.{name}={value!r} needs a loop of its own: leave it out, or train the net alone."
            )


def _check_courses(courses: Sequence[Course]) -> None:
    if not courses:
        raise OptionError("many nets are trained at once, got none: give one at least.")
    if any(type(course) is not type(courses[0]) or course.tensors is not courses[0].tensors for course in courses):
        raise OptionError(
            "nets are trained at once on one table and in one mode, but these courses hold several: lay the table out "
            "once, and give each net a course over it."
        )


def lessons_of(courses: Sequence[Course]) -> Lessons:
    """What several nets learn from."""
    windows = [course for course in courses if isinstance(course, Windows)]
    if windows:
        return WindowLessons(windows)
    return SequenceLessons([course for course in courses if isinstance(course, Sequences)])


def course_with(course: Course, config: TrainingConfig) -> Course:
    """The same course over the same table with other settings: how trials share what they learn from."""
    if isinstance(course, Windows):
        return replace(course, config=config)
    if not isinstance(course, Sequences):
        raise OptionError(f"a course is one of windows or of sequences, got {type(course).__name__}.")
    own = {name: getattr(config, name) for name in ("streams", "time", "chunks", "seed")}
    return replace(course, sampler=replace(course.sampler, **own), burn_in=config.burn_in)
