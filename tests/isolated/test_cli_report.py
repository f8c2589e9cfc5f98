"""What the command adds to a run, and `gilscope diff`, with every exit status."""

import dataclasses
import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from compare.entries import FAMILIES
from compare.render.answers import TECHNOLOGIES
from gilscope import cli
from tests.unit.sample_reports import make_check, make_gil, make_report, replace_in

ROOT = Path(__file__).parents[2]
FAST = ("run", "--backend", "python", "--scenario", "handoff", "--quick")


def write_report(path: Path, **fields: object) -> str:
    report = make_report(long=False)
    (replace_in(report, "pyo3", **fields) if fields else report).to_json(path)
    return str(path)


@pytest.fixture
def before(tmp_path: Path) -> str:
    return write_report(tmp_path / "before.json")


# --- gilscope run ---------------------------------------------------------------------


def test_a_run_writes_what_it_is_asked_for_and_says_where(tmp_path, capsys) -> None:
    """Each file is whole, their names on standard error; --explain prints the rest."""
    paths = {name: tmp_path / name for name in ("html", "markdown", "trace")}
    options = [
        word for name, path in paths.items() for word in (f"--{name}", str(path))
    ]
    assert cli.main([*FAST, *options, "--explain"]) == cli.OK
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    assert texts["html"].endswith("</html>\n")
    assert texts["markdown"].startswith("## ")
    assert json.loads(texts["trace"])["traceEvents"]
    out, err = capsys.readouterr()
    assert err.splitlines()[-3:] == [f"wrote {path}" for path in paths.values()]
    (python,) = (one for one in TECHNOLOGIES if one.keyword == "pure python")
    assert python.advice[1:30] in out
    assert "::error" not in err


def test_what_failed_is_named_to_github(tmp_path, capsys, monkeypatch) -> None:
    """On a runner of GitHub's, with --markdown: one line a backend, its reason."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    faulty = ("--backend", "no.such.module:backend", *FAST[3:])
    path = tmp_path / "summary.md"
    assert cli.main(["run", *faulty, "--markdown", str(path)]) == cli.WRONG
    errors = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("::error title=")
    ]
    assert len(errors) == 1
    assert "no.such.module" in errors[0]


def test_json_on_standard_output_stays_alone(capsys) -> None:
    """--explain has nowhere to go then."""
    assert cli.main([*FAST, "--json", "-", "--explain"]) == cli.OK
    assert json.loads(capsys.readouterr().out)["schema"] == 2


@pytest.mark.parametrize("option", ["--html", "--markdown", "--trace"])
@pytest.mark.parametrize(
    ("target", "words"),
    [("-", "expected a file, got -"), ("/nowhere/x", "cannot write /nowhere/x")],
)
def test_a_file_that_cannot_be_had_is_refused_first(
    option, target, words, capsys
) -> None:
    """One line, exit status 2, and nothing was run."""
    assert cli.main([*FAST, option, target]) == cli.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


# --- gilscope demo --------------------------------------------------------------------


def test_the_demo_has_a_timeline_of_80_columns(capsys) -> None:
    """Below the lecture's lines, once for each partner."""
    assert cli.main(["demo", "--quick", "python"]) == cli.OK
    out = capsys.readouterr().out
    lanes = re.findall(r"^Python partner \|.*\|$", out, re.MULTILINE)
    assert [len(lane) for lane in lanes] == [80, 80]


def test_the_diagram_is_printed_alone(capsys) -> None:
    """What --mermaid prints can be pasted into Markdown as it is."""
    assert cli.main(["demo", "--quick", "--mermaid", "python"]) == cli.OK
    out = capsys.readouterr().out
    assert out.startswith("sequenceDiagram\n")
    assert out.count("sequenceDiagram") == 1


# --- gilscope diff --------------------------------------------------------------------


def test_two_equal_reports_are_no_change(before, capsys) -> None:
    """Exit status 0, every backend named."""
    assert cli.main(["diff", before, before]) == cli.OK
    assert capsys.readouterr().out.startswith("no change seen")


def test_a_backend_that_holds_now_fails(before, tmp_path, capsys) -> None:
    """Exit status 1; with --json - standard output is JSON alone."""
    after = write_report(tmp_path / "after.json", gil=make_gil("holds"))
    assert cli.main(["diff", before, after]) == cli.WRONG
    assert "verdict: releases -> holds" in capsys.readouterr().out
    assert cli.main(["diff", before, after, "--json", "-"]) == cli.WRONG
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert change["subject"] == "pyo3"


def test_a_figure_fails_if_it_is_asked_for(before, tmp_path) -> None:
    """--fail-on is what makes a slower backend a failure."""
    slower = make_report(long=False)["python"].parallel
    after = write_report(tmp_path / "after.json", parallel=slower)
    assert cli.main(["diff", before, after]) == cli.OK
    assert cli.main(["diff", before, after, "--fail-on", "slowdown"]) == cli.OK
    assert cli.main(["diff", before, after, "--fail-on", "speedup"]) == cli.WRONG


def test_a_figure_that_is_asked_for_and_unsure_cannot_be_told(before, tmp_path) -> None:
    """Exit status 3, as of everything that cannot be told."""
    parallel = make_report(long=False)["pyo3"].parallel
    unsure = dataclasses.replace(parallel, warnings=("no second core was free",))
    after = write_report(tmp_path / "after.json", parallel=unsure)
    assert cli.main(["diff", before, after]) == cli.OK
    assert cli.main(["diff", before, after, "--fail-on", "speedup"]) == cli.UNSURE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("{", "expected JSON"),
        ("[]", "expected schema 2 or 1, got none"),
        ('{"schema": 7}', "expected schema 2 or 1, got 7"),
        ('{"schema": 2}', "report:"),
        (b"\xff\xfe", "can't decode"),
    ],
)
def test_a_file_that_is_no_report_is_refused(
    before, tmp_path, capsys, content, words
) -> None:
    """One line that names the file, exit status 2."""
    path = tmp_path / "after.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    assert cli.main(["diff", before, str(path)]) == cli.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gilscope: cannot read {path}: ")
    assert words in line


def test_an_unknown_figure_is_refused(before, capsys) -> None:
    """Usage names those that there are."""
    with pytest.raises(SystemExit) as raised:
        cli.main(["diff", before, before, "--fail-on", "speed"])
    assert raised.value.code == cli.USAGE
    err = capsys.readouterr().err
    assert all(family in err for family in FAMILIES)


# --- gilscope gather ------------------------------------------------------------------


def test_many_files_are_gathered_into_one_table(before, tmp_path, capsys) -> None:
    """Reports and checks; each file that is asked for is written, JSON is alone."""
    after = write_report(tmp_path / "after.json", gil=make_gil("holds"))
    check = str(tmp_path / "check.json")
    make_check().to_json(check)
    page = tmp_path / "page.html"
    files = (before, after, check)
    assert cli.main(["gather", *files, "--html", str(page)]) == cli.OK
    out = capsys.readouterr().out
    assert "holds (!)" in out
    assert "zlib.crc32" in out
    assert page.read_text(encoding="utf-8").endswith("</html>\n")
    assert cli.main(["gather", *files, "--json", "-"]) == cli.OK
    assert json.loads(capsys.readouterr().out)["schema"] == 2
    assert cli.main(["gather", before, str(page)]) == cli.USAGE


def test_files_of_one_name_in_several_folders_are_all_gathered(
    tmp_path, capsys
) -> None:
    """As the jobs of a matrix leave them."""
    paths = []
    for folder in ("linux", "macos"):
        (tmp_path / folder).mkdir()
        paths.append(write_report(tmp_path / folder / "report.json"))
    assert cli.main(["gather", *paths, paths[0], "--json", "-"]) == cli.OK
    names = json.loads(capsys.readouterr().out)["environments"]
    assert [name.split()[-1] for name in names] == paths


def test_checks_are_compared_too(tmp_path, capsys) -> None:
    """A check that released and holds now is a regression."""
    names = ["old.json", "new.json"]
    for name, verdict in zip(names, ("releases", "holds"), strict=True):
        make_check(verdict).to_json(tmp_path / name)
    paths = [str(tmp_path / name) for name in names]
    assert cli.main(["diff", *paths]) == cli.WRONG
    assert cli.main(["diff", *reversed(paths)]) == cli.OK
    assert "zlib.crc32" in capsys.readouterr().out


# --- The terminal ---------------------------------------------------------------------


def run_on_terminal(**environment: str) -> str:
    """Return what a short run writes to standard error, where that is a terminal."""
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gilscope", *FAST],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", **environment},
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    written = b""
    while select.select([leader], [], [], 240)[0]:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            # Linux says so when nobody has the other side any more.
            break
        if not chunk:
            break
        written += chunk
    os.close(leader)
    assert process.wait() == 0
    return written.decode()


def test_a_terminal_has_a_live_view() -> None:
    """Lines are drawn over as the run goes on."""
    text = run_on_terminal(NO_COLOR="")
    assert "\x1b[" in text
    assert "s so far" in text


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_plain_text_gets_it(environment) -> None:
    """Plain lines, as where there is no terminal."""
    text = run_on_terminal(**environment)
    assert "\x1b" not in text
    assert text.splitlines()[:2] == ["python: loading", "python: handoff"]
