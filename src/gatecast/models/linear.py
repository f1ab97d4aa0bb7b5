"""A linear layer whose forecasts do not depend on what else is forecast with them."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

ROWS = 32  # matrix libraries take other roads, with other rounding, for fewer rows


@final
class Linear(nn.Linear):
    """torch.nn.Linear; outside training each row has the same bits whether it comes alone or among many.

    Small batches are filled up with zeros to a multiple of 32 rows, which is what the same road needs.
    """

    def forward(self, input: Float[Tensor, "*rows in_features"]) -> Float[Tensor, "*rows out_features"]:  # noqa: A002
        """The product with the weights, plus the bias."""
        if self.training:
            return super().forward(input)
        rows = input.flatten(0, -2)
        filled = pad(rows, (0, 0, 0, -len(rows) % ROWS))
        return super().forward(filled)[: len(rows)].unflatten(0, input.shape[:-1])
