"""From a data frame to a judged forecast, in Python."""

import gatecast as gc

table = gc.load_dataset("elnino")
model = gc.fit(table, horizon=12, steps=200)

for guess in model.guesses:
    print(guess)
print(model.backtest().metrics.verdict.text)
print(model.predict().to_frame())
