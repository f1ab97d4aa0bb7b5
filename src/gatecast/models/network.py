"""The network: normalise, encode, decode every step from the state at the cutoff, undo the normalisation.

It runs in two ways that share every weight.  `forward` and `loss` read windows, each from a state of zeros, and
forecast from the last row.  `read` carries a state over rows that follow each other, and `forecast_from` and
`loss_from` take the output after any of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.cells.cell import pack_states
from gatecast.cells.equations import States
from gatecast.data.batches import Batch, Cutoffs, Stretch
from gatecast.models.config import NetworkConfig
from gatecast.models.decoders import DECODERS, AtCutoff, DecoderSizes, Highway, repeated
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.encoders import EncoderSizes, encoder
from gatecast.models.feedback import Feedback
from gatecast.models.losses import POINT_LOSSES, masked_mean, quantile_loss, relative_error
from gatecast.models.normalising import Ground, ground, window_inputs
from gatecast.models.sizes import Sizes, check_sizes, features_of_row
from gatecast.models.words import WordEmbedding, all_of, lookup


class AtCutoffs(NamedTuple):
    """What was read out at some cutoffs: the top layer's output, and the states of all layers, (layers, cutoffs, H)."""

    output: Float[Tensor, "cutoffs features"]
    states: States

    def some(self, part: slice) -> "AtCutoffs":
        """Those of some of the cutoffs."""
        return AtCutoffs(self.output[part], tuple(state[:, part] for state in self.states))


class Said(NamedTuple):
    """What the net says of some steps.

    Attributes:
        stands: what it is said of, and in which unit.
        raw: quantiles, parameters of a density, or a point, beside `base`.
        base: the linear forecast, beside the base of `stands`; of counts, the scale of the window.
    """

    stands: Ground
    raw: Float[Tensor, "cutoffs horizon targets raw"]
    base: Float[Tensor, "cutoffs horizon targets"]

    def scaled(self, value: Float[Tensor, "cutoffs horizon targets"]) -> Float[Tensor, "cutoffs horizon targets"]:
        """What is said in its unit, on the scaled values."""
        return self.stands.base + self.stands.unit * value


class RecurrentNetwork(nn.Module):
    """Maps what is known to forecasts of the scaled values, one for each step, target and level."""

    levels: Tensor

    def __init__(self, config: NetworkConfig, sizes: Sizes) -> None:
        super().__init__()
        check_sizes(config, sizes)
        self.config, self.sizes = config, sizes
        apart = config.channels == "apart"
        targets = 1 if apart else sizes.targets
        self.past_words = WordEmbedding(len(sizes.past_words.places), all_of(sizes.past_words))
        self.known_words = WordEmbedding(sizes.known, sizes.known_words)
        self.static_words = WordEmbedding(sizes.static, sizes.static_words)
        static = self.static_words.width + config.embedding
        rows = features_of_row(config, sizes, targets) + self.past_words.width + self.known_words.width
        self.encoder = encoder(config.layer, EncoderSizes(rows, static, sizes.lookback, config.segment))
        known = self.known_words.width if sizes.ahead else 0
        steps = 1 if config.recursive else sizes.horizon
        decoded = DecoderSizes(steps, config.segment, known, targets * config.raw)
        self.decoder = DECODERS[config.decode](config.layer, decoded, config.output_dropout)
        self.highway = Highway(sizes.lookback, steps) if config.highway else None
        names = sizes.series * (sizes.targets if apart else 1)
        self.embedding = lookup(names, config.embedding) if config.embedding else None
        self.register_buffer("levels", torch.tensor(config.levels, device="cpu"), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch horizon targets levels"]:
        """Forecast from windows; a point forecaster has one level.  Sample paths are made by `paths`."""
        if self.config.recursive:
            return self.paths(batch, None).squeeze(1).unsqueeze(-1)
        given = self._given(batch)
        return self._joined(self._forecast(self._encode(given), given.cutoffs()), batch)

    def loss(self, batch: Batch, *, free: bool = False) -> Float[Tensor, ""]:
        """The training loss of windows: the mean over observed targets, steps and levels, on the scaled values.

        A recursive net learns the first step of the horizon, or, running `free`, all of it from its own forecasts, of a
        density their means; gradients flow through what is fed back.
        """
        if free:
            return self._free_loss(batch)
        given = self._given(batch)
        return self._loss(self._encode(given), given.cutoffs())

    def paths(
        self, batch: Batch, draws: Float[Tensor, "batch paths horizon targets two"] | None
    ) -> Float[Tensor, "batch paths horizon targets"]:
        """Forecasts of a recursive net, each fed back until the horizon is full.

        Args:
            batch: the windows.
            draws: uniform numbers, for paths that are fed their own draws; None for one path of points.
        """
        return self._paths(self._encode(batch), batch, draws)

    def paths_from(
        self,
        read: AtCutoffs,
        batch: Batch,
        draws: Float[Tensor, "batch paths horizon targets two"] | None,
    ) -> Float[Tensor, "batch paths horizon targets"]:
        """As `paths`, from what was read out at the cutoffs of the windows."""
        return self._paths(AtCutoff(read.output, pack_states(read.states), self.encoder.layer), batch, draws)

    @property
    def output_size(self) -> int:
        """Numbers read out at each cutoff."""
        return self.config.layer.output_size

    def read(self, stretch: Stretch, states: States) -> tuple[Float[Tensor, "batch time features"], States]:
        """Carry states over the rows of a stretch, zeros if there are none: what is read out, and the states after."""
        time = stretch.causal.shape[1]
        rows = self._rows(self._causal(stretch.causal), stretch.observed, stretch.known[:, :time])
        static = self.named(stretch.static, stretch.identity)
        encoded = self.encoder(rows, static, pack_states(states) if states else None)
        return encoded.output, (encoded.state,) if isinstance(encoded.state, Tensor) else encoded.state

    def forecast_from(
        self, output: Float[Tensor, "cutoffs features"], cutoffs: Cutoffs
    ) -> Float[Tensor, "cutoffs horizon targets levels"]:
        """Forecast from what was read out at some cutoffs."""
        return self._forecast(AtCutoff(output, None, self.encoder.layer), cutoffs)

    def loss_from(self, output: Float[Tensor, "cutoffs features"], cutoffs: Cutoffs) -> Float[Tensor, ""]:
        """The training loss of forecasts from what was read out at some cutoffs."""
        return self._loss(AtCutoff(output, None, self.encoder.layer), cutoffs)

    def _forecast(self, at: AtCutoff, cutoffs: Cutoffs) -> Float[Tensor, "cutoffs horizon targets levels"]:
        said = self._say(at, cutoffs.known, ground(cutoffs, self.sizes.frame))
        if self.config.loss in DENSITIES:
            values = DENSITIES[self.config.loss].quantiles(said.raw, said.base, self.levels)
        else:
            values = said.base.unsqueeze(-1) + said.raw
        return said.stands.base.unsqueeze(-1) + said.stands.unit.unsqueeze(-1) * values

    def _loss(self, at: AtCutoff, cutoffs: Cutoffs) -> Float[Tensor, ""]:
        if self.config.recursive:
            cutoffs = cutoffs.first_step()
        said = self._say(at, cutoffs.known, ground(cutoffs, self.sizes.frame))
        return self._mean(self._errors(cutoffs.actual, said), cutoffs, lambda: self._point(said))

    def _free_loss(self, batch: Batch) -> Float[Tensor, ""]:
        errors: list[Tensor] = []

        def learn(step: int, said: Said) -> Tensor:
            errors.append(self._errors(batch.actual[:, step, None], said))
            return self._point(said)

        values = self._run_on(self._encode(batch), batch, 1, learn)
        return self._mean(torch.cat(errors, dim=1), batch, lambda: values)

    def _mean(
        self,
        errors: Float[Tensor, "cutoffs horizon targets"],
        came: Cutoffs | Batch,
        point: Callable[[], Float[Tensor, "cutoffs horizon targets"]],
    ) -> Float[Tensor, ""]:
        """The mean of errors where targets were observed, and with it that of the relative errors of the point."""
        loss = masked_mean(errors, came.mask)
        if self.config.relative:
            relative = relative_error(came.actual, point())
            loss = loss + self.config.relative * masked_mean(relative, (came.mask > 0).to(relative.dtype))
        return loss

    def _paths(
        self, at: AtCutoff, batch: Batch, draws: Float[Tensor, "batch paths horizon targets two"] | None
    ) -> Float[Tensor, "batch paths horizon targets"]:
        times = 1 if draws is None else draws.shape[1]
        uniform = None if draws is None else draws.flatten(0, 1)  # (n * paths, H, targets, 2)

        def choose(step: int, said: Said) -> Tensor:
            if uniform is None:
                return self._point(said)
            return said.scaled(DENSITIES[self.config.loss].draw(said.raw, said.base, uniform[:, step, None]))

        return self._run_on(at, batch, times, choose).unflatten(0, (-1, times))

    def _run_on(
        self, at: AtCutoff, batch: Batch, times: int, choose: Callable[[int, Said], Tensor]
    ) -> Float[Tensor, "paths horizon targets"]:
        """Feed `choose(step, what is said of it)` back until the horizon is full, from each window `times` times.

        The context is encoded once, and each further step is one update of the state.
        """
        sizes, lookback = self.sizes, batch.past.shape[1]
        fed = Feedback.at(batch, sizes.frame, sizes.numbers).repeated(times)
        at = AtCutoff(at.output.repeat_interleave(times, dim=0), repeated(at.state, times), at.layer)
        named = self.named(batch.static, batch.identity).repeat_interleave(times, dim=0)
        known, ahead = (
            rows.repeat_interleave(times, dim=0).split(1, dim=1) for rows in (batch.known[:, lookback:], batch.ahead)
        )
        planned = [place - sizes.targets for place in sizes.numbers[sizes.targets :]]
        values = [choose(0, self._say(at, known[0], fed.ground()))]
        for step in range(1, batch.actual.shape[1]):
            seen, fed = fed.advance(values[-1], known[step - 1][..., planned], ahead[step - 1])
            encoded = self.encoder(self._rows(seen, fed.observed, known[step - 1]), named, at.state)
            at = AtCutoff(encoded.output[:, -1], encoded.state, at.layer)
            values.append(choose(step, self._say(at, known[step], fed.ground())))
        return torch.cat(values, dim=1)

    def _point(self, said: Said) -> Float[Tensor, "cutoffs horizon targets"]:
        """The point forecast; of a density its mean."""
        if self.config.loss in DENSITIES:
            return said.scaled(DENSITIES[self.config.loss].point(said.raw, said.base))
        return said.scaled(said.base + said.raw[..., 0])

    def _errors(
        self, actual: Float[Tensor, "cutoffs horizon targets"], said: Said
    ) -> Float[Tensor, "cutoffs horizon targets"]:
        """One error for each step and target, in units of the scaled values (of a likelihood: in nats)."""
        loss, stands, raw, base = self.config.loss, *said
        beside = (actual - stands.base) / stands.unit
        if loss in DENSITIES:
            return DENSITIES[loss].loss(beside, raw, base) + stands.unit.log()
        if loss == "quantile":
            return stands.unit * quantile_loss(beside - base, raw, self.levels)
        return POINT_LOSSES[loss](stands.unit * (base + raw[..., 0]), stands.unit * beside)

    def _say(self, at: AtCutoff, known: Float[Tensor, "cutoffs horizon known"], stands: Ground) -> Said:
        """What the decoder says, and the linear forecast that it is said of, both beside the base and in its unit."""
        told = self.decoder(at, self.known_words(known))
        raw = told.unflatten(-1, (stands.window.shape[2], -1))  # (n, H, targets, raw)
        linear = self.highway(stands.window) if self.highway is not None else raw.new_zeros(raw.shape[:-1])
        if self.config.loss not in COUNTS:
            return Said(stands, raw, linear)
        scale = 1 + stands.past.abs().mean(dim=1, keepdim=True)  # Salinas et al. 2020, section 3.3
        raw = torch.cat([raw[..., :1] + linear.unsqueeze(-1), raw[..., 1:]], dim=-1)
        return Said(stands.of_counts(), raw, scale.expand_as(linear))

    def _given(self, batch: Batch) -> Batch:
        return batch.apart() if self.config.channels == "apart" else batch

    def _joined(self, output: Tensor, batch: Batch) -> Tensor:
        """Targets that were read apart, side by side again."""
        if self.config.channels == "joint":
            return output
        return output.squeeze(2).unflatten(0, (batch.past.shape[0], -1)).movedim(1, 2)

    def _encode(self, batch: Batch) -> AtCutoff:
        """The state at the cutoff of each window."""
        sizes = self.sizes
        seen = self._causal(batch.causal) if sizes.frame.normalise == "causal" else self._window(batch)
        rows = self._rows(seen, batch.observed, batch.known[:, : sizes.lookback])
        encoded = self.encoder(rows, self.named(batch.static, batch.identity))
        return AtCutoff(self._read_out(encoded.output), encoded.state, self.encoder.layer)

    def _window(self, batch: Batch) -> Float[Tensor, "batch lookback features"]:
        """The numbers of a window as its normalisation shows them, then its words."""
        targets = batch.actual.shape[2]
        steps = self.config.segment == 1
        less = self.sizes.targets - targets  # targets read apart: the others are not there
        if len(self.sizes.numbers) == self.sizes.channels:
            return window_inputs(batch.past, targets, self.sizes.frame, steps=steps)
        numbers = [*range(targets), *(place - less for place in self.sizes.numbers[self.sizes.targets :])]
        words = batch.past[..., [place - less for place in self.sizes.past_words.places]]
        shown = window_inputs(batch.past[..., numbers], targets, self.sizes.frame, steps=steps)
        return torch.cat([shown, self.past_words(words)], dim=-1)

    def _causal(self, causal: Float[Tensor, "batch time causal"]) -> Float[Tensor, "batch time features"]:
        """Causal features, then words, then the spread, as a table holds them, with the words looked up."""
        if not self.sizes.past_words.places:
            return causal
        count, targets = len(self.sizes.past_words.places), self.sizes.targets
        features, words, spread = causal.split([causal.shape[-1] - count - targets, count, targets], dim=-1)
        return torch.cat([features, self.past_words(words), spread], dim=-1)

    def _rows(self, seen: Tensor, observed: Tensor, known: Tensor) -> Float[Tensor, "batch time features"]:
        """Everything the encoder reads of each row."""
        known = self.known_words(known)
        return torch.cat([seen, observed, known] if self.sizes.flags else [seen, known], dim=-1)

    def named(self, static: Float[Tensor, "batch static"], identity: Tensor) -> Float[Tensor, "batch features"]:
        """Static covariates and what was learnt of each series; of a series never seen, the mean of all."""
        static = self.static_words(static)
        if self.embedding is None:
            return static
        own = self.embedding(identity.clamp(min=0))
        mean = self.embedding.weight.mean(dim=0)
        return torch.cat([static, torch.where(identity[:, None] >= 0, own, mean)], dim=-1)

    def _read_out(self, states: Float[Tensor, "batch updates features"]) -> Float[Tensor, "batch features"]:
        """The output at the cutoff; backwards reading ends at the first row of the window."""
        if self.config.readout == "mean":
            return states.mean(dim=1)
        if not self.config.layer.bidirectional:
            return states[:, -1]
        forward, backward = states.chunk(2, dim=-1)
        return torch.cat([forward[:, -1], backward[:, 0]], dim=-1)
