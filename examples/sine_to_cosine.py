"""A sequence in, a sequence of the same length out: the sine of an angle in, its cosine out.

    python examples/sine_to_cosine.py                     made waves, about 20 seconds
    python examples/sine_to_cosine.py --steps 3000        the same, trained for longer
    python examples/sine_to_cosine.py --data pairs.csv    the first column in, the second column out

0.5 on the way up and 0.5 on the way down have opposite cosines: the state must carry the slope, and the frequency too,
as every wave has a period of its own.  Two ways to read the answer:

    every_step     y_t = V h_t + d                        from the inputs up to step t, and no others
    last_state     (y_0 ... y_{T-1}) = V h_{T-1} + d      all at once, when the whole sequence has been seen
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from drawing.sine_to_cosine import Frame, write
from made.sine_to_cosine import LENGTH, made_waves, read_waves
from torch import Tensor

from gatecast import nn
from gatecast.data.scalers import Standard
from gatecast.errors import GatecastError, OptionError
from gatecast.evaluation.metrics import rmse

SCORED_FROM = 10  # before this step too little of a wave is seen to know its period
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Net(torch.nn.Module):
    """A recurrent layer, and an output layer that reads the state of every step, or the last one alone."""

    def __init__(self, cell: str, readout: str) -> None:
        super().__init__()
        self.every_step = readout == "every_step"
        self.recurrent = CELLS[cell](1, 32, batch_first=True)
        self.output = torch.nn.Linear(32, 1 if self.every_step else LENGTH)

    def forward(self, x: Tensor) -> Tensor:
        """A sequence of the same length."""
        states, _ = self.recurrent(x)  # (B, T, 1) -> (B, T, H)
        if self.every_step:
            return self.output(states)  # (B, T, H) -> (B, T, 1)
        return self.output(states[:, -1]).unsqueeze(-1)  # (B, H) -> (B, T) -> (B, T, 1)


def fit(net: Net, waves: np.ndarray, test: np.ndarray, steps: int) -> list[Frame]:
    """Train; gives the answers to the test sequences on the way, of which the last count: nothing is chosen by them."""
    scaling = Standard().fit(waves.reshape(-1, 2))
    learnt, unseen = (torch.tensor(scaling.transform(each, 0)).float() for each in (waves, test))  # (N, T, 2) each
    optimiser = torch.optim.Adam(net.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.02, total_steps=steps)  # rises, then falls to zero
    shown, frames = set(np.geomspace(4, steps, 24).astype(int).tolist()), []
    for step in range(1, steps + 1):
        x, y = learnt[torch.randint(len(learnt), (64,))].split(1, dim=-1)  # (B, T, 1) each
        loss = torch.nn.functional.mse_loss(net(x), y)  # at every step of the sequence
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        rate.step()
        if step in shown:
            with torch.no_grad():
                both = torch.cat([unseen[..., :1], net(unseen[..., :1])], dim=-1)  # (N, T, 2): input, answer
            output = scaling.inverse(both.double().numpy(), 0)[..., 1]  # (N, T), in the units of the data
            frames.append(Frame(step, mse(test, output), output))
    return frames


def mse(waves: np.ndarray, output: np.ndarray, first: int = SCORED_FROM) -> float:
    """Mean squared error over all sequences and the steps from `first`."""
    return rmse(waves[:, first:, 1], output[:, first:]) ** 2


def simple_outputs(waves: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """What needs no net: the input itself, the mean, and the best straight line from the last two inputs."""
    before = np.maximum(np.arange(LENGTH) - 1, 0)  # step 0 has none before it: itself
    learnt, seen = (np.stack([x, x[:, before], np.ones_like(x)], axis=-1) for x in (waves[..., 0], test[..., 0]))
    weights = np.linalg.lstsq(learnt[:, 1:].reshape(-1, 3), waves[:, 1:, 1].reshape(-1))[0]  # from (N, T, 3)
    mean = np.full(test.shape[:2], waves[..., 1].mean())
    return {"input_itself": test[..., 0], "mean": mean, "linear_last_two": seen @ weights}


def tell(test: np.ndarray, outputs: dict[str, np.ndarray]) -> None:
    """The table of scores."""
    print(f"{'test MSE':18}  steps {SCORED_FROM} to {LENGTH - 1}   all steps      step 0      step 1      step 5")
    for name, output in outputs.items():
        by_step = ((output - test[..., 1]) ** 2).mean(axis=0)  # (T,)
        first = "  ".join(f"{by_step[step]:10.2e}" for step in (0, 1, 5))
        print(f"{name:18}  {mse(test, output):14.2e}  {mse(test, output, first=0):10.2e}  {first}")


def main() -> None:
    """Read or make, train, score, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="a CSV, input in the first column, output in the second")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/sine_to_cosine"), help="folder to write to")
    parser.add_argument("--steps", type=int, default=600, help="training steps of each net (default: 600)")
    options = parser.parse_args()
    if options.steps < 100:
        raise OptionError(f"--steps counts training steps from 100 up, got {options.steps}.")
    waves, test = read_waves(options.data) if options.data else (made_waves(2000, seed=0), made_waves(500, seed=1))
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{len(waves)} sequences to learn from, {len(test)} others to score, {LENGTH} steps each")
    fits = {}
    for readout in ("every_step", "last_state"):
        for cell in CELLS:
            torch.manual_seed(0)
            fits[f"{cell}_{readout}"] = fit(Net(cell, readout), waves, test, options.steps)
    outputs = {name: frames[-1].output for name, frames in fits.items()} | simple_outputs(waves, test)
    tell(test, outputs)
    if not options.data:
        same, other = (made_waves(100, seed, shortest=25, longest=25) for seed in (2, 3))
        exact = mse(other, simple_outputs(same, other)["linear_last_two"])
        print(f"were every period 25 steps, linear_last_two would be exact: MSE {exact:.0e}")
    write(options.out, test, outputs, {cell: fits[f"{cell}_every_step"] for cell in CELLS}, SCORED_FROM)


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main()
    except (GatecastError, OSError) as error:
        sys.exit(str(error))
