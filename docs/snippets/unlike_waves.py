"""The LSTM of examples/sine_to_cosine.py on waves unlike those that it learnt from."""

import runpy
from pathlib import Path

import numpy as np
import torch

torch.set_num_threads(1)
example = runpy.run_path(str(Path(__file__).parents[2] / "examples/sine_to_cosine.py"))
fit, made_waves, mse, simple_outputs = (example[name] for name in ("fit", "made_waves", "mse", "simple_outputs"))

learnt, noisy = made_waves(2000, seed=0), made_waves(500, seed=1)
noisy[..., 0] += np.random.default_rng(2).normal(0, 0.05, noisy.shape[:2])
tests = {
    "periods of 16 to 40 steps, as learnt": made_waves(500, seed=1),
    "the same with noise of 0.05 on the input": noisy,
    "periods of 10 to 14 steps": made_waves(500, seed=1, shortest=10, longest=14),
    "periods of 50 to 70 steps": made_waves(500, seed=1, shortest=50, longest=70),
}
output, _ = fit("lstm_every_step", learnt, np.concatenate(list(tests.values())), steps=600)
print(f"{'test MSE, steps 10 to 49':42} LSTM    linear")
for (name, waves), answer in zip(tests.items(), np.split(output, len(tests)), strict=True):
    print(f"{name:42} {mse(waves, answer):.0e}   {mse(waves, simple_outputs(learnt, waves)['linear_last_two']):.0e}")
