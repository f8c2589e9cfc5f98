"""The page and the notebook, as text; tests/isolated/test_browser.py opens them."""

import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from compare.model import BackendResult, Report
from compare.render.drawings import compute_runs
from compare.render.sections import CHAPTERS, make_scenario
from gilscope.render.document import Cell, Column, Table
from gilscope.render.markup import Markup, element
from gilscope.render.page import EDGES, render_table
from gilscope.render.svg import COLOURS, Bar, Look, Scale, draw_bars
from gilscope.stats import Figure
from tests.unit.sample_reports import (
    HOSTILE,
    make_check,
    make_measurement,
    make_report,
    replace_in,
)

ROOT = Path(__file__).parents[2]

VOID = {"wbr", "meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Every element with its attributes, and the text of the page; checks nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page_text() -> str:
    return make_report().to_html()


@pytest.fixture(scope="module")
def page(page_text) -> Page:
    return Page(page_text)


# --- The page -------------------------------------------------------------------------


def test_the_page_is_one_small_file(tmp_path: Path, page_text) -> None:
    """What is returned is what is written, under 200 kB."""
    path = tmp_path / "report.html"
    report = make_report()
    assert report.to_html(path) == path.read_text(encoding="utf-8") == page_text
    assert path.stat().st_size < 200_000


def test_the_page_asks_for_nothing(page, page_text) -> None:
    """No script, no font, no address besides places on the page itself."""
    names = {name for name, _ in page.elements}
    assert not {"script", "img", "iframe", "object", "base", "use"} & names
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in {"href", "src", "xlink:href"}:
                assert value is not None
                assert value.startswith(("#", "data:,")), (tag, value)
    # Without one, a browser asks the server for an icon.
    assert page.find("link") == [{"rel": "icon", "href": "data:,"}]
    assert "@import" not in page_text
    assert "url(" not in page_text
    assert page.find("meta")[-1]["content"].startswith("default-src 'none'")


def test_structure_for_a_screen_reader(page, page_text) -> None:
    """One main, one first heading, named regions, tables and drawings, a way in."""
    assert page.find("html")[0]["lang"] == "en"
    assert len(page.find("main")) == len(page.find("h1")) == len(page.find("nav")) == 1
    ids = [item["id"] for _, item in page.elements if "id" in item]
    assert len(ids) == len(set(ids))
    links = [item["href"] for item in page.find("a")]
    assert page.find("a")[0]["class"] == "skip"
    assert {link[1:] for link in links if link} <= set(ids)
    assert len(page.find("section")) == len(links) - 1
    # A section says its title once, and a page of one section has no contents.
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page_text)
    captions = re.findall(r"<caption[^>]*>(.*?)</caption>", page_text)
    assert captions
    assert not {*titles} & {*captions}
    assert "<nav" not in make_measurement(1.9).to_html()
    assert all(item["aria-label"] for item in page.find("table"))
    # A table that is shown as a list keeps its roles.
    roles = {item.get("role") for _, item in page.elements}
    assert {"table", "row", "cell", "rowheader", "columnheader"} <= roles
    images = [item for item in page.find("svg") if item.get("role") == "img"]
    assert all(item["aria-label"] for item in images)
    hidden = [item for item in page.find("svg") if item.get("aria-hidden") == "true"]
    assert len(images) + len(hidden) == len(page.find("svg"))


@pytest.mark.parametrize("key", CHAPTERS)
def test_every_scenario_leads_with_its_own_answer(key) -> None:
    """One sentence a backend, that begins with its name, before any figure."""
    report = make_report()
    section = make_scenario(report, key)
    names = [re.split("[ :]", answer.text)[0] for answer in section.answers]
    assert names == ["python", "cython", "cffi", "pyo3"]
    alone = dataclasses.replace(report, scenarios=(key,))
    page = Page(alone.to_html())
    assert page.text.index(section.answers[0].text) < page.text.index("How to read")


def test_no_backend_that_holds_is_called_released(page_text) -> None:
    """What is drawn of pure Python is called what it is: the call, and its control."""
    charts = re.findall(r"<svg.*?</svg>", page_text, re.DOTALL)
    python = [chart for chart in charts if "python" in chart]
    assert len(python) == 4
    assert not any("releas" in chart for chart in python)


def test_hostile_texts_are_text() -> None:
    """Names, reasons and events with markup in them are shown as they are."""
    report = replace_in(
        make_report(long=False), "pyo3", name=HOSTILE, status="wrong", reason=HOSTILE
    )
    for text in (report.to_html(), report._repr_html_()):
        page = Page(text)
        assert page.find("script") == []
        assert page.text.count(HOSTILE) > 5


def test_names_of_any_characters_are_taken(tmp_path: Path) -> None:
    """Letters that no font here has, control characters, one without any UTF-8."""
    report = replace_in(
        make_report(long=False), "pyo3", name="파이썬 \ud800\0\x1b\u202e"
    )
    report.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert r"파이썬 \ud800\x00\x1b\u202e" in text


def test_what_was_not_measured_is_said_and_not_drawn() -> None:
    """A scenario nobody asked for has no section; one that ended early has a line."""
    report = replace_in(
        make_report(long=False),
        "cffi",
        status="crashed",
        reason="parallel ended with SIGSEGV\nstack",
        parallel=None,
        contention=None,
    )
    page = Page(report.to_html())
    assert CHAPTERS["sweep"].title not in page.text
    assert page.text.count("cffi: no figures (crashed: parallel ended with") == 2
    page = Page(
        Report(
            make_report().environment,
            (BackendResult("pyo3", "unavailable", "not built: make build"),),
            ("handoff", "gil", "pairs", "sweep"),
        ).to_html()
    )
    assert [item for item in page.find("svg") if item.get("role") == "img"] == []


# --- A notebook -----------------------------------------------------------------------


def test_a_notebook_brings_its_own_look_and_no_colours_of_a_page() -> None:
    """No style sheet, no id, no colour of text or page: those are the notebook's."""
    for shown in (make_report(), make_report()["pyo3"], make_check()):
        text = shown._repr_html_()
        page = Page(text)
        assert not {"html", "body", "nav", "style"} & {
            name for name, _ in page.elements
        }
        assert not [item for _, item in page.elements if "id" in item]
        assert "var(--" not in text
        # A notebook paints every other row, and its heads, in its own colours.
        assert all("background:none" in item["style"] for item in page.find("tr"))
        for tag in ("th", "td"):
            assert all("color:inherit" in item["style"] for item in page.find(tag))


def test_nothing_is_loaded_before_something_is_shown() -> None:
    """Results are had without what lays them out."""
    code = (
        "import sys; from tests.unit.sample_reports import make_report;"
        "report = make_report(); report.to_json(); import compare.render;"
        "assert not {'rich', 'shtab', 'gilscope.render.page'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("imports", "kind"),
    [
        ("from gilscope import watch as _, WatchReport as kind", "WatchReport"),
        ("from compare import run_all as _, Report as kind", "Report"),
        ("from compare import gather as _, Compared as kind", "Compared"),
        ("from compare import diff as _, Diff as kind", "Diff"),
    ],
)
def test_whoever_has_the_function_can_show_its_result(imports: str, kind: str) -> None:
    """The import of the function is enough, in an interpreter of its own."""
    code = (
        f"{imports}\nfrom gilscope.record import _renderers\n"
        "print(kind.__name__, kind in _renderers)"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    assert printed.stdout.decode().split() == [kind, "True"]


# --- Elements, tables and drawings ----------------------------------------------------


def test_an_element_escapes_all_but_markup() -> None:
    """Texts and attributes; None is left out, True has no value."""
    inner = element("b", "<&>")
    found = element(
        "p", inner, "\x1b", None, ["x"], class_='"', hidden=True, title=None
    )
    assert found == '<p class="&quot;" hidden><b>&lt;&amp;&gt;</b>\\x1bx</p>'
    assert isinstance(found, Markup)
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_table_as_html(golden) -> None:
    """Heads, a name a row, tones, ranges and shades."""
    table = Table(
        "A <table>",
        (Column("name"), Column("two\nlines", meaning="a meaning"), Column("c")),
        [
            (Cell("a"), Cell("1.93x", "bad", "(1.9x to 2x)"), Cell("-")),
            (Cell("b"), Cell("2"), Cell("x", shade=1)),
        ],
    )
    golden("table.html", render_table(table).replace("><", ">\n<") + "\n")


def test_bars_as_svg(golden) -> None:
    """A bar with its range, one that is open, and a bound."""
    rows = [
        (
            "a",
            [
                Bar(Figure(2.0, 1.5, 2.5), Look("blue"), "2x", bound=2.2),
                Bar(Figure(0.5, 0.4, 0.6), Look("grey", is_open=True), "0.5x"),
            ],
        )
    ]
    drawing = draw_bars(rows, "Bars", lambda value: f"{value:g}x")
    golden("bars.svg", drawing.replace("><", ">\n<") + "\n")


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (Scale(0, 10), 5, 50.0),
        (Scale(0, 10, room=20), 10, 80.0),
        (Scale(0, 10), 11, 100.0),
        (Scale(0, 10), -1, 0.0),
        (Scale(1, 100, is_log=True), 10, 50.0),
        (Scale(1, 100, is_log=True), 0, 0.0),
        (Scale(3, 3), 3, 0.0),
    ],
)
def test_a_scale_places_in_per_cent_of_the_width(scale, value, place) -> None:
    """Linear and logarithmic; what lies outside is drawn at the edge."""
    assert scale.place(value) == pytest.approx(place)


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 2), [0, 0.5, 1, 1.5, 2]),
        (Scale(0, 0.9), [0, 0.5]),
        (Scale(1, 1000, is_log=True), [1, 10, 100, 1000]),
        (Scale(2e-6, 3e-3, is_log=True), [1e-5, 1e-4, 1e-3]),
    ],
)
def test_ticks_are_round(scale, ticks) -> None:
    """And lie on the scale."""
    assert scale.list_ticks() == pytest.approx(ticks)


def test_python_code_is_drawn_from_tick_to_tick() -> None:
    """A pause of several ticks ends a run; a tick on its own is one."""
    assert compute_runs([]) == []
    assert compute_runs([0.5]) == [(0.5, 0.5)]
    ticks = [0.0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1, 1.2, 2.0]
    assert compute_runs(ticks) == [(0.0, 0.3), (0.9, 1.2), (2.0, 2.0)]


# --- Contrast -------------------------------------------------------------------------

TEXTS = ("text", "muted", "accent", "good", "bad", "unsure")


def read_themes(text: str) -> list[dict[str, str]]:
    """Return the colours of the light and of the dark theme."""
    light, dark = re.findall(r"\.gilscope \{(.*?)\}", text, re.DOTALL)[:2]
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)
    ]
    assert themes[0].keys() == themes[1].keys()
    return themes


def compute_contrast(front: str, back: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it."""
    lights = []
    for colour in (front, back):
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        )
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    low, high = sorted(lights)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough(page_text, theme) -> None:
    """4.5 for text and 3 for what is drawn (WCAG 1.4.3 and 1.4.11), in both themes."""
    colours = read_themes(page_text)[theme]
    for name in TEXTS:
        assert compute_contrast(colours[name], colours["surface"]) >= 4.5, name
    for name in ("text", "muted", "accent"):
        assert compute_contrast(colours[name], colours["page"]) >= 4.5, name
    # What is drawn has one colour on both, and in a notebook.
    for colour in (*COLOURS.values(), *EDGES.values()):
        for back in (colours["surface"], ("#ffffff", "#111111")[theme]):
            assert compute_contrast(colour, back) >= 3, colour
