"""Work as tasks of Ray, on a cluster that is there or on one begun for the while on this machine."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

from gatecast.engines.engine import TRIES, Done
from gatecast.engines.local import lost
from gatecast.errors import GatecastError, MissingExtraError, WorkerError

AHEAD = 2
PATIENCE = 10.0  # seconds


@final
class RayEngine:
    """Tasks of Ray.

    Args:
        workers: how many items run side by side; None for as many as the cluster has processors.
        address: of a cluster; None for the one that RAY_ADDRESS names, else for a new one on this machine.
    """

    def __init__(self, workers: int | None, address: str | None) -> None:
        self._asked, self._address = workers, address
        self._begun = False

    @property
    def workers(self) -> int:
        """How many items run side by side."""
        if self._asked is not None:
            return self._asked
        return max(1, int(load_ray().cluster_resources().get("CPU", 1)))

    def __enter__(self) -> "RayEngine":
        self._begun = connect(self._address)
        return self

    def __exit__(self, *error: object) -> None:
        if self._begun:
            load_ray().shutdown()

    def run(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Done]:
        """As every engine does; a task whose node is lost is begun anew on another.

        After a refusal, or where the caller stops, items already handed out are left to finish and their results are
        dropped: cancelling a task at the moment it ends makes Ray (2.60) abort the whole driver.
        """
        ray = load_ray()
        task = ray.remote(num_cpus=1, max_retries=TRIES - 1, scheduling_strategy="SPREAD")(_caught)
        waiting, running = list(range(len(items))), dict[Any, int]()
        while waiting or running:
            while waiting and len(running) < AHEAD * self.workers:
                number = waiting.pop(0)
                running[task.remote(work, items[number])] = number
            for done in ray.wait(list(running), num_returns=1)[0]:
                result = _result(ray, done, running[done], len(items))
                yield Done(running.pop(done), result)


def connect(address: str | None) -> bool:
    """Join a cluster, or begin one on this machine; returns whether it is ours to end.

    Raises:
        WorkerError: there is no cluster at the address.
    """
    ray = load_ray()
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        _knock(address)
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkerError(
            f"Ray cannot be reached{f' at {address}' if address else ''}: {first}. Start a cluster with `ray start "
            f"--head`, say where it is with --address, or leave --address and RAY_ADDRESS out for one on this machine."
        ) from error
    return True


def _knock(address: str | None) -> None:
    """See whether anybody is at `host:port`, at once; Ray asks for minutes.  Other addresses are for Ray to know."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()


def load_ray() -> Any:  # noqa: ANN401 - a module without types that we rely on
    """The package, with its reports to its makers switched off.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "--engine ray") from error
    return ray


def _caught(work: Callable[[Any], Any], item: Any) -> Any:  # noqa: ANN401 - whatever the work takes
    """In the process at work: one thread, and a refusal as a value, for Ray wraps what is raised in a traceback."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    try:
        return work(item)
    except GatecastError as refusal:
        return _Refused(refusal)


@final
class _Refused:
    """A refusal on its way back."""

    def __init__(self, error: GatecastError) -> None:
        self.error = error


def _result(ray: Any, done: Any, number: int, count: int) -> Any:  # noqa: ANN401
    try:
        result = ray.get(done)
    except ray.exceptions.WorkerCrashedError as error:
        raise WorkerError(lost(number, count)) from error
    if isinstance(result, _Refused):
        raise result.error
    return result
