"""The verdict in words: is the net worth its trouble?"""

from collections.abc import Mapping, Sequence

from gatecast.errors import OptionError
from gatecast.evaluation.comparison import TOO_FEW, Comparison
from gatecast.evaluation.results import Score, Verdict

SPOKEN = {
    "naive": "'tomorrow = today' (naive)",
    "seasonal_naive": "seasonal naive",
    "mean": "the plain mean",
    "autoreg": "AutoReg",
    "ets": "ETS",
    "theta": "Theta",
}
"""How a baseline is called in a sentence; any other by its own name."""


def best_and_reference(scores: Sequence[Score], net: str, season: int) -> tuple[str, str]:
    """The baseline with the lowest MASE, and the one that everybody knows: seasonal naive, or naive without a season.

    Where the known one was not scored, the best one stands in for it.

    Raises:
        OptionError: the net, or any baseline beside it, is not among the scores.
    """
    baselines = {score.model: score.mase for score in scores if score.model != net}
    if not baselines or len(baselines) == len(scores):
        raise OptionError(
            f"a verdict needs scores of {net!r} and of at least one baseline, got those of "
            f"{', '.join(score.model for score in scores) or 'nobody'}. Backtest a baseline, such as naive, beside it."
        )
    best = min(baselines, key=lambda name: baselines[name])
    known = "seasonal_naive" if season > 1 else "naive"
    return best, known if known in baselines else best


def judge(
    scores: Sequence[Score], net: str, season: int, comparisons: Mapping[str, Comparison], windows: int
) -> Verdict:
    """Whether the net beats the best baseline, and by more than luck.

    Args:
        scores: of the net and of the baselines.
        net: the name of the net.
        season: rows in a season.
        comparisons: the net against the two baselines of `best_and_reference`, by name.
        windows: how many windows were scored.
    """
    best, reference = best_and_reference(scores, net, season)
    mase = {score.model: score.mase for score in scores}
    skill = skill_score(mase[net], mase[best])
    test = comparisons[best]
    if mase[best] == 0 < mase[net]:
        text = [f"{net} does not beat {_spoken(best)}, the best simple method, which makes no error here."]
    else:
        text = [f"{net} {_against_best(best, skill, test, windows)}"]
    if reference != best:
        text.append(_against_reference(reference, skill_score(mase[net], mase[reference]), comparisons[reference]))
    if skill <= 0:
        text.append(f"Use {_spoken(best)}.")
    beats = skill > 0 and test.clear and test.difference < 0
    return Verdict(beats, best, skill, test.p_value, test.test, " ".join(text))


def skill_score(error: float, baseline: float) -> float:
    """1 - error / baseline; against a baseline without error it is 0 for a net without error, and -1 for any other."""
    if baseline == 0:
        return 0.0 if error == 0 else -1.0
    return 1 - error / baseline


def _against_best(best: str, skill: float, test: Comparison, windows: int) -> str:
    """What the net does to the best baseline, and how sure that is."""
    name = f"{_spoken(best)}, the best simple method"
    if test.test == TOO_FEW:
        count = "1 window is" if windows == 1 else f"{windows:,} windows are"
        if skill > 0:
            return f"is ahead of {name}, by {percent(skill)} (MASE), but {count} too few to tell luck from skill."
        return f"does not beat {name}: its error is {size(skill)} (MASE), and {count} too few to tell luck from skill."
    evidence = f"{chance(test)}, {test.test}, {windows:,} windows"
    if skill > 0 and test.clear:
        return f"beats {name}, by {percent(skill)} (MASE; {evidence})."
    if skill > 0:
        return f"is ahead of {name}, by {percent(skill)} (MASE), but that is within noise ({evidence})."
    sure = f"(MASE; {evidence})" if test.clear else f"(MASE), which is within noise ({evidence})"
    return f"does not beat {name}: its error is {size(skill)} {sure}."


def _against_reference(reference: str, skill: float, test: Comparison) -> str:
    if skill > 0 and test.clear:
        return f"It beats {_spoken(reference)} by {percent(skill)}."
    noise = "" if test.clear or test.test == TOO_FEW else f", within noise ({chance(test)})"
    return f"Beside {_spoken(reference)} its error is {size(skill)}{noise}."


def _spoken(name: str) -> str:
    return SPOKEN.get(name, name)


def size(skill: float) -> str:
    """How much larger or smaller an error is."""
    if skill == 0:
        return "the same"
    return f"{percent(skill)} {'smaller' if skill > 0 else 'larger'}"


def percent(share: float) -> str:
    """A share without its sign."""
    return f"{abs(share):.0%}".replace("%", " %") if abs(share) >= 0.01 else "less than 1 %"


def chance(test: Comparison) -> str:
    """The p-value of a test."""
    return f"p = {test.p_value:.2g}" if test.p_value >= 0.001 else "p < 0.001"
