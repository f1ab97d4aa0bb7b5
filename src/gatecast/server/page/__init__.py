"""The page of the live server: what it forecasts, as it happens, in any browser, with nothing loaded from elsewhere.

routes.py    `/` and `/static/`, as Starlette takes them
assets.py    the files under `/static/`: ours, and Bokeh's out of its wheel
policy.py    what a browser may load and run
page.html.j2 the frame; the modules in `static/` fill it
"""

from gatecast.server.page.policy import PAGE_POLICY
from gatecast.server.page.routes import page_routes

__all__ = ["PAGE_POLICY", "page_routes"]
