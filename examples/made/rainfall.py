"""Made weather for rainfall.py."""

import numpy as np
import polars as pl


def made_weather(months: int = 252) -> pl.DataFrame:
    """Seasons with noise, and rains that follow the humidity of the month before."""
    random, turn = np.random.default_rng(3), 2 * np.pi * np.arange(months + 1) / 12
    humidity = 62 + 20 * np.sin(turn - 2.6) + random.normal(0, 6, months + 1)
    rain = np.maximum(0, 12 * (humidity[:-1] - 60) + random.normal(0, 60, months))
    humidity, turn = humidity[1:], turn[1:]
    return pl.DataFrame(
        {
            "Specific Humidity": humidity / 6 + random.normal(0, 0.3, months),
            "Relative Humidity": humidity,
            "Temperature": 18 + 9 * np.sin(turn - 1.6) + random.normal(0, 1, months),
            "Precipitation": rain,
        }
    )
