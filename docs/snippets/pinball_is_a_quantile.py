import numpy as np

rng = np.random.default_rng(0)
y = rng.gamma(2.0, size=20_000)  # skewed: most values are small, a few are large
said = np.linspace(0, 6, 601)

for level in (0.1, 0.5, 0.9):
    losses = [np.maximum(level * (y - q), (level - 1) * (y - q)).mean() for q in said]
    best = said[int(np.argmin(losses))]
    print(f"the loss of level {level} is least at {best:.2f}; {level:.0%} of the values lie below", end=" ")
    print(f"{np.quantile(y, level):.2f}")
