"""Many results in one table: what is a column, what is marked."""

import dataclasses
import json

import pytest

import compare
from compare.comparing import gather_sources
from compare.entries import read_sources
from compare.model import Report
from gilscope.stats import Figure
from tests.unit.sample_reports import (
    make_check,
    make_gil,
    make_measurement,
    make_report,
    replace_in,
)


def change(report: Report, **fields: object) -> Report:
    environment = dataclasses.replace(report.environment, **fields)
    return dataclasses.replace(report, environment=environment)


def with_speedup(
    report: Report, *figure: float, warnings: tuple[str, ...] = ()
) -> Report:
    parallel = report["pyo3"].parallel
    assert parallel is not None
    row = dataclasses.replace(parallel.rows[0], speedup=Figure(*figure))
    parallel = dataclasses.replace(
        parallel, rows=(row, *parallel.rows[1:]), warnings=warnings
    )
    return replace_in(report, "pyo3", parallel=parallel)


REPORT = make_report(long=False)


def get_row(found: compare.Compared, subject: str, what: str) -> list:
    (row,) = [row for row in found.rows if (row.subject, row.what) == (subject, what)]
    return list(row.cells)


@pytest.mark.parametrize(
    ("reports", "labels"),
    [
        ([REPORT, change(REPORT, python="3.14.0")], ("3.13.2", "3.14.0")),
        (
            [REPORT, change(REPORT, free_threaded_build=True, gil_enabled=False)],
            ("3.13.2", "3.13.2 free-threaded, GIL off"),
        ),
        (
            [REPORT, change(REPORT, platform="macOS")],
            ("3.13.2 Linux-6.1-x86_64", "3.13.2 macOS"),
        ),
        (
            [REPORT, change(REPORT, cpus_allowed=1, gilscope="9.9")],
            ("3.13.2 2 CPUs gilscope 0.1.0", "3.13.2 1 CPUs gilscope 9.9"),
        ),
        # Two runs of one environment are told apart by where they come from.
        ([REPORT, REPORT], ("3.13.2 0", "3.13.2 1")),
    ],
)
def test_a_column_is_named_by_what_differs(reports, labels) -> None:
    found = compare.gather({str(n): report for n, report in enumerate(reports)})
    assert found.environments == labels


def test_checks_of_one_environment_share_a_column() -> None:
    checks = {name: dataclasses.replace(make_check(), name=name) for name in ("f", "g")}
    found = compare.gather(checks)
    assert found.environments == ("3.13.2",)
    assert [row.subject for row in found.rows if row.what == "verdict"] == ["f", "g"]


@pytest.mark.parametrize(
    ("other", "kind", "doubt"),
    [
        (with_speedup(REPORT, 1.0, 0.98, 1.02), "worse", ""),
        (with_speedup(REPORT, 2.9, 2.8, 3.0), "better", ""),
        (with_speedup(REPORT, 1.0, 0.5, 3.0), "same", ""),
        (with_speedup(REPORT, 1.0, 0.98, 1.02, warnings=("busy",)), "", "busy"),
    ],
)
def test_what_differs_beyond_its_range_is_marked(other, kind, doubt) -> None:
    found = compare.gather({"a": REPORT, "b": other})
    first, second = get_row(found, "pyo3", "speedup, 2 threads")
    assert (first.kind, first.doubt) == ("same", "")
    assert (second.kind, second.doubt) == (kind, doubt)
    untouched = get_row(found, "cython", "speedup, 2 threads")
    assert [cell.kind for cell in untouched] == ["same", "same"]


def test_a_verdict_is_compared_with_the_first_that_is_one() -> None:
    reports = {
        verdict: replace_in(REPORT, "cffi", gil=make_gil(verdict))
        for verdict in ("inconclusive", "releases", "holds")
    }
    cells = get_row(compare.gather(reports), "cffi", "verdict")
    assert [cell.kind for cell in cells] == ["other", "same", "worse"]


def test_what_one_result_lacks_is_an_empty_cell() -> None:
    fewer = dataclasses.replace(REPORT, backends=REPORT.backends[:2])
    found = compare.gather({"a": REPORT, "b": fewer})
    assert [cell.text for cell in get_row(found, "pyo3", "status")] == ["ok", ""]


def test_results_with_nothing_in_common_are_not_called_alike() -> None:
    report = dataclasses.replace(REPORT, backends=REPORT.backends[:1])
    alike = {"a": report, "b": change(report, python="3.14.0")}
    assert "no difference seen" in str(compare.gather(alike))
    apart = compare.gather({"a": report, "b": make_check()})
    assert "nothing could be compared" in str(apart)
    assert "no difference seen" not in str(apart)


def test_a_file_may_have_several_checks(tmp_path) -> None:
    content = make_check().to_dict()
    both = {"schema": 2, "gil": content, "attached": make_check("holds").to_dict()}
    for name, value, n_results in (
        ("one", content, 1),
        ("both", both, 2),
        ("list", [content, content], 2),
        ("several statements", {"schema": 2, "checks": [content] * 3}, 3),
        ("report", REPORT.to_dict(), 1),
    ):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value))
        assert len(read_sources(str(path))) == n_results


def test_a_check_of_another_schema_is_refused(tmp_path) -> None:
    path = tmp_path / "check.json"
    path.write_text(json.dumps({**make_check().to_dict(), "schema": 3}))
    with pytest.raises(ValueError, match=r"report\.schema: expected 2, got 3"):
        read_sources(str(path))


def test_measurements_are_compared_size_by_size(tmp_path) -> None:
    old, new = make_measurement(1.9), make_measurement(1.0)
    (change,) = [
        row for row in compare.diff(old, new).changes if row.family == "speedup"
    ]
    assert (change.subject, change.what) == ("f(10)", "speedup, 2 threads, size 10")
    assert change.kind == "worse"
    path = tmp_path / "measurement.json"
    old.to_json(path)
    (source,) = read_sources(str(path))
    assert source == compare.entries.make_source(old)
    assert "speedup, 2 threads, size 10" in str(compare.gather({"a": old, "b": new}))


def test_it_is_shown_as_text_markdown_and_a_page(golden) -> None:
    found = gather_sources({"a": read(REPORT), "b": read(make_other())})
    golden("gather.txt", f"{found}\n")
    golden("gather.md", found.to_markdown() + "\n")
    assert found.to_html().count("holds (!)") == 1


def read(report: Report) -> list:
    return [compare.entries.make_source(report)]


def make_other() -> Report:
    other = replace_in(REPORT, "cffi", gil=make_gil("holds"))
    other = with_speedup(other, 1.0, 0.98, 1.02)
    return change(other, python="3.14.0", free_threaded_build=True, gil_enabled=False)
