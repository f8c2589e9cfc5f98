"""`gilscope check`: its statuses and files, and that it can always be ended."""

import argparse
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from gilscope import cli
from gilscope.cli.options import parse_duration, parse_time_limit
from gilscope.environment import is_free_threaded_build, is_gil_enabled
from gilscope.model import Check, CheckEnvironment
from gilscope.probe.child import StatementError
from gilscope.stats import Figure
from tests.looks import look_until, try_limits
from tests.native import build_calls

TIMEOUT_S = 240
needs_gil = pytest.mark.skipif(not is_gil_enabled(), reason="there is no GIL to hold")
JSON = ("-s", "import json; text = json.dumps([1] * 50_000)")


def make_command(*words):
    return [sys.executable, "-m", "gilscope", "check", *words]


def run(*words, cwd=None):
    """Run the command in a process of its own."""
    return subprocess.run(
        make_command(*words),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=cwd,
    )


def run_clearly(*words, cwd=None):
    """Run it until the machine was quiet enough to tell."""
    return look_until(lambda done: done.returncode != 3, lambda: run(*words, cwd=cwd))


def make_check(verdict, meaning="gil", **fields):
    where = CheckEnvironment("3.14", "x", 2, True, meaning == "gil", meaning)
    return Check("pass", verdict, "so", where, **fields)


@pytest.fixture
def judge(monkeypatch):
    """Return what gives the command the verdicts that it is to find."""

    def give(*checks):
        found = iter(checks)

        def answer(*_, **__):
            one = next(found)
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr("gilscope.cli.check.judge_in_child", answer)
        monkeypatch.setattr("gilscope.cli.check.is_free_threaded_build", lambda: True)

    return give


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["releases"], 0),
        (["varies"], 1),
        (["holds"], 1),
        (["preemptible"], 1),
        (["inconclusive"], 3),
        (["releases", "releases"], 0),
        (["releases", "inconclusive"], 3),
        (["inconclusive", "holds", "releases"], 1),
    ],
)
def test_the_status_is_that_of_the_worst_verdict(verdicts, status, judge, capsys):
    judge(*map(make_check, verdicts))
    assert cli.main(["check", "--json", "-", *["pass"] * len(verdicts)]) == status
    content = json.loads(capsys.readouterr().out)
    assert content["schema"] == 2
    found = content.get("checks", [content])
    assert [each["verdict"] for each in found] == verdicts


@pytest.mark.parametrize(
    ("limit", "figures", "status"),
    [
        (["--min-fraction", "0.8"], {"released_fraction": Figure(0.9, 0.8, 1)}, 0),
        (["--min-fraction", "0.8"], {"released_fraction": Figure(0.9, 0.7, 1)}, 3),
        (["--min-fraction", "0.8"], {"released_fraction": Figure(0.5, 0.4, 0.79)}, 1),
        (["--min-fraction", "0.8"], {}, 3),
        (["--max-hold", "10ms"], {"longest_hold": Figure(0.01, 0.01, 0.01)}, 0),
        (["--max-hold", "10ms"], {"longest_hold": Figure(0.02, 0.009, 0.03)}, 3),
        (["--max-hold", "10ms"], {"longest_hold": Figure(0.02, 0.011, 0.03)}, 1),
        (["--max-hold", "10ms"], {}, 3),
    ],
)
def test_a_limit_is_met_missed_or_unclear(limit, figures, status, judge, capsys):
    judge(make_check("releases", **figures))
    assert cli.main(["check", *limit, "pass"]) == status
    outcome = {0: "met", 1: "missed", 3: "unclear"}[status]
    assert f"\n  {outcome}: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("--min-fraction", "1.1", "pass"),
        ("--min-fraction", "x", "pass"),
        ("--max-hold", "0", "pass"),
        ("--budget", "soon", "pass"),
        ("--timeout", "-1s", "pass"),
    ],
)
def test_a_limit_that_is_none_is_refused(words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("with_gil", "without", "status"),
    [
        ("releases", "releases", 0),
        ("releases", "inconclusive", 3),
        ("inconclusive", "holds", 1),
        ("preemptible", "releases", 1),
    ],
)
def test_both_gives_two_answers_named_by_what_they_mean(
    with_gil, without, status, judge, capsys
):
    judge(make_check(with_gil), make_check(without, "attached"))
    assert cli.main(["check", "--both", "--json", "-", "pass"]) == status
    content = json.loads(capsys.readouterr().out)
    assert content["gil"]["verdict"] == with_gil
    assert content["attached"]["verdict"] == without


@pytest.mark.parametrize("both", [[], ["--both"]])
def test_what_was_judged_before_an_error_is_written(both, judge, tmp_path, capsys):
    """The one that cannot be judged is told; a file from before stays until then."""
    path = tmp_path / "checks.json"
    for found in (0, 1, 2):
        path.write_text("old")
        judge(*map(make_check, ["holds", "releases"][:found]), StatementError("x"))
        words = ["check", *both, "--json", str(path), "a", "b", "c"]
        assert cli.main(words) == cli.USAGE
        assert capsys.readouterr().err == "gilscope: x\n"
        if found:
            checks = json.loads(path.read_text())["checks"]
            assert [each["verdict"] for each in checks] == ["holds", "releases"][:found]
        else:
            assert path.read_text() == "old"


@pytest.mark.skipif(is_free_threaded_build(), reason="this build can do both")
def test_both_needs_a_build_that_can_do_both():
    done = run("--both", "pass")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gilscope: --both: expected a free-threaded build")


@needs_gil
def test_each_statement_is_judged_and_prints_nothing_into_the_json():
    done = look_until(
        lambda done: "inconclusive" not in done.stdout,
        lambda: run(
            *("-s", "import time", "-s", "print('setup')", "--json", "-"),
            *("time.sleep(0.001)", "sum(range(20_000))"),
        ),
    )
    assert done.returncode == 1
    checks = json.loads(done.stdout)["checks"]
    assert [each["verdict"] for each in checks] == ["releases", "holds"]
    assert done.stderr.count("setup") == 2


@needs_gil
def test_a_statement_of_several_lines_is_one():
    lines = "for _ in range(2):\n    time.sleep(0.005)"
    assert run_clearly("-s", "import time", lines).returncode == 0


@needs_gil
def test_a_call_of_one_function_is_judged_as_that_function():
    """The bytecode around it would be interrupted: it takes some microseconds."""
    done = run_clearly("--json", "-", "-s", "text = 'x' * 300_000", "text.find('y')")
    assert json.loads(done.stdout)["verdict"] == "holds"


@needs_gil
def test_what_is_prepared_is_no_part_of_the_call():
    done = run_clearly(
        *("-s", "import time; x = []", "--prepare", "time.sleep(0.001)"),
        *("--prepare", "x = [3] * 50_000", "--json", "-", "x.sort()"),
    )
    assert json.loads(done.stdout)["verdict"] == "holds"


def test_modules_of_the_current_folder_can_be_named_and_harm_nothing(tmp_path):
    for name in ("compare", "backends", "random", "statistics", "gilscope", "json"):
        (tmp_path / f"{name}.py").write_text("import time\nNAME = __name__\n")
    (tmp_path / "mine.py").write_text("from time import sleep as work\n")
    done = run_clearly(
        "-s", "import mine, compare; compare.NAME", "mine.work(0.001)", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("1 +",), "in the statement, '1 +': SyntaxError: "),
        (("-s", "1 / 0", "pass"), "in the setup, '1 / 0': ZeroDivisionError: "),
        (("--prepare", "1 / 0", "pass"), "in what prepares a call, '1 / 0': ZeroDiv"),
        (("raise SystemExit(0)",), "in the statement, 'raise SystemExit(0)': SystemE"),
        (("import os; os._exit(5)",), "the statement ended the process with exit sta"),
        (("import os; os.abort()",), "the statement ended with SIGABRT"),
        (("exec(x)", "-s", "x = 'raise OSError(\"a\\\\nb\")'"), "in the s"),
        (("--json", "a\nb/c", "pass"), "cannot write a\\nb/c: "),
        (("next(iter(()))",), "in the statement, 'next(iter(()))': StopIteration; "),
    ],
)
def test_what_a_statement_raises_or_ends_is_one_line(words, line):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"gilscope: {line}")
    assert "Traceback" not in done.stderr


# --- no answer, and being ended -------------------------------------------------------


@pytest.fixture
def deadlock(tmp_path):
    """Return the words for a call that waits, with the GIL, for who wants the GIL."""
    build_calls(tmp_path)
    setup = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import calls"
    return ("-s", setup, "calls.wait_for(lambda: None)")


@needs_gil
def test_a_deadlock_is_no_answer_with_the_stacks_of_all_threads(deadlock):
    place = 'File "<statement>", line 1'
    done = try_limits(
        lambda done: place in done.stdout,
        lambda limit_s: run("--timeout", f"{limit_s}s", *deadlock),
    )
    assert done.returncode == 3
    assert re.search(r"no answer after \d+ s: deadlock\?", done.stdout)
    assert place in done.stdout
    if sys.platform == "linux":
        native = done.stdout.partition("native threads:")[2]
        assert len(re.findall(r"^ +\d+, ", native, re.MULTILINE)) >= 3


@needs_gil
@pytest.mark.parametrize(
    "statement", ["while True: pass", "import time; time.sleep(99)"]
)
def test_a_call_without_end_is_no_answer(statement):
    done = run("--timeout", "1s", statement)
    assert done.returncode == 3
    assert "no answer after 1 s: deadlock?" in done.stdout


@needs_gil
@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_it_while_the_gil_is_never_released(number, status, deadlock):
    _, setup, statement = deadlock
    process = subprocess.Popen(
        make_command("-s", f"{setup}; print('ready', flush=True)", statement),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # What the setup prints goes to standard error.
    assert process.stderr.readline() == b"ready\n"
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(number)
    _, text = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode in (status, -number)
    assert b"Traceback" not in text


@pytest.mark.parametrize(
    ("text", "seconds"), [("10ms", 0.01), ("0.5s", 0.5), ("200us", 2e-4)]
)
def test_a_duration_has_a_unit(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)
    assert parse_time_limit(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "ms", "-1s", "0", "20", "nan", "infs", "3 hours"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected a duration"):
        parse_duration(text)


def test_a_time_limit_may_be_a_number_of_seconds():
    assert parse_time_limit("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="expected a duration"):
        parse_time_limit("-3")
