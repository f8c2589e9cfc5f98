"""Two reports side by side: what is a change, and what fails."""

import dataclasses
from typing import Any

import pytest

import compare
from compare.comparing import diff_sources
from compare.entries import FAMILIES, Entry, Source, is_apart, make_source
from compare.model import Correctness, Report
from gilscope.stats import Figure
from tests.unit.sample_reports import make_gil, make_report, replace_in


def with_speedup(report: Report, value: float, spread: float) -> Report:
    """Return the report with another speed-up of pyo3's two threads."""
    parallel = report["pyo3"].parallel
    assert parallel is not None
    row = dataclasses.replace(
        parallel.rows[0],
        speedup=Figure(value, value * (1 - spread), value * (1 + spread)),
    )
    rows = (row, *parallel.rows[1:])
    return replace_in(report, "pyo3", parallel=dataclasses.replace(parallel, rows=rows))


def test_a_report_is_no_change_to_itself() -> None:
    """Nothing differs, all backends are named."""
    found = compare.diff(make_report(), make_report())
    assert found.changes == found.environment == ()
    assert found.unchanged == ("python", "cython", "cffi", "pyo3")


@pytest.mark.parametrize(
    ("before", "after", "n_changes"),
    [
        # value and spread; apart by far, and steady.
        ((1.9, 0.01), (1.3, 0.01), 1),
        ((1.3, 0.01), (1.9, 0.01), 1),
        # As far apart, but one of them or both may lie anywhere between.
        ((1.9, 0.01), (1.3, 0.3), 0),
        ((1.9, 0.12), (1.3, 0.15), 0),
        # Steady, and of no meaning to a reader.
        ((1.9, 0.001), (1.8, 0.001), 0),
    ],
)
def test_a_figure_changes_only_beyond_its_spread(before, after, n_changes) -> None:
    """The spread of both runs counts, and what a reader would care about."""
    old, new = (with_speedup(make_report(), *item) for item in (before, after))
    changes = compare.diff(old, new).changes
    assert len(changes) == n_changes
    for change in changes:
        assert (change.subject, change.family) == ("pyo3", "speedup")
        assert change.what == "speedup, 2 threads"
        assert change.kind == ("worse" if after < before else "better")


def test_a_figure_fails_only_if_it_is_named() -> None:
    """Worse figures are shown; they fail what asks for it."""
    found = compare.diff(make_report(), with_speedup(make_report(), 1.0, 0.01))
    assert found.select_regressions() == []
    assert found.select_regressions(["slowdown"]) == []
    assert found.select_regressions(["speedup"]) == [*found.changes]
    better = compare.diff(with_speedup(make_report(), 1.0, 0.01), make_report())
    assert better.changes
    assert better.select_regressions(["speedup"]) == []


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_figure_that_a_run_was_unsure_of_is_not_compared(place) -> None:
    """It is said, with the reason; who asks for the figure is told that as well."""
    steady = make_report(), with_speedup(make_report(), 1.0, 0.01)
    reports = list(steady)
    number = ("first", "second").index(place)
    parallel = dataclasses.replace(
        reports[number]["pyo3"].parallel, warnings=("no second core was free",)
    )
    reports[number] = replace_in(reports[number], "pyo3", parallel=parallel)
    found = compare.diff(*reports)
    assert found.changes == ()
    assert {row.subject for row in found.unsure} == {"pyo3"}
    doubts = [[cell.doubt for cell in row.cells] for row in found.unsure]
    expected = ["", ""]
    expected[number] = "no second core was free"
    assert all(doubt == expected for doubt in doubts)
    # What its figures share is said once.
    assert str(found).count(f"the {place} run was unsure: no second core was free") == 1
    assert str(found).splitlines().count("pyo3") == 1
    assert found.select_regressions(["speedup"]) == []
    assert [row.family for row in found.select_unsure(["speedup"])] == ["speedup"] * 2
    assert found.select_unsure(["slowdown"]) == []
    assert compare.diff(*steady).changes != ()


def test_a_backend_of_which_nothing_was_compared_is_not_called_unchanged() -> None:
    """No change seen is said of what was looked at, be it one figure."""
    report = make_report(long=False)
    for scenario in ("parallel", "gil", "contention"):
        result = getattr(report["pyo3"], scenario)
        doubtful = dataclasses.replace(result, warnings=("no second core was free",))
        report = replace_in(report, "pyo3", **{scenario: doubtful})
        is_compared = scenario != "contention"
        found = compare.diff(report, report)
        assert ("pyo3" in found.unchanged) == is_compared
        assert found.unchanged[:3] == ("python", "cython", "cffi")


def with_short_calls(report: Report, **factors: float) -> Report:
    """Return the report with the shortest calls of some backends so much longer."""
    for name, factor in factors.items():
        contention = report[name].contention
        assert contention is not None
        row = contention.rows[0]
        row = dataclasses.replace(row, alone_median_s=factor * row.alone_median_s)
        report = replace_in(
            report,
            name,
            contention=dataclasses.replace(
                contention, rows=(row, *contention.rows[1:])
            ),
        )
    return report


@pytest.mark.parametrize(
    ("factors", "kinds"),
    [
        ({"cffi": 3.0}, {"cffi": "worse"}),
        ({"cffi": 0.3}, {"cffi": "better"}),
        # Another machine: all of them took as much longer.
        (dict.fromkeys(("python", "cython", "cffi", "pyo3"), 3.0), {}),
        # By one of the others it did not change that much.
        ({"cffi": 3.0, "pyo3": 1.6}, {}),
    ],
)
def test_a_short_call_is_compared_by_every_other_backend(factors, kinds) -> None:
    """Slower than all of them it is named, with what it was and is."""
    found = compare.diff(make_report(), with_short_calls(make_report(), **factors))
    assert {change.subject: change.kind for change in found.changes} == kinds
    assert all(change.what.startswith("short call, ") for change in found.changes)


def test_of_two_backends_neither_is_called_slower() -> None:
    """It could as well be that the other one became faster."""
    report = make_report()
    two = dataclasses.replace(report, backends=report.backends[2:])
    assert compare.diff(two, with_short_calls(two, cffi=9.0)).changes == ()


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_every_family_is_compared_in_its_own_direction(name, family) -> None:
    """Forty times as much, steady: worse for a cost, better for the others."""
    old, new = (
        Source({}, (Entry("a", f"{name}, x", Figure(value, value, value), name),))
        for value in (0.02, 0.8)
    )
    for first, second, is_more in ((old, new, True), (new, old, False)):
        (change,) = diff_sources([first], [second]).changes
        assert (change.subject, change.family) == ("a", name)
        assert change.kind == ("worse" if is_more == family.is_cost else "better")


def test_every_figure_of_a_report_is_one_of_a_family() -> None:
    """Each is compared under its own name, once."""
    entries = make_source(make_report()).entries
    assert {entry.family for entry in entries} >= {*FAMILIES, ""} - {
        "released_fraction"
    }
    keys = [(entry.subject, entry.what) for entry in entries]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # A share of a call is compared by its distance, a ratio by its factor.
        (("stops", 0.0, 0.0, 0.0), ("stops", 0.11, 0.11, 0.11), True),
        (("stops", 0.0, 0.0, 0.0), ("stops", 0.09, 0.09, 0.09), False),
        (("gain", 1.0, 1.0, 1.0), ("gain", 1.16, 1.16, 1.16), True),
        (("gain", 1.0, 1.0, 1.0), ("gain", 1.14, 1.14, 1.14), False),
        (("slowdown", 1.0, 1.0, 1.0), ("slowdown", 29.0, 29.0, 29.0), False),
        (("slowdown", 1.0, 1.0, 1.0), ("slowdown", 31.0, 31.0, 31.0), True),
        # The distance has to be twice the ranges towards each other.
        (("stops", 0.0, 0.0, 0.1), ("stops", 0.39, 0.29, 0.4), False),
        (("stops", 0.0, 0.0, 0.1), ("stops", 0.41, 0.31, 0.5), True),
    ],
)
def test_where_two_figures_are_apart(before, after, expected) -> None:
    """Each threshold from either side."""
    old, new = (
        Entry("a", name, Figure(*figure), name) for name, *figure in (before, after)
    )
    assert is_apart(old, new) == is_apart(new, old) == expected


@pytest.mark.parametrize(
    ("before", "after", "kind", "is_regression"),
    [
        ("releases", "holds", "worse", True),
        ("releases", "preemptible", "worse", True),
        ("holds", "releases", "better", False),
        ("preemptible", "holds", "worse", False),
        ("releases", "inconclusive", "other", False),
        ("inconclusive", "holds", "other", False),
    ],
)
def test_a_verdict_that_changed(before, after, kind, is_regression) -> None:
    """A backend that released and does not any more fails."""
    old, new = (
        replace_in(make_report(), "cffi", gil=make_gil(verdict))
        for verdict in (before, after)
    )
    found = compare.diff(old, new)
    (change,) = found.changes
    assert (change.what, *(cell.text for cell in change.cells)) == (
        "verdict",
        before,
        after,
    )
    assert change.kind == kind
    assert bool(found.select_regressions()) == is_regression


@pytest.mark.parametrize(
    ("before", "after", "is_regression"),
    [
        ({"status": "ok"}, {"status": "crashed", "reason": "SIGSEGV\nstack"}, True),
        ({"status": "ok"}, {"status": "unavailable"}, True),
        ({"status": "crashed"}, {"status": "ok"}, False),
        ({"status": "crashed"}, {"status": "timeout"}, False),
        ({}, {"correctness": Correctness(119, 1, ("one",))}, True),
        ({"correctness": Correctness(119, 1, ("one",))}, {}, False),
    ],
)
def test_a_status_or_an_answer_that_changed(
    before: dict[str, Any], after: dict[str, Any], is_regression: bool
) -> None:
    """What was well and is not fails."""
    old, new = (replace_in(make_report(), "cffi", **item) for item in (before, after))
    found = compare.diff(old, new)
    assert len(found.changes) == 1
    assert bool(found.select_regressions()) == is_regression


def test_a_backend_of_one_report_only_is_named() -> None:
    """It may not have been asked for, so it does not fail."""
    report = make_report()
    fewer = dataclasses.replace(report, backends=report.backends[:3])
    gone, come = compare.diff(report, fewer), compare.diff(fewer, report)
    for found, (before, after) in (
        (gone, ("ok", "")),
        (come, ("", "ok")),
    ):
        (change,) = found.changes
        assert (change.subject, change.what) == ("pyo3", "status")
        assert [cell.text for cell in change.cells] == [before, after]
    assert gone.select_regressions(FAMILIES) == come.select_regressions(FAMILIES) == []


def test_differences_of_the_place_are_listed_first() -> None:
    """Two machines, two Pythons: no failure, but the reader has to know."""
    report = make_report()
    environment = dataclasses.replace(
        report.environment, python="3.14.0", started_at="2027-01-01T00:00:00+00:00"
    )
    other = dataclasses.replace(report, environment=environment, quick=True)
    found = compare.diff(report, other)
    assert found.environment == (
        ("python", "3.13.2", "3.14.0"),
        ("quick", "False", "True"),
    )
    assert found.select_regressions(FAMILIES) == []


def test_json_has_every_change() -> None:
    """Lists of plain fields, with the schema."""
    new = replace_in(make_report(), "pyo3", gil=make_gil("holds"))
    content = compare.diff(make_report(), new).to_dict()
    assert content["schema"] == 2
    assert content["unchanged"] == ["python", "cython", "cffi"]
    cells = [
        {"text": text, "range": "", "kind": kind, "doubt": ""}
        for text, kind in (("releases", "same"), ("holds", "worse"))
    ]
    assert content["changes"] == [
        {
            "subject": "pyo3",
            "what": "verdict",
            "cells": cells,
            "family": "",
            "is_regression": True,
        }
    ]


def test_a_comparison_is_shown(golden) -> None:
    """The worst first; the place, what could not be told, what did not change."""
    old = make_report(long=False)
    new = replace_in(with_speedup(old, 1.0, 0.01), "cffi", gil=make_gil("holds"))
    contention = dataclasses.replace(
        new["cython"].contention, warnings=("the machine was busy",)
    )
    new = replace_in(new, "cython", contention=contention)
    new = replace_in(new, "python", correctness=Correctness(119, 1, ("one",)))
    environment = dataclasses.replace(new.environment, python="3.14.0")
    found = compare.diff(old, dataclasses.replace(new, environment=environment))
    golden("diff.txt", f"{found}\n")
    golden("diff.md", found.to_markdown() + "\n")
