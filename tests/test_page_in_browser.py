"""The page in Chromium: it shows what happens as it happens, whatever series are called, by keyboard, on a phone."""

import asyncio
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from msgspec.structs import replace
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from page_double import CARD, HOSTILE, KEY, LiveDouble, application, filled, hour

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its chromedriver to open the page"
)

PATIENCE = 30.0  # seconds; on a machine with nothing else to do everything below takes less than one
SOURCES = "Bokeh.documents[0].roots()[0].renderers.map((line) => line.data_source)"
LISTEN = """
    window.complaints = [];
    addEventListener("securitypolicyviolation", (event) => complaints.push(event.violatedDirective));
    addEventListener("error", (event) => complaints.push(event.message));
    addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
    window.alert = () => complaints.push("alert");
"""


class Server:
    """The double behind a socket, in a thread of its own."""

    def __init__(self, live: LiveDouble, key: str | None = None) -> None:
        self.live = live
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        config = uvicorn.Config(application(live, key=key), log_level="error", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.loop.run_until_complete(self.server.serve([self.socket]))

    def do(self, action: Callable[[], None]) -> None:
        """In the thread of the loop, as everything that changes the double."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (action(), done.set()))
        assert done.wait(PATIENCE)

    def push(self, series: str, ds: str, y: float | None, *, alarm: bool = False) -> None:
        self.do(partial(self.live.push, series, ds, y, alarm=alarm))

    def stop(self) -> None:
        self.do(self.live.hang_up)
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        self.loop.close()


class Page:
    """A tab, and what can be seen in it."""

    def __init__(self, driver: webdriver.Chrome, server: Server) -> None:
        self.driver = driver
        self.server = server

    def open(self, hash_: str = "#/") -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.server.address}{hash_}")

    def ask(self, expression: str, *values: Any) -> Any:
        return self.driver.execute_script(f"return {expression}", *values)

    def eventually(self, expression: str, expected: Any = ...) -> None:
        """Wait until an expression of JavaScript has this value, or any that is not false."""
        end, found = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                found = self.ask(expression)
                if bool(found) if expected is ... else found == expected:
                    return
            time.sleep(0.05)
        pytest.fail(f"{expression} is {found!r} and not {expected!r}; the page says {self.text('body')[:800]!r}")

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def texts(self, selector: str) -> list[str]:
        return self.ask("[...document.querySelectorAll(arguments[0])].map((found) => found.textContent)", selector)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def size(self, width: int, height: int) -> None:
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)

    def prefer(self, **features: str) -> None:
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def opened(self) -> None:
        """A series is open, and its fan has been drawn."""
        self.eventually(f"{SOURCES}[2].data.x.length", 25)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tmp_path_factory.mktemp("profile")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    for flag in [*flags, "--disable-background-networking", f"--user-data-dir={profile}", "--window-size=1200,900"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
    yield driver
    driver.quit()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(live: LiveDouble, key: str | None = None) -> Server:
        servers.append(Server(live, key))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def page(driver: webdriver.Chrome, serve: Callable[..., Server]) -> Iterator[Page]:
    """The page over 200 rows of one series; afterwards nothing may have been blocked, thrown or complained of."""
    driver.get_log("browser")
    page = Page(driver, serve(filled(LiveDouble(), "bikes/north", 200)))
    page.size(1200, 900)
    page.prefer(prefers_color_scheme="light")
    yield page
    assert page.ask("window.complaints") == []
    origin = page.server.address
    assert (
        page.ask("performance.getEntriesByType('resource').filter((one) => !one.name.startsWith(arguments[0]))", origin)
        == []
    )
    assert [line["message"] for line in driver.get_log("browser") if "401" not in line["message"]] == []
    driver.get("about:blank")  # before the server stops


def test_series_are_listed_with_their_numbers(page: Page) -> None:
    page.server.push("broken pump", hour(0), 3.14159)
    page.server.push("broken pump", hour(1), 5.0, alarm=True)
    page.open()
    page.eventually("document.querySelectorAll('table.series tbody tr').length", 2)
    assert page.texts("tbody a") == ["bikes/north", "broken pump"]
    assert page.texts("tbody tr:nth-child(2) td") == ["", "5.000", hour(1), "1.858", "0.0 %"]
    assert [badge.is_displayed() for badge in page.driver.find_elements(By.CSS_SELECTOR, ".badge")] == [False, True]
    assert page.ask("document.querySelector('.spark path').getAttribute('d').split('L').length") == 48
    page.eventually("document.getElementById('state').dataset.state", "live")


def test_a_row_of_the_list_changes_when_its_observation_comes(page: Page) -> None:
    page.open()
    page.eventually("document.getElementById('state').dataset.state", "live")
    page.driver.execute_script("document.querySelector('tbody tr').mark = 1")
    page.server.push("bikes/north", hour(200), 77.0)
    page.eventually("document.querySelector('tbody tr').cells[2].textContent", "77.00")
    assert page.ask("document.querySelector('tbody tr').mark") == 1, "the same row, changed in place"


def test_many_series_come_in_pages_and_are_found_by_name(page: Page) -> None:
    page.server.do(lambda: [page.server.live.push(f"store-{number:03}", 0, 1.0) for number in range(119)])
    page.open()
    page.eventually("document.querySelector('main [role=status]').textContent", "1 to 50 of 120 series")
    for heading, names in [("51 to 100 of 120 series", 50), ("101 to 120 of 120 series", 20)]:
        page.driver.find_element(By.XPATH, "//button[text()='Next']").click()
        page.eventually("document.querySelector('main [role=status]').textContent", heading)
        page.eventually("document.querySelectorAll('tbody tr').length", names)
    assert page.texts("tbody a")[-1] == "store-118"
    page.driver.find_element(By.ID, "match").send_keys("NORTH")
    page.eventually("[...document.querySelectorAll('tbody a')].map((link) => link.textContent).join()", "bikes/north")


def test_opening_a_series_draws_its_chart(page: Page) -> None:
    page.open()
    page.eventually("document.querySelectorAll('tbody a').length", 1)
    page.driver.find_element(By.LINK_TEXT, "bikes/north").click()
    page.opened()
    assert page.ask(f"{SOURCES}[1].data.x.length") == 200
    assert page.ask("Bokeh.documents[0].roots().map((figure) => figure.type)") == ["Figure"] * 3
    drawn = """(() => {
        const figure = Bokeh.index.roots.find((view) => view.model === Bokeh.documents[0].roots()[0]);
        const sheet = figure.canvas.primary.canvas;
        const dots = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height).data;
        return new Set(new Uint32Array(dots.buffer)).size;
    })()"""
    assert page.ask(drawn) > 20, "a blank canvas has one colour"
    assert page.texts(".gate b") == ["r", "z", "n"]


def test_a_new_observation_moves_the_charts_in_place(page: Page) -> None:
    page.open("#/series/bikes%2Fnorth")
    page.opened()
    page.driver.execute_script(f"window.mark = {SOURCES}")
    page.server.push("bikes/north", hour(200), 50.0, alarm=True)
    page.eventually("mark[1].data.x.length", 201)
    page.eventually("mark[2].data.middle[24]", 50.0)
    assert page.ask("mark[1].data.y[200]") == 50.0
    assert page.ask("Bokeh.documents[0].roots()[2].renderers[0].data_source.data.coverage.length") == 200
    assert page.ask(f"mark.every((source, place) => source === {SOURCES}[place])"), "nothing was built anew"
    assert page.text("dl.facts dd") == "50.00"
    assert "Drift alarm" in page.text("[role=alert]:not([hidden])")
    page.eventually("document.querySelectorAll('.gate span')[0].textContent.includes(' to ')")


def test_a_flood_of_observations_asks_for_few_forecasts(page: Page) -> None:
    page.open("#/series/bikes%2Fnorth")
    page.opened()
    before, begin = page.server.live.forecasts, time.monotonic()
    for row in range(200, 500):
        page.server.push("bikes/north", hour(row), float(row))
    page.eventually(f"{SOURCES}[1].data.x.length", 500)
    page.eventually(f"{SOURCES}[2].data.middle[24]", 499.0)
    assert page.server.live.forecasts - before <= 2 + (time.monotonic() - begin) / 0.35


def test_what_came_while_the_stream_was_broken_is_there_afterwards(page: Page) -> None:
    page.open("#/series/bikes%2Fnorth")
    page.opened()
    page.server.do(page.server.live.hang_up)
    page.eventually("document.getElementById('state').dataset.state", "lost")
    page.server.push("bikes/north", hour(200), 60.0)
    page.eventually("document.getElementById('state').dataset.state", "live")
    page.eventually(f"{SOURCES}[1].data.x.length", 201)


def streams_become(page: Page, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(page.server.live.queues) != count and time.monotonic() < end:
        time.sleep(0.05)
    assert len(page.server.live.queues) == count


def test_a_page_that_was_left_or_is_not_seen_holds_no_connection(page: Page) -> None:
    # A browser has six connections to a server; one that a page kept for good would be missing.
    for _ in range(8):
        page.open("#/series/bikes%2Fnorth")
        page.opened()
        streams_become(page, 1)
    tab = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    streams_become(page, 0)
    page.server.push("bikes/north", hour(200), 60.0)
    page.driver.close()
    page.driver.switch_to.window(tab)
    page.eventually(f"{SOURCES}[1].data.x.length", 201)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(name: str, page: Page) -> None:
    page.server.do(lambda: filled(page.server.live, name, 30))
    page.open()
    page.eventually("document.querySelectorAll('tbody a').length", 2)
    assert name in page.texts("tbody a")
    link = next(a for a in page.driver.find_elements(By.CSS_SELECTOR, "tbody a") if a.get_attribute("title") == name)
    assert link.size["width"] < 400, "a long name is cut"
    link.click()
    page.opened()
    assert page.texts("h1") == [name]
    assert page.ask("document.title") == f"{name} · gatecast"
    assert page.ask("window.hacked") is None
    assert page.ask("[...document.querySelectorAll('script')].every((one) => one.src.includes('/static/'))")
    assert page.ask("document.querySelectorAll('main img, main script, main iframe').length") == 0
    page.server.push(name, hour(30), 9.0)
    page.eventually(f"{SOURCES}[1].data.x.length", 31)


def test_a_script_that_got_into_the_page_would_not_run(page: Page) -> None:
    page.open()
    inline = "document.head.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked = 1'}))"
    page.driver.execute_script(inline)
    page.driver.execute_script("document.body.setAttribute('onclick', 'window.hacked = 1'); document.body.click()")
    assert page.ask("window.hacked") is None
    page.eventually("complaints.splice(0).join()", "script-src-elem,script-src-attr")
    page.driver.get_log("browser")


def test_a_file_of_rows_arrives_in_requests_of_a_thousand(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("unique_id,ds,y,temperature\n" + "".join(f'"a, b",{hour(row)},{row},1\n' for row in range(2500)))
    page.open("#/upload")
    page.eventually("document.querySelectorAll('#file').length", 1)
    page.driver.find_element(By.ID, "file").send_keys(str(path))
    page.eventually(
        "[...document.querySelectorAll('select')].map((one) => one.value).join()", "series,time,target,covariate"
    )
    for _ in range(2):  # the second time everything is there already
        page.driver.find_element(By.CSS_SELECTOR, "button.main").click()
        page.eventually("document.querySelector('section [role=status]').textContent.startsWith('2,500 of 2,500 rows')")
        page.eventually("document.querySelector('button.main').disabled", expected=False)
    assert [y for _, y in page.server.live.tracks["a, b"].rows] == [float(row) for row in range(2500)]
    assert len(page.server.live.keys) == 3
    assert "2,500 of them were there already" in page.text("section [role=status]")
    page.driver.find_element(By.LINK_TEXT, "a, b").click()
    page.opened()


@pytest.mark.parametrize(
    ("y", "lesson"),
    [("1;5", "line 1502: the header has 3 cells"), ('"1,5"', "with a decimal comma"), ("-5", "Line 1502 reads: a | ")],
)
def test_a_row_that_is_refused_is_named_and_quoted(y: str, lesson: str, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    rows = [f"a,{hour(row)},{row}" for row in range(2000)]
    rows[1500] = f"a,{hour(1500)},{y.replace(';', ',')}"
    path.write_text("\n".join(["series,ds,y", *rows]))
    page.open("#/upload")
    page.eventually("document.querySelectorAll('#file').length", 1)
    page.driver.find_element(By.ID, "file").send_keys(str(path))
    page.eventually("Boolean(document.querySelector('button.main, [role=alert]:not([hidden])'))")
    for go in page.driver.find_elements(By.CSS_SELECTOR, "button.main"):
        go.click()
    page.eventually("document.querySelector('[role=alert]').hidden", expected=False)
    assert lesson in page.text("[role=alert]")
    kept = len(page.server.live.tracks["a"].rows) if "a" in page.server.live.tracks else 0
    assert kept == (1000 if y == "-5" else 0)
    page.driver.get_log("browser")  # Chromium notes the refusal, as it should


def test_the_model_is_shown_with_the_baselines_beside_it(page: Page) -> None:
    page.open("#/model")
    page.eventually("document.querySelectorAll('table.bars tbody tr').length", 4)
    assert page.texts("table.bars tbody th") == ["gru", "ets", "theta", "seasonal_naive"]
    assert page.texts("table.bars .best") == ["0.7100"]
    widths = page.ask("[...document.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect().width)")
    assert widths[0] == pytest.approx(0.71 * widths[3], abs=1)
    assert page.server.live.card.verdict in page.text(".verdict")


def test_the_keyboard_alone_reaches_a_series(page: Page) -> None:
    page.open()
    page.eventually("document.querySelectorAll('tbody a').length", 1)
    page.press(Keys.TAB)
    assert page.ask("document.activeElement.id") == "skip"
    assert page.ask("document.activeElement.getBoundingClientRect().top") >= 0, "it is in sight once it has the focus"
    page.press(Keys.ENTER)
    assert page.ask("document.activeElement.id") == "main"
    page.press(Keys.TAB, Keys.TAB)
    assert page.ask("document.activeElement.textContent") == "bikes/north"
    assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus can be seen"
    page.press(Keys.ENTER)
    page.opened()
    assert page.ask("document.activeElement.id") == "main", "someone who listens is where the new text begins"


def test_a_server_that_wants_a_key_is_given_one_and_the_page_goes_on(page: Page, serve: Callable[..., Server]) -> None:
    page.server = serve(filled(LiveDouble(), "secret", 30), KEY)
    page.open("#/series/secret")
    page.eventually("document.getElementById('key').hidden", expected=False)
    for text in ["wrong", KEY]:
        page.eventually("document.activeElement.id", "key-text")
        page.press(text, Keys.ENTER)
    page.opened()
    assert page.ask("document.getElementById('key').hidden")
    assert page.ask("[sessionStorage.length, Object.keys(localStorage).includes('gatecast-key')]") == [1, False]
    page.server.push("secret", hour(30), 9.0)
    page.eventually(f"{SOURCES}[1].data.x.length", 31)


def test_a_server_without_series_shows_how_to_begin_and_then_begins(page: Page, serve: Callable[..., Server]) -> None:
    page.server = serve(LiveDouble())
    page.open()
    page.eventually("Boolean(document.querySelector('pre'))")
    assert f"{page.server.address}v1/observe" in page.text("pre")
    page.server.push("first", hour(0), 1.0)
    page.eventually("[...document.querySelectorAll('tbody a')].map((link) => link.textContent).join()", "first")
    page.eventually("document.querySelectorAll('pre').length", 0)


def test_light_and_dark_follow_the_system_until_the_button_says_otherwise(page: Page) -> None:
    page.open("#/series/bikes%2Fnorth")
    page.opened()
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "Bokeh.documents[0].roots()[0].renderers[1].glyph.line_color.value"
    light = page.ask(f"[{ground}, {ink}]")
    page.prefer(prefers_color_scheme="dark")
    page.eventually(ground, "rgb(18, 21, 26)")
    page.eventually(ink, "rgb(228, 231, 236)")
    page.driver.find_element(By.ID, "theme").click()
    page.eventually(f"[{ground}, {ink}]", light)
    page.driver.refresh()
    page.eventually(ground, light[0])
    page.driver.execute_script("localStorage.clear()")


def test_a_series_that_nobody_has_observed_shows_how_to_begin_and_then_begins(page: Page) -> None:
    page.open("#/series/it's%20new")
    page.eventually("document.querySelectorAll('pre').length", 1)
    assert '"series":"it\'\\\'\'s new"' in page.text("pre"), "its quote does not end those of the shell"
    page.server.push("it's new", hour(0), 1.0)
    page.opened()
    assert page.driver.find_elements(By.CSS_SELECTOR, "pre, [role=alert]")[0].is_displayed() is False
    page.driver.get_log("browser")  # Chromium notes the 404, as it should


def test_without_a_forecast_the_history_is_drawn_and_the_reason_stands_above_it(page: Page) -> None:
    page.server.live.reason = "the model needs temperature in advance. Give future values to /v1/forecast."
    page.open("#/series/bikes%2Fnorth")
    page.eventually("document.querySelector('[role=alert]').textContent.includes('needs temperature in advance')")
    page.eventually(f"{SOURCES}[1].data.x.length", 200)
    page.server.live.reason = ""
    page.server.push("bikes/north", hour(200), 1.0)
    page.opened()
    assert not page.driver.find_element(By.CSS_SELECTOR, "[role=alert]").is_displayed()
    page.driver.get_log("browser")  # Chromium notes the 422, as it should


def test_numbered_rows_of_a_model_without_quantiles_are_drawn_with_its_mean(
    page: Page, serve: Callable[..., Server]
) -> None:
    card = replace(CARD, quantiles=[], scores={}, frequency="1row", frequency_name="numbered rows")
    live = LiveDouble(card)
    for row in range(40):
        live.push("counts", row, None if row % 7 == 3 else float(row))
    page.server = serve(live)
    page.open("#/series/counts")
    page.opened()
    assert page.ask(f"{SOURCES}[1].data.x[39]") == 39
    assert page.ask("Bokeh.documents[0].roots()[0].renderers.length") == 3, "there are no bands"
    assert page.ask(f"{SOURCES}[2].data.middle[24]") == 39.0
    assert "dashed" not in page.texts("section .note")[1]
    page.driver.find_element(By.TAG_NAME, "summary").click()
    page.eventually("document.querySelectorAll('details tbody tr').length", 24)
    assert page.texts("details tbody tr:first-child > *") == ["40", "39.00"]


@pytest.mark.parametrize("hash_", ["#/", "#/series/bikes%2Fnorth", "#/model", "#/upload"])
def test_a_phone_shows_every_view_without_scrolling_sideways(hash_: str, page: Page) -> None:
    page.server.do(lambda: filled(page.server.live, "x" * 512, 30))
    page.size(375, 700)
    page.open(hash_)
    page.eventually("document.getElementById('state').dataset.state", "live")
    if "series" in hash_:
        page.opened()
    assert page.ask("document.querySelector('main').textContent.length") > 50
    assert page.ask("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize(("wish", "motions"), [("no-preference", 1), ("reduce", 0)])
def test_whoever_wants_no_motion_gets_none(wish: str, motions: int, page: Page) -> None:
    page.prefer(prefers_reduced_motion=wish)
    page.open()
    page.eventually("document.getElementById('state').dataset.state", "live")
    page.driver.execute_script(
        """
        window.most = 0;
        setInterval(() => (most = Math.max(most, document.getAnimations().length)), 20);
        """
    )
    page.server.push("bikes/north", hour(200), 1.0)
    page.eventually("document.querySelector('tbody tr').cells[2].textContent", "1.000")
    page.eventually(f"most >= {motions}")
    assert page.ask("most") == motions


def test_an_address_of_nothing_says_so(page: Page) -> None:
    for hash_ in ["#/series/%", "#/nowhere"]:
        page.open(hash_)
        page.eventually("document.querySelector('h1').textContent", "Nothing is at this address")
