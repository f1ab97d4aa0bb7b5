"""Codes of words among the inputs: each is looked up in a table of vectors that are learnt."""

import math
from typing import final

import torch
from jaxtyping import Float
from msgspec import Struct
from torch import Tensor, nn

MOST_NUMBERS = 16  # learnt for each word


class Codes(Struct, frozen=True):
    """Columns that hold codes, and how many different ones each can hold."""

    places: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()


def all_of(codes: Codes) -> Codes:
    """The same levels where nothing but codes comes in."""
    return Codes(tuple(range(len(codes.places))), codes.levels)


def lookup(names: int, size: int, zero: int | None = None) -> nn.Embedding:
    """A table of vectors, as torch has it; where it is described without memory, its first numbers are not drawn.

    For on the meta device a draw from a normal distribution loads torch's compiler, which takes a second.

    Args:
        names: how many vectors.
        size: numbers of each.
        zero: the one that stays zero.
    """
    table = nn.Embedding.from_pretrained(torch.empty(names, size), freeze=False, padding_idx=zero)
    if not table.weight.is_meta:
        table.reset_parameters()
    return table


@final
class WordEmbedding(nn.Module):
    """Replaces columns of codes by vectors, which follow the columns of numbers (Guo & Berkhahn 2016).

    The vector of code 0, the word that nobody knows, stays zero.

    Args:
        width: columns that come in.
        codes: which of them hold codes.
    """

    def __init__(self, width: int, codes: Codes) -> None:
        super().__init__()
        self.codes = codes
        self.numbers = [place for place in range(width) if place not in codes.places]
        sizes = [min(MOST_NUMBERS, math.ceil(math.sqrt(levels)) + 1) for levels in codes.levels]
        pairs = zip(codes.levels, sizes, strict=True)
        self.tables = nn.ModuleList(lookup(levels, size, zero=0) for levels, size in pairs)
        self.width = len(self.numbers) + sum(sizes)

    def forward(self, rows: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows features"]:
        """The numbers, then the vectors of the words."""
        if not self.codes.places:
            return rows
        found = [table(rows[..., place].long()) for place, table in zip(self.codes.places, self.tables, strict=True)]
        return torch.cat([rows[..., self.numbers], *found], dim=-1)
