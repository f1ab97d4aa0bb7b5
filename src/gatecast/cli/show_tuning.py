"""What `gatecast tune` prints on stdout, and whom it tells meanwhile."""

from pathlib import Path

from gatecast.cli import show
from gatecast.tuning.listening import SearchListener, SearchTerminal, SilentSearch
from gatecast.tuning.placing import PAGE
from gatecast.tuning.result import Search
from gatecast.tuning.telling import told
from gatecast.workflow.runs import REPORT, read_metrics


def listener(*, silent: bool) -> SearchListener:
    """Nobody, or the terminal."""
    return SilentSearch() if silent else SearchTerminal()


def found(search: Search, folder: Path, *, as_json: bool) -> None:
    """The outcome of a search: the best settings beside the defaults, scores, verdict, and where to look."""
    metrics = read_metrics(folder)
    if as_json:
        show.dump({"run": str(folder), "search": search.record, "metrics": metrics})
        return
    show.scores(metrics, as_json=False)
    best, defaults = search.best, search.defaults
    beside = "" if defaults is None else f", beside {defaults.loss:.4f} of the defaults"
    show.line(f"best of {len(search.trials)} trials on the validation part: {best.loss:.4f}{beside}")
    show.line(f"  {told(best, defaults.settings if defaults is not None else {})}")
    show.line(f"search: {folder / PAGE}")
    show.line(f"report: {folder / REPORT}")
