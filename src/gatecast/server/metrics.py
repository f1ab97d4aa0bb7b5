"""What /metrics tells, in the text format 0.0.4 of Prometheus.

Labels are templates of routes and statuses, both of which are few, so that no client can make the table grow.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator

from gatecast.server.live import Counts

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA = "text/plain; version=0.0.4; charset=utf-8"

# name of the metric, its type, the field of Counts, help
OF_LIVE = (
    ("gatecast_series", "gauge", "series", "Resident series."),
    ("gatecast_observations_total", "counter", "observations", "Observations on disk since the start."),
    ("gatecast_forecasts_total", "counter", "forecasts", "Series forecast since the start."),
    ("gatecast_waiting", "gauge", "waiting", "Requests that wait for their commit."),
    ("gatecast_commits_total", "counter", "commits", "Commits since the start."),
    ("gatecast_commit_seconds_total", "counter", "commit_seconds", "Seconds spent in commits."),
    ("gatecast_alarms", "gauge", "alarms", "Series whose drift alarm is on."),
    ("gatecast_subscribers", "gauge", "subscribers", "Subscribers of the stream of events."),
)


class Metrics:
    """Counts requests and how long they took."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests[route, status] += 1
        self._seconds[route] += seconds
        self._buckets[route][bisect_left(BUCKETS, seconds)] += 1

    def text(self, counts: Counts, *, ready: bool) -> str:
        """Everything, as Prometheus reads it."""
        lines = [*_family("gatecast_ready", "gauge", "Whether requests are taken."), f"gatecast_ready {int(ready)}"]
        for name, kind, field, told in OF_LIVE:
            lines += [*_family(name, kind, told), f"{name} {getattr(counts, field)}"]
        return "\n".join([*lines, *self._request_lines(), *self._second_lines(), ""])

    def _request_lines(self) -> Iterator[str]:
        yield from _family("gatecast_http_requests_total", "counter", "Requests answered.")
        for (route, status), number in sorted(self._requests.items()):
            yield f'gatecast_http_requests_total{{route="{route}",status="{status}"}} {number}'

    def _second_lines(self) -> Iterator[str]:
        name = "gatecast_http_request_seconds"
        yield from _family(name, "histogram", "Seconds from a request's head to its answer.")
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for edge, number in zip((*BUCKETS, "+Inf"), buckets, strict=True):
                total += number
                yield f'{name}_bucket{{route="{route}",le="{edge}"}} {total}'
            yield f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{name}_count{{route="{route}"}} {total}'


def _family(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"
