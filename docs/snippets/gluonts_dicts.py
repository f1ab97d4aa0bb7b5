"""A data set of GluonTS', two series with a feature that is known ahead and a category, and a forecast of each."""

import numpy as np
import pandas as pd

import gatecast
from gatecast.adapters.gluonts import from_gluonts

days = np.arange(210)
dataset = [
    {
        "item_id": name,
        "start": pd.Period("2024-01-01", freq="D"),
        "target": level + np.sin(2 * np.pi * days[:200] / 7) + (days[:200] % 10 == 0),
        "feat_dynamic_real": [days % 10 == 0],  # ten days longer than the target
        "feat_static_cat": [kind],
    }
    for kind, (name, level) in enumerate({"a": 5.0, "b": 20.0}.items())
]

table = from_gluonts(dataset)
for part, columns in table.settings.items():
    print(f"{part:12}{columns}")
model = gatecast.fit(table.frame, horizon=7, **table.settings, hidden_size=8, steps=100)
for name, ds, mean in model.predict().to_frame().select("unique_id", "ds", "mean").head(2).iter_rows():
    print(name, ds.date(), round(mean, 1))
