from sktime.datasets import load_airline
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import ExpandingWindowSplitter, temporal_train_test_split

from gatecast.adapters.sktime import GatecastForecaster

y = load_airline()  # 144 months of passengers
y_train, y_test = temporal_train_test_split(y, test_size=24)

forecaster = GatecastForecaster(horizon=12, hidden_size=16, steps=200)
forecaster.fit(y_train)
print(forecaster.predict(fh=[1, 2, 12]).round().to_frame("forecast"), "\n")
print(forecaster.predict_interval(fh=[1, 12], coverage=0.9).droplevel(0, axis="columns").round(), "\n")

forecaster.update(y_test[:3])  # three months more: the state moves, the weights stay
print(forecaster.predict(fh=[1]).round().to_frame("forecast"), "\n")

windows = ExpandingWindowSplitter(fh=range(1, 13), initial_window=108, step_length=12)
scores = evaluate(GatecastForecaster(hidden_size=16, steps=200), windows, y, strategy="refit")
print(scores[["cutoff", "test_MeanAbsolutePercentageError"]].round(2).to_string(index=False))
