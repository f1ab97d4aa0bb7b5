"""The page's routes: what goes out, under which policy, how long it may be kept, and that nothing else can be had."""

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import bokeh
import pytest
from httpx import ASGITransport, AsyncClient, Response

import gatecast
from gatecast.server.page import PAGE_POLICY, assets
from page_double import LiveDouble, application

OURS = sorted(path for path in assets.OURS.iterdir())


class Client:
    """Asks the application without a socket."""

    def __init__(self, live: LiveDouble, key: str | None = None) -> None:
        self.transport = ASGITransport(application(live, key=key))

    def get(self, path: str, encoding: str = "identity") -> Response:
        return asyncio.run(self._get(path, encoding))

    async def _get(self, path: str, encoding: str) -> Response:
        async with AsyncClient(transport=self.transport, base_url="http://test") as client:
            return await client.get(path, headers={"accept-encoding": encoding})


@pytest.fixture
def client() -> Client:
    return Client(LiveDouble())


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def addresses(html: str) -> list[str]:
    values = [value for _, attributes in Elements(html).found for key, value in attributes.items() if key in SOURCES]
    return [value for value in values if value is not None and not value.startswith("#")]


SOURCES = {"src", "href", "action", "data", "poster", "srcset"}


def test_the_page_goes_out_with_its_policy_and_is_asked_for_anew_each_time(client: Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    assert answer.headers["cache-control"] == "no-cache"
    assert gatecast.__version__ in answer.text


def test_the_policy_lets_no_script_run_but_our_own_files() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in PAGE_POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe-eval" not in PAGE_POLICY


def test_no_script_and_no_handler_stands_in_the_page(client: Client) -> None:
    html = client.get("/").text
    scripts = [attributes for tag, attributes in Elements(html).found if tag == "script"]
    assert scripts
    assert all(attributes.get("src") for attributes in scripts)
    assert re.search(r"<script[^>]*>\s*\S+\s*</script>", html) is None
    handlers = [key for _, attributes in Elements(html).found for key in attributes if key.startswith("on")]
    assert handlers == []


def test_everything_the_page_loads_is_here(client: Client) -> None:
    wanted = [address for address in addresses(client.get("/").text) if address != "openapi.json"]
    assert len(wanted) >= 4
    assert all(re.fullmatch(r"static/page-[0-9a-f]{12}/[\w.]+", address) for address in wanted)
    assert {client.get(f"/{address}").status_code for address in wanted} == {200}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_file_of_ours_names_no_address_elsewhere_and_makes_no_html_of_text(path: Path) -> None:
    text = re.sub(r"http://www\.w3\.org/\S+|Source: \S+", "", path.read_text(encoding="utf-8"))
    assert re.findall(r"https?://[^\s\"'`]+|\burl\(|@import", text) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_module_imports_only_what_is_served_beside_it(path: Path, client: Client) -> None:
    imported = re.findall(r'from "(.*?)"', path.read_text(encoding="utf-8")) if path.suffix == ".js" else []
    for name in [path.name, *imported]:
        assert client.get(f"/static/{assets.our_folder()}/{name.removeprefix('./')}").status_code == 200


@pytest.mark.parametrize("name", assets.BOKEH)
def test_bokeh_comes_byte_for_byte_from_its_wheel(name: str, client: Client) -> None:
    answer = client.get(f"/static/bokeh-{bokeh.__version__}/{name}")
    wheel = Path(bokeh.__file__).parent / "server" / "static" / "js" / name
    assert answer.content == wheel.read_bytes()
    assert f'content="static/bokeh-{bokeh.__version__}"' in client.get("/").text


def test_a_file_is_kept_for_a_year_because_its_address_holds_its_version(client: Client) -> None:
    answer = client.get(f"/static/{assets.our_folder()}/main.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_content_has_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = assets.our_folder()
    for path in OURS:
        tmp_path.joinpath(path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(assets, "OURS", tmp_path)
    assert assets.our_folder.__wrapped__() == before
    tmp_path.joinpath("main.js").write_text("// new")
    assert assets.our_folder.__wrapped__() != before


def test_a_file_is_packed_for_those_who_can_unpack_it(client: Client) -> None:
    address = f"/static/bokeh-{bokeh.__version__}/bokeh.min.js"
    plain, packed = client.get(address), client.get(address, "br, gzip")
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content, "httpx has unpacked it"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3


@pytest.mark.parametrize(
    "path",
    ["/static/page-000000000000/main.js", "/static/{ours}/page.html.j2", "/static/{ours}/..%2froutes.py",
     "/static/{ours}/%2fetc%2fpasswd", "/static/{bokeh}/compiler.js", "/static/..%2f..%2f/policy.py"],
)  # fmt: skip
def test_no_other_file_can_be_had(path: str, client: Client) -> None:
    answer = client.get(path.format(ours=assets.our_folder(), bokeh=assets.bokeh_folder()))
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_a_server_that_still_reads_its_log_says_so_on_the_page() -> None:
    live = LiveDouble()
    assert 'id="unready"' not in Client(live).get("/").text
    live.ready = False
    assert 'id="unready"' in Client(live).get("/").text


def test_the_page_holds_nothing_of_the_data_because_it_needs_no_key() -> None:
    live = LiveDouble()
    live.push("a-secret-name", 0, 1.0)
    client = Client(live, key="k")
    assert client.get("/v1/series").status_code == 401
    html = client.get("/").text
    assert "a-secret-name" not in html
    assert live.card.trained_on not in html
