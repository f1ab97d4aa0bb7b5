import numpy as np

rng = np.random.default_rng(0)
price = 100 + rng.normal(size=2000).cumsum()  # every step is luck
today, tomorrow = price[:-1], price[1:]

slope, start = np.polyfit(today[:1500], tomorrow[:1500], 1)  # the best linear forecast of one step
said = start + slope * today[1500:]
print(f"it says today's value times {slope:.2f} plus {start:.1f}: a copy, one step late")
naive = np.abs(tomorrow[1500:] - today[1500:]).mean()
print(f"its error beside that of 'tomorrow = today': {np.abs(tomorrow[1500:] - said).mean() / naive:.2f}")
print(f"R squared, all the same: {1 - np.var(tomorrow[1500:] - said) / np.var(tomorrow[1500:]):.2f}")
