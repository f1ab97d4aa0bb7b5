import numpy as np

hour = np.arange(24 * 90)
moon, sun = np.cos(2 * np.pi * hour / 12.4206), np.cos(2 * np.pi * hour / 12)
height = 3 + 1.2 * moon + 0.4 * sun + np.random.default_rng(0).normal(scale=0.1, size=len(hour))
np.savetxt("tide.csv", height, "%.3f", header="height", comments="")
