"""Watch what a live server observes, while rows of many series are sent to it at once."""

import asyncio
import os
from datetime import UTC, datetime

from gatecast.client import AsyncClient

URL = os.environ.get("GATECAST_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("GATECAST_KEY")
SENSORS = [f"sensor-{number:02}" for number in range(10)]


async def watch(client: AsyncClient) -> None:
    """Print each observation, with what had been forecast of it; reconnects by itself."""
    seen = 0
    async for event in client.events(SENSORS):
        print(f"{event.series} at {event.ds}: {event.y} (forecast: {event.median}){' ALARM' if event.alarm else ''}")
        seen += 1
        if seen == len(SENSORS):
            return


async def main() -> None:
    """Listen, then send."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    async with AsyncClient(URL, KEY) as client:
        watching = asyncio.create_task(watch(client))
        await asyncio.sleep(0.5)  # the stream tells what comes after it was opened
        await asyncio.gather(*(client.observe(name, now, 20.0) for name in SENSORS))
        await watching
        print(f"{len([each async for each in client.series('sensor-')])} sensors are known")


asyncio.run(main())
