import numpy as np

rng = np.random.default_rng(0)
came, later = (
    rng.normal(scale=1.5, size=400),
    rng.normal(scale=1.5, size=4000),
)  # what came after two stretches of origins
low, high = -1.2816, 1.2816  # the net thinks that the spread is 1, so its 80 % interval is too narrow


def covered(actual: np.ndarray, low: float, high: float) -> float:
    return float(np.mean((low <= actual) & (actual <= high)))


ranks = np.sort(came)  # the validation part: where should the ends have been?
n = len(came)
moved_low = ranks[int(np.floor((n + 1) * 0.1)) - 1]  # the rank of conformal prediction (Vovk et al. 2005)
moved_high = ranks[int(np.ceil((n + 1) * 0.9)) - 1]
print(f"the net's own: {covered(later, low, high):.0%} of what came later")
print(f"moved:         {covered(later, moved_low, moved_high):.0%}")
louder = 2 * later  # the series grows louder after the validation part
print(f"moved, on a louder series: {covered(louder, moved_low, moved_high):.0%}")

step, half = 0.05, moved_high  # adaptive: after each row the ends move a little (quantile tracking)
inside = []
for actual in louder:
    inside.append(abs(actual) <= half)
    half += step * ((not inside[-1]) - 0.2)
print(f"following it:              {np.mean(inside[1000:]):.0%}")
