import gatecast as gc

table = gc.load_dataset("elnino")
for calibrate in (False, True):
    model = gc.fit(table, horizon=6, quantiles=(0.05, 0.5, 0.95), calibrate=calibrate, hidden_size=16, steps=200)
    net = model.backtest(windows=None).metrics.scores[0]
    print(f"calibrate={calibrate!s:5}  {net.coverage:.0%} of the values between q0.05 and q0.95")
