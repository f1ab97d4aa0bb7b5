"""A course in pieces, each with its part of every step: some of them this worker's, the others those of its fellows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.models.ensemble import Network, nets_of, split_states
from gatecast.training.courses import Course, Learnt, Share
from gatecast.training.workers import BY_ITSELF, Workers

Seeded = Callable[[int], AbstractContextManager[None]]


@final
class Pieces:
    """What a worker learns from.

    Attributes:
        courses: one for each of its pieces.
        workers: who trains.
    """

    def __init__(self, courses: tuple[Course, ...], workers: Workers = BY_ITSELF) -> None:
        self.courses, self.workers, self.group = courses, workers, workers.group

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every row was learnt from once, by all workers together."""
        return self.courses[0].steps_per_epoch

    def losses(
        self, network: Network, step: int, carried: States, seeded: Seeded
    ) -> tuple[list[Float[Tensor, ""]], States]:
        """The share of each piece in the loss of step `step`, and the states to carry into the next.

        The sum over all pieces of all workers is the mean over everything that the step reads.

        Args:
            network: the net.
            step: from 0.
            carried: the states of each piece, one piece after another.
            seeded: what surrounds the work on a piece, by its number.
        """
        learnt: list[list[Learnt]] = []
        pieces = zip(self.workers.numbers, self.courses, split_states(carried, len(self.courses)), strict=True)
        for number, course, own in pieces:
            with seeded(number):
                learnt.append(course.learnt(network, step, own))
        losses = [torch.stack([net.loss for net in piece]) for piece in learnt]
        if self.workers.of_all > 1:
            losses = [loss * share for loss, share in zip(losses, self._shares(learnt), strict=True)]
        states = tuple(state for piece in learnt for net in piece for state in net.states)
        return [loss.mean() for loss in losses], states

    def _shares(self, learnt: list[list[Learnt]]) -> Float[Tensor, "pieces nets"]:
        """Which share of all targets seen each piece has, for each net of an ensemble."""
        seen = torch.stack([torch.stack([net.seen for net in piece]) for piece in learnt]).double()
        return (seen / self.group.sum(seen.sum(dim=0)).clamp(min=1)).float()

    def sum(self, said: list[Float[Tensor, " values"]]) -> Float[Tensor, " values"]:
        """The sum over all pieces of all workers, the same bits in each.

        Of pieces that were asked for it is made in their order, so it does not depend on who worked on which.
        """
        if self.workers.pieces == 1:
            return self.group.sum(said[0]) if self.workers.of_all > 1 else said[0]
        total = torch.zeros_like(said[0])
        for one in self.group.every(torch.stack(said)):
            total += one
        return total

    def validation_loss(self, network: Network) -> float:
        """The loss over the whole validation part, each observed target counting once."""
        own = [course.validation_sums(network) for course in self.courses]
        every = [sums for of_worker in self.group.gather(own) for sums in of_worker]
        return sum(total for total, _ in every) / max(sum(count for _, count in every), 1.0)

    def whole(self, network: Network, step: int, carried: States) -> States:
        """The states carried into step `step` by all pieces, as one worker would carry them."""
        if self.workers.of_all == 1:
            return carried
        nets, whole = len(nets_of(network)), list[Tensor]()
        pieces = [split_states(own, nets) for own in split_states(carried, len(self.courses))]
        for number, series in self._streams(step, nets):
            own = [
                (course.part.of(series), [state.cpu() for state in states[number]])
                for course, states in zip(self.courses, pieces, strict=True)
            ]
            whole += _assembled([each for of_worker in self.group.gather(own) for each in of_worker], len(series))
        return tuple(whole)

    def own(self, network: Network, step: int, whole: States) -> States:
        """This worker's part of such states."""
        if self.workers.of_all == 1 or not whole:
            return whole
        nets, own = len(nets_of(network)), list[Tensor]()
        for course in self.courses:
            for number, series in self._streams(step, nets):
                mine = torch.from_numpy(course.part.of(series))
                states = split_states(whole, nets)[number]
                own += [state[:, mine] if len(mine) else torch.zeros_like(state[:, :1]) for state in states]
        return tuple(own)

    def _streams(self, step: int, nets: int) -> Iterator[tuple[int, Int64[np.ndarray, " streams"]]]:
        """The streams of each net that carry a state into the step, by their series."""
        for number in range(nets):
            series = self.courses[0].streams(step, Share(number, nets))
            if series is not None:
                yield number, series


def in_pieces(course: Course | Pieces) -> Pieces:
    """A course, or the only piece of it."""
    return course if isinstance(course, Pieces) else Pieces((course,))


def _assembled(said: list[tuple[Int64[np.ndarray, " mine"], list[Tensor]]], streams: int) -> list[Tensor]:
    """The states of all streams, each (layers, streams, H), from those of each piece and where they stand."""
    whole = [part.new_zeros(part.shape[0], streams, *part.shape[2:]) for part in said[0][1]]
    for where, parts in said:
        for all_, part in zip(whole, parts, strict=True):
            all_[:, torch.from_numpy(where)] = part[:, : len(where)]
    return whole
