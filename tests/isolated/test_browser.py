"""The HTML report in a real browser, in both themes, on a phone and on a desk."""

import dataclasses
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import gilscope.render.results  # noqa: F401 - registers how holds are shown.
from gilscope.measurement import Measurement
from gilscope.stats import Figure
from gilscope.watcher.model import Frame, Hold, WatchReport
from tests.unit.sample_reports import (
    make_bad_report,
    make_check,
    make_measurement,
    make_report,
    replace_in,
)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium; on Debian install chromium"
)

NARROW, WIDE = 400, 1400
# The suite limits how long a browser may take to start or to draw.
NO_LIMIT = 0
# A backend that failed, and one with a name and a reason that do not fit on a phone.
FAILED = {"status": "crashed", "reason": "parallel ended with SIGSEGV\nstack"}
LONG = {"name": "package.module:" + "x" * 80, "reason": "y" * 300, "status": "wrong"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # Without its sandbox it also runs as root, as in a container.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            timeout=NO_LIMIT,
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


def make_page(browser, width: int = WIDE, **options: Any) -> Any:
    """Return an empty page, in a context of its own."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    page.set_default_timeout(NO_LIMIT)
    return page


@pytest.fixture(params=["light", "dark"])
def theme(request) -> str:
    return request.param


@pytest.fixture(params=[NARROW, WIDE])
def page(request, browser, address, theme) -> Iterator[Any]:
    """Open the page; whatever it asks for or complains about fails the test."""
    page = make_page(browser, request.param, color_scheme=theme)
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda sent: requests.append(sent.url))
    page.goto(address)
    yield page
    page.close()
    assert complaints == []
    assert requests == [address]


def test_everything_is_there_and_fits(page, theme) -> None:
    """Every drawing and table; neither the page nor a table scrolls sideways."""
    width = page.viewport_size["width"]
    assert page.locator("svg[role=img]:visible").count() == 13 + 4 + 9
    assert page.locator("table:visible").count() == 10
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """() => [...document.querySelectorAll("td span, th, svg *, li, p, h1, h2, dd")]
            .filter(node => node.getClientRects().length && !node.closest("thead")
                && !node.closest("[aria-hidden]"))
            .filter(node => node.getBoundingClientRect().right > innerWidth
                || node.getBoundingClientRect().left < 0)
            .map(node => node.outerHTML.slice(0, 200))"""
    )
    assert outside == []
    save_screenshot(page, f"{width}-{theme}")


def test_no_column_of_a_table_is_cut(page) -> None:
    """A wide table has its heads on top; on a phone each value has its own."""
    is_narrow = page.viewport_size["width"] == NARROW
    heads = page.evaluate(
        """() => [...document.querySelectorAll("td")]
            .map(cell => getComputedStyle(cell, "::before").content)"""
    )
    assert len(heads) > 100
    assert all((head not in ("none", '""')) == is_narrow for head in heads)
    top = page.locator("thead").first.bounding_box()
    assert (top["x"] < 0) == is_narrow


def make_holds() -> WatchReport:
    """Return a hold whose place, caller, source and function are long."""
    stack = (Frame("json/encoder.py", 258, "f"), Frame("handlers/serve_one.py", 9, "g"))
    text = "return _iterencode(o, 0) if markers is not None else encode_all(markers)"
    function = "_json.Encoder.__call__"
    hold = Hold(
        "json/encoder.py", 258, text, function, stack, "MainThread", 12, 0.0554, 0.579
    )
    return WatchReport((hold,), (), 1, 0, 0.01, 2.0, False, "3.13.2")


def make_wide_measurement() -> Measurement:
    """Return a measurement with a held twin, whose table has all columns there are."""
    found, figure = make_measurement(1.9), Figure(0.93, 0.91, 12.25)
    row = dataclasses.replace(
        found.rows[0], size=1_000_000, cost=figure, gain=figure, busy_gain=figure
    )
    return dataclasses.replace(found, rows=(row,))


@pytest.mark.parametrize("width", [900, 1100, 1281, WIDE])
@pytest.mark.parametrize("what", [make_report, make_holds, make_wide_measurement])
def test_a_table_stays_in_its_card(browser, what, width, tmp_path) -> None:
    """However many columns it has; the place of a hold stays in one line."""
    what().to_html(tmp_path / "page.html")
    page = make_page(browser, width)
    page.goto((tmp_path / "page.html").as_uri())
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll(".card")]
            .filter(card => card.scrollWidth > card.clientWidth)
            .map(card => card.innerText.slice(0, 40))"""
    )
    assert too_wide == []
    if what is make_holds:
        head = page.locator("tbody th span").first
        assert head.inner_text() == "json/encoder.py:258"
        assert head.bounding_box()["height"] < 30
    page.close()


@pytest.mark.parametrize(
    ("what", "tone"),
    [(make_report, "good"), (make_bad_report, "bad"), (make_bad_report, "muted")],
)
def test_a_cell_of_a_page_shows_its_tone(browser, what, tone, tmp_path) -> None:
    """A verdict has its colour and a useless speed-up is grey."""
    what().to_html(tmp_path / "page.html")
    page = make_page(browser)
    page.goto((tmp_path / "page.html").as_uri())
    colours = page.evaluate(
        """tone => [document.querySelector(`td .${tone}`), document.body]
            .map(one => getComputedStyle(one).color)""",
        tone,
    )
    assert colours[0] != colours[1]
    page.close()


def save_screenshot(page, name: str) -> None:
    """Keep a picture to look at, where GILSCOPE_SCREENSHOTS names a folder."""
    folder = os.environ.get("GILSCOPE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"report-{name}.png", full_page=True)


def test_the_text_of_the_drawings_can_be_read(page) -> None:
    """At least 10 pixels high, in the colour of the theme, apart from each other."""
    sizes = page.evaluate(
        """() => [...document.querySelectorAll("svg text")]
            .map(text => parseFloat(getComputedStyle(text).fontSize))"""
    )
    assert len(sizes) > 30
    assert min(sizes) >= 10
    fills = page.evaluate(
        """() => [...new Set([...document.querySelectorAll("svg text")]
            .map(text => getComputedStyle(text).fill))]"""
    )
    assert fills == [page.evaluate("getComputedStyle(document.body).color")]
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll("svg[role=img]")].flatMap(chart => {
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
    assert page.evaluate("location.hash") == "#part-0"
    summary = page.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    assert "solid" in summary.evaluate("node => getComputedStyle(node).outline")


def test_a_screen_reader_gets_names(page) -> None:
    """Images, tables and regions have the names that they are announced by."""
    for name in ("Timeline of python:", "Speed-up of two threads: python:"):
        assert page.get_by_role("img", name=name).count() == 1
    # A table that is shown as a list is a table all the same.
    table = page.get_by_role("table", name="Who had the GIL?")
    assert table.count() == 1
    assert table.get_by_role("rowheader", name="python").count() == 1
    assert table.get_by_role("cell").count() == 4 * 5
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    assert page.get_by_role("region", name="Who stops whom?").count() == 1


# What a notebook's own style sheet does to what is in it, by theme.
NOTEBOOKS = {
    "light": ("#ffffff", "#111111", "#f5f5f5"),
    "dark": ("#111111", "#e0e0e0", "#f5f5f5"),
}


@pytest.mark.parametrize("theme", NOTEBOOKS)
@pytest.mark.parametrize("what", ["report", "backend", "check", "measurement"])
def test_a_notebook_of_either_theme_can_be_read(browser, theme, what, tmp_path) -> None:
    """Text on what is behind it: whatever theme the browser prefers, at least 4.5."""
    back, front, even = NOTEBOOKS[theme]
    shown = {
        "report": make_report(),
        "measurement": make_measurement(1.9),
        "backend": make_report()["pyo3"],
        "check": make_check(),
    }[what]
    path = tmp_path / "notebook.html"
    path.write_text(
        f"""<!doctype html><meta charset="utf-8"><style>
        body {{ background: {back}; color: {front}; font: 14px sans-serif }}
        .out table {{ table-layout: fixed; margin: 0 auto }}
        .out table th, .out table td {{ color: #111; text-align: right }}
        .out table tbody tr:nth-child(even) {{ background: {even} }}
        </style><div class="out">{shown._repr_html_()}</div>""",
        encoding="utf-8",
    )
    page = make_page(browser, 900)
    page.goto(path.as_uri())
    texts = page.evaluate(
        """() => [...document.querySelectorAll(".out *")]
            .filter(node => node.tagName != "title" && [...node.childNodes].some(
                child => child.nodeType == 3 && child.textContent.trim()))
            .map(node => {
              let behind = node;
              while (["rgba(0, 0, 0, 0)", ""].includes(
                  getComputedStyle(behind).backgroundColor))
                  behind = behind.parentElement;
              const style = getComputedStyle(node);
              return [node.closest("svg") ? style.fill : style.color,
                      getComputedStyle(behind).backgroundColor];
            })"""
    )
    assert len(texts) > 10
    overflowing = page.evaluate(
        """() => [...document.querySelectorAll(".out td")]
            .filter(cell => cell.scrollWidth > cell.clientWidth)
            .map(cell => cell.textContent)"""
    )
    assert overflowing == []
    shades = {behind for _, behind in texts}
    # A shaded cell of the matrix is the notebook's own background, a little darker.
    assert {shade for shade in shades if not shade.startswith("rgba")} == {
        page.evaluate("getComputedStyle(document.body).backgroundColor")
    }
    assert {text for text, _ in texts} == {
        page.evaluate("getComputedStyle(document.body).color")
    }
    save_screenshot(page, f"notebook-{what}-{theme}")
    page.close()
