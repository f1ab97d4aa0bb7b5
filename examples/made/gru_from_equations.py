"""The text of gru_from_equations.py, and how any text becomes numbers."""

import torch
from torch import Tensor

TEXT = """the tide comes in, the tide goes out,
it turns the little boats about;
the moon looks down and pulls the sea
by one long thread that none can see.
six hours up, six hours down,
it fills the harbour of the town,
then leaves the crabs, the weed, the stones,
and one old anchor's rusty bones.
so count the steps from wall to foam,
for what went out is coming home.
"""


def number(text: str, cut: int) -> tuple[list[str], Tensor]:
    """The characters of the first `cut` places of the text, and the place in that list of every one of the text."""
    characters = ["\ufffd", *sorted(set(text[:cut]))]  # the first stands for every character that was not learnt
    places = {character: place for place, character in enumerate(characters)}
    return characters, torch.tensor([places.get(each, 0) for each in text])
