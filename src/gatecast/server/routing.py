"""What Starlette's router needs to know: names of series in a path, and the template by which metrics count a path."""

from collections.abc import Mapping, Sequence

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute, Mount, Route


class SeriesConvertor(Convertor[str]):
    """The name of a series in a path: anything that was percent-encoded, slashes and line breaks too."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        """The name, which the server has decoded."""
        return value

    def to_string(self, value: str) -> str:
        """The name, which the client encodes."""
        return value


register_url_convertor("series", SeriesConvertor())


def templates_of(routes: Sequence[BaseRoute]) -> Mapping[int, str]:
    """The template of a path by the id of the endpoint that it leads to; what is mounted counts by its folder."""
    templates: dict[int, str] = {}
    for route in routes:
        if isinstance(route, Route):
            templates[id(route.endpoint)] = route.path_format
        elif isinstance(route, Mount):
            folder = f"{route.path}/"
            templates |= {id(route.app): folder} | dict.fromkeys(templates_of(route.routes), folder)
    return templates
