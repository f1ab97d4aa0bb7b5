"""The routes of the page: `/`, and the files it loads.

The page itself holds no data, so it needs no key: what it shows comes from the same `/v1/` that every client asks.
"""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import gatecast
from gatecast.server.live import Live
from gatecast.server.page.assets import asset, bokeh_folder, our_folder
from gatecast.server.page.policy import PAGE_POLICY

PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
GONE = "There is no such file of this version. Load the page again."


def page_routes(live: Live) -> list[BaseRoute]:
    """The page at `/` and its files under `/static/`, for a Starlette application.

    Args:
        live: the forecaster that the page looks at; while it reads its log, the page says so.
    """

    async def page(request: Request) -> Response:
        del request
        return HTMLResponse(_html(live.ready), headers=PAGE_HEADERS)

    return [Route("/", page), Route("/static/{folder}/{name}", _file)]


@cache
def _html(ready: bool) -> str:  # noqa: FBT001  a template takes what it shows
    environment = Environment(
        loader=PackageLoader("gatecast.server.page", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("page.html.j2")
    folders = {"ours": f"static/{our_folder()}", "bokeh": f"static/{bokeh_folder()}"}
    return template.render(version=gatecast.__version__, ready=ready, **folders)


def _file(request: Request) -> Response:
    found = asset(request.path_params["folder"], request.path_params["name"])
    if found is None:
        return PlainTextResponse(GONE, status_code=404, headers={"Cache-Control": "no-store"})
    headers = KEPT | {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.media, headers=headers)
