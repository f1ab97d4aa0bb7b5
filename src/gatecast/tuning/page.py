"""search.html: what was tried, what came of it, what mattered, and the best settings on the test part."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import gatecast
from gatecast.evaluation.results import Metrics
from gatecast.reporting import findings
from gatecast.reporting.report import environment, scripts, style_sheet, write_html
from gatecast.reporting.scores import number
from gatecast.reporting.sections import Section, section
from gatecast.tuning.charts import ceiling, importance_chart, setting_chart, trials_chart
from gatecast.tuning.records import SearchRecord, TrialRecord
from gatecast.tuning.telling import short, shown, told
from gatecast.workflow.options import all_settings


def write_page(search: SearchRecord, title: str, metrics: Metrics, path: str | Path) -> Path:
    """Write the page of a search of the table `title` as one HTML file that opens offline; `metrics` are its net's.

    Raises:
        OptionError: `path` is a folder.
    """
    return write_html(lambda: render(search, title, metrics), Path(path), "page", "search.html")


def render(search: SearchRecord, title: str, metrics: Metrics) -> str:
    """The page as HTML."""
    outcome = findings.outcome(metrics)
    return (
        environment()
        .get_template("search.html.j2")
        .render(
            title=title,
            version=gatecast.__version__,
            css=style_sheet(),
            counts=_counts(search),
            count=f"{len(search.trials)} trials" if len(search.trials) > 1 else "1 trial",
            metrics=metrics,
            outcome=outcome,
            badge=findings.BADGES[outcome],
            trials=_trials(search),
            rows=list(_rows(search)),
            beside=search.usual is not None,
            importance=_importance(search),
            settings=_settings(search),
            scores=list(_scores(metrics)),
            every=[_line(trial, search) for trial in search.trials],
            **scripts(),
        )
    )


def _counts(search: SearchRecord) -> str:
    """How many trials ended how."""
    words = {"done": "finished", "pruned": "ended early", "stopped": "cut off by the time", "failed": "failed"}
    counted = {word: sum(trial.status == status for trial in search.trials) for status, word in words.items()}
    told_of = [f"{count} {word}" for word, count in counted.items() if count]
    return f"{len(search.trials)} trials, {', '.join(told_of)}"


def _usual(search: SearchRecord) -> float | None:
    return None if search.usual is None else search.usual.loss


def _trials(search: SearchRecord) -> Section:
    """Losses in the order of trials."""
    best, usual = search.winner.loss or 0.0, _usual(search)
    finding = f"The best is trial {search.winner.number + 1}, with a validation loss of {number(best)}"
    if usual is not None and best < usual:
        finding += f"; that of the defaults is {number(usual)}"
        finding += f", so it is {1 - best / usual:.1%} lower." if best > 0 else "."
    else:
        finding += "." if usual is None else ": no trial did better than the defaults."
    top = ceiling(search.trials, usual)
    above = sum(trial.loss is not None and trial.loss > top for trial in search.trials)
    note = f"{above} with a higher loss than {number(top)} are drawn at the top." if above else ""
    return section("trials", "Trial by trial", finding, [("", trials_chart(search.trials, usual))], note)


def _rows(search: SearchRecord) -> Iterator[dict[str, str]]:
    """The settings of the best trial beside the defaults, and their losses."""
    usual, best = search.usual, search.winner
    for name in search.searched:
        default = all_settings()[name]
        tried = [shown(each.settings.get(name, default)) for each in (best, usual) if each is not None]
        yield {"name": short(name), "best": tried[0], "defaults": tried[-1]}
    losses = [number(each.loss) for each in (best, usual) if each is not None]
    yield {"name": "validation loss", "best": losses[0], "defaults": losses[-1]}


def _importance(search: SearchRecord) -> Section:
    """What mattered, where enough trials were finished to tell."""
    shares = {short(name): share for name, share in search.importance.items()}
    if not any(shares.values()):
        return section("importance", "What mattered", "Too few trials were finished to tell.", [])
    first, *others = shares
    finished = sum(trial.status == "done" for trial in search.trials)
    finding = f"As far as {finished} finished trials can tell, {first} mattered most"
    finding += f", then {others[0]}." if others else "."
    note = (
        "How unlike the settings of the best quarter of the finished trials are to those of all of them (PED-ANOVA). A "
        "search looks more often where it has found low losses, so this is a hint, not a proof."
    )
    return section("importance", "What mattered", finding, [("", importance_chart(shares))], note)


def _settings(search: SearchRecord) -> Section:
    """The loss by each setting, what mattered most first."""
    top = ceiling(search.trials, _usual(search))
    first = [name for name in search.importance if name in search.searched]
    names = dict.fromkeys([*first, *search.searched])
    varied = [name for name in names if len({shown(t.settings[name]) for t in search.trials if name in t.settings}) > 1]
    drawn = [(short(name), setting_chart(short(name), _by_short_name(search), top)) for name in varied]
    finding = "The validation loss (lower is better) of every trial that had the setting; a cross ended early."
    return section("settings", "Setting by setting", finding, drawn)


def _by_short_name(search: SearchRecord) -> list[TrialRecord]:
    return [
        replace(trial, settings={short(name): value for name, value in trial.settings.items()})
        for trial in search.trials
    ]


def _scores(metrics: Metrics) -> Iterator[dict[str, Any]]:
    """Every forecaster by MASE."""
    for score in sorted(metrics.scores, key=lambda score: score.mase):
        texts = [number(value) for value in (score.mase, score.mae, score.rmse)]
        yield {"model": score.model, "net": score.model == metrics.scores[0].model, "texts": texts}


def _line(trial: TrialRecord, search: SearchRecord) -> dict[str, str]:
    """One trial in the table of all of them."""
    ended = {
        "done": "finished",
        "pruned": f"early, at {trial.share} %",
        "stopped": f"by the time, at {trial.share} %",
        "failed": "failed",
    }
    usual = search.usual.settings if search.usual is not None else {}
    return {
        "number": str(trial.number + 1),
        "loss": number(trial.loss),
        "ended": ended[trial.status],
        "seconds": f"{trial.seconds:.1f}",
        "tried": told(trial, usual),
    }
