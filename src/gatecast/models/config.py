"""What a net is made of, whatever the data."""

from typing import Literal

from msgspec import Struct

from gatecast.errors import OptionError
from gatecast.models.decoders import DecoderName
from gatecast.models.distributions import DENSITIES
from gatecast.models.losses import POINT_LOSSES, LossName
from gatecast.nn import LayerConfig

MOST_PATHS = 100_000
MOST_NETS = 1000
LEAST_LEVEL = 1e-6  # of a quantile: what lies beyond it no table can tell
MOST_SEGMENT, MOST_EMBEDDING = 65_536, 4096


class NetworkConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What the net is made of, whatever the data.

    Attributes:
        layer: the recurrent layers.
        segment: rows joined for each update of the state; 1 reads row by row.
        decode: `direct`, all steps from the state at the cutoff; `segments`, each `segment` steps from one more update
            of it; `seq2seq`, a layer of its own over the horizon; or `recursive`, one step, whose forecast is fed back.
        paths: sample paths of a recursive density: each is fed its own draws, and quantiles are read off them.
        channels: `joint`, one state reads all targets, or `apart`, the same net reads each target on its own.
        embedding: numbers learnt for each series (and, read apart, each target), beside its other inputs.
        readout: the `last` state of the window, or the `mean` of all states.
        highway: add a linear forecast from the window to the net's.
        ensemble: nets trained together from different first weights; their median is the forecast.
        output_dropout: share of the state dropped before the output while training.
        relative: share of the symmetric relative error of a point (sMAPE / 100), added to the loss.
        loss: `quantile`; `mae`, `mse` or `huber` of a point; `normal`, `student` or `mixture`, the negative
            log-likelihood of a density; or `negative_binomial`, that of counts.
        quantiles: the levels that the quantile loss trains, or that are read off the density; ascending, with 0.5 among
            them.
    """

    layer: LayerConfig = LayerConfig()
    segment: int = 1
    decode: DecoderName = "direct"
    paths: int = 100
    channels: Literal["joint", "apart"] = "joint"
    embedding: int = 0
    readout: Literal["last", "mean"] = "last"
    highway: bool = True
    ensemble: int = 1
    output_dropout: float = 0.0
    relative: float = 0.0
    loss: LossName = "quantile"
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        levels = self.quantiles
        inside = all(LEAST_LEVEL <= level <= 1 - LEAST_LEVEL for level in levels)
        if self.loss not in POINT_LOSSES and not (inside and list(levels) == sorted(set(levels)) and 0.5 in levels):
            raise OptionError(
                f"quantiles are ascending levels between 0 and 1 ({LEAST_LEVEL:g} off both, or more) with the median "
                f"0.5 among them, such as 0.1 0.5 0.9; got {' '.join(f'{level:g}' for level in levels) or 'none'}."
            )
        if not 1 <= self.segment <= MOST_SEGMENT:
            raise OptionError(
                f"segment counts rows from 1 up, got segment={self.segment}; the most is {MOST_SEGMENT:,}."
            )
        check_paths(self.paths)
        if not 1 <= self.ensemble <= MOST_NETS:
            raise OptionError(
                f"ensemble counts nets from 1 up, got ensemble={self.ensemble}; the most is {MOST_NETS:,}."
            )
        if not 0 <= self.relative < float("inf") or (self.relative and self.loss not in POINT_LOSSES):
            raise OptionError(
                f"relative is a share from 0 up of the relative error of a point forecast, got {self.relative} "
                f"with loss={self.loss!r}; the losses of a point are {', '.join(POINT_LOSSES)}."
            )
        if not 0 <= self.embedding <= MOST_EMBEDDING:
            raise OptionError(
                f"embedding counts numbers from 0 up, got embedding={self.embedding}; the most is {MOST_EMBEDDING:,}."
            )
        if not 0 <= self.output_dropout < 1:
            raise OptionError(f"output_dropout is a share from 0 up to (not including) 1, got {self.output_dropout}.")
        if self.recursive:
            self._check_recursive()

    def _check_recursive(self) -> None:
        """A forecast that is fed back needs a value to feed, and a state that one row moves on."""
        if self.loss == "quantile":
            raise OptionError(
                f"decode='recursive' feeds a value back, and quantiles of one step are none: take loss="
                f"{', '.join(DENSITIES)} for sample paths, or {', '.join(POINT_LOSSES)} for a point."
            )
        for name, fits in (
            ("channels", self.channels == "joint"),
            ("segment", self.segment == 1),
            ("readout", self.readout == "last"),
            ("bidirectional", not self.layer.bidirectional),
        ):
            if not fits:
                value = getattr(self.layer if name == "bidirectional" else self, name)
                raise OptionError(
                    f"decode='recursive' goes on row by row from one state, which {name}={value!r} does not: leave "
                    f"{name} out, or take another decode."
                )

    @property
    def recursive(self) -> bool:
        """Whether the net forecasts one step, and reads its own forecasts for the others."""
        return self.decode == "recursive"

    @property
    def samples(self) -> bool:
        """Whether forecasts are sample paths."""
        return self.recursive and self.loss in DENSITIES

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantile levels of the output; empty when the loss is for a point."""
        return () if self.loss in POINT_LOSSES else self.quantiles

    @property
    def raw(self) -> int:
        """What the decoder says for each step and target: quantiles, parameters of a density, or a point."""
        return DENSITIES[self.loss].parameters if self.loss in DENSITIES else max(1, len(self.levels))

    @property
    def draws(self) -> bool:
        """Whether training draws random numbers."""
        return self.layer.is_random or self.output_dropout > 0


def check_paths(paths: int) -> None:
    """Refuse a number of sample paths that is none, or more than memory holds."""
    if not 1 <= paths <= MOST_PATHS:
        raise OptionError(f"paths counts sample paths, from 1 to {MOST_PATHS:,}; got paths={paths}.")
