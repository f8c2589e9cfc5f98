"""Reports from elsewhere: read if they are reports, else refused with the place."""

import copy
import dataclasses
import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compare.render  # noqa: F401 - what renders the reports.
from compare import Report
from compare.scenarios import Options
from gilscope.record import DEPTH_MAX, SIZE_MAX, read_json, structure
from tests.unit.sample_reports import make_report

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
SCHEMA_1 = ROOT / "tests" / "data" / "report.schema-1.json"
LONG = make_report(long=True)
SCHEMA = json.loads((ROOT / "gilscope" / "schema" / "report.schema.json").read_text())


def load_docs() -> Any:
    """Return the module that writes the schemas."""
    spec = importlib.util.spec_from_file_location(
        "docs_schema", ROOT / "docs/schema.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- The schema -----------------------------------------------------------------------


def test_the_schemas_and_their_page_are_those_of_the_types() -> None:
    """`python docs/schema.py` makes them again."""
    docs = load_docs()
    assert docs.PAGE.read_text(encoding="utf-8") == docs.render_page()
    for name, (_, kind) in docs.RECORDS.items():
        shipped = json.loads((docs.SCHEMAS / f"{name}.schema.json").read_text())
        assert shipped == docs.make_schema(kind)
        jsonschema.Draft202012Validator.check_schema(shipped)


@pytest.mark.parametrize("long", [True, False])
def test_a_report_is_as_the_schema_says(long: bool) -> None:
    """What is written, and what is read back of it."""
    report = make_report(long=long)
    jsonschema.validate(report.to_dict(), SCHEMA)
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    "damage",
    [
        lambda report: report.update(quick="no"),
        lambda report: report["environment"].update(cpu_count=1.5),
        lambda report: report["backends"][0].update(status="fine"),
        lambda report: report["backends"][0].pop("name"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(damage: Any) -> None:
    """Two accounts of the same thing."""
    content = LONG.to_dict()
    damage(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)
    with pytest.raises(ValueError, match="expected"):
        Report.from_dict(content)


# --- Schema 1 -------------------------------------------------------------------------


def test_a_report_of_schema_1_is_read() -> None:
    """All seven scenarios of one that gilscope 0.1 wrote, with the figures' ranges."""
    old = json.loads(SCHEMA_1.read_text())
    report = Report.from_json(SCHEMA_1)
    jsonschema.validate(report.to_dict(), SCHEMA)
    before, row = old["backends"][1], report["cython"]
    assert row.parallel is not None
    assert row.parallel.pair.speedup == dataclasses.replace(
        row.parallel.pair.speedup,
        value=before["parallel"]["speedup"],
        low=before["parallel"]["speedup_range"][0],
        high=before["parallel"]["speedup_range"][1],
    )
    assert row.parallel.alone_s == before["parallel"]["solo_s"] / 2
    assert row.parallel.held.speedup.value == before["parallel"]["held_speedup"]
    assert row.parallel.held.effective_cores is None
    assert row.contention is not None
    speed = row.contention.rows[0].busy_thread_speed
    assert speed.value == before["contention"]["rows"][0]["partner_speed"]
    assert (speed.low, speed.high) == (0.0, max(1.0, speed.value))
    assert row.gil is not None
    assert row.gil.verdict == before["gil"]["verdict"]
    assert row.gil.size == before["gil"]["n_values"]
    assert row.sweep is not None
    assert row.sweep.cells[0].size == before["sweep"]["cells"][0]["n"]
    assert row.pairs is not None
    assert row.pairs.cells[0].stops is not None
    assert row.build_info == before["build_info"]
    assert "cython" in str(report)


def test_a_damaged_report_of_schema_1_is_refused() -> None:
    """As one of today, with the place."""
    old = json.loads(SCHEMA_1.read_text())
    old["backends"][1]["parallel"]["rows"][0]["speedup_range"] = [1, "x"]
    with pytest.raises(ValueError, match=r"backends\[1\]\.parallel\.rows"):
        Report.from_dict(old)


# --- What is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (("backends", 0, "elapsed_s", math.nan), ".backends[0].elapsed_s: expected a"),
        (("backends", 0, "elapsed_s", 10**400), "got an integer of 1329 bits"),
        (("backends", 0, "elapsed_s", True), "expected a number, got True"),
        (("backends", 0, "reason", 5), ".reason: expected a text, got 5"),
        (("backends", 0, "reason", None), ".reason: expected a text, got None"),
        (("backends", 0, "declared", 1), "expected true or false, got 1"),
        (("backends", 0, "status", "fine"), ".status: expected one of 'ok', 'wrong'"),
        (("backends", 0, "status", ["ok"]), "got ['ok']"),
        (("backends", 0, "build_info", "x", math.inf), ".build_info.'x': expected"),
        (("backends", 0, []), "report.backends[0]: expected an object, got []"),
        (("backends", "all"), "report.backends: expected a list, got 'all'"),
        (
            ("backends", 1, "name", "python"),
            "backends[1].name: expected each name once",
        ),
        (("scenarios", 0, "nope"), "report.scenarios[0]: expected one of correctness"),
        (("scenarios", 0, "\x1b[2J\u202e"), r"got '\x1b[2J\u202e'"),
        (("environment", None), "report.environment: expected an object, got None"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    damage: tuple[Any, ...], words: str
) -> None:
    """One line, without a character that a terminal would obey."""
    *way, last, value = damage
    content = LONG.to_dict()
    place = content
    for step in way:
        place = place[step]
    place[last] = value
    text = json.dumps(content)
    with pytest.raises(ValueError, match="report") as raised:
        Report.from_json(text)
    message = str(raised.value)
    assert words in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": 2, "schema": 2}', "twice"),
        ('{"schema": 2, "environment": {"python": "1", "python": "2"}}', "twice"),
        # After so many others that they cannot be compared pair by pair.
        ("{" + ",".join(f'"{k}":0' for k in (*range(10**5), 99_999)) + "}", "twice"),
        ("[" * 100_000, "levels"),
        ('{"schema":' * 100_000, "levels"),
        ("{" + " " * SIZE_MAX, "characters, got more"),
        ('{"schema": ' + "9" * 5000 + "}", "expected JSON"),
        ('{"a": \ud800}', "expected JSON"),
    ],
)
def test_what_is_no_report_at_all_is_refused(text: str, words: str) -> None:
    """Deep, large, doubled or broken."""
    with pytest.raises(ValueError, match=words) as raised:
        Report.from_json(text)
    assert str(raised.value).startswith("report")


def test_as_many_items_are_expected_as_there_are_types() -> None:
    """Of a tuple that has so many."""
    with pytest.raises(ValueError, match=r"partners\[0\]: expected 2 items, got 1"):
        structure({"partners": [["python"]]}, Options)


def test_a_deep_build_info_is_refused() -> None:
    """It is the one place where anything may stand."""
    content = LONG.to_dict()
    deep: dict[str, Any] = {}
    for _ in range(DEPTH_MAX + 2):
        deep = {"x": deep}
    content["backends"][0]["build_info"] = deep
    with pytest.raises(ValueError, match="at most 100 levels"):
        Report.from_dict(content)


def test_a_mark_before_utf_8_is_no_part_of_it(tmp_path: Path) -> None:
    """Some programs write one."""
    path = tmp_path / "report.json"
    path.write_text(LONG.to_json(), encoding="utf-8-sig")
    assert Report.from_json(path) == LONG


def test_a_file_is_read_no_further_than_a_report_goes(tmp_path: Path) -> None:
    """One that never ends, too."""
    if not Path("/dev/zero").exists():
        pytest.skip("there is no /dev/zero here")
    with pytest.raises(ValueError, match="characters, got more"):
        read_json("/dev/zero")


# --- Whatever it is -------------------------------------------------------------------


def find_places(content: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a report."""
    yield way
    if isinstance(content, dict):
        for name, value in content.items():
            yield from find_places(value, (*way, name))
    elif isinstance(content, list):
        for place, value in enumerate(content[:3]):
            yield from find_places(value, (*way, place))


PLACES = [way for way in find_places(LONG.to_dict()) if way]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, -(10**400), "\x1b]0;x\x07", "\ud800", [], {}, "ok"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


def damage_report(data: Any, source: dict[str, Any]) -> dict[str, Any]:
    """Return a report in which some values are others, or gone."""
    content = copy.deepcopy(source)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(PLACES))
        place: Any = content
        try:
            for step in way:
                place = place[step]
            if data.draw(st.booleans()):
                place[last] = data.draw(JUNK)
            else:
                del place[last]
        except (LookupError, TypeError):
            continue
    return content


def check_reading(text: str) -> None:
    """Refuse it in one line, or read all of it: never another exception."""
    said = "report"
    try:
        report = Report.from_json(text)
        assert Report.from_json(report.to_json()) == report
    except ValueError as error:
        said = str(error)
    assert said.startswith("report")
    assert said.isprintable()


@settings(max_examples=20)
@given(st.data())
def test_a_damaged_report_is_refused_or_read(data: Any) -> None:
    """Some values are others or gone."""
    check_reading(json.dumps(damage_report(data, LONG.to_dict())))


@settings(max_examples=50)
@given(st.data())
def test_a_damaged_report_of_schema_1_is_refused_or_read(data: Any) -> None:
    """The conversion takes nothing for granted."""
    check_reading(json.dumps(damage_report(data, json.loads(SCHEMA_1.read_text()))))


@pytest.mark.timeout(1800)
@pytest.mark.nightly
@settings(max_examples=1000, derandomize=False)
@given(st.data())
def test_no_damage_of_many_comes_through(data: Any) -> None:
    """The same, for long."""
    check_reading(json.dumps(damage_report(data, LONG.to_dict())))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_read(raw: bytes) -> None:
    """A text that may be anything."""
    with pytest.raises(ValueError, match="report"):
        Report.from_json("{" + raw.decode("latin-1"))
