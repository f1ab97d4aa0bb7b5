"""A GRU written from its equations: equal to nn.GRU, and enough to learn a text by heart.

    r = sigmoid(W_r x + b_r + U_r h + c_r)      how much of the past the candidate reads
    z = sigmoid(W_z x + b_z + U_z h + c_z)      how much of the past is kept
    n = tanh(W_n x + b_n + r * (U_n h + c_n))   the candidate; r acts after the product with U_n
    h' = (1 - z) * n + z * h

K. Cho et al. 2014, arXiv 1406.1078v1; the form of cuDNN, torch.nn.GRU and gatecast.nn.GRU.

    python examples/gru_from_equations.py                    # learns a short text by heart
    python examples/gru_from_equations.py --data book.txt    # learns 90 % of a file, is scored on the last 10 %
"""

import argparse
import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.utils import clip_grad_norm_, get_total_norm

from gatecast import nn
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, GREY, INK, NET

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
HIDDEN, STEPS, RATE, LIMIT = 64, 32, 0.01, 1.0  # units, characters a chunk, first learning rate, most gradient norm
UNKNOWN = "\ufffd"  # stands for every character that the training part lacks


class Weights(NamedTuple):
    """The parameters: of the GRU, with r, z and n along the first axis, and of the output layer."""

    W: Tensor  # (3, H, K)
    U: Tensor  # (3, H, H)
    b: Tensor  # (3, H)
    c: Tensor  # (3, H)
    V: Tensor  # (K, H)
    d: Tensor  # (K,)


def draw(inputs: int, hidden: int, spread: float = 0.01, dtype: torch.dtype = torch.float32) -> Weights:
    """Every parameter from a normal distribution of mean 0 and standard deviation `spread`."""
    shapes = (3, hidden, inputs), (3, hidden, hidden), (3, hidden), (3, hidden), (inputs, hidden), (inputs,)
    return Weights(*((torch.randn(shape, dtype=dtype) * spread).requires_grad_() for shape in shapes))


def step(p: Weights, x: Tensor, h: Tensor) -> Tensor:
    """The state after one step: the equations, line by line."""
    r = torch.sigmoid(x @ p.W[0].T + p.b[0] + h @ p.U[0].T + p.c[0])  # (B, H)
    z = torch.sigmoid(x @ p.W[1].T + p.b[1] + h @ p.U[1].T + p.c[1])  # (B, H)
    n = torch.tanh(x @ p.W[2].T + p.b[2] + r * (h @ p.U[2].T + p.c[2]))  # (B, H)
    return (1 - z) * n + z * h


def gru(p: Weights, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Every step of x (T, B, K) from the state h (B, H): all states, and the last."""
    states = []
    for x_t in x:
        h = step(p, x_t, h)
        states.append(h)
    return torch.stack(states), h  # (T, B, H), (B, H)


def differences(dtype: torch.dtype) -> tuple[float, float]:
    """The largest difference from nn.GRU with the same weights, and from the other published form of the GRU."""
    p = draw(inputs=5, hidden=8, spread=0.5, dtype=dtype)
    x, h = torch.randn(20, 3, 5, dtype=dtype), torch.randn(3, 8, dtype=dtype)
    ours, largest = gru(p, x, h)[0], []
    for reset_after in (True, False):
        layer = nn.GRU(5, 8, reset_after=reset_after).to(dtype)
        named = {"weight_ih_l0": p.W, "weight_hh_l0": p.U, "bias_ih_l0": p.b, "bias_hh_l0": p.c}
        layer.load_state_dict({name: each.detach().flatten(0, 1) for name, each in named.items()})
        largest.append(float((layer(x, h[None])[0] - ours).detach().abs().max()))
    return largest[0], largest[1]


class Encoder(torch.nn.Module):
    """The reading half of a sequence-to-sequence model: tokens to states."""

    def __init__(self, tokens: int, embedding: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(tokens, embedding)
        self.gru = nn.GRU(embedding, hidden, layers)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T) to the top layer's state at every step, and every layer's state at the last step."""
        x = self.embedding(tokens.T)  # (T, B, E)
        output, state = self.gru(x)  # (T, B, H), (layers, B, H)
        return output, state


def predict(p: Weights, tokens: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of every character to come after each of the tokens (T, B), and the state."""
    states, h = gru(p, one_hot(tokens, len(p.d)).to(h.dtype), h)
    return states @ p.V.T + p.d, h  # (T, B, K), (B, H)


def train(p: Weights, ids: Tensor, streams: int, passes: int) -> np.ndarray:
    """Truncated backpropagation through time.

    Returns:
        One row a step: the pass over the text, the perplexity, the gradient's norm before and after clipping.
    """
    length = (len(ids) - 1) // streams
    read = ids[: streams * length].view(streams, length).T  # (T, B): each stream a stretch of the text
    to_come = ids[1 : streams * length + 1].view(streams, length).T
    optimiser, history = torch.optim.Adam(p, lr=RATE), []
    for done in range(passes):
        h = torch.zeros(streams, p.U.shape[1])
        optimiser.param_groups[0]["lr"] = RATE * (1 - done / passes)
        for start in range(0, length, STEPS):
            chunk = slice(start, start + STEPS)
            scores, h = predict(p, read[chunk], h.detach())  # the state is carried on, its gradient is not
            loss = cross_entropy(scores.flatten(0, 1), to_come[chunk].flatten())
            optimiser.zero_grad()
            loss.backward()
            before = clip_grad_norm_(p, LIMIT)
            after = get_total_norm([each.grad for each in p if each.grad is not None])
            history.append((done + 1, math.exp(loss.item()), float(before), float(after)))
            optimiser.step()
    return np.array(history)


@torch.no_grad()
def perplexity(p: Weights, ids: Tensor) -> float:
    """The exponential of the mean cross entropy of every character but the first, from a zero state."""
    scores, _ = predict(p, ids[:-1, None], torch.zeros(1, p.U.shape[1]))
    return math.exp(cross_entropy(scores[:, 0], ids[1:]).item())


def count_models(ids: Tensor, held: Tensor, size: int) -> dict[str, float]:
    """The perplexity on `held` of counting characters, and pairs of them, in `ids`."""
    single = (torch.bincount(ids, minlength=size) + 1) / (len(ids) + size)  # (K,)
    pairs = torch.bincount(ids[:-1] * size + ids[1:], minlength=size * size).view(size, size)
    after = (pairs + single) / (pairs.sum(dim=1, keepdim=True) + 1)  # (K, K): rare pairs lean on the single counts
    chances = {"unigram": single[held[1:]], "bigram": after[held[:-1], held[1:]]}
    return {name: math.exp(-chance.log().mean().item()) for name, chance in chances.items()}


@torch.no_grad()
def go_on(p: Weights, prefix: Tensor, count: int) -> Tensor:
    """The prefix and `count` characters more, each the likeliest after those before it."""
    scores, h = predict(p, prefix[:, None], torch.zeros(1, p.U.shape[1]))
    tokens = list(prefix)
    for _ in range(count):
        tokens.append(scores[-1, 0].argmax())
        scores, h = predict(p, tokens[-1].view(1, 1), h)
    return torch.stack(tokens)


def by_pass(history: np.ndarray) -> list[float]:
    """The (geometric) mean perplexity of each pass over the text."""
    steps = np.log(history[:, 1]).reshape(int(history[-1, 0]), -1)  # (passes, chunks)
    return list(np.exp(steps.mean(axis=1)))


def write_results(history: np.ndarray, scores: dict[str, float], where: str, out: Path) -> None:
    """Every step as CSV, and a picture of the perplexity beside what counting characters reaches."""
    np.savetxt(out / "steps.csv", history, "%.9g", ",", header="pass,perplexity,norm,clipped_norm", comments="")
    figure, (chart,) = sheet(f"Perplexity while training. Level lines: on {where}, after training")
    chart.plot(np.arange(1, len(history) + 1), history[:, 1], color=GREY, alpha=0.5, linewidth=0.6, label="each step")
    passes = by_pass(history)
    chart.plot((np.arange(len(passes)) + 0.5) * len(history) / len(passes), passes, color=NET, label="mean of a pass")
    for (name, value), colour, dash in zip(scores.items(), (NET, BEST, INK), ("-.", "--", ":"), strict=True):
        chart.axhline(value, color=colour, linestyle=dash, linewidth=1, label=f"{name} {value:.2f}")
    chart.set_yscale("log")
    chart.set_yticks(ticks := [1, 2, 5, 10, 20, 50, 100], map(str, ticks))
    chart.minorticks_off()
    label(chart, "training step", "perplexity, log scale")
    legend(chart)
    (out / "perplexity.png").write_bytes(png(figure))


def show_layers() -> None:
    """The equations beside nn.GRU, and the shapes of an encoder."""
    for dtype in (torch.float64, torch.float32):
        same, other = differences(dtype)
        print(f"{dtype}: largest difference from nn.GRU {same:.1e}, from nn.GRU(reset_after=False) {other:.1e}")
    tokens = torch.randint(10, (4, 7))  # (B, T)
    output, state = Encoder(tokens=10, embedding=8, hidden=16, layers=2)(tokens)
    print(f"encoder: tokens {(*tokens.shape,)} -> output {(*output.shape,)}, state {(*state.shape,)};", end=" ")
    print(f"output[-1] equals state[-1]: {torch.equal(output[-1], state[-1])}")


def learn(text: str, cut: int, out: Path) -> None:
    """Learn the text before `cut` and score what comes after it; the learnt text itself when nothing does."""
    characters = [UNKNOWN, *sorted(set(text[:cut]))]
    places = {character: place for place, character in enumerate(characters)}
    ids = torch.tensor([places.get(character, 0) for character in text])
    by_heart = cut == len(text)
    learnt, scored = ids[:cut], ids if by_heart else ids[cut:]
    where = "the text it learnt" if by_heart else "the last 10 %, never learnt from"
    p = draw(len(characters), HIDDEN)
    history = train(p, learnt, streams=1, passes=80) if by_heart else train(p, learnt, streams=16, passes=20)
    for number, value in list(enumerate(by_pass(history), start=1))[:: len(by_pass(history)) // 10]:
        print(f"pass {number:2d}  perplexity {value:7.3f}")
    print(f"largest gradient norm {history[:, 2].max():.2f}, after clipping {history[:, 3].max():.2f}")
    scores = {"GRU": perplexity(p, scored), **count_models(learnt, scored, len(characters))}
    print(f"perplexity on {where}: {', '.join(f'{name} {value:.3f}' for name, value in scores.items())}")
    print("".join(characters[place] for place in go_on(p, scored[:20], len(TEXT) - 20)))
    write_results(history, scores, where, out)
    print(f"{out / 'perplexity.png'}, {out / 'steps.csv'}")


def main() -> None:
    """Read the options, and do everything in order."""
    parser = argparse.ArgumentParser(description="A GRU written from its equations.")
    parser.add_argument("--data", type=Path, help="a text file to learn (default: ten lines about tides)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/gru_from_equations"))
    options = parser.parse_args()
    try:
        text = options.data.read_text(encoding="utf-8") if options.data else TEXT
        options.out.mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{error}. Give a file of UTF-8 text with --data, and a folder with --out.")
    if options.data and len(text) < 1000:
        sys.exit(
            f"{options.data} has {len(text)} characters, and learning 90 % to score the rest needs at least 1,000."
        )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    show_layers()
    learn(text, int(0.9 * len(text)) if options.data else len(text), options.out)


if __name__ == "__main__":
    main()
