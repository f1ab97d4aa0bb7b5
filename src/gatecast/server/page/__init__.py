"""The page."""

from starlette.routing import BaseRoute

from gatecast.server.live import Live


def page_routes(live: Live) -> list[BaseRoute]:
    """Nothing yet."""
    del live
    return []
