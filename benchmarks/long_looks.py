"""What a long run saw, and what that says: tables of growth, of the server's answers and of fits.

Used by `long_run.py`.
"""

import itertools
import statistics
from typing import Any, NamedTuple

from long_load import Answers
from process_watch import Held, Slope, slope

WARM_SHARE = 0.1  # of the time
LEAK = 10.0  # MiB an hour


class Look(NamedTuple):
    """What there was at the end of a stretch.

    Attributes:
        minute: since the start.
        processes: what each holds.
        folders: files of each, and their MiB.
        answers: by kind of request.
        errors: answers so far that were not as they should be.
    """

    minute: float
    processes: dict[str, Held]
    folders: dict[str, tuple[int, float]]
    answers: dict[str, Answers]
    errors: int

    def row(self) -> list[float]:
        """As a row of a table of numbers."""
        own = [figure for each in self.processes.values() for figure in each]
        folders = itertools.chain.from_iterable(self.folders.values())
        answers = itertools.chain.from_iterable(self.answers.values())
        return [round(figure, 3) for figure in (self.minute, self.errors, *own, *folders, *answers)]

    def names(self) -> list[str]:
        """Of the columns of that table."""
        own = [f"{name} {what}" for name in self.processes for what in Held._fields]
        folders = [f"{name} {what}" for name in self.folders for what in ("files", "MiB")]
        answers = [f"{name} {what}" for name in self.answers for what in Answers._fields]
        return ["minute", "errors", *own, *folders, *answers]


def growth(looks: list[Look]) -> list[str]:
    """What each process and each folder held at first and at last, and the slope between; then the verdict."""
    late = [look for look in looks if look.minute >= WARM_SHARE * looks[-1].minute]
    head = "| process | PSS, MiB: first, last, most | slope, MiB/hour | descriptors | threads |"
    lines, leaks = [head, "|---|---|---|---|---|"], []
    for name in looks[0].processes:
        own = [look.processes[name] for look in late]
        grown = slope([look.minute for look in late], [each.pss for each in own])
        memory = f"{own[0].pss:.0f}, {own[-1].pss:.0f}, {max(each.pss for each in own):.0f}"
        lines.append(f"| {name} | {memory} | {grown} | {_ends(own, 2)} | {_ends(own, 3)} |")
        leaks += [name] if _leaks(grown, own) else []
    verdict = f"Leaks: {', '.join(leaks)}." if leaks else "Nothing leaks by these rules."
    wrong = f"Answers that were not as they should be: {looks[-1].errors}."
    return [*lines, "", *_folders(late), "", f"{verdict}  {wrong}"]


def _folders(late: list[Look]) -> list[str]:
    lines = ["| folder | files: first, last | MiB: first, last, most |", "|---|---|---|"]
    for name in late[0].folders:
        files, sizes = zip(*(look.folders[name] for look in late), strict=True)
        lines.append(f"| {name} | {files[0]}, {files[-1]} | {sizes[0]:.1f}, {sizes[-1]:.1f}, {max(sizes):.1f} |")
    return lines


def _leaks(grown: Slope, own: list[Held]) -> bool:
    fewest = min(each.descriptors for each in own[-3:])
    return (grown.low > 0 and grown.hourly > LEAK) or fewest > max(each.descriptors for each in own[:3])


def _ends(own: list[Held], place: int) -> str:
    return f"{own[0][place]}, {own[-1][place]}"


def answers(looks: list[Look]) -> list[str]:
    """How many answers there were, and whether they came later at the end."""
    fifth = max(1, len(looks) // 5)
    head = "| request | answers | median ms: first fifth, last | 99 % below ms: first fifth, last |"
    lines = [head, "|---|---|---|---|"]
    for kind in looks[0].answers:
        own = [look.answers[kind] for look in looks if look.answers[kind].number]
        early, after = _middle(own[:fifth]), _middle(own[-fifth:])
        times = f"{early.median:.1f}, {after.median:.1f} | {early.late:.1f}, {after.late:.1f}"
        lines.append(f"| {kind} | {sum(each.number for each in own):,} | {times} |")
    return lines


def _middle(own: list[Answers]) -> Answers:
    """Medians over stretches."""
    return Answers(*(statistics.median(figures) for figures in zip(*own, strict=True)))


def fits(lines: list[dict[str, Any]]) -> list[str]:
    """How many nets were trained, and whether that took longer at the end."""
    table = ["| fit, scored and reported | times | seconds: first, last | errors |", "|---|---|---|---|"]
    for kind in dict.fromkeys(line["kind"] for line in lines):
        own = [line for line in lines if line["kind"] == kind]
        wrong = sorted({line["error"] for line in own} - {""})
        seconds = f"{own[0]['seconds']:.1f}, {own[-1]['seconds']:.1f}"
        table.append(f"| {kind} | {len(own)} | {seconds} | {'; '.join(wrong) or 'none'} |")
    return table
