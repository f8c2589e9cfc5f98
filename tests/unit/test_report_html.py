"""The HTML report, as text; tests/isolated/test_browser.py opens it."""

import dataclasses
import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from compare.model import BackendResult, Report
from compare.render import svg
from compare.render.chart_timeline import find_runs
from compare.render.html import render_page
from tests.unit.sample_reports import HOSTILE, make_check, make_report, replace_in

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

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

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


def test_the_page_is_one_small_file(tmp_path: Path, page_text) -> None:
    """What is returned is what is written, under 1 MB."""
    path = tmp_path / "report.html"
    report = make_report()
    assert report.to_html(path) == path.read_text(encoding="utf-8") == page_text
    assert path.stat().st_size < 1_000_000


def test_the_page_asks_for_nothing(page, page_text) -> None:
    """No script, no font, no address besides places on the page itself."""
    assert not {"script", "img", "iframe", "object", "base"} & {
        name for name, _ in page.elements
    }
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in {"href", "src", "xlink:href"}:
                assert value is not None
                assert value.startswith(("#", "data:,")), (tag, value)
    # Without one, a browser asks the server for an icon.
    assert page.find("link") == [{"rel": "icon", "href": "data:,"}]
    assert "@import" not in page_text
    assert set(re.findall(r"url\((.)", page_text)) <= {"#"}
    assert page.find("meta")[-1]["content"].startswith("default-src 'none'")


def test_the_answers_come_first(page) -> None:
    """Each backend's sentence stands before any figure."""
    answers = [
        page.text.index(f"{name} ") for name in ("python never", "pyo3 releases")
    ]
    assert max(answers) < page.text.index("Two threads share one result")


def test_every_section_has_its_table_and_says_how_to_read_it(page) -> None:
    """Real tables with a caption, heads with a scope, in a region for the keyboard."""
    regions = [item for item in page.find("div") if item.get("role") == "region"]
    assert len(page.find("table")) == len(page.find("caption")) == len(regions) == 9
    assert all(item["tabindex"] == "0" and item["aria-label"] for item in regions)
    assert {item.get("scope") for item in page.find("th")} == {"col", "row"}
    assert page.text.count("How to read this") == 6


def test_every_chart_has_a_name_and_a_description(page) -> None:
    """Four timelines and three charts, each drawn wide and narrow."""
    charts = page.find("svg")
    assert len(charts) == 2 * (4 + 3)
    ids = [item["id"] for _, item in page.elements if "id" in item]
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= set(ids)


def test_references_lead_somewhere(page) -> None:
    """Each link and each use of a shape is to an id of the page."""
    ids = {item["id"] for _, item in page.elements if "id" in item}
    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"href", "xlink:href"} and value != "data:,"
    ]
    assert len(links) > 10
    assert {link[1:] for link in links} <= ids


def test_the_charts_have_text_and_only_the_pages_colours(page_text) -> None:
    """Text stays text, and every colour is a variable of the page."""
    charts = "".join(re.findall(r"<svg.*?</svg>", page_text, re.DOTALL))
    for words in ("Release GIL", "Acquire GIL", "two processes", "released 600 ms"):
        assert words in charts
    assert set(re.findall(r"#[0-9a-f]{6}\b", charts)) == set()
    used = set(re.findall(r"var\(--([\w-]+)\)", charts))
    assert (
        {"held", "released", "sleeping", "tick", "series-1"} <= used <= {*svg.COLOURS}
    )


def test_structure_for_a_screen_reader(page) -> None:
    """A language, one main, one first heading, a link that skips the contents."""
    assert page.find("html")[0]["lang"] == "en"
    assert len(page.find("main")) == len(page.find("h1")) == len(page.find("nav")) == 1
    first = page.find("a")[0]
    assert first["class"] == "skip"
    assert first["href"][1:] in {item.get("id") for item in page.find("section")}


def test_hostile_text_stays_text() -> None:
    """Names, reasons, findings and facts of a backend are shown, never run."""
    report = replace_in(
        make_report(),
        "pyo3",
        name=HOSTILE,
        status="failed",
        reason=f"{HOSTILE}\nmore",
        technology=HOSTILE,
        build_info={"profile": HOSTILE},
        warnings=(HOSTILE,),
    )
    handoff = report[HOSTILE].handoff
    assert handoff is not None
    events = tuple(
        dataclasses.replace(event, actor=HOSTILE, name=HOSTILE)
        if event.actor != "partner"
        else event
        for event in handoff.events
    )
    report = replace_in(
        report, HOSTILE, handoff=dataclasses.replace(handoff, events=events)
    )
    text = report.to_html()
    page = Page(text)
    assert page.find("script") == []
    assert page.text.count(HOSTILE) > 5
    # Nor is it taken for a formula where it is drawn.
    assert "$x_1$" in "".join(re.findall(r"<text[^>]*>[^<]*", text))


def test_names_of_any_characters_are_taken(tmp_path: Path) -> None:
    """Letters that no font here has, control characters, one without any UTF-8."""
    report = replace_in(make_report(long=False), "pyo3", name="파이썬 \ud800\0\x1b\n")
    report.to_html(tmp_path / "report.html")
    assert "파이썬" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_was_not_run_is_said_and_not_drawn() -> None:
    """A scenario nobody asked for, and one that a backend did not get through."""
    report = replace_in(
        make_report(long=False),
        "cffi",
        status="crashed",
        reason="parallel ended with SIGSEGV\nstack",
        parallel=None,
        contention=None,
    )
    page = Page(report.to_html())
    assert page.text.count("Not run: this scenario was not asked for.") == 2
    linked = " ".join(link["href"] or "" for link in page.find("a"))
    assert "-parallel" in linked
    assert "-sweep" not in linked
    assert "-pairs" not in linked
    assert "cffi: no figures (crashed: parallel ended with SIGSEGV)." in page.text
    assert len(page.find("svg")) == 2 * (4 + 2)


def test_a_report_without_any_figure_is_a_page() -> None:
    """Nothing was built: names and reasons, no chart, no empty table."""
    report = Report(
        make_report().environment,
        (BackendResult("pyo3", "unavailable", "not built: make build"),),
        ("handoff", "gil"),
    )
    page = Page(report.to_html())
    assert "pyo3 was not compared: not built: make build." in page.text
    assert page.find("svg") == []
    assert len(page.find("table")) == 3


def test_what_makes_figures_unsure_is_in_sight() -> None:
    """Findings are folded away, doubts are not; each is said once for all it is of."""
    result = make_report(long=False)["cffi"]
    assert result.parallel is not None
    parallel = dataclasses.replace(result.parallel, warnings=("no core was free",))
    report = replace_in(make_report(long=False), "cffi", parallel=parallel)
    text = report.to_html()
    folded = "".join(re.findall(r"<details>.*?</details>", text, re.DOTALL))
    assert "cffi</strong>: No core was free." in text
    assert "No core was free" not in folded
    assert folded.count("A finding about two threads.") == 1
    assert "<dt>python, cython, cffi, pyo3</dt>" in folded


def test_python_code_is_drawn_from_tick_to_tick() -> None:
    """A pause of several ticks ends a run; a tick on its own is one."""
    assert find_runs([]) == []
    assert find_runs([0.5]) == [(0.5, 0.5)]
    ticks = [0.0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1, 1.2, 2.0]
    assert find_runs(ticks) == [(0.0, 0.3), (0.9, 1.2), (2.0, 2.0)]


# --- Contrast -------------------------------------------------------------------------

# What stands on what, and the least contrast by WCAG 2.2: 4.5 for text, 3 for what is
# drawn (1.4.3 and 1.4.11).
CONTRASTS = (
    *((name, "surface", 4.5) for name in ("text", "muted", "accent", "good", "bad")),
    *((name, "page", 4.5) for name in ("text", "muted", "accent")),
    ("unsure", "surface", 4.5),
    *(
        (f"on-{name}", name, 4.5)
        for name in ("held", "released", "waiting", "sleeping")
    ),
    *((name, "surface", 3) for name in ("held", "released", "waiting", "sleeping")),
    *((name, "surface", 3) for name in ("tick", *(f"series-{n}" for n in range(1, 5)))),
)


def read_themes(text: str) -> list[dict[str, str]]:
    """Return the colours of the light and of the dark theme."""
    light, dark = re.findall(r"\.gilscope \{(.*?)\}", text, re.DOTALL)[:2]
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)
    ]
    assert themes[0].keys() == themes[1].keys()
    return themes


def find_luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), CONTRASTS)
def test_contrast_is_enough(page_text, theme, front, back, least) -> None:
    """In both themes, for text and for what is drawn."""
    colours = read_themes(page_text)[theme]
    low, high = sorted(find_luminance(colours[name]) for name in (front, back))
    assert (high + 0.05) / (low + 0.05) >= least


def test_every_colour_of_a_chart_is_one_of_the_page(page_text) -> None:
    """A stand-in without a variable would be drawn black."""
    assert {*svg.COLOURS} <= read_themes(page_text)[0].keys()


# --- Notebook, and life without the extra ---------------------------------------------


def test_a_notebook_shows_a_part_of_a_page() -> None:
    """No page around it, and two in one notebook share no id."""
    report = make_report(long=False)
    other = replace_in(report, "pyo3", elapsed_s=1.0)
    pages = [Page(item._repr_html_()) for item in (report, other)]
    assert pages[0].elements[0] == ("div", {"class": "gilscope", "lang": "en"})
    assert not {"html", "body", "nav"} & {name for name, _ in pages[0].elements}
    ids = [{item["id"] for _, item in page.elements if "id" in item} for page in pages]
    assert ids[0] & ids[1] == set()


def test_a_notebook_shows_a_check() -> None:
    """Verdict, reason and evidence; its text is escaped."""
    check = dataclasses.replace(make_check(), name=HOSTILE)
    page = Page(check._repr_html_())
    assert page.find("script") == []
    assert f"{HOSTILE}: releases" in page.text
    assert "100 calls in 25 stretches" in page.text


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_the_extra_it_says_what_to_install(monkeypatch, missing) -> None:
    """to_html() raises, a notebook falls back to text."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == missing else find_spec(name),
    )
    words = rf"the HTML report needs {missing}; run: pip install 'gilscope\[html\]'"
    with pytest.raises(ImportError, match=words):
        render_page(make_report())
    assert make_report()._repr_html_() is None
    assert make_check()._repr_html_() is None


def test_the_report_is_had_without_loading_the_extra() -> None:
    """Table, words and JSON need neither jinja2 nor matplotlib."""
    code = (
        "import sys; from tests.unit.sample_reports import make_report;"
        "report = make_report(); str(report); report.explain(); report.to_json();"
        "import compare.render.html;"
        "assert not {'jinja2', 'matplotlib'} & {*sys.modules}"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
