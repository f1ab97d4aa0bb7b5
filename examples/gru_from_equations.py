"""A GRU written from its equations: equal to nn.GRU, and enough to learn a text by heart.

    r = sigmoid(W_r x + b_r + U_r h + c_r)      how much of the past the candidate reads
    z = sigmoid(W_z x + b_z + U_z h + c_z)      how much of the past is kept
    n = tanh(W_n x + b_n + r * (U_n h + c_n))   the candidate; r acts after the product with U_n
    h' = (1 - z) * n + z * h                    K. Cho et al. 2014, arXiv 1406.1078v1

python examples/gru_from_equations.py                    # learns a short text by heart
python examples/gru_from_equations.py --data book.txt    # learns 90 % of a file, is scored on the last 10 %
"""

import math
from pathlib import Path

import numpy as np
import torch
from command_line.gru_from_equations import read_options
from drawing.gru_from_equations import draw_perplexity
from judging.gru_from_equations import compare, count, print_passes
from made.gru_from_equations import TEXT, number
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.utils import clip_grad_norm_, get_total_norm

from gatecast import nn

HIDDEN, STEPS, RATE, LIMIT = 64, 32, 0.01, 1.0  # units, characters a chunk, first learning rate, most gradient norm


def draw(inputs: int, hidden: int, spread: float = 0.01, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """W, U, b, c (r, z and n on the first axis), V, d of the output layer: normal, mean 0, deviation `spread`."""
    shapes = (3, hidden, inputs), (3, hidden, hidden), (3, hidden), (3, hidden), (inputs, hidden), (inputs,)
    return [(torch.randn(shape, dtype=dtype) * spread).requires_grad_() for shape in shapes]


def gru(p: list[Tensor], x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Every step of x (T, B, K) from the state h (B, H), by the equations: all states, and the last."""
    (W_r, W_z, W_n), (U_r, U_z, U_n), (b_r, b_z, b_n), (c_r, c_z, c_n) = p[:4]
    states = []
    for x_t in x:
        r = torch.sigmoid(x_t @ W_r.T + b_r + h @ U_r.T + c_r)  # (B, H)
        z = torch.sigmoid(x_t @ W_z.T + b_z + h @ U_z.T + c_z)  # (B, H)
        n = torch.tanh(x_t @ W_n.T + b_n + r * (h @ U_n.T + c_n))  # (B, H)
        h = (1 - z) * n + z * h
        states.append(h)
    return torch.stack(states), h  # (T, B, H), (B, H)


def encode(tokens: Tensor, hidden: int, layers: int) -> tuple[Tensor, Tensor]:
    """The untrained encoder of a sequence-to-sequence model: the top layer at every step, every layer at the last."""
    x = torch.nn.Embedding(10, 8)(tokens.T)  # (B, T) -> (T, B, E)
    return nn.GRU(8, hidden, layers)(x)  # (T, B, H), (layers, B, H)


def predict(p: list[Tensor], tokens: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of every character to come after each of the tokens (T, B), and the state."""
    *_, V, d = p
    states, h = gru(p, one_hot(tokens, len(d)).to(h.dtype), h)
    return states @ V.T + d, h  # (T, B, K), (B, H)


def train(p: list[Tensor], ids: Tensor, streams: int, passes: int) -> np.ndarray:
    """Truncated backpropagation through time; of each step the loss, the gradient's norm, and that after clipping."""
    length = (len(ids) - 1) // streams
    read, to_come = (ids[first : first + streams * length].view(streams, length).T for first in (0, 1))  # (T, B)
    optimiser, history = torch.optim.Adam(p, lr=RATE), []
    for done in range(passes):
        h = torch.zeros(streams, HIDDEN)
        optimiser.param_groups[0]["lr"] = RATE * (1 - done / passes)
        for tokens, answers in zip(read.split(STEPS), to_come.split(STEPS), strict=True):
            scores, h = predict(p, tokens, h.detach())  # the state is carried on, its gradient is not
            loss = cross_entropy(scores.flatten(0, 1), answers.flatten())
            optimiser.zero_grad()
            loss.backward()
            norm = clip_grad_norm_(p, LIMIT)
            clipped = get_total_norm([each.grad for each in p if each.grad is not None])
            history.append((loss.item(), norm.item(), clipped.item()))
            optimiser.step()
    return np.array(history).reshape(passes, -1, 3)  # (passes, chunks, 3)


@torch.no_grad()
def perplexity(p: list[Tensor], ids: Tensor, held: Tensor) -> dict[str, float]:
    """On `held`, that of the net, and of counting characters, or pairs of them, in `ids`: e to the cross entropy."""
    scores, _ = predict(p, held[:-1, None], torch.zeros(1, HIDDEN))  # (T, 1, K)
    models = {"GRU": scores[:, 0], **count(ids, held[:-1], scores.shape[-1])}  # each (T, K)
    return {name: math.exp(cross_entropy(each, held[1:])) for name, each in models.items()}


@torch.no_grad()
def go_on(p: list[Tensor], prefix: Tensor, count: int) -> Tensor:
    """The prefix and `count` characters more, each the likeliest after those before it."""
    h, last = torch.zeros(1, HIDDEN), prefix
    for _ in range(count):
        scores, h = predict(p, last[:, None], h)  # (T, 1, K)
        last = scores[-1].argmax(dim=1)  # (1,)
        prefix = torch.cat([prefix, last])
    return prefix


def learn(text: str, share: float, out: Path) -> None:
    """Learn a share of the text, and score what comes after it; the learnt text itself when nothing does."""
    whole, cut = share == 1, int(share * len(text))
    characters, ids = number(text, cut)
    p = draw(len(characters), HIDDEN)
    history = train(p, ids, streams=1, passes=80) if whole else train(p, ids[:cut], streams=16, passes=20)
    print_passes(history)
    held, where = (ids, "the text it learnt") if whole else (ids[cut:], "the last 10 %, never learnt from")
    scores = perplexity(p, ids[:cut], held)
    print(f"perplexity on {where}: {', '.join(f'{name} {value:.3f}' for name, value in scores.items())}")
    print("".join(characters[each] for each in go_on(p, held[:20], len(TEXT) - 20)))
    print(*draw_perplexity(history, scores, where, out), sep=", ")


def main() -> None:
    """Read the options, and do everything in order."""
    text, share, out = read_options()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for dtype in (torch.float64, torch.float32):
        compare(gru, draw(inputs=5, hidden=8, spread=0.5, dtype=dtype))
    tokens = torch.randint(10, (4, 7))
    output, state = encode(tokens, hidden=16, layers=2)
    print(f"encoder: tokens {(*tokens.shape,)} -> output {(*output.shape,)}, state {(*state.shape,)};", end=" ")
    print(f"output[-1] equals state[-1]: {torch.equal(output[-1], state[-1])}")
    learn(text, share, out)


if __name__ == "__main__":
    main()
