"""What to do about what an inspection found, in words; nothing where nothing is wrong."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from gatecast.forecaster import ForecasterConfig
from gatecast.inspection.gates import dead_units, summarise
from gatecast.inspection.results import GradientFlow, Importance, LayerGates, Memory

VANISHED = 1e-5  # of the gradient one update back
EXPLODED = 1e2
TINY = 1e-30
MANY_DEAD = 0.25  # of a layer's units
STUCK = 0.95  # of a gate's values
FAR = 0.8  # of the lookback: more weight than `HEAVY` beyond it asks for a longer one
HEAVY = 0.3


def advise(
    config: ForecasterConfig,
    layers: Sequence[LayerGates],
    memory: Memory,
    gradients: GradientFlow,
    importance: Sequence[Importance],
) -> tuple[str, ...]:
    """All advice on a net."""
    return (
        *_on_states(gradients),
        *gradient_advice(gradients.norms, config),
        *_on_lookback(config, memory),
        *_on_units(layers, stuck=config.network.layer.cell != "slstm"),  # whose i and f are in units of the larger
        *_on_covariates(importance),
    )


def gradient_advice(norms: Float[np.ndarray, " lags"], config: ForecasterConfig) -> Iterator[str]:
    """What the norms of the gradients by lag ask for, during training as well as after it.

    A net that reads windows is meant to learn from all of them, one that carries a state from a season at least.

    Args:
        norms: by lag, in updates.
        config: of the forecaster.
    """
    windows, segment = config.mode == "windows", config.network.segment
    wanted = config.lookback // segment - 1 if windows else config.season
    last, top = min(len(norms) - 1, wanted), int(np.argmax(norms))
    if last < 2 or not norms[1] > 0:
        return
    if (ratio := norms[last] / norms[1]) < VANISHED:
        first = int(np.argmax(norms < VANISHED * norms[1]))
        cures = ["use GRU instead of the Elman cell"] if config.network.layer.cell == "rnn" else []
        cures += ["chrono initialisation", *(["a shorter lookback"] if windows else ["a dilated layer"])]
        yield (
            f"gradient at lag {last} is {ratio:.1g} of lag 1 (below {VANISHED:.0e} from lag {first} on): "
            f"{', '.join(cures[:-1])}{',' * (len(cures) > 2)} or {cures[-1]}."
        )
    elif (ratio := norms[top] / max(norms[0], TINY)) > EXPLODED:
        yield (
            f"gradient at lag {top} is {ratio:.0e} times that of the newest state: it explodes backwards. Keep "
            f"training.clip_norm low, take orthogonal initialisation, or a gated cell."
        )


def _on_states(gradients: GradientFlow) -> Iterator[str]:
    if not gradients.norms.any():
        yield (
            "no state moves the forecast: training found nothing better than what the forecast starts from. More "
            "steps, other inputs or another learning rate may; else the simple methods are enough."
        )


def _on_lookback(config: ForecasterConfig, memory: Memory) -> Iterator[str]:
    """Whether a window reaches too far or not far enough."""
    total = float(memory.weights.sum())
    if config.mode != "windows" or total <= 0:
        return
    lookback = config.lookback
    if memory.lag_of(0.99) + 1 < lookback / 2:
        yield (
            f"99 % of what moves the forecast, by derivatives, lies in the newest {memory.lag_of(0.99) + 1} of "
            f"{lookback} rows: fit with a shorter lookback and compare."
        )
    elif float(memory.weights[int(FAR * lookback) :].sum()) > HEAVY * total:
        yield (
            f"the oldest fifth of the lookback has {memory.weights[int(FAR * lookback) :].sum() / total:.0%} of the "
            f"weight: a longer lookback (--lookback {2 * lookback}, or all) may hold more."
        )


def _on_units(layers: Sequence[LayerGates], *, stuck: bool) -> Iterator[str]:
    """Units that do nothing, and, if `stuck`, gates that decide nothing."""
    for layer in layers:
        dead, units = len(dead_units(layer)), layer.output.shape[1]
        if dead > MANY_DEAD * units:
            yield f"{dead} of {units} units of {layer.name} never move: a smaller hidden size does as much."
    for gate in summarise(layers) if stuck else ():
        if max(gate.low, gate.high) > STUCK:
            end = "shut" if gate.low > gate.high else "open"
            yield (
                f"gate {gate.gate} of {gate.layer} is {end} nearly always ({max(gate.low, gate.high):.0%}): it decides "
                f"nothing here; a lower learning rate keeps gates from sticking, and a simpler cell may do."
            )


def _on_covariates(importance: Sequence[Importance]) -> Iterator[str]:
    idle = [each.covariate for each in importance if not each.matters]
    if idle:
        yield (
            f"shuffling {', '.join(idle)} makes the forecast no worse than chance: fit without "
            f"{'them' if len(idle) > 1 else 'it'} and compare."
        )
