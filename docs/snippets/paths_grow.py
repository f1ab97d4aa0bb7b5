"""Twenty steps of a random walk, one step at a time: each path fed its own draw, and each fed the mean."""

import numpy as np

rng = np.random.default_rng(0)
steps, paths = 20, 5000
shocks = rng.normal(size=(paths, steps))  # the step that the model draws; its spread is 1

own = shocks.cumsum(axis=1)  # the draw goes back in: what is drawn next starts from it
mean = shocks  # the mean, which is 0, goes back in: every step starts from 0
for name, drawn in (("fed its own draw", own), ("fed the mean    ", mean)):
    low, high = np.quantile(drawn, [0.1, 0.9], axis=0)
    width = high - low
    print(f"{name}: the 80 % interval is {width[0]:.1f} wide at step 1, {width[3]:.1f} at 4, {width[-1]:.1f} at 20")
