import numpy as np

from gatecast.evaluation.comparison import diebold_mariano

rng = np.random.default_rng(1)


def losses(windows: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors of two forecasters that mostly err alike; the first errs less by a share."""
    common = np.abs(rng.normal(size=windows))
    return (1 - gain) * common + 0.2 * np.abs(rng.normal(size=windows)), common + 0.2 * np.abs(rng.normal(size=windows))


for windows in (10, 40, 400):
    first, second = losses(windows, gain=0.05)
    p = diebold_mariano(first, second, lags=0).p_value
    print(f"{windows:3d} windows: {1 - first.mean() / second.mean():4.1%} better, p = {p:.2g}")

lucky = np.mean([diebold_mariano(*losses(40, gain=0.0), lags=0).p_value < 0.05 for _ in range(1000)])
print(f"two that are equally good, 40 windows, 1,000 times: {lucky:.0%} come out 'significant'")
