"""search.html: what was tried, what came of it, what mattered, and the best settings on the test part."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gatecast
from gatecast.errors import OptionError
from gatecast.evaluation.results import Metrics
from gatecast.files import write_atomic
from gatecast.reporting import findings
from gatecast.reporting.report import environment, scripts, style_sheet
from gatecast.reporting.scores import number
from gatecast.reporting.sections import Section, section
from gatecast.tuning.charts import ceiling, importance_chart, setting_chart, trials_chart
from gatecast.tuning.listening import shown, told
from gatecast.tuning.records import Search, TrialRecord, short
from gatecast.workflow.options import all_settings


def write_page(search: Search, metrics: Metrics, path: str | Path) -> Path:
    """Write the page of a search as one HTML file that opens offline; `metrics` are those of its model.

    Raises:
        OptionError: `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise OptionError(f"the page is one file, but {path} is a folder. Write to {path / 'search.html'} instead.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, render(search, metrics).encode())
    return path


def render(search: Search, metrics: Metrics) -> str:
    """The page as HTML."""
    outcome = findings.outcome(metrics)
    return (
        environment()
        .get_template("search.html.j2")
        .render(
            title=search.model.about.data.get("name", "table"),
            version=gatecast.__version__,
            css=style_sheet(),
            counts=_counts(search),
            count=f"{len(search.trials)} trials" if len(search.trials) > 1 else "1 trial",
            metrics=metrics,
            outcome=outcome,
            badge=findings.BADGES[outcome],
            trials=_trials(search),
            rows=list(_rows(search)),
            beside=search.defaults is not None,
            importance=_importance(search),
            settings=_settings(search),
            scores=list(_scores(search, metrics)),
            every=[_line(trial, search) for trial in search.trials],
            **scripts(),
        )
    )


def _counts(search: Search) -> str:
    """How many trials ended how."""
    words = {"done": "finished", "pruned": "ended early", "stopped": "cut off by the time", "failed": "failed"}
    counted = {word: sum(trial.status == status for trial in search.trials) for status, word in words.items()}
    told_of = [f"{count} {word}" for word, count in counted.items() if count]
    return f"{len(search.trials)} trials, {', '.join(told_of)}"


def _usual(search: Search) -> float | None:
    return None if search.defaults is None else search.defaults.loss


def _trials(search: Search) -> Section:
    """Losses in the order of trials."""
    best, usual = search.best, _usual(search)
    finding = f"The best is trial {best.number + 1}, with a validation loss of {number(best.loss)}"
    if usual is not None and best.loss is not None and best.loss < usual:
        less = f", {1 - best.loss / usual:.1%} less" if usual > 0 else ""
        finding += f"; the defaults have {number(usual)}{less and ', so it is' + less[1:]}."
    else:
        finding += ": no trial did better than the defaults." if usual is not None else "."
    top = ceiling(search.trials, usual)
    above = sum(trial.loss is not None and trial.loss > top for trial in search.trials)
    note = f"{above} with a higher loss than {number(top)} are drawn at the top." if above else ""
    return section("trials", "Trial by trial", finding, [("", trials_chart(search.trials, usual))], note)


def _rows(search: Search) -> Iterator[dict[str, str]]:
    """The settings of the best trial beside the defaults, and their losses."""
    usual, best = search.defaults, search.best
    for name in search.record.searched:
        default = all_settings()[name]
        tried = [shown(each.settings.get(name, default)) for each in (best, usual) if each is not None]
        yield {"name": short(name), "best": tried[0], "defaults": tried[-1]}
    losses = [number(each.loss) for each in (best, usual) if each is not None]
    yield {"name": "validation loss", "best": losses[0], "defaults": losses[-1]}


def _importance(search: Search) -> Section:
    """What mattered, where enough trials were finished to tell."""
    shares = {short(name): share for name, share in search.record.importance.items()}
    if not any(shares.values()):
        return section("importance", "What mattered", "Too few trials were finished to tell.", [])
    first, *others = shares
    finding = f"{first} mattered most" + (f", then {others[0]}." if others else ".")
    note = (
        "How unlike the settings of the best quarter of the finished trials are to those of all of them (PED-ANOVA). A "
        "search looks more often where it has found low losses, so this is a hint, not a proof."
    )
    return section("importance", "What mattered", finding, [("", importance_chart(shares))], note)


def _settings(search: Search) -> Section:
    """The loss by each setting, what mattered most first."""
    top = ceiling(search.trials, _usual(search))
    first = [name for name in search.record.importance if name in search.record.searched]
    names = dict.fromkeys([*first, *search.record.searched])
    varied = [name for name in names if len({shown(t.settings[name]) for t in search.trials if name in t.settings}) > 1]
    drawn = [(short(name), setting_chart(short(name), _by_short_name(search), top)) for name in varied]
    finding = "The validation loss (lower is better) of every trial that had the setting; a cross ended early."
    return section("settings", "Setting by setting", finding, drawn)


def _by_short_name(search: Search) -> list[TrialRecord]:
    from msgspec.structs import replace  # noqa: PLC0415

    return [
        replace(trial, settings={short(name): value for name, value in trial.settings.items()})
        for trial in search.trials
    ]


def _scores(search: Search, metrics: Metrics) -> Iterator[dict[str, Any]]:
    """Every forecaster by MASE."""
    for score in sorted(metrics.scores, key=lambda score: score.mase):
        texts = [number(value) for value in (score.mase, score.mae, score.rmse)]
        yield {"model": score.model, "net": score.model == search.model.name, "texts": texts}


def _line(trial: TrialRecord, search: Search) -> dict[str, str]:
    """One trial in the table of all of them."""
    ended = {
        "done": "finished",
        "pruned": f"early, at {trial.share} %",
        "stopped": f"by the time, at {trial.share} %",
        "failed": "failed",
    }
    usual = search.defaults.settings if search.defaults is not None else {}
    return {
        "number": str(trial.number + 1),
        "loss": number(trial.loss),
        "ended": ended[trial.status],
        "seconds": f"{trial.seconds:.1f}",
        "tried": told(trial, usual),
    }
