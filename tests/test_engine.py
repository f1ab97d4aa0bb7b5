"""The engine over a real stream and a real store: all or nothing, once, on disk before it is told."""

import asyncio
from pathlib import Path

import pytest

from engine_makers import (
    engine,
    hour,
    hours,
    kept_hours,
    log,
    obs,
    observe,
    request,
    run,
    same_states,
    told,
    twin,
)
from gatecast.errors import InputError, TimeError
from gatecast.server.refusals import BusyError, ConflictError, UnknownSeriesError
from gatecast.server.wire import ForecastRequest, Observation, ObserveAnswer
from gatecast.streaming import StreamOptions

IGNORING = StreamOptions(duplicate="ignore", late="ignore")


def test_a_request_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", 0))
        for bad in (
            obs("a", 0),
            obs("a", 1, 1e39),
            Observation("a", "someday", 1.0),
            Observation("b", hour(1), {"z": 1.0}),
        ):
            with pytest.raises(InputError):
                observe(made, request(obs("new", 0), obs("a", 1), bad))
        assert kept_hours(made, "a") == [0]
        assert made.names == ["a"]
        same_states(made.stream, twin(made))


def test_of_the_requests_of_one_tick_each_is_taken_or_refused_for_itself(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        asked = (hours("a", 0, 1), hours("a", 1), hours("b", 5, 4), hours("b", 5), hours("a", 2, 3))
        answers = run(lambda: told(*(made.observe(each, None) for each in asked)))
        assert [answers[place] for place in (0, 3, 4)] == [ObserveAnswer(2), ObserveAnswer(1), ObserveAnswer(2)]
        assert [type(answers[place]) for place in (1, 2)] == [TimeError, TimeError]
        assert made.counts().commits == 1, "what is taken is one transaction"
        assert (kept_hours(made, "a"), kept_hours(made, "b")) == ([0, 1, 2, 3], [5])
        same_states(made.stream, twin(made))


def test_two_requests_of_one_tick_are_rows_in_their_order(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        answers = run(lambda: told(*(made.observe(hours("a", number), None) for number in (0, 1, 2, 3))))
        assert answers == [ObserveAnswer(1)] * 4
        assert made.counts()[:5] == (1, 4, 0, 0, 1)
        backwards = run(lambda: told(made.observe(hours("a", 5), None), made.observe(hours("a", 4), None)))
        assert backwards[0] == ObserveAnswer(1)
        assert isinstance(backwards[1], TimeError)
        assert kept_hours(made, "a") == [0, 1, 2, 3, 5]
        same_states(made.stream, twin(made))


def test_a_key_counts_once_in_one_tick_across_ticks_and_across_restarts(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        first = run(lambda: told(*(made.observe(hours("a", 0, 1), "k") for _ in range(3))))
        assert first == [ObserveAnswer(2), ObserveAnswer(2, repeated=True), ObserveAnswer(2, repeated=True)]
        both = run(lambda: told(*(made.observe(hours("a", 0, 1), "k") for _ in range(2))))
        assert both == [ObserveAnswer(2, repeated=True)] * 2
    with engine(tmp_path) as made:
        assert observe(made, hours("a", 0, 1), key="k") == [ObserveAnswer(2, repeated=True)]
        assert kept_hours(made, "a") == [0, 1]
        assert made.counts().observations == 0


def test_a_key_with_other_observations_is_a_conflict(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        answers = run(lambda: told(made.observe(hours("a", 0), "k"), made.observe(hours("a", 1), "k")))
        assert answers[0] == ObserveAnswer(1)
        assert isinstance(answers[1], ConflictError)
    with engine(tmp_path) as made:
        with pytest.raises(ConflictError, match=r"'k' came before with other observations: .*with a new key"):
            observe(made, hours("a", 1), key="k")
        assert kept_hours(made, "a") == [0]


def test_a_key_whose_request_was_refused_is_free(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        answers = run(lambda: told(made.observe(hours("a", 1, 0), "k"), made.observe(hours("a", 0, 1), "k")))
        assert isinstance(answers[0], TimeError)
        assert answers[1] == ObserveAnswer(2)


def test_rows_that_the_policies_ignore_are_neither_counted_nor_kept(tmp_path: Path) -> None:
    with engine(tmp_path, IGNORING) as made:
        assert observe(made, hours("a", 3, 4), hours("a", 4, 5, 2)) == [ObserveAnswer(2), ObserveAnswer(1)]
        asked = (hours("a", 5), hours("a", 6), hours("b", 1, 1, 0))
        assert run(lambda: told(*(made.observe(each, None) for each in asked))) == [*map(ObserveAnswer, (0, 1, 1))]
        assert observe(made, hours("a", 6), key="k") == [ObserveAnswer(0)]
        assert observe(made, hours("a", 6), key="k") == [ObserveAnswer(0, repeated=True)]
        assert (kept_hours(made, "a"), kept_hours(made, "b")) == ([3, 4, 5, 6], [1])
        assert made.counts().observations == 5
    with engine(tmp_path, IGNORING) as made:
        same_states(made.stream, twin(made))


def test_too_many_that_wait_are_refused_and_the_next_tick_is_free(tmp_path: Path) -> None:
    with engine(tmp_path, most_waiting=5) as made:
        asked = (hours("a", 0, 1), hours("b", 0, 1, 2), hours("c", 0), hours("d", 0))
        answers = run(lambda: told(*(made.observe(each, None) for each in asked)))
        assert answers[:2] == [ObserveAnswer(2), ObserveAnswer(3)]
        assert all(isinstance(answer, BusyError) and "5 observations wait" in str(answer) for answer in answers[2:])
        large = hours("e", *range(9))
        assert observe(made, large) == [ObserveAnswer(9)], "one that is larger than the room is taken when nobody waits"


def test_more_than_one_transaction_should_hold_is_committed_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatecast.server.engine.TOGETHER", 4)
    with engine(tmp_path) as made:
        answers = run(lambda: told(*(made.observe(hours("a", 2 * n, 2 * n + 1), None) for n in range(5))))
        assert answers == [ObserveAnswer(2)] * 5
        assert made.counts().commits == 3
        same_states(made.stream, twin(made))


def test_an_answer_comes_after_the_commit(tmp_path: Path) -> None:
    async def asked() -> None:
        pending = asyncio.ensure_future(made.observe(hours("a", 0), None))
        await asyncio.sleep(0)
        assert not pending.done()
        assert log(made) == []
        await pending
        assert kept_hours(made, "a") == [0]

    with engine(tmp_path) as made:
        run(asked)


def test_series_that_nobody_observed_are_unknown(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", 0))
        with pytest.raises(UnknownSeriesError, match='series "b" has no rows'):
            run(lambda: made.forecast(ForecastRequest(["a", "b"])))
        with pytest.raises(UnknownSeriesError):
            made.history("b", 3)


def test_forecasts_over_many_turns_are_those_of_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.server.engine.FORECAST_AT_ONCE", 2)
    with engine(tmp_path) as made:
        names = [f"s{number}" for number in range(5)]
        observe(made, *(hours(name, *range(number + 1)) for number, name in enumerate(names)))
        answers = run(lambda: made.forecast(ForecastRequest(names, 3, [0.9, 0.1])))
        expected = made.stream.forecast(names, 3, [0.1, 0.9])
        assert [answer.series for answer in answers] == names
        assert [answer.mean for answer in answers] == expected.mean[:, :, 0].tolist()
        assert answers[4].quantiles == {
            "0.1": expected.quantiles[4, :, 0, 0].tolist(),
            "0.9": expected.quantiles[4, :, 0, 1].tolist(),
        }
        assert answers[1].cutoff == hour(1)
        assert answers[1].ds == [hour(2), hour(3), hour(4)]
        assert made.counts().forecasts == 5


def test_a_refusal_names_the_observation_that_it_is_of(tmp_path: Path) -> None:
    with engine(tmp_path) as made, pytest.raises(TimeError, match=r"^observations\[2\]: series .a.*observed already"):
        observe(made, request(obs("a", 0), obs("a", 1), obs("a", 1)))
