"""What the verdict says, in each case that can arise."""

import pytest

from gatecast.errors import OptionError
from gatecast.evaluation.comparison import BOOTSTRAP, DIEBOLD_MARIANO, TOO_FEW, Comparison
from gatecast.evaluation.results import Score, Verdict
from gatecast.evaluation.verdict import best_and_reference, judge, skill_score


def scores(**mase: float) -> list[Score]:
    return [Score(model, value, 1.0, 1.0, 1.0) for model, value in mase.items()]


def verdict(
    p: float = 0.31, test: str = DIEBOLD_MARIANO, season: int = 24, windows: int = 145, **mase: float
) -> Verdict:
    best, reference = best_and_reference(scores(**mase), "gru", season)
    sign = mase["gru"] - mase[best]
    comparisons = {best: Comparison(sign, p, test)}
    comparisons.setdefault(reference, Comparison(mase["gru"] - mase[reference], 1.0 if test == TOO_FEW else 0.01, test))
    return judge(scores(**mase), "gru", season, comparisons, windows)


def test_a_clear_win_is_a_win() -> None:
    found = verdict(0.003, gru=0.77, seasonal_naive=1.0, autoreg=0.8)
    assert found.beats_best_baseline
    assert found.best_baseline == "autoreg"
    assert found.skill == pytest.approx(1 - 0.77 / 0.8)
    assert found.text == (
        "gru beats AutoReg, the best simple method, by 4 % (MASE; p = 0.003, Diebold-Mariano, 145 windows). "
        "It beats seasonal naive by 23 %."
    )


def test_a_lead_within_noise_is_no_win() -> None:
    found = verdict(0.31, gru=0.77, seasonal_naive=1.0, autoreg=0.8)
    assert not found.beats_best_baseline
    assert found.text.startswith(
        "gru is ahead of AutoReg, the best simple method, by 4 % (MASE), but that is within noise (p = 0.31, "
    )


def test_a_clear_loss_is_said_plainly() -> None:
    found = verdict(0.0001, season=1, gru=1.03, naive=1.0, drift=1.2)
    assert not found.beats_best_baseline
    assert found.skill == pytest.approx(-0.03)
    assert found.text == (
        "gru does not beat 'tomorrow = today' (naive), the best simple method: its error is 3 % larger "
        "(MASE; p < 0.001, Diebold-Mariano, 145 windows). Use 'tomorrow = today' (naive)."
    )


def test_a_loss_within_noise_still_names_what_to_use() -> None:
    found = verdict(0.4, BOOTSTRAP, gru=1.1, seasonal_naive=1.3, theta=1.0)
    assert found.text == (
        "gru does not beat Theta, the best simple method: its error is 10 % larger (MASE), which is within noise "
        "(p = 0.4, paired bootstrap, 145 windows). It beats seasonal naive by 15 %. Use Theta."
    )


def test_too_few_windows_tell_nothing() -> None:
    found = verdict(1.0, TOO_FEW, windows=2, gru=0.92, seasonal_naive=1.0)
    assert not found.beats_best_baseline
    assert found.text == (
        "gru is ahead of seasonal naive, the best simple method, by 8 % (MASE), but 2 windows are too few to tell "
        "luck from skill."
    )
    behind = verdict(1.0, TOO_FEW, windows=1, gru=1.5, seasonal_naive=2.0, ets=1.0)
    assert behind.text == (
        "gru does not beat ETS, the best simple method: its error is 50 % larger (MASE), and 1 window is too few to "
        "tell luck from skill. Beside seasonal naive its error is 25 % smaller. Use ETS."
    )


def test_the_reference_is_mentioned_even_when_it_wins() -> None:
    found = verdict(0.2, gru=1.1, seasonal_naive=1.05, mean=1.0)
    assert "Beside seasonal naive its error is 5 % larger." in found.text
    assert found.text.endswith("Use the plain mean.")


def test_the_reference_is_naive_without_a_season() -> None:
    assert best_and_reference(scores(gru=1.0, naive=2.0, seasonal_naive=2.0, ets=1.5), "gru", 1) == ("ets", "naive")
    assert best_and_reference(scores(gru=1.0, ets=1.5), "gru", 7) == ("ets", "ets")


def test_a_small_p_with_the_means_the_other_way_round_is_no_win() -> None:
    comparison = Comparison(difference=0.1, p_value=0.01, test=DIEBOLD_MARIANO)
    assert not judge(scores(gru=0.9, naive=1.0), "gru", 1, {"naive": comparison}, 40).beats_best_baseline


def test_a_baseline_without_error_cannot_be_beaten() -> None:
    assert skill_score(0.0, 0.0) == 0.0
    assert skill_score(0.5, 0.0) == -1.0
    assert "its error is the same" in verdict(1.0, season=1, gru=0.0, naive=0.0).text
    assert (
        "naive), the best simple method, which makes no error here" in verdict(0.0, season=1, gru=0.5, naive=0.0).text
    )


def test_a_verdict_without_a_baseline_is_refused() -> None:
    with pytest.raises(OptionError, match=r"needs scores of 'gru' and of at least one baseline, got those of gru"):
        best_and_reference(scores(gru=1.0), "gru", 1)
    with pytest.raises(OptionError, match=r"of 'lstm' and .* got those of gru, naive"):
        best_and_reference(scores(gru=1.0, naive=1.0), "lstm", 1)
