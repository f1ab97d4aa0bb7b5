"""The papers' equations once more, in plain numpy loops over units, written apart from the package.

Each takes one sequence x (T, I) and weights by gate, W (H, I), U (H, H), b (H,), and gives every h, (T, H).
"""

import math

import numpy as np


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


def gru_before(x: np.ndarray, W: dict, U: dict, b: dict) -> np.ndarray:
    """Cho et al. 2014, arXiv 1406.1078v3, eqs. 5 to 8: r multiplies h before the recurrent product."""
    units = range(len(b["r"]))
    h, out = [0.0 for _ in units], []
    for x_t in x:
        r = [sigmoid(W["r"][j] @ x_t + U["r"][j] @ h + b["r"][j]) for j in units]
        z = [sigmoid(W["z"][j] @ x_t + U["z"][j] @ h + b["z"][j]) for j in units]
        reset = [r[k] * h[k] for k in units]
        new = [math.tanh(W["n"][j] @ x_t + U["n"][j] @ reset + b["n"][j]) for j in units]
        h = [z[j] * h[j] + (1 - z[j]) * new[j] for j in units]
        out.append(h)
    return np.array(out)


def grud(x: np.ndarray, m: np.ndarray, delta: np.ndarray, weights: dict) -> np.ndarray:
    """Che et al. 2018, arXiv 1606.01865, the GRU-D without its input decay: x is filled already.

    `weights` has W (of x), V (of m), U and b for r, z and the candidate `n`, and W (of delta) and b of the decay gamma.
    """
    W, V, U, b = (weights[letter] for letter in "WVUb")
    units = range(len(b["r"]))
    h, out = [0.0 for _ in units], []
    for x_t, m_t, delta_t in zip(x, m, delta, strict=True):
        gamma = [math.exp(-max(0.0, W["gamma"][j] @ delta_t + b["gamma"][j])) for j in units]
        h = [gamma[j] * h[j] for j in units]
        r = [sigmoid(W["r"][j] @ x_t + U["r"][j] @ h + V["r"][j] @ m_t + b["r"][j]) for j in units]
        z = [sigmoid(W["z"][j] @ x_t + U["z"][j] @ h + V["z"][j] @ m_t + b["z"][j]) for j in units]
        reset = [r[k] * h[k] for k in units]
        new = [math.tanh(W["n"][j] @ x_t + U["n"][j] @ reset + V["n"][j] @ m_t + b["n"][j]) for j in units]
        h = [(1 - z[j]) * h[j] + z[j] * new[j] for j in units]
        out.append(h)
    return np.array(out)


def slstm(x: np.ndarray, W: dict, U: dict, b: dict) -> np.ndarray:
    """Beck et al. 2024, arXiv 2405.04517, eqs. 8 to 14: without the stabiliser, in exact-enough big numbers.

    The exponential input gate is kept as it is printed; `c` and `n` are logarithm-free and so only fit moderate inputs.
    """
    units = range(len(b["i"]))
    h, c, n, out = [0.0 for _ in units], [0.0 for _ in units], [0.0 for _ in units], []
    for x_t in x:
        raw = {gate: [W[gate][j] @ x_t + U[gate][j] @ h + b[gate][j] for j in units] for gate in "ifzo"}
        c = [sigmoid(raw["f"][j]) * c[j] + math.exp(raw["i"][j]) * math.tanh(raw["z"][j]) for j in units]
        n = [sigmoid(raw["f"][j]) * n[j] + math.exp(raw["i"][j]) for j in units]
        h = [sigmoid(raw["o"][j]) * c[j] / n[j] for j in units]
        out.append(h)
    return np.array(out)


def indrnn(x: np.ndarray, W: np.ndarray, u: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Li et al. 2018, arXiv 1803.04831, eq. 4."""
    h, out = [0.0] * len(b), []
    for x_t in x:
        h = [max(0.0, W[j] @ x_t + u[j] * h[j] + b[j]) for j in range(len(b))]
        out.append(h)
    return np.array(out)


def mingru(x: np.ndarray, W: dict, b: dict) -> np.ndarray:
    """Feng et al. 2024, arXiv 2410.01201, section 3.1."""
    h, out = [0.0] * len(b["z"]), []
    for x_t in x:
        z = [sigmoid(W["z"][j] @ x_t + b["z"][j]) for j in range(len(h))]
        h = [(1 - z[j]) * h[j] + z[j] * (W["n"][j] @ x_t + b["n"][j]) for j in range(len(h))]
        out.append(h)
    return np.array(out)


def minlstm(x: np.ndarray, W: dict, b: dict) -> np.ndarray:
    """Feng et al. 2024, arXiv 2410.01201, section 3.2, with the length-independent scaling of its last step."""
    h, out = [0.0] * len(b["f"]), []
    for x_t in x:
        f = [sigmoid(W["f"][j] @ x_t + b["f"][j]) for j in range(len(h))]
        i = [sigmoid(W["i"][j] @ x_t + b["i"][j]) for j in range(len(h))]
        g = [W["g"][j] @ x_t + b["g"][j] for j in range(len(h))]
        h = [(f[j] * h[j] + i[j] * g[j]) / (f[j] + i[j]) for j in range(len(h))]
        out.append(h)
    return np.array(out)
