"""Send two days of rows to a live server, and ask for the day after."""

import os
from datetime import UTC, datetime, timedelta
from math import pi, sin

from gatecast.client import Client, ClientError

URL = os.environ.get("GATECAST_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("GATECAST_KEY")  # None where the server wants none

first = datetime(2024, 1, 1, tzinfo=UTC)
rows = [("north", first + timedelta(hours=hour), 100 + 10 * sin(hour * pi / 12)) for hour in range(48)]

with Client(URL, KEY) as client:
    model = client.model()
    print(f"{model.name} forecasts {', '.join(model.targets)}, {model.horizon} rows ahead ({model.frequency_name})")

    answer = client.observe_many(rows, key="north-first-two-days")  # run it again: under this key it counts once
    print(f"{answer.accepted} rows on disk", "as before" if answer.repeated else "")

    forecast = client.forecast("north")[0]
    low, high = (forecast.quantiles[level] for level in (min(forecast.quantiles), max(forecast.quantiles)))
    for ds, *numbers in zip(forecast.ds, low, forecast.mean, high, strict=True):
        print(ds, *(f"{number:8.2f}" for number in numbers))

    try:
        client.observe(*rows[0])
    except ClientError as error:  # status, detail, and the request's id in the server's log
        print(f"refused with {error.status}: {error}")
