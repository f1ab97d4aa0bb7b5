"""One net over all series against one net for each of them: was there something to learn in common?"""

from collections.abc import Sequence

from gatecast.evaluation.comparison import TOO_FEW, Comparison
from gatecast.evaluation.results import Duel, Score
from gatecast.evaluation.verdict import chance, percent, size, skill_score

TOGETHER = "what the series have in common was worth learning together"
APART = "a net learns more from each series alone, so that the one net has not found what tells them apart"
OPEN = "these windows do not tell which way is better"


def judge_duel(scores: Sequence[Score], net: str, rival: str, test: Comparison, counts: tuple[int, int]) -> Duel:
    """Whether the one net beats one net for each series, and by more than luck.

    Args:
        scores: theirs among others.
        net: the name of the one net.
        rival: the name under which the nets of each series were scored.
        test: the one net against the others.
        counts: how many windows were scored, and of how many series.
    """
    mase = {score.model: score.mase for score in scores}
    skill, (windows, series) = skill_score(mase[net], mase[rival]), counts
    one, each = f"One net over all {series:,} series ({net})", f"one small net for each ({rival})"
    clear = test.clear and test.test != TOO_FEW
    evidence = (
        f"MASE; {chance(test)}, {test.test}, {windows:,} windows" if test.test != TOO_FEW else f"MASE; {test.test}"
    )
    beats = skill > 0 and clear
    did = f"beats {each}, by {percent(skill)}" if beats else f"does not beat {each}: its error is {size(skill)}"
    if skill > 0 and not clear:
        did = f"is ahead of {each}, by {percent(skill)}"
    learnt = (TOGETHER if beats else APART) if clear and skill else f"within noise, so that {OPEN}"
    text = f"{one} {did} ({evidence}): {learnt}."
    return Duel(rival, beats, skill, test.p_value, test.test, text)
