"""Whatever requests come, in whatever ticks and between whatever restarts: the engine does as a dict would."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_makers import engine, hours, kept_hours, request, run, same_states, told, twin
from gatecast.errors import TimeError
from gatecast.server.refusals import ConflictError
from gatecast.server.wire import ObserveAnswer, ObserveRequest
from gatecast.streaming import StreamOptions
from how_many import examples

SERIES = ("a", "b", "c")


class Asked(NamedTuple):
    """A request: the series and the hour of each row, and a key."""

    rows: tuple[tuple[str, int], ...]
    key: str | None

    def request(self) -> ObserveRequest:
        return request(*(hours(name, hour).observations[0] for name, hour in self.rows))


class Dict:
    """What the log must hold, and what each request must be told."""

    def __init__(self, *, ignoring: bool) -> None:
        self.kept: dict[str, list[int]] = {name: [] for name in SERIES}
        self.receipts: dict[str, tuple[Asked, int]] = {}
        self.ignoring = ignoring

    def told(self, asked: Asked) -> ObserveAnswer | type[Exception]:
        if asked.key in self.receipts:
            before, accepted = self.receipts[asked.key]
            return ObserveAnswer(accepted, repeated=True) if before == asked else ConflictError
        kept = {name: list(found) for name, found in self.kept.items()}
        for name, hour in asked.rows:
            if not kept[name] or hour > kept[name][-1]:
                kept[name].append(hour)
            elif not self.ignoring:
                return TimeError
        accepted = sum(map(len, kept.values())) - sum(map(len, self.kept.values()))
        self.kept = kept
        if asked.key is not None:
            self.receipts[asked.key] = asked, accepted
        return ObserveAnswer(accepted)


rows = st.lists(st.tuples(st.sampled_from(SERIES), st.integers(0, 60)), min_size=1, max_size=4).map(tuple)
some = st.builds(Asked, rows, st.sampled_from([None, None, "k", "l", "m"]))
following = st.builds(  # most of them can be taken
    lambda name, first, count, key: Asked(tuple((name, first + step) for step in range(count)), key),
    st.sampled_from(SERIES),
    st.integers(0, 60),
    st.integers(1, 3),
    st.sampled_from([None, None, None, "n", "o"]),
)
ticks = st.lists(st.lists(some | following, min_size=1, max_size=6), min_size=1, max_size=5)


@settings(max_examples=examples(60), deadline=None)
@given(lives=st.lists(st.tuples(ticks, st.booleans()), min_size=1, max_size=3), ignoring=st.booleans())
def test_the_engine_does_as_a_dict_would(lives: list[tuple[list[list[Asked]], bool]], ignoring: bool) -> None:  # noqa: FBT001
    expected = Dict(ignoring=ignoring)
    options = StreamOptions(duplicate="ignore", late="ignore") if ignoring else StreamOptions()
    with tempfile.TemporaryDirectory() as folder:
        for asked_in_ticks, stopped in lives:
            with engine(Path(folder), options) as made:
                for tick in asked_in_ticks:
                    found = run(lambda tick=tick: told(*(made.observe(each.request(), each.key) for each in tick)))
                    answers = [type(each) if isinstance(each, Exception) else each for each in found]
                    assert answers == [expected.told(each) for each in tick]
                if stopped:
                    run(made.stop)
        with engine(Path(folder), options) as made:
            assert {name: kept_hours(made, name) for name in SERIES} == expected.kept
            same_states(made.stream, twin(made))
