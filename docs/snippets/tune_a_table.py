import gatecast as gc

table = gc.load_dataset("co2")
found = gc.tune(table, horizon=13, cell="gru", hidden_size=8, steps=40, trials=3)

assert found.best.loss <= found.defaults.loss  # the first trial is what gc.fit would do
for trial in found.trials:
    print(trial.number, trial.status, trial.settings["training.learning_rate"])

forecast = found.model.predict().to_frame()  # the best settings, fitted by gc.fit with found.options
page = found.report("search.html")  # with its scores on the test part
