"""What is shown of scores and of an audit."""

from math import isfinite
from typing import TYPE_CHECKING

from gatecast.showing import Card, Curve, number, short, thinned

if TYPE_CHECKING:
    from gatecast.evaluation.audit.results import Audit
    from gatecast.evaluation.results import Metrics, Score


def metrics_card(metrics: "Metrics", title: str = "Scores") -> Card:
    """The models by MASE, the net in bold, and what that tells."""
    ranked = sorted(metrics.scores, key=lambda score: score.mase if isfinite(score.mase) else float("inf"))
    return Card(
        title=title,
        facts=(
            ("windows", f"{metrics.windows:,}"),
            ("rows ahead", f"{metrics.horizon:,}"),
            ("season", f"{metrics.season:,}"),
        ),
        sentences=(metrics.verdict.text, *(duel.text for duel in metrics.duels), *metrics.notes),
        columns=("model", "MASE", "RMSE", "MAE", "sMAPE %", "coverage", "MASE by step ahead"),
        rows=tuple(_row(metrics, score) for score in ranked),
        strong=ranked.index(metrics.scores[0]) if ranked else None,
    )


def _row(metrics: "Metrics", score: "Score") -> tuple[str | Curve, ...]:
    errors = [number(value) for value in (score.mase, score.rmse, score.mae, score.smape)]
    coverage = "" if score.coverage is None else f"{100 * score.coverage:.1f} %"
    steps = metrics.by_step.get(score.model, {}).get("mase", ())
    return short(score.model), *errors, coverage, Curve(thinned(steps), zero=True)


def audit_card(audit: "Audit") -> Card:
    """Every check; what failed is said below."""
    return Card(
        title=audit.summary(),
        sentences=tuple(f"{check.claim}: {check.meaning}" for check in audit.failures),
        columns=("check", "outcome", "measured"),
        rows=tuple((check.claim, check.verdict(), check.numbers()) for check in audit.checks),
        folded=tuple((f"{check.claim}:", check.meaning) for check in audit.checks),
        fold="What each outcome means",
    )
