"""The LSTM of examples/sine_to_cosine.py on waves unlike those that it learnt from."""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from sine_to_cosine import Net, fit, made_waves, mse, simple_outputs

torch.set_num_threads(1)
torch.manual_seed(0)

learnt, noisy = made_waves(2000, seed=0), made_waves(500, seed=1)
noisy[..., 0] += np.random.default_rng(2).normal(0, 0.05, noisy.shape[:2])
tests = {
    "periods of 16 to 40 steps, as learnt": made_waves(500, seed=1),
    "the same with noise of 0.05 on the input": noisy,
    "periods of 10 to 14 steps": made_waves(500, seed=1, shortest=10, longest=14),
    "periods of 50 to 70 steps": made_waves(500, seed=1, shortest=50, longest=70),
}
*_, last = fit(Net("lstm", "every_step"), learnt, np.concatenate(list(tests.values())), steps=600)
print(f"{'test MSE, steps 10 to 49':42} LSTM    linear")
for (name, waves), answer in zip(tests.items(), np.split(last.output, len(tests)), strict=True):
    print(f"{name:42} {mse(waves, answer):.0e}   {mse(waves, simple_outputs(learnt, waves)['linear_last_two']):.0e}")
