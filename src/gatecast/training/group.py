"""The processes that train one net together: what they tell each other, by torch.distributed or, of one, not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeVar, final, runtime_checkable

import torch
from torch import Tensor

from gatecast.errors import GatecastError, OptionError

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)  # the first worker may take so long to settle what was left open


@runtime_checkable
class Group(Protocol):
    """Processes that take every step together; all of them call the same methods in the same order."""

    @property
    def rank(self) -> int:
        """The number of this one, from 0."""
        ...

    @property
    def world(self) -> int:
        """How many there are."""
        ...

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all of them, the same bits in each; `values` is overwritten."""
        ...

    def every(self, values: Tensor) -> Tensor:
        """The rows of all of them, in their order; each has as many."""
        ...

    def gather(self, value: T) -> list[T]:
        """What each of them says, in their order."""
        ...

    def first(self, value: T) -> T:
        """What the first of them says."""
        ...


@final
class Alone:
    """One process, with nobody to tell."""

    rank, world = 0, 1

    def sum(self, values: Tensor) -> Tensor:
        """The values."""
        return values

    def every(self, values: Tensor) -> Tensor:
        """The values."""
        return values

    def gather(self, value: T) -> list[T]:
        """The value alone."""
        return [value]

    def first(self, value: T) -> T:
        """The value."""
        return value


ALONE = Alone()


@final
class Together:
    """The processes of torch.distributed's default group."""

    @property
    def rank(self) -> int:
        """The number of this one, from 0."""
        return torch.distributed.get_rank()

    @property
    def world(self) -> int:
        """How many there are."""
        return torch.distributed.get_world_size()

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all of them, the same bits in each; `values` is overwritten.

        Each element is summed by one process and handed to the others, so that they agree to the last bit.
        """
        torch.distributed.all_reduce(values)
        return values

    def every(self, values: Tensor) -> Tensor:
        """The rows of all of them, in their order; each has as many."""
        rows = [torch.empty_like(values) for _ in range(self.world)]
        torch.distributed.all_gather(rows, values)
        return torch.cat(rows)

    def gather(self, value: T) -> list[T]:
        """What each of them says, in their order."""
        said: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(said, value)
        return said

    def first(self, value: T) -> T:
        """What the first of them says."""
        said = [value]
        torch.distributed.broadcast_object_list(said, src=0)
        return said[0]


def by_first(group: Group, work: Callable[[], T]) -> T:
    """What `work` comes to at the first of them, or the refusal that it raises there, at every one."""
    if group.world == 1:
        return work()
    said: list[Any] = []
    if group.rank == 0:
        try:
            said = [work()]
        except GatecastError as refusal:
            said = [refusal, None]
    said = group.first(said)
    if len(said) > 1:
        raise said[0]
    return said[0]


def told_by_environment(name: str, usual: int) -> int:
    """A number that torchrun puts into the environment: a rank, a count of workers or of starts.

    Raises:
        OptionError: something else stands there.
    """
    said = os.environ.get(name, str(usual))
    if not said.strip().isdecimal():
        raise OptionError(
            f"the environment says {name}={said!r}, and a whole number is expected: start workers by torchrun, which "
            f"sets it, or unset {name}."
        )
    return int(said)


@contextmanager
def group_here() -> Iterator[Group]:
    """The group that this process was started into: by Ray Train, by torchrun (which sets WORLD_SIZE), or none.

    A group that was not there before is left again, for a process that ends in one may end badly.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        yield Together() if torch.distributed.get_world_size() > 1 else ALONE
    elif told_by_environment("WORLD_SIZE", 1) <= 1:
        yield ALONE
    else:
        _join()
        try:
            yield Together()
        finally:
            torch.distributed.destroy_process_group()


def _join() -> None:
    """Join the group that the environment names.

    Processes that torchrun starts again may find the addresses of those that were lost in its store, so each start
    keeps its own.
    """
    store, rank, world = next(torch.distributed.rendezvous("env://", timeout=PATIENCE))  # type: ignore[attr-defined]
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = torch.distributed.PrefixStore(f"start-{start}", store)  # type: ignore[attr-defined]
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
