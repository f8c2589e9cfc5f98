"""Documents as text and as Markdown: golden files, widths, colours, hostile texts."""

import dataclasses
import io
import re
import sysconfig

import pytest
from rich.console import Console

from compare.model import BackendResult, Report
from compare.render.sections import CHAPTERS, make_document
from gilscope.render.markdown import escape, render_annotation, render_markdown
from gilscope.render.results import describe_line, show_holds
from gilscope.render.terminal import print_document, render_text
from gilscope.units import describe_count
from gilscope.watcher.model import Frame, Hold, WatchReport
from tests.unit.sample_reports import (
    HOSTILE,
    make_audit,
    make_bad_report,
    make_check,
    make_measurement,
    make_report,
    replace_in,
)

REPORTS = {
    "report": make_report(long=False),
    "long": make_report(),
    "bad": make_bad_report(),
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [80, 120])
def test_the_report_on_a_terminal(name, width, golden) -> None:
    """As it was looked at, and no line is wider than the terminal but a command."""
    text = render_text(make_document(REPORTS[name]), width=width)
    golden(f"{name}.{width}.txt", text + "\n")
    lines = [line for line in text.splitlines() if "run: " not in line]
    assert max(map(len, lines)) <= width
    assert text.isascii()


@pytest.mark.parametrize("name", REPORTS)
def test_the_report_as_markdown(name, golden) -> None:
    """What a job's summary shows."""
    golden(f"{name}.md", REPORTS[name].to_markdown() + "\n")


def test_everything_there_is_to_say(golden) -> None:
    """What --explain prints: each scenario, why, and where it ran."""
    golden("explain.txt", REPORTS["long"].explain() + "\n")


@pytest.mark.parametrize(
    "verdict", ["releases", "preemptible", "holds", "inconclusive"]
)
def test_a_check(verdict, golden) -> None:
    """The verdict first, a fact a line."""
    golden(f"check-{verdict}.txt", f"{make_check(verdict)}\n")


def test_a_measurement(golden) -> None:
    """The findings first, a line a size."""
    golden("measurement.txt", f"{make_measurement(1.9)}\n")


def test_an_audit(golden) -> None:
    """How many functions do what, then a line a function."""
    golden("audit.txt", f"{make_audit()}\n")


@pytest.mark.parametrize(
    ("kind", "scenario"), [(each.kind, key) for key, each in CHAPTERS.items()]
)
def test_each_part_of_a_report_shows_itself(kind, scenario) -> None:
    """As text, as Markdown and in a notebook; a backend is all of its parts."""
    backend = make_report()["pyo3"]
    part = getattr(backend, scenario)
    assert type(part) is kind
    assert repr(part) != str(part)
    figures = str(part).splitlines()[-1].removeprefix("this backend").strip()
    assert figures in str(backend)
    assert "this backend" not in str(backend)
    assert "<table" in part._repr_html_()
    assert "| --- |" in part.to_markdown()


def render_coloured(report: Report) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=120, force_terminal=True, color_system="standard"
    )
    print_document(make_document(report), console)
    return file.getvalue()


def test_verdicts_are_coloured_and_unusable_speedups_are_grey() -> None:
    """Green, bold red and yellow; dim where two processes gained nothing either."""
    good, bad = (render_coloured(REPORTS[name]) for name in ("report", "bad"))
    assert re.search(r"cython \x1b\[32mreleases\x1b\[0m", good)
    assert "\x1b[1;31mcrashed\x1b[0m" in bad
    assert re.search(r"\x1b\[2m *1\.04x", bad)
    assert not re.search(r"\x1b\[2m *1\.93x", good)


def test_what_is_cut_names_the_option_that_shows_it() -> None:
    """Doubts about one backend are counted; --explain has them all."""
    text, whole = str(REPORTS["bad"]), REPORTS["bad"].explain()
    assert "pyo3 was unsteady" not in text
    assert re.search(r"\d+ doubts .*--explain", text)
    assert "Pyo3 was unsteady" in whole


def test_a_column_that_nobody_fills_is_left_out() -> None:
    """A scenario that was not run has no column and no line in the legend."""
    report = REPORTS["report"]
    for result in report:
        report = replace_in(report, result.name, handoff=None)
    assert "Python beside" in str(REPORTS["report"])
    assert "Python beside" not in str(report)


def test_no_control_character_reaches_a_terminal_or_markdown() -> None:
    """Escapes instead, whatever a name or a reason has in it."""
    result = dataclasses.replace(
        make_report()["pyo3"],
        name="a\x1b[2J\u202e\ud800b",
        status="failed",
        reason="x\r\x07\u2066y",
    )
    report = dataclasses.replace(make_report(), backends=(result,))
    for text in (str(report), report.explain(), report.to_markdown(), str(result)):
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text
        )
        text.encode()


def test_markdown_is_escaped() -> None:
    """No markup, no table cell, no line of its own comes from a text."""
    assert escape("a|b\n# c <b> [x](y) `z`") == (r"a\|b \# c \<b\> \[x\](y) \`z\`")
    report = replace_in(make_report(long=False), "pyo3", name=f"{HOSTILE}|\n|")
    text = render_markdown(make_document(report))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "<script>" not in text


def test_an_annotation_is_one_line() -> None:
    """What would end it or be a command of its own is escaped."""
    line = render_annotation("a: b,c", "x\n::error::y\r%")
    assert line == r"::error title=gilscope a%3A b%2Cc::x%0A::error::y\r%25"


def test_what_is_not_applicable_is_said_in_every_form() -> None:
    """Once for all, or with whose it is; a scenario's own section says it of each."""
    lacks = {"handoff": "the contract has no trace"}
    report = REPORTS["report"]
    one = replace_in(report, "cffi", handoff=None, not_applicable=lacks)
    every = report
    for result in report:
        every = replace_in(every, result.name, handoff=None, not_applicable=lacks)
    sentence = "handoff is not applicable: the contract has no trace"
    for found, words in ((one, f"cffi: {sentence}"), (every, sentence)):
        for text in (str(found), found.to_markdown(), found.to_html()):
            assert text.count(words) == 1
    assert "cffi: not applicable (the contract has no trace)" in one.to_html()
    assert one["cffi"].status == "ok"
    assert "cffi: no figures" not in one.explain()


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1 hold"), (2, "2 holds"), (1_000, "1,000 holds")]
)
def test_one_of_a_kind_is_no_plural(number: int, text: str) -> None:
    assert describe_count(number, "hold") == text


@pytest.mark.parametrize(("width", "n_left_out"), [(80, 2), (106, 1), (120, 0)])
def test_a_place_and_its_caller_stay(width: int, n_left_out: int) -> None:
    """The source text wraps; a column for which there is no room is named.

    First goes the thread, then the function: the caller is the reader's own line.
    """
    text = "return _iterencode(o, 0) if markers is not None else encode_all(markers)"
    place = (f"{sysconfig.get_path('stdlib')}/json/encoder.py", 258)
    stack = (Frame(*place, "f"), Frame("/b/handlers/serve_one.py", 9, "g"))
    hold = Hold(*place, text, "encode_all", stack, "MainThread", 3, 0.5, 1.0)
    report = WatchReport((hold,), (), 1, 0, 0.01, 2.0, False, "3.13.2")
    shown = render_text(show_holds(report), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert re.search(r"^json/encoder.py:258 +return ", shown, re.MULTILINE)
    assert "called from  innermost" in shown
    assert ("encode_all " in shown) == (n_left_out < 2)
    assert ("MainThread" in shown) == (n_left_out < 1)
    assert shown.count("not shown") == n_left_out


def test_a_line_is_told_where_the_current_folder_is_gone(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert describe_line(f"{folder}/a.py", 1) == "a.py:1"
    folder.rmdir()
    assert describe_line("/b/a.py", 1) == "/b/a.py:1"


def test_a_report_of_one_scenario_says_each_answer_once() -> None:
    """On a terminal; the page has it in the overview and in the scenario's section."""
    report = make_report()
    backends = tuple(
        BackendResult(result.name, "ok", pairs=result.pairs) for result in report
    )
    found = dataclasses.replace(report, backends=backends, scenarios=("pairs",))
    assert str(found).count("pyo3 stops no other backend") == 1
    # A table of nothing but "ok" says nothing.
    assert not re.search(r"^pyo3 +ok$", str(found), re.MULTILINE)
    assert found.to_html().count("pyo3 stops no other backend") == 2
