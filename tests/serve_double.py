"""A server around the double, as a process of its own: `python serve_double.py OPTIONS [MODE]`, options as JSON.

Modes: `double`; `at-once`, which answers without looking; `slow`, whose observations take a second.
"""

import asyncio
import os
import sys

import msgspec

from gatecast.server.app import build_app
from gatecast.server.options import ServeOptions
from gatecast.server.serving import serve
from gatecast.server.wire import ObserveAnswer, ObserveRequest
from live_double import AtOnce, LiveDouble


class Slow(LiveDouble):
    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:
        self.waiting += 1
        await asyncio.sleep(float(os.environ.get("SLOW_SECONDS", "1")))
        self.waiting -= 1
        return await super().observe(request, key)

    async def stop(self) -> None:
        await super().stop()
        sys.stdout.write(f"stopped with {self.accepted} observations\n")


def main() -> None:
    mode = {"double": LiveDouble, "at-once": AtOnce, "slow": Slow}[sys.argv[2] if len(sys.argv) > 2 else "double"]
    options = msgspec.json.decode(sys.argv[1], type=ServeOptions)
    live = mode()
    serve(build_app(live, options), live, options)


if __name__ == "__main__":
    main()
