"""The HTML report in a real browser, in both themes, on a phone and on a desk."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sample_reports import make_report, replace_in

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium; on Debian install chromium"
)

NARROW, WIDE = 400, 1400
# A backend that failed, and one with a name and a reason that do not fit on a phone.
FAILED = {"status": "crashed", "reason": "parallel ended with SIGSEGV\nstack"}
LONG = {"name": "package.module:" + "x" * 80, "reason": "y" * 300, "status": "wrong"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # Without its sandbox it also runs as root, as in a container.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Serve the page, so that whatever it asks for would arrive here."""
    folder = tmp_path_factory.mktemp("page")
    report = replace_in(make_report(), "cffi", parallel=None, **FAILED)
    replace_in(report, "pyo3", **LONG).to_html(folder / "report.html")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep standard error for what goes wrong."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/report.html"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["light", "dark"])
def theme(request) -> str:
    return request.param


@pytest.fixture(params=[NARROW, WIDE])
def page(request, browser, address, theme) -> Iterator[Any]:
    """Open the page; whatever it asks for or complains about fails the test."""
    width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme
    )
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda sent: requests.append(sent.url))
    page.goto(address)
    yield page
    context.close()
    assert complaints == []
    assert requests == [address]


def test_everything_is_there_and_fits(page, theme) -> None:
    """Each chart once, each table; the page itself never scrolls sideways."""
    width = page.viewport_size["width"]
    assert page.locator("svg:visible").count() == 4 + 3
    assert page.locator("table:visible").count() == 9
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for chart in page.locator("svg:visible").all():
        box = chart.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] > 90
    edges = page.evaluate(
        """() => [...document.querySelectorAll("svg text")]
            .map(text => text.getBoundingClientRect().right)"""
    )
    assert max(edges) <= width
    save_screenshot(page, f"{width}-{theme}")


def save_screenshot(page, name: str) -> None:
    """Keep a picture to look at, where GILSCOPE_SCREENSHOTS names a folder."""
    folder = os.environ.get("GILSCOPE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"report-{name}.png", full_page=True)


def test_the_text_of_the_charts_can_be_read(page) -> None:
    """Text in a chart is drawn in at least 10 pixels, in the colours of the theme."""
    sizes = page.evaluate(
        """() => [...document.querySelectorAll("svg text")]
            .filter(text => text.getClientRects().length)
            .map(text => parseFloat(getComputedStyle(text).fontSize)
                 * Math.hypot(text.getCTM().a, text.getCTM().b))"""
    )
    assert len(sizes) > 50
    assert min(sizes) >= 10
    colours = page.evaluate(
        """() => [...new Set([...document.querySelectorAll("svg text, svg path")]
            .map(shape => getComputedStyle(shape).fill))]"""
    )
    body = page.evaluate("getComputedStyle(document.body).color")
    assert body in colours
    assert not any("250, 0" in colour for colour in colours)


def test_texts_of_a_lane_do_not_overlap(page) -> None:
    """The names of events in one timeline keep clear of each other."""
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll("figure svg")].slice(0, 8)
            .filter(chart => chart.getClientRects().length)
            .flatMap(chart => {
              const texts = [...chart.querySelectorAll("text")];
              const boxes = texts.map(text => text.getBoundingClientRect());
              return texts.flatMap((text, i) => texts.slice(i + 1)
                .filter((_, j) => {
                  const [a, b] = [boxes[i], boxes[i + 1 + j]];
                  return a.left < b.right - 1 && b.left < a.right - 1
                    && a.top < b.bottom - 4 && b.top < a.bottom - 4;
                }).map(other => text.textContent + " / " + other.textContent));
            })"""
    )
    assert overlaps == []


def test_the_keyboard_reaches_everything(page) -> None:
    """The first stop skips the contents; details open; the focus can be seen."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash").endswith("-answer")
    summary = page.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    assert "solid" in summary.evaluate("node => getComputedStyle(node).outline")


def test_a_screen_reader_gets_names(page) -> None:
    """Images, tables and regions have the names that they are announced by."""
    for name in ("Timeline of python", "Speed-up of two threads"):
        assert page.get_by_role("img", name=name).count() == 1
    assert page.get_by_role("table", name="The phases of the handoff").count() == 1
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    assert page.get_by_role("rowheader", name="python").count() >= 6


def test_a_table_scrolls_within_its_own_region(browser, address) -> None:
    """On a phone the keyboard moves the table and not the page."""
    context = browser.new_context(viewport={"width": NARROW, "height": 900})
    page = context.new_page()
    page.goto(address)
    region = page.get_by_role("region", name="Time of a short call").first
    assert region.evaluate("node => node.scrollWidth > node.clientWidth")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        """() => [...document.querySelectorAll(".scroll")].some(n => n.scrollLeft)"""
    )
    assert page.evaluate("window.scrollX") == 0
    context.close()
